"""`hookline plugins`: list the plugins that run, and the others with the reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .installed import InstalledPlugin, installed_plugins
from .loading import load_client
from .output.printer import Printer, printable
from .running import DONE, WRONG_USE

HEADINGS = ("name", "distribution", "version", "state", "events", "runs for", "options")


async def list_plugins(printer: Printer, disable: Sequence[str]) -> int:
    """Print a table of all plugins, and an error for each that cannot be loaded; return the exit status.

    Raises: PluginError, for an error that leaving out plugins does not remove.
    """
    client, broken = load_client(disable)
    async with client:
        for line in table(map(row, installed_plugins(client, broken))):
            printer.line(printable(line))
    for error in broken.values():
        printer.error(error)
    return WRONG_USE if broken else DONE


def row(plugin: InstalledPlugin) -> tuple[str, ...]:
    """Return the cells of one plugin."""
    return (
        plugin.name,
        plugin.distribution or "-",
        plugin.version or "-",
        plugin.state,
        " ".join(plugin.events) or "-",
        ", ".join(plugin.runs_for) or "-",
        " ".join(plugin.options) or "-",
    )


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, with aligned columns."""
    rows = [HEADINGS, *rows]
    if len(rows) == 1:
        return ["no plugins are installed"]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
