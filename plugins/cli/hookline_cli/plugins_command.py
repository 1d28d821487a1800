"""`hookline plugins`: its parser and its actions."""

from __future__ import annotations

from collections.abc import Sequence

from .arguments.client_options import add_disable
from .arguments.parser import Parser
from .output.printer import Printer
from .plugins_check import check_plugins
from .plugins_info import show_info
from .plugins_list import list_plugins
from .plugins_new import write_project
from .plugins_order import show_order
from .running import run


def plugins_parser() -> Parser:
    """Return the parser of `hookline plugins [list | info NAME | order [EVENT] | check NAME | new NAME]`.

    Its namespace has `action`; None = list.
    """
    parser = Parser(
        "hookline plugins",
        description="Show the plugins of a client. Without an action: list those that run, in order, and then the others.",
        epilog="HOOKLINE_PLUGINS=NAME loads an optional plugin, here as everywhere.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list all plugins (the default)")
    info = actions.add_parser("info", help="show one plugin: its state, events, options and other declarations")
    info.add_argument("name", metavar="NAME", help="a plugin, or a distribution with all its plugins")
    order = actions.add_parser("order", help="show which plugins run at an event, in which order, and why")
    order.add_argument("event", metavar="EVENT", nargs="?", help="one of the five events (default: all)")
    add_disable(parser)
    check = actions.add_parser(
        "check",
        help="run the checks that every plugin must pass; needs hookline-testing",
        epilog="""exit status: 0 if all checks pass, 1 if one fails. Example: check basic 'auth=("user", "secret")'""",
    )
    check.add_argument("name", metavar="NAME", help="a plugin, or a distribution with all its plugins")
    check.add_argument(
        "settings", metavar="KEY=VALUE", nargs="*", help="options of the clients that are used in the checks"
    )
    new = actions.add_parser(
        "new",
        help="write a new plugin into the folder hookline-NAME: a hook, a test, pyproject.toml, README and workflows",
    )
    new.add_argument("name", metavar="NAME", help="the name of the plugin")
    for action in (listing, info, order):  # its own dest, or it would overwrite the value of the outer parser
        action.add_argument(
            "--disable", action="append", default=[], metavar="NAME", dest="disable_here", help="leave a plugin out"
        )
    return parser


def run_plugins(words: Sequence[str], printer: Printer) -> int:
    """Run an action of `hookline plugins`, and return its exit status.

    Raises: UsageError; SystemExit, for --help.
    """
    given = plugins_parser().parse_args(words)
    disable = [*given.disable, *getattr(given, "disable_here", ())]
    if given.action == "info":
        return run(show_info(printer, given.name, disable), printer)
    if given.action == "order":
        return run(show_order(printer, given.event, disable), printer)
    if given.action == "check":
        return check_plugins(printer, given.name, given.settings)
    if given.action == "new":
        return run(write_project(printer, given.name), printer)
    return run(list_plugins(printer, disable), printer)
