"""Handlers that users bind: `client.event(name)`, `response.event(name)`, `get(url, on_headers=f)`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Protocol

from ..copying import no_copy
from ..errors import PluginError, PluginTypeError, nearest
from .implementation import Implementation
from .markers import DATA_EVENTS, EVENTS

Handler = Callable[..., Any]


def check_event(name: str) -> str:
    """Raises: PluginError, for a name that is no event."""
    if name not in EVENTS:
        near = nearest(name, EVENTS)
        raise PluginError(
            f"no event {name!r}" + (f"; did you mean {near!r}?" if near else f"; there are {', '.join(EVENTS)}")
        )
    return name


def implementation_of(event: str, handler: Handler, plugin: str | None = None) -> Implementation:
    """A user's handler as an implementation; or that of a plugin, where it is named.

    Raises: PluginError, for what cannot be called, or a coroutine function on a data event.
    """
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    if not callable(handler):
        raise PluginTypeError(f"a handler of {event} must be callable, got {type(handler).__name__}")
    if event in DATA_EVENTS and is_coroutine_function(handler):
        raise PluginError(f"{name}: a handler of {event} must be a plain function: it runs while the bytes are read")
    return Implementation(event, handler, f"handler {name}" if plugin is None else f"plugin {plugin!r}", plugin)


def is_coroutine_function(function: Any) -> bool:
    """Does calling it give something to await?"""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return True
    if isinstance(function, (FunctionType, MethodType)):
        return False
    call = getattr(type(function), "__call__", None)  # noqa: B004  # the method is looked at, not called
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


class Event:
    """The handlers that are bound to one event, in the order of their binding."""

    __slots__ = ("_changed", "_implementations", "name")

    def __init__(self, name: str, changed: Callable[[], None]) -> None:
        self.name = check_event(name)
        self._implementations: list[Implementation] = []
        self._changed = changed

    def bind(self, handler: Handler) -> Handler:
        """CallHandlers `handler(response, exc=None)`, on data events `handler(response, data=data)`, from the next event on.

        The handler may take only the response, or any keyword; may be async, except on data events; what it returns is not
        looked at. Returns the handler, so that it can stand as a decorator.

        Raises: PluginError.
        """
        self._implementations.append(implementation_of(self.name, handler))
        self._changed()
        return handler

    def unbind(self, handler: Handler) -> int:
        """Forget a handler; returns how many times it was bound."""
        kept = [i for i in self._implementations if i.function != handler]
        removed = len(self._implementations) - len(kept)
        self._implementations[:] = kept
        self._changed()
        return removed

    def handlers(self) -> list[Handler]:
        """The handlers, first bound first."""
        return [i.function for i in self._implementations]

    def clear(self) -> None:
        """Forget all handlers."""
        self._implementations.clear()
        self._changed()

    __reduce__ = no_copy("an event", "its handlers belong to one client; bind them to another")

    @property
    def implementations(self) -> tuple[Implementation, ...]:
        return tuple(self._implementations)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {len(self._implementations)} bound>"


class EventSource(Protocol):
    """The response whose events are bound to one exchange."""

    def _has_fired(self, event: str) -> bool: ...

    def _update_data_listener(self) -> None: ...


class ResponseEvent(Event):
    """An event of one response: handlers for this exchange alone, and whether it has fired."""

    __slots__ = ("_response", "_waiters")

    def __init__(self, name: str, response: EventSource) -> None:
        super().__init__(name, response._update_data_listener if name in DATA_EVENTS else lambda: None)
        self._response = response
        self._waiters: list[asyncio.Future[Any]] = []

    def bind(self, handler: Handler, *, plugin: str | None = None) -> Handler:
        """As for a client, for this exchange alone.

        plugin: the name of a plugin that has something to do in few exchanges, and no precondition tells which. The
        handler is an implementation of that plugin then: it takes what those take, and its answer counts. It runs
        behind the other plugins, so `response.answer` shows what they said.

        Raises: PluginError.
        """
        self._implementations.append(implementation_of(self.name, handler, plugin))
        self._changed()
        return handler

    def fired(self) -> bool:
        """Has the event been fired for this response (a data event: at least once)?"""
        return self._response._has_fired(self.name)

    def waiter(self) -> asyncio.Future[Any]:
        """A future of the running loop, done with the response when the event has fired."""
        future = asyncio.get_running_loop().create_future()
        if self.fired():
            future.set_result(self._response)
        else:
            self._waiters.append(future)
            self._changed()
        return future

    def notify(self) -> None:
        """ProgressCallback those who wait that it has fired."""
        for future in self._waiters:
            if not future.done():
                future.set_result(self._response)
        self._waiters.clear()
