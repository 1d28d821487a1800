"""`--trace`: when each phase of each exchange began and ended, as a waterfall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hookline import HttpResponse

from .printer import Printer, printable
from .secrets import hide_password

LABEL = 11  # characters of the longest name of a phase, and a space
TIME = 10  # characters of a time
# the phase that ends with each step of `response.timings`
PHASES = {
    "queued": "queue",
    "dns": "DNS",
    "connect": "connect",
    "tls": "TLS",
    "sent": "send",
    "first_byte": "first byte",
    "done": "body",
}


class Phase(NamedTuple):
    """One phase of an exchange; begin, end: seconds since the exchange began."""

    name: str
    begin: float
    end: float


def phases(timings: Any) -> list[Phase]:
    """Return the phases of one exchange; a step that was not needed has none."""
    found = []
    begin = 0.0
    for step, name in PHASES.items():
        end = getattr(timings, step, None)
        if end is not None:
            found.append(Phase(name, begin, max(begin, end)))
            begin = max(begin, end)
    return found


def show_trace(printer: Printer, exchanges: Sequence[tuple[float, HttpResponse]]) -> None:
    """Write the waterfall of all exchanges to standard error. exchanges: the time at which each began, and its response."""
    shown = [(began, response, phases(response.timings)) for began, response in exchanges]
    if not shown:
        return
    first = min(began for began, _, _ in shown)
    last = max((began + each[-1].end for began, _, each in shown if each), default=first)
    for began, response, found in shown:
        request = response.request
        title = f"{request.method} {hide_password(request.url)} {response.status_code or 'no response'}"
        printer.line(printer.style(printer.err, "title", printable(title)[: printer.columns]), printer.err)
        for line in waterfall(found, began - first, last - first, printer.columns):
            printer.line(line, printer.err)


def waterfall(found: Sequence[Phase], offset: float, total: float, columns: int) -> Iterator[str]:
    """Yield a line for each phase, with a bar at its place in the whole time.

    offset: seconds from the beginning of the whole to that of this exchange. total: seconds of the whole.
    """
    room = max(10, min(columns, 100) - LABEL - TIME - 4)
    for phase in found:
        left = round((offset + phase.begin) / total * room) if total else 0
        right = round((offset + phase.end) / total * room) if total else 0
        bar = "█" * (right - left) or "▏"
        yield f"  {phase.name:<{LABEL}}{(phase.end - phase.begin) * 1000:>{TIME - 4}.1f} ms  {' ' * left}{bar}".rstrip()
