"""`hookline plugins order`: show which plugins run at an event, in which order, and why."""

from __future__ import annotations

from collections.abc import Sequence

from hookline import HttpClient

from .installed import installed_plugins
from .loading import load_client, print_broken
from .output.printer import Printer, printable

EVENTS = (
    "pre_request",
    "data_received",
    "on_headers",
    "data_processed",
    "post_request",
)  # in the order in which they fire


async def show_order(printer: Printer, event: str | None, disable: Sequence[str]) -> int:
    """Print the plugins that run at an event, None = at each event; return the exit status.

    Raises: PluginError, for an unknown event, and for an error that leaving out plugins does not remove.
    """
    async with load_client(disable) as client:
        plugins = installed_plugins(client)
        for each in EVENTS if event is None else (event,):
            lines = order_lines(client, each)
            printer.line(printer.style(printer.out, "event", each))
            for line in lines:
                printer.line(f"  {printable(line)}")
        for plugin in plugins:
            if not plugin.is_enabled:
                printer.line(printable(f"not running: {plugin.name} ({plugin.state})"))
    return print_broken(printer, plugins)


def order_lines(client: HttpClient, event: str) -> list[str]:
    """Return a line for each plugin that runs at an event, in order, with the reason for its position.

    Raises: PluginError, for an unknown event.
    """
    order = client.plugins.order(event)
    width = max((len(name) for name, _ in order), default=0)
    return [f"{number}. {name.ljust(width)}  {reason}" for number, (name, reason) in enumerate(order, 1)] or [
        "no plugin"
    ]
