"""`hookline plugins`: what runs, what does not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hookline.cli.console import DONE, WRONG_USE
from hookline.cli.printer import Printer, printable

from .loading import load
from .states import Found, find_all

HEADINGS = ("name", "distribution", "version", "state", "events", "wakes for", "options")


async def list_plugins(printer: Printer, disable: Sequence[str]) -> int:
    """Print the plugins of a client, and those that cannot be loaded with an error each; returns the exit status.

    Raises: PluginError, where leaving out one plugin is no remedy.
    """
    client, broken = load(disable)
    async with client:
        for line in table(map(row, find_all(client, broken))):
            printer.line(printable(line))
    for error in broken.values():
        printer.error(error)
    return WRONG_USE if broken else DONE


def row(found: Found) -> tuple[str, ...]:
    """The cells of one plugin."""
    return (
        found.name,
        found.distribution or "-",
        found.version or "-",
        found.state,
        " ".join(found.events) or "-",
        ", ".join(found.runs_for) or "-",
        " ".join(found.options) or "-",
    )


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with the columns below each other."""
    rows = [HEADINGS, *rows]
    if len(rows) == 1:
        return ["no plugins are installed"]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
