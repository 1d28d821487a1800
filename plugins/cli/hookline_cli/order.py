"""`hookline plugins order`: who runs at an event, when, and why there."""

from __future__ import annotations

from collections.abc import Sequence

from hookline import HttpClient
from hookline.cli.console import DONE, WRONG_USE
from hookline.cli.printer import Printer, printable

from .loading import load
from .states import find_all

EVENTS = ("pre_request", "data_received", "on_headers", "data_processed", "post_request")  # as they fire


async def show_order(printer: Printer, event: str | None, disable: Sequence[str]) -> int:
    """Print who runs at an event, None = at each; returns the exit status.

    Raises: PluginError, for a name that is no event, and where leaving out one plugin is no remedy.
    """
    client, broken = load(disable)
    async with client:
        for each in EVENTS if event is None else (event,):
            lines = turns(client, each)
            printer.line(printer.style(printer.out, "event", each))
            for line in lines:
                printer.line(f"  {printable(line)}")
        for found in find_all(client, broken):
            if not found.is_enabled:
                printer.line(printable(f"not running: {found.name} ({found.state})"))
    for error in broken.values():
        printer.error(error)
    return WRONG_USE if broken else DONE


def turns(client: HttpClient, event: str) -> list[str]:
    """A line for each who runs, in order, with the reasons behind the names.

    Raises: PluginError, for a name that is no event.
    """
    order = client.plugins.order(event)
    width = max((len(name) for name, _ in order), default=0)
    return [f"{number}. {name.ljust(width)}  {why}" for number, (name, why) in enumerate(order, 1)] or ["nobody"]
