"""The arguments of the commands."""

from __future__ import annotations

import argparse

from hookline import __version__, console

EXCHANGE = """\
Send one HTTP request and print the response: status line, fields and body.

  hookline plugins    list the installed plugins; what each does, and in which order
  hookline demo       a tour against a server of its own; needs no network
"""

STATUS = """\
exit status: 0 for a response below 400, 4 for 4xx, 5 for 5xx; 1 when the output cannot be written; 2 for wrong
arguments, a wrong URL and plugins that cannot be loaded; 3 when there is no whole response; 130 after Ctrl-C;
141 when the reader of the output went away.

Colour is used on a terminal only; NO_COLOR switches it off.
"""


def exchange_parser() -> argparse.ArgumentParser:
    """`hookline [METHOD] URL`."""
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
    """`hookline plugins [list | info NAME | order [EVENT] | check NAME | new NAME]`.

    The Namespace has `action`; None is the list.
    """
    parser = argparse.ArgumentParser(
        prog="hookline plugins",
        description="The plugins of a client. Without an action: a list of those that run, in order, and of the others.",
        epilog="HOOKLINE_PLUGINS=NAME loads an optional plugin, here as everywhere.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list all plugins (what comes without an action)")
    info = actions.add_parser("info", help="one plugin: state, events, options and what else it declares")
    info.add_argument("name", metavar="NAME", help="a plugin, or a distribution with all its plugins")
    order = actions.add_parser("order", help="who runs at an event, in which order, and why")
    order.add_argument("event", metavar="EVENT", nargs="?", help="one of the five events; all of them without it")
    console.add_disable(parser)
    check = actions.add_parser(
        "check",
        help="does a plugin do what every plugin has to? needs hookline-testing",
        epilog="""exit status: 0 where it conforms, 1 where a check fails. Example: check basic 'auth=("user", "secret")'""",
    )
    check.add_argument("name", metavar="NAME", help="a plugin, or a distribution with all its plugins")
    check.add_argument("settings", metavar="KEY=VALUE", nargs="*", help="keywords of the clients, which give it work")
    new = actions.add_parser(
        "new", help="write a new plugin into the folder hookline-NAME: hook, test, pyproject, README"
    )
    new.add_argument("name", metavar="NAME", help="of the plugin")
    for action in (listing, info, order):  # an attribute of its own: that of the outer parser would be overwritten
        action.add_argument(
            "--disable", action="append", default=[], metavar="NAME", dest="disable_here", help="leave a plugin out"
        )
    return parser


def demo_parser() -> argparse.ArgumentParser:
    """`hookline demo`."""
    parser = argparse.ArgumentParser(
        prog="hookline demo", description="A tour of the events against a server of its own. Needs no network."
    )
    console.add_disable(parser)
    return parser
