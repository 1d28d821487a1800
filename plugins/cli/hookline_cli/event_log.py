"""Record the events of exchanges, the plugins that are called at each, what they return and what they change.

On the client's plugin manager, each plugin is replaced by a `RecordingPlugin`, which calls it and records the call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from hookline import HttpClient, HttpRequest, HttpResponse, hookimpl

EVENTS = ("pre_request", "on_headers", "post_request", "data_received", "data_processed")


class EventRecord:
    """One event of one exchange.

    times: how often it fired. size: bytes of data in all. outcome: the status line or the exception, "" = none.
    plugins: the answer of each plugin that was called, in words; "" = none.
    """

    def __init__(self) -> None:
        self.times = 0
        self.size = 0
        self.outcome = ""
        self.plugins: dict[str, str] = {}


class Listener(Protocol):
    """What is told of each event and each call at once."""

    def event(self, response: HttpResponse, event: str, size: int, exc: BaseException | None) -> None:
        """Take an event. size: bytes of a data event. exc: that of post_request."""

    def call(self, plugin: str, event: str, answer: str, changes: list[str]) -> None:
        """Take the call of a plugin. answer: what it returned, in words, "" = none. changes: what it changed, in words."""


class EventLog:
    """The records of all exchanges, in the order in which the exchanges began and the events first fired."""

    def __init__(self, listener: Listener | None = None) -> None:
        self.exchanges: list[tuple[HttpRequest, dict[str, EventRecord]]] = []
        self.listener = listener

    def clear(self) -> None:
        """Remove all records."""
        self.exchanges.clear()

    def record(self, response: HttpResponse, event: str) -> EventRecord:
        """Return the record of an event; it is made at the first call."""
        for request, records in self.exchanges:
            if request is response.request:
                return records.setdefault(event, EventRecord())
        self.exchanges.append((response.request, {event: (made := EventRecord())}))
        return made

    def add_event(
        self, response: HttpResponse, event: str, size: int = 0, exc: BaseException | None = None
    ) -> EventRecord:
        """Record that an event fired. size: bytes of a data event. exc: that of post_request."""
        record = self.record(response, event)
        record.times += 1
        record.size += size
        if self.listener is not None:
            self.listener.event(response, event, size, exc)
        return record

    def add_call(self, plugin: str, event: str, response: HttpResponse, answer: Any, before: Snapshot) -> None:
        """Record that a plugin was called at an event, what it returned, and what it changed since `before`."""
        plugins = self.record(response, event).plugins
        words = answer_in_words(answer, response)
        plugins[plugin] = plugins.get(plugin) or words
        if self.listener is not None:
            self.listener.call(plugin, event, words, changes_since(before, response.request))


def answer_in_words(answer: Any, response: HttpResponse) -> str:
    """Describe what a hook returned; "" if that was no answer."""
    if answer is None or answer is response:
        return ""
    if isinstance(answer, HttpRequest):
        return f"{answer.method} {answer.target} (cause: {answer.cause})"
    return repr(answer)


class Snapshot(NamedTuple):
    """What a plugin can change of a request, as far as it is worth a line."""

    fields: frozenset[tuple[str, str]]
    target: str
    has_route: bool
    body: object
    is_held: bool


def snapshot(request: HttpRequest) -> Snapshot:
    """Return the present state of a request."""
    fields = (*request.headers.items(), *request.unredirected_headers.items())
    return Snapshot(frozenset(fields), request.target, request.has_route, request.body, request.gate is not None)


def changes_since(before: Snapshot, request: HttpRequest) -> list[str]:
    """Describe how a request differs from an earlier state of it. Values of fields are not shown."""
    now = snapshot(request)
    added = sorted({name for name, _ in now.fields - before.fields})
    removed = sorted({name for name, _ in before.fields - now.fields}.difference(added))
    words = [f"sets {', '.join(added)}"] if added else []
    words += [f"removes {', '.join(removed)}"] if removed else []
    if now.has_route and not before.has_route:
        via = getattr(request.route, "via", ())
        words.append(f"sends it through {via[-1]}" if via else "sets the route")
    words += ["sets the target"] * (now.target != before.target)
    words += ["changes the body"] * (now.body is not before.body)
    words += ["holds the body"] * (now.is_held > before.is_held)
    return words


class EventRecorder:
    """A plugin that records every event, whether other plugins are called at it or not."""

    name = "event_recorder"

    def __init__(self, log: EventLog) -> None:
        self._log = log

    @hookimpl(tryfirst=True)
    def pre_request(self, response: HttpResponse) -> None:
        self._log.add_event(response, "pre_request")

    @hookimpl(tryfirst=True)
    def on_headers(self, response: HttpResponse, interim: bool) -> None:
        self._log.add_event(response, "on_headers").outcome = f"{response.status_code} {response.reason}"

    @hookimpl(tryfirst=True)
    def data_received(self, response: HttpResponse, data: bytes) -> None:
        self._log.add_event(response, "data_received", len(data))

    @hookimpl(tryfirst=True)
    def data_processed(self, response: HttpResponse, data: bytes) -> None:
        self._log.add_event(response, "data_processed", len(data))

    @hookimpl(tryfirst=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        record = self._log.add_event(response, "post_request", exc=exc)
        record.outcome = "" if exc is None else f"exc={type(exc).__name__}"


class RecordingPlugin:
    """A plugin that has the attributes and hooks of another one, and records each call of a hook. Wrappers are not recorded."""

    def __init__(self, plugin: object, name: str, log: EventLog) -> None:
        self._plugin = plugin
        for member in dir(plugin):
            if member.startswith("__") or isinstance(inspect.getattr_static(plugin, member, None), property):
                continue
            method = getattr(plugin, member)
            mark = getattr(method, "hookline_impl", None)
            if not isinstance(mark, dict):
                continue
            event = mark.get("specname") or member
            is_recorded = event in EVENTS and not mark.get("wrapper")
            setattr(self, member, recording(method, name, event, log) if is_recorded else method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plugin, name)


def recording(method: Callable[..., Any], plugin: str, event: str, log: EventLog) -> Callable[..., Any]:
    """Return a function that calls a hook and records the call. It keeps the signature and the marks of the hook."""
    names = list(inspect.signature(method).parameters)
    position = names.index("response") if "response" in names else None

    async def await_and_record(result: Any, response: HttpResponse, before: Snapshot) -> Any:
        answer = await result
        log.add_call(plugin, event, response, answer, before)
        return answer

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        response = kwargs["response"] if "response" in kwargs else None if position is None else args[position]
        if response is None:
            return method(*args, **kwargs)
        before = snapshot(response.request)
        result = method(*args, **kwargs)
        if inspect.isawaitable(result):
            return await_and_record(result, response, before)
        log.add_call(plugin, event, response, result, before)
        return result

    return call


def record_events(client: HttpClient, listener: Listener | None = None) -> EventLog:
    """Record, from now on, all events of a client and all calls of its plugins; tell the listener of each."""
    log = EventLog(listener)
    manager = client.plugins.manager
    for info in list(client.plugins):
        manager.unregister(name=info.name)
        manager.register(RecordingPlugin(info.plugin, info.name, log), info.name)
    manager.register(EventRecorder(log))
    return log
