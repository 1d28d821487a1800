"""The argument parser: argparse, with errors of one line that name the nearest option."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..output.printer import terminal_columns
from ..running import UsageError

_UNKNOWN = re.compile(r"unrecognized arguments: (.*)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError instead of printing its usage and ending the program. No option can be abbreviated."""

    def __init__(self, prog: str, **settings: Any) -> None:
        settings.setdefault("formatter_class", Formatter)
        super().__init__(prog, allow_abbrev=False, **settings)

    @property
    def flags(self) -> list[str]:
        """All options, such as `-v` and `--verbose`."""
        return [flag for action in self._actions for flag in action.option_strings]

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        unknown = _UNKNOWN.match(message)
        if unknown is not None:
            wrong = next((word for word in unknown[1].split() if word.startswith("-")), unknown[1])
            message = f"unknown option {wrong.partition('=')[0]}{self.suggest(wrong)}"
        raise UsageError(f"{message.removeprefix('argument ')} ({self.prog} --help)")

    def suggest(self, word: str) -> str:
        """Return the end of a message about an unknown option: the nearest one, if there is one."""
        return nearest(word.partition("=")[0], self.flags)


class Formatter(argparse.HelpFormatter):
    """Help that can be read on 60 columns: a narrow column of options, and texts whose lines stay and are wrapped."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, max_help_position=26, width=terminal_columns() - 2, **settings)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """Return `-o, --output FILE`, as Python 3.13 does, and not `-o FILE, --output FILE`."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, str(action.dest).upper())
        return f"{', '.join(action.option_strings)} {value}"

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(wrapped(line, width, indent) for line in text.splitlines())


def wrapped(line: str, width: int, indent: str) -> str:
    """Return a line of a text, wrapped; in a table of two columns what follows stands in the second one."""
    import textwrap  # imported here, because only the help needs it

    column = re.match(r" +\S+(?: \S+)* {2,}", line)
    hanging = indent + " " * (len(column[0]) if column else 0)
    return textwrap.fill(line, width, initial_indent=indent, subsequent_indent=hanging, break_long_words=False)


def nearest(word: str, known: Sequence[str]) -> str:
    """Return `; did you mean X?` for the nearest of the known words, "" if none is near."""
    from difflib import get_close_matches

    found = get_close_matches(word, known, 1)
    return f"; did you mean {found[0]}?" if found else ""


def one_line_errors(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a converter whose errors become those of the option, without the value, which may be a secret."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except (TypeError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return converted
