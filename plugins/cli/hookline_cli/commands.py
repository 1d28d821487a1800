"""Which command the arguments mean: one exchange, `plugins` or `demo`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hookline import console

from . import arguments as parsers
from .demo import give_tour
from .listing import list_plugins
from .output import ColourPrinter


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (see `hookline.console`)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    printer = ColourPrinter()
    if words[:1] == ["plugins"]:
        given = parsers.plugins_parser().parse_args(words[1:])
        return console.run(list_plugins(printer, given.names, given.disable, explain=given.explain), printer)
    if words[:1] == ["demo"]:
        given = parsers.demo_parser().parse_args(words[1:])
        return console.run(give_tour(printer, given.disable), printer)
    order = console.read_order(parsers.exchange_parser(), words)
    return console.run(console.send(order, printer), printer)
