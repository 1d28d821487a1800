"""Run the stops of the tour, and print their code, the events as they fire, and what came of each."""

from __future__ import annotations

import ast
import contextlib
import inspect
import textwrap
from collections.abc import AsyncIterator, Sequence
from typing import Any

from hookline import HooklineError, HttpClient, HttpRequest, HttpResponse, __version__

from ..event_log import record_events
from ..output.printer import Printer, printable, printable_lines
from ..running import DONE
from .pace import Pace, reading_keys
from .server import demo_server
from .stops import STOPS, Run, Stop, Tour, why_missing

BAR = 30  # characters
HINT = "Any key goes on at once, space pauses, q ends the tour; `hookline demo --fast` does not wait."


class Event:
    """One event of one exchange. times, size: how often data fired, and its bytes. calls: {plugin: what it did, in words}."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        self.request = request
        self.name = name
        self.times = self.size = 0
        self.outcome = ""
        self.calls: dict[str, str] = {}

    def in_words(self) -> str:
        """Describe the outcome and the plugins that did something; at pre_request most are called and do nothing."""
        facts = [self.outcome] if self.outcome else []
        if self.size:
            facts.append(f"{self.size} bytes in {self.times} {'read' if self.times == 1 else 'reads'}")
        facts += [f"{plugin} {words}" for plugin, words in self.calls.items() if words]
        silent = [plugin for plugin, words in self.calls.items() if not words]
        if self.name == "pre_request":
            facts.append(
                f"{len(silent)} {'plugin does' if len(silent) == 1 else 'plugins do'} nothing" if silent else ""
            )
        else:
            facts += [f"{plugin} runs" for plugin in silent]
        return "; ".join(filter(None, facts)) or "no plugin runs"


class Events:
    """The events of a stop, in the order in which they fired. It listens to an `EventLog`."""

    def __init__(self) -> None:
        self.fired: list[Event] = []
        self._last: Event

    def event(self, response: HttpResponse, event: str, size: int, exc: BaseException | None) -> None:
        """Take an event; data of the same exchange counts as one, however much there is."""
        found = next((e for e in self.fired if e.request is response.request and e.name == event), None)
        if found is None:
            found = Event(response.request, event)
            self.fired.append(found)
        found.times += 1
        found.size += size
        if event == "on_headers":
            found.outcome = printable(f"{response.status_code} {response.reason}")
        elif exc is not None:
            found.outcome = f"exc={type(exc).__name__}"
        self._last = found

    def call(self, plugin: str, event: str, answer: str, changes: list[str]) -> None:
        """Take what a plugin did at the last event."""
        words = f"answers {printable(answer)}" if answer else " and ".join(changes)
        self._last.calls[plugin] = self._last.calls.get(plugin) or words


async def run_tour(printer: Printer, disable: Sequence[str], *, is_fast: bool) -> int:
    """Run all stops and print them; return the exit status. is_fast: do not wait between the parts on a terminal.

    Raises: PluginError, when plugins cannot be loaded.
    """
    events = Events()
    settings: dict[str, Any] = {"disable": disable, "trust_env": False, "timeout": 10}

    @contextlib.asynccontextmanager
    async def open_client(**options: Any) -> AsyncIterator[HttpClient]:
        async with HttpClient(**settings, **options) as client:
            record_events(client, events)
            yield client

    is_slow = printer.out.isatty() and not is_fast
    with reading_keys() if is_slow else contextlib.nullcontext() as keys:
        pace = Pace(is_slow=is_slow, keys=keys)
        async with demo_server() as origins, open_client() as client:
            names = [info.name for info in client.plugins if info.name != "event_recorder"]
            printer.line(
                f"Hookline {__version__}, plugins: {', '.join(names) or 'none'}. The server is {origins.first}."
            )
            if pace.has_keys:
                printer.note(HINT)
            tour = Tour(client, origins, open_client, progress(printer, is_shown=printer.out.isatty()))
            for number, stop in enumerate(STOPS, 1):
                title = f"{number}. {(stop.run.__doc__ or '').strip()}"
                code = [
                    printer.style(printer.out, "name", f"     {line}") if line else "" for line in code_of(stop.run)
                ]
                for line in ("", printer.style(printer.out, "title", title), "", *code, ""):
                    printer.line(line)
                    await pace.line()
                events.fired.clear()
                outcome = await outcome_of(stop, tour)
                for line in (*event_lines(events, printer), f"   => {outcome}"):
                    printer.line(line)
                    await pace.line()
                if stop is not STOPS[-1] and not await pace.part():
                    break
    return DONE


async def outcome_of(stop: Stop, tour: Tour) -> str:
    """Run a stop, and return what came of it, in lines."""
    absent = [name for name in stop.needs if name not in tour.client.plugins]
    if absent:
        return f"left out: {why_missing(tour.client, absent[0])}"
    try:
        outcome = stop.say(tour.client, await stop.run(tour.client, tour.origins.first, tour))
    except HooklineError as error:
        outcome = f"{type(error).__name__}: {error}"
    return printable_lines(outcome).replace("\n", "\n      ")


def event_lines(events: Events, printer: Printer) -> list[str]:
    """Return a line for each exchange and for each of its events."""
    lines = []
    request = None
    for event in events.fired:
        if event.request is not request:
            request = event.request
            lines.append(f"   {request.method} {printable(request.target)}")
        lines.append(f"     {printer.style(printer.out, 'event', f'{event.name:<14}')} {event.in_words()}")
    return lines


def code_of(run: Run) -> list[str]:
    """Return the lines of a stop's body, without its docstring and the last `return`; none without source code."""
    try:
        source = textwrap.dedent(inspect.getsource(run))
    except OSError:  # no source is installed
        return []
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.AsyncFunctionDef)
    _, *body = function.body
    end = body[-1].lineno - 1 if is_name(body[-1]) else body[-1].end_lineno
    return textwrap.dedent("\n".join(source.splitlines()[body[0].lineno - 1 : end])).replace("tour.", "").splitlines()


def is_name(statement: ast.stmt) -> bool:
    """Return whether a statement is `return name`."""
    return isinstance(statement, ast.Return) and isinstance(statement.value, ast.Name)


def progress(printer: Printer, *, is_shown: bool) -> Any:
    """Return a function f(done, total) that draws a bar. is_shown: False draws nothing."""

    def show(done: int, total: int | None) -> None:
        if is_shown and total:
            filled = BAR * done // total
            bar = "=" * filled + " " * (BAR - filled)
            printer.write(f"\r   [{bar}] {done * 100 // total:3} %{chr(10) if done == total else ''}".encode())

    return show
