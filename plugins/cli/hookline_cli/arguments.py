"""The arguments of the three commands."""

from __future__ import annotations

import argparse

from hookline import __version__, console

EXCHANGE = """\
Send one HTTP request and print the response: status line, fields and body.

  hookline plugins    list the installed plugins
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
        usage="hookline [options] [METHOD] URL\n       hookline plugins [options]\n       hookline demo [options]",
        description=EXCHANGE,
        epilog=STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hookline {__version__}")
    console.add_arguments(parser)
    return parser


def plugins_parser() -> argparse.ArgumentParser:
    """`hookline plugins`."""
    parser = argparse.ArgumentParser(
        prog="hookline plugins", description="List the plugins of a client, in order, and those that do not run."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, with what their options mean")
    parser.add_argument("--explain", action="store_true", help="for each event: who runs, in which order, and why")
    console.add_disable(parser)
    return parser


def demo_parser() -> argparse.ArgumentParser:
    """`hookline demo`."""
    parser = argparse.ArgumentParser(
        prog="hookline demo", description="A tour of the events against a server of its own. Needs no network."
    )
    console.add_disable(parser)
    return parser
