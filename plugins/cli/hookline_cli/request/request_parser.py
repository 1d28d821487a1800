"""The parser of `hookline [METHOD] URL [ITEM ...]`."""

from __future__ import annotations

from collections.abc import Sequence

from hookline import __version__

from ..arguments.client_options import OptionTable, add_header_argument
from ..arguments.items import EXPLANATION
from ..arguments.parser import Parser
from ..extensions import BUILT_IN, COMMANDS, extensions, help_of

DESCRIPTION = """\
Send one HTTP request and print the response. On a terminal: status line, fields, and the body formatted and in colour.
Through a pipe: the body alone, as it came."""

STATUS = """\
exit status: 0 for a response below 400, 4 for 4xx, 5 for 5xx; 1 when the output cannot be written; 2 for wrong
arguments, a wrong URL and plugins that cannot be loaded; 3 when no complete response came; 130 after Ctrl-C;
141 when the reader of the output has closed it.

NO_COLOR switches colour off. Options in ~/.config/hookline/config, one per line, stand before those of each request."""


class RequestParser(Parser):
    """The parser, whose help lists the commands of plugins; they are loaded for that alone."""

    def format_help(self) -> str:
        self.epilog = f"commands:\n{describe_commands()}\n\nitems:\n{EXPLANATION}\n\n{STATUS}"
        return super().format_help()


def request_parser(words: Sequence[str] | None = None) -> tuple[Parser, OptionTable]:
    """Return the parser, and the options of core and plugins in it.

    words: those of a command line. The options of plugins, which take 5 ms, are added if one of them may be among the words,
    or if the command asks plugins about theirs; None = always.
    """
    parser = RequestParser(
        "hookline",
        usage="hookline [options] [METHOD] URL [ITEM ...]\n       hookline COMMAND [options]",
        description=DESCRIPTION,
    )
    parser.add_argument("--version", action="version", version=f"hookline {__version__}")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="[METHOD] URL [ITEM ...]",
        help="GET without a body, POST with one; http:// is added",
    )
    add_body_arguments(parser)
    add_output_arguments(parser)
    return parser, OptionTable(parser, words, asks_plugins=("-h", "--help", "--code", "--session"))


def describe_commands() -> str:
    """Return a line for each command: our own, then those of plugins."""
    lines = [f"  {name:<12} {text}" for name, text in BUILT_IN.items()]
    lines += [f"  {each.name:<12} {help_of(each)}" for each in extensions(COMMANDS) if each.name not in BUILT_IN]
    return "\n".join(lines)


def add_body_arguments(parser: Parser) -> None:
    """Add what the request is made of."""
    group = parser.add_argument_group("request")
    add_header_argument(group)
    group.add_argument(
        "-d",
        "--data",
        action="append",
        default=[],
        metavar="TEXT",
        help="the body, several joined with &; @FILE takes it from a file, @- from standard input",
    )
    group.add_argument("--raw", metavar="TEXT", help="the body as it is, without a Content-Type")
    kind = group.add_mutually_exclusive_group()
    for flags, text in (
        (("-j", "--json"), "send the fields as JSON (the default)"),
        (("-f", "--form"), "send the fields as a form; with files as multipart"),
        (("--multipart",), "send the fields as multipart, also without files"),
    ):
        name = flags[-1].lstrip("-")
        kind.add_argument(*flags, dest="body_kind", action="store_const", const=name, help=text)
    group.add_argument("-I", "--head", action="store_true", help="send HEAD and print the fields")
    group.add_argument("-X", "--method", metavar="METHOD", help="the method, as in curl")
    group.add_argument("--session", metavar="NAME", help="keep cookies, credentials and fields for the next request")
    group.add_argument("--code", action="store_true", help="print the request as a Python program, and do not send it")
    group.add_argument("--explain", action="store_true", help="show what would be sent and who would run; send nothing")


def add_output_arguments(parser: Parser) -> None:
    """Add what is printed, and where the body goes."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-v", "--verbose", action="count", default=0, help="show the events and what plugins did; -vv each read too"
    )
    group.add_argument("--trace", action="store_true", help="show when each phase of each exchange began and ended")
    group.add_argument("-i", "--include", action="store_true", help="print status line and fields also through a pipe")
    group.add_argument("-b", "--body", action="store_true", help="print the body without status line and fields")
    group.add_argument("-s", "--silent", action="store_true", help="no progress and no summary; errors are shown")
    group.add_argument(
        "--pretty", choices=("auto", "all", "format", "colors", "none"), default="auto", help="how a body is shown"
    )
    group.add_argument("-S", "--stream", action="store_true", help="show each line of the body when it comes")
    group.add_argument("-o", "--output", metavar="FILE", help="write the body to a file; - prints it as it is")
    group.add_argument(
        "-O", "--download", action="store_true", help="write the body to a file with the name that the server gives"
    )
    group.add_argument("-C", "--continue", dest="resume", action="store_true", help="go on with a broken download")
    group.add_argument("--checksum", metavar="NAME:HEX", help="check the downloaded file, such as sha256:9f86d0…")
    group.add_argument("--har", metavar="FILE", help="record all exchanges as HAR 1.2, without credentials")
    group.add_argument("--show-secrets", action="store_true", help="show credentials in full")
