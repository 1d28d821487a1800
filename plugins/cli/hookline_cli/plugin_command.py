"""Run the command of a plugin, and hand it what it needs: the client, the URL, the fields and the output."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from .arguments.client_options import ClientOptions, OptionTable, add_header_argument
from .arguments.config import configured_words
from .arguments.parser import Parser
from .output.printer import Printer
from .running import UsageError, run

if TYPE_CHECKING:
    from hookline import EntryPoint


class CommandContext:
    """What the command of a plugin gets from the command line, as the second argument of its `run`.

    headers: the fields of -H; a value of None removes a default. keywords: the options for the call, by keyword; known once
    `open_client` was called. is_terminal: True if standard output is a terminal.
    """

    def __init__(self, printer: Printer, options: ClientOptions, headers: list[tuple[str, str | None]]) -> None:
        self._printer = printer
        self._options = options
        self.headers = headers
        self.keywords: dict[str, Any] = {}

    @property
    def is_terminal(self) -> bool:
        """Say whether standard output is a terminal."""
        return self._printer.out.isatty()

    def open_client(self, plugins: Sequence[Any] = ()) -> Any:
        """Return a client with the options of the command line, to be used with `async with`. plugins: objects to add.

        Options that hold for one origin are in `keywords` then: `client.get(url, **context.keywords)`.

        Raises: PluginError, and an error for wrong options that ends the command with a message.
        """
        from .request.client import open_client

        client, self.keywords = open_client(self._options, plugins)
        return client

    def complete_url(self, text: str, scheme: str = "http") -> str:
        """Return a URL with its scheme added if it has none, and localhost if it begins with a port: `:8000/path`."""
        from .request.plan import with_scheme

        url = with_scheme(text)
        return url if url == text else f"{scheme}{url.removeprefix('http')}"

    def line(self, text: str) -> None:
        """Write a line to standard output. On a terminal control characters are escaped."""
        from .output.printer import printable_lines

        self._printer.line(printable_lines(text) if self.is_terminal else text)

    def write(self, data: bytes) -> None:
        """Write bytes to standard output at once."""
        self._printer.write(data)

    def note(self, text: str) -> None:
        """Write a faint line about what happens to standard error."""
        self._printer.note(text)

    def usage_error(self, message: str) -> Exception:
        """Return an error to raise for wrong arguments: the command ends with the message and status 2."""
        return UsageError(message)


def run_extension(extension: EntryPoint, words: list[str], printer: Printer) -> int:
    """Run the command of a plugin, and return its exit status.

    Raises: UsageError, also if the command cannot be loaded; SystemExit, for --help.
    """
    try:
        command = extension.load()
        parser, table = extension_parser(extension, command)
        if not iscoroutinefunction(command.run):
            raise TypeError("its run is no coroutine function (async def)")
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the command {extension.name} of {extension.distribution} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    given = parser.parse_intermixed_args([*configured_words(parser.flags), *words])
    for failure in table.failures:
        printer.error(failure)
    from .request.plan import parse_header

    headers = [parse_header(line) for line in given.header]
    return run(command.run(given, CommandContext(printer, table.given(given), headers)), printer)


def extension_parser(extension: EntryPoint, command: Any) -> tuple[Parser, OptionTable]:
    """Return the parser of a plugin's command: its own arguments, -H, and the options of core and of all plugins."""
    parser = Parser(f"hookline {extension.name}", description=command.__doc__)
    command.add_arguments(parser)
    add_header_argument(parser)
    return parser, OptionTable(parser)
