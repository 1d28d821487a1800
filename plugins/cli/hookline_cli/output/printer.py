"""The output of a command line: lines, heads and errors on standard output and standard error, in colour on terminals."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from hookline import HttpResponse

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# SGR parameters (ECMA-48, 8.3.117).
STYLES = {
    "status-1": "36",
    "status-2": "32",
    "status-3": "33",
    "status-4": "31",
    "status-5": "1;31",
    "name": "36",
    "event": "35",
    "plugin": "33",
    "error": "31",
    "title": "1",
    "faint": "2",
}


def printable(text: str) -> str:
    """Return text of a peer for a terminal: control characters, which could steer it, are escaped."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def printable_lines(text: str) -> str:
    """Return text of several lines, with control characters other than tabs and line feeds escaped."""
    return "\n".join(printable(line.removesuffix("\r")) for line in text.split("\n"))


def terminal_columns() -> int:
    """Return $COLUMNS, else the width of the terminal, 80 if there is none. shutil has the same, and brings archives: 3 ms."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or 80
    except (OSError, ValueError):
        return 80


class Printer:
    """A writer to standard output and standard error.

    Colour is used on terminals only, unless NO_COLOR is set (no-color.org) or TERM is `dumb`.

    out, err: text streams with a `buffer`; None = standard output, standard error. colour: None = on terminals only.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err
        self.colour: bool | None = None

    @property
    def columns(self) -> int:
        """The width of the terminal, 80 if there is none."""
        return terminal_columns()

    def has_colour(self, stream: TextIO) -> bool:
        """Say whether a stream gets colour."""
        if os.environ.get("NO_COLOR"):
            return False
        if self.colour is not None and stream is self.out:
            return self.colour
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def style(self, stream: TextIO, kind: str, text: str) -> str:
        """Return text in the style of its kind, a key of `STYLES`."""
        if kind not in STYLES or not self.has_colour(stream):
            return text
        return f"\x1b[{STYLES[kind]}m{text}\x1b[0m"

    def line(self, text: str = "", stream: TextIO | None = None) -> None:
        """Write one line. Characters that the encoding of the stream lacks are escaped. stream: None = `out`."""
        stream = self.out if stream is None else stream
        stream.buffer.write(f"{text}\n".encode(stream.encoding or "utf-8", "backslashreplace"))
        stream.buffer.flush()

    def write(self, data: bytes) -> None:
        """Write bytes to `out` at once."""
        self.out.buffer.write(data)
        self.out.buffer.flush()

    def head(self, response: HttpResponse, fields: list[tuple[str, str]]) -> None:
        """Write the status line of a response, these fields and an empty line."""
        status = f"{response.version} {response.status_code} {printable(response.reason)}".rstrip()
        lines = [self.style(self.out, f"status-{response.status_code // 100}", status)]
        lines += [f"{self.style(self.out, 'name', printable(name))}: {printable(value)}" for name, value in fields]
        self.line("\n".join([*lines, ""]))

    def note(self, text: str) -> None:
        """Write one faint line to `err`."""
        self.line(self.style(self.err, "faint", printable(text)), self.err)

    def error(self, error: BaseException | str) -> None:
        """Write one line about an error to `err`. Errors of Hookline are named with their class."""
        from_core = isinstance(error, BaseException) and type(error).__module__.partition(".")[0] != "hookline_cli"
        text = f"{type(error).__name__}: {error}" if from_core else str(error)
        self.line(f"{self.style(self.err, 'error', 'hookline:')} {printable(' '.join(text.split()))}", self.err)


def status_of(response: HttpResponse) -> str:
    """Return status code and reason, such as `404 Not Found`."""
    return f"{response.status_code} {response.reason}".rstrip()
