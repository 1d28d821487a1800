"""Run the command that the arguments name: one exchange, `plugins` or `demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import arguments as parsers
from . import console
from .colour_printer import ColourPrinter
from .demo import run_tour
from .plugins_check import check_plugins
from .plugins_info import show_info
from .plugins_list import list_plugins
from .plugins_new import write_project
from .plugins_order import show_order


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status. arguments: None = those of the program."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    printer = ColourPrinter()
    if words[:1] == ["plugins"]:
        return run_plugins(parsers.plugins_parser().parse_args(words[1:]), printer)
    if words[:1] == ["demo"]:
        given = parsers.demo_parser().parse_args(words[1:])
        return console.run(run_tour(printer, given.disable), printer)
    parsed = console.parse_arguments(parsers.exchange_parser(), words)
    return console.run(console.send(parsed, printer), printer)


def run_plugins(given: argparse.Namespace, printer: ColourPrinter) -> int:
    """Run an action of `hookline plugins`, and return its exit status."""
    disable = [*given.disable, *getattr(given, "disable_here", ())]
    if given.action == "info":
        return console.run(show_info(printer, given.name, disable), printer)
    if given.action == "order":
        return console.run(show_order(printer, given.event, disable), printer)
    if given.action == "check":
        return check_plugins(printer, given.name, given.settings)
    if given.action == "new":
        return console.run(write_project(printer, given.name), printer)
    return console.run(list_plugins(printer, disable), printer)
