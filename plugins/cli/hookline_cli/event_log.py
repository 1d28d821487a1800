"""Record the events of exchanges, the plugins that are called at each, and what they return.

On the client's plugin manager, each plugin is replaced by a `RecordingPlugin`, which calls it and records the call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

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


class EventLog:
    """The records of all exchanges, in the order in which the exchanges began and the events first fired."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[HttpRequest, dict[str, EventRecord]]] = []

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

    def add_call(self, plugin: str, event: str, response: HttpResponse, answer: Any) -> None:
        """Record that a plugin was called at an event, and what it returned."""
        plugins = self.record(response, event).plugins
        plugins[plugin] = plugins.get(plugin) or answer_in_words(answer, response)


def answer_in_words(answer: Any, response: HttpResponse) -> str:
    """Describe what a hook returned; "" if that was no answer."""
    if answer is None or answer is response:
        return ""
    if isinstance(answer, HttpRequest):
        return f"{answer.method} {answer.target} (cause: {answer.cause})"
    return repr(answer)


class EventRecorder:
    """A plugin that records every event, whether other plugins are called at it or not."""

    name = "demo_observer"

    def __init__(self, log: EventLog) -> None:
        self._log = log

    @hookimpl(tryfirst=True)
    def pre_request(self, response: HttpResponse) -> None:
        self._log.record(response, "pre_request").times += 1

    @hookimpl(tryfirst=True)
    def on_headers(self, response: HttpResponse) -> None:
        record = self._log.record(response, "on_headers")
        record.times += 1
        record.outcome = f"{response.status_code} {response.reason}"

    @hookimpl(tryfirst=True)
    def data_received(self, response: HttpResponse, data: bytes) -> None:
        self._add_data(response, "data_received", data)

    @hookimpl(tryfirst=True)
    def data_processed(self, response: HttpResponse, data: bytes) -> None:
        self._add_data(response, "data_processed", data)

    @hookimpl(tryfirst=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        record = self._log.record(response, "post_request")
        record.times += 1
        record.outcome = "" if exc is None else f"exc={type(exc).__name__}"

    def _add_data(self, response: HttpResponse, event: str, data: bytes) -> None:
        record = self._log.record(response, event)
        record.times += 1
        record.size += len(data)


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

    async def await_and_record(result: Any, response: HttpResponse) -> Any:
        answer = await result
        log.add_call(plugin, event, response, answer)
        return answer

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        response = kwargs["response"] if "response" in kwargs else None if position is None else args[position]
        if response is None:
            return result
        if inspect.isawaitable(result):
            return await_and_record(result, response)
        log.add_call(plugin, event, response, result)
        return result

    return call


def record_events(client: HttpClient) -> EventLog:
    """Record, from now on, all events of a client and all calls of its plugins."""
    log = EventLog()
    manager = client.plugins.manager
    for info in list(client.plugins):
        manager.unregister(name=info.name)
        manager.register(RecordingPlugin(info.plugin, info.name, log), info.name)
    manager.register(EventRecorder(log))
    return log
