"""`hookline plugins`: what runs, what does not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hookline import HttpClient, Option, PluginError
from hookline.console import DONE
from hookline.printer import Printer

HEADINGS = ("name", "distribution", "version", "state", "events", "options")


async def list_plugins(printer: Printer, names: Sequence[str], disable: Sequence[str], *, explain: bool) -> int:
    """Print the plugins of a client; returns the exit status.

    names: print these alone, with their options in words. explain: print who runs at which event, and why.

    Raises: PluginError, for a name that is not there and for plugins that cannot be loaded.
    """
    async with HttpClient(disable=disable) as client:
        if explain:
            printer.line(client.plugins.explain())
            return DONE
        rows = [*running(client), *absent(client)]
        for name in names:
            if not any(row[0] == name for row in rows):
                known = ", ".join(row[0] for row in rows) or "none"
                raise PluginError(f"no plugin {name!r} is installed; there are {known}")
        chosen = [row for row in rows if not names or row[0] in names]
        for line in table(chosen):
            printer.line(line)
        for name in names:
            for line in options_in_words(client, name):
                printer.line(line)
    return DONE


def running(client: HttpClient) -> list[tuple[str, ...]]:
    """A row for each plugin that runs, in order."""
    return [
        (
            info.name,
            info.distribution or "-",
            info.version or "-",
            "enabled",
            " ".join(info.hooks) or "-",
            " ".join(info.options) or "-",
        )
        for info in client.plugins
    ]


def absent(client: HttpClient) -> list[tuple[str, ...]]:
    """A row for each plugin that is installed and does not run."""
    rows: list[tuple[str, ...]] = []
    for found in client.plugins.absent:
        where = ("-", "-") if found.entry is None else (found.entry.distribution, found.entry.version)
        why = found.why if found.by is None else f"{found.why} by {found.by.name}"
        rows.append((found.name, *where, why, "-", "-"))
    return rows


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with the columns below each other."""
    rows = [HEADINGS, *rows]
    if len(rows) == 1:
        return ["no plugins are installed"]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def options_in_words(client: HttpClient, name: str) -> list[str]:
    """A line for each option of a plugin that runs."""
    if name not in client.plugins:
        return []
    plugin = client.plugins[name].plugin
    declare = getattr(plugin, "declare", None)
    options = [found for found in declare() if isinstance(found, Option)] if declare is not None else []
    return ["", f"options of {name}"] + [f"  {o.name} = {o.default!r}: {o.doc or 'no description'}" for o in options]
