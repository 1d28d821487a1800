"""The argument parsers of the commands."""

from __future__ import annotations

import argparse

from hookline import __version__

from . import console

EXCHANGE = """\
Send one HTTP request and print the response: status line, fields and body.

  hookline plugins    list the installed plugins, what each does, and in which order
  hookline demo       a tour with a built-in server; needs no network
"""

STATUS = """\
exit status: 0 for a response below 400, 4 for 4xx, 5 for 5xx; 1 when the output cannot be written; 2 for wrong
arguments, a wrong URL and plugins that cannot be loaded; 3 when no complete response came; 130 after Ctrl-C;
141 when the reader of the output has closed it.

Colour is used on terminals only; NO_COLOR switches it off.
"""


def exchange_parser() -> argparse.ArgumentParser:
    """Return the parser of `hookline [METHOD] URL`."""
    parser = argparse.ArgumentParser(
        prog="hookline",
        usage="hookline [options] [METHOD] URL\n       hookline plugins [action] [options]\n       hookline demo [options]",
        description=EXCHANGE,
        epilog=STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hookline {__version__}")
    console.add_arguments(parser)
    return parser


def plugins_parser() -> argparse.ArgumentParser:
    """Return the parser of `hookline plugins [list | info NAME | order [EVENT] | check NAME | new NAME]`.

    Its namespace has `action`; None = list.
    """
    parser = argparse.ArgumentParser(
        prog="hookline plugins",
        description="Show the plugins of a client. Without an action: list those that run, in order, and then the others.",
        epilog="HOOKLINE_PLUGINS=NAME loads an optional plugin, here as everywhere.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list all plugins (the default)")
    info = actions.add_parser("info", help="show one plugin: its state, events, options and other declarations")
    info.add_argument("name", metavar="NAME", help="a plugin, or a distribution with all its plugins")
    order = actions.add_parser("order", help="show which plugins run at an event, in which order, and why")
    order.add_argument("event", metavar="EVENT", nargs="?", help="one of the five events (default: all)")
    console.add_disable(parser)
    check = actions.add_parser(
        "check",
        help="run the checks that every plugin must pass; needs hookline-testing",
        epilog="""exit status: 0 if all checks pass, 1 if one fails. Example: check basic 'auth=("user", "secret")'""",
    )
    check.add_argument("name", metavar="NAME", help="a plugin, or a distribution with all its plugins")
    check.add_argument(
        "settings",
        metavar="KEY=VALUE",
        nargs="*",
        help="options of the clients that are used in the checks",
    )
    new = actions.add_parser(
        "new", help="write a new plugin into the folder hookline-NAME: a hook, a test, pyproject.toml and README"
    )
    new.add_argument("name", metavar="NAME", help="the name of the plugin")
    for action in (listing, info, order):  # its own dest, or it would overwrite the value of the outer parser
        action.add_argument(
            "--disable", action="append", default=[], metavar="NAME", dest="disable_here", help="leave a plugin out"
        )
    return parser


def demo_parser() -> argparse.ArgumentParser:
    """Return the parser of `hookline demo`."""
    parser = argparse.ArgumentParser(
        prog="hookline demo", description="A tour of the events with a built-in server. Needs no network."
    )
    console.add_disable(parser)
    return parser
