"""`hookline plugins`: list the plugins that run, and the others with the reason why not."""

from __future__ import annotations

from collections.abc import Sequence

from .installed import InstalledPlugin, installed_plugins
from .loading import load_client, print_broken
from .output.printer import Printer, printable

HEADINGS = ("name", "distribution", "version", "state", "events", "runs for", "options")
DISPENSABLE = ("options", "runs for", "distribution", "version", "events")  # on a narrow terminal, the first one first


async def list_plugins(printer: Printer, disable: Sequence[str]) -> int:
    """Print a table of all plugins, and an error for each that is broken; return the exit status.

    Raises: PluginError, for an error that leaving out plugins does not remove.
    """
    async with load_client(disable) as client:
        plugins = installed_plugins(client)
        rows = [tuple(map(printable, row(plugin))) for plugin in plugins]
        for line in table(rows, printer.columns if printer.out.isatty() else None):
            printer.line(line)
    return print_broken(printer, plugins)


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


def table(rows: Sequence[Sequence[str]], columns: int | None = None) -> list[str]:
    """Return the lines of a table, with aligned columns. columns: the width of the terminal, None = any width."""
    if not rows:
        return ["no plugins are installed"]
    cells = [HEADINGS, *rows]
    widths = {name: max(len(row[number]) for row in cells) for number, name in enumerate(HEADINGS)}
    for name in DISPENSABLE:
        if columns is not None and sum(widths.values()) + 2 * (len(widths) - 1) > columns:
            del widths[name]
    shown = [(number, widths[name]) for number, name in enumerate(HEADINGS) if name in widths]
    return ["  ".join(row[number].ljust(width) for number, width in shown).rstrip() for row in cells]
