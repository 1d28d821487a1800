"""The handlers that users bind: with `client.event(name)`, `response.event(name)` or `get(url, on_headers=f)`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from ..copying import no_copy
from ..errors import PluginError, PluginTypeError, nearest
from .implementation import Implementation, name_of
from .markers import DATA_EVENTS, EVENTS

Handler = Callable[..., Any]
HandlerT = TypeVar("HandlerT", bound=Handler)


def check_event(name: str) -> str:
    """Return the name of an event.

    Raises: PluginError, for a name that is no event.
    """
    if name not in EVENTS:
        raise PluginError(f"no event {name!r}{suggestion(name, EVENTS)}")
    return name


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest known one, or all of them."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"; did you mean {near!r}?"
    return f"; there {'is' if len(names) == 1 else 'are'} {', '.join(names) or 'none'}"


def implementation_of(event: str, handler: Handler, plugin: str | None = None) -> Implementation:
    """Return a handler as an implementation. plugin: the name of the plugin that bound it; None: the user did.

    Raises: PluginTypeError, if it cannot be called; PluginError, for a coroutine function on a data event.
    """
    if not callable(handler):
        raise PluginTypeError(f"a handler of {event} must be callable, got {type(handler).__name__}")
    if event in DATA_EVENTS and is_coroutine_function(handler):
        name = name_of(handler)
        raise PluginError(f"{name}: a handler of {event} must be a plain function: it runs while the bytes are read")
    return Implementation(event, handler, "", plugin)


def implementations_of(event: str, given: Handler | Iterable[Handler] | None) -> tuple[Implementation, ...]:
    """Return the handlers that a call was given for one event as implementations: a handler, a list or tuple of them, or None.

    Raises: as `implementation_of`.
    """
    handlers = () if given is None else given if isinstance(given, (list, tuple)) else (given,)
    return tuple(implementation_of(event, handler) for handler in handlers)


def is_coroutine_function(function: Any) -> bool:
    """Does a call of it return a coroutine or an asynchronous generator?"""
    own_and_of_class = (function, getattr(type(function), "__call__", None))  # noqa: B004  # to inspect the method
    return any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in own_and_of_class)


class Event:
    """The handlers of one event: `client.event(name)` for all exchanges of a client.

    name: that of the event, such as `on_headers`.

    Example::

        from hookline import Event, HttpClient


        def show(response, exc=None):
            print(response.status_code)


        with HttpClient() as client:
            event: Event = client.event("on_headers")
            event.bind(show)
            client.get("http://127.0.0.1:8000/")
            print(event.unbind(show), event.handlers())
            event.clear()
    """

    __slots__ = ("_implementations", "_on_change", "name")

    def __init__(self, name: str, on_change: Callable[[], None]) -> None:
        self.name = check_event(name)
        self._implementations: list[Implementation] = []
        self._on_change = on_change

    def bind(self, handler: HandlerT) -> HandlerT:
        """Have `handler(response, exc=None)` called, on data events `handler(response, data=data)`, from the next event on.

        Handlers run in the order in which they were bound. A handler gets `exc` and `data` only if it has a parameter of
        that name, or `**kw`. It may be a coroutine function, except on data events. Its return value is ignored.

        Returns the handler, so that `bind` can be used as a decorator.

        Raises: PluginTypeError, if the handler cannot be called; PluginError, for a coroutine function on a data event.

        Example: docs/plugins/in-a-program.md#a-client
        """
        self._implementations.append(implementation_of(self.name, handler))
        self._on_change()
        return handler

    def unbind(self, handler: Handler) -> int:
        """Remove a handler. Returns how many times it was bound; 0 if it was not.

        Example: docs/plugins/in-a-program.md#a-client
        """
        kept = [i for i in self._implementations if i.function != handler]
        removed = len(self._implementations) - len(kept)
        self._implementations[:] = kept
        self._on_change()
        return removed

    def handlers(self) -> list[Handler]:
        """Return the handlers in the order in which they were bound.

        Example: docs/plugins/in-a-program.md#a-client
        """
        return [i.function for i in self._implementations]

    def clear(self) -> None:
        """Remove all handlers."""
        self._implementations.clear()
        self._on_change()

    __reduce__ = no_copy("an event", "its handlers belong to one client; bind them to another")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {len(self._implementations)} bound>"


class EventSource(Protocol):
    """What a `ResponseEvent` needs of its response."""

    def _has_fired(self, event: str) -> bool: ...

    def _update_data_listener(self) -> None: ...

    def _add_waiter(self, event: str, future: asyncio.Future[Any]) -> None: ...


class ResponseEvent(Event):
    """The handlers of one event for one exchange: `response.event(name)`. It also says whether the event has fired.

    The response keeps the handlers, and not this object, which is a view of them: so the two make no reference cycle.

    Example::

        from hookline import HttpClient, ResponseEvent


        async def later(response, exc=None):
            event: ResponseEvent = response.event("post_request")
            print(event.fired(), event.handlers())
            event.waiter().add_done_callback(lambda future: print("over:", future.result()))


        async with HttpClient() as client:
            await client.get("http://127.0.0.1:8000/", on_headers=later)
    """

    __slots__ = ("_response",)

    def __init__(self, name: str, response: EventSource, implementations: list[Implementation]) -> None:
        """name: of an event, checked. implementations: those that the response keeps."""
        self.name = name
        self._implementations = implementations
        self._on_change = response._update_data_listener if name in DATA_EVENTS else do_nothing
        self._response = response

    def bind(self, handler: HandlerT, *, plugin: str | None = None) -> HandlerT:
        """Have a handler called for this exchange only; else as for a client.

        plugin: the name of a plugin, which so implements an event in those exchanges only in which it needs to, if no
            precondition can say which these are. The handler is an implementation of that plugin then: it takes the
            arguments of implementations, and its answer counts. It runs after the other plugins, so `response.answer`
            is their answer. None: a handler of the user.

        Raises: PluginTypeError, if the handler cannot be called; PluginError, for a coroutine function on a data event.

        Example: docs/plugins/in-a-program.md#one-response
        """
        self._implementations.append(implementation_of(self.name, handler, plugin))
        self._on_change()
        return handler

    def fired(self) -> bool:
        """Has the event fired for this response? A data event: at least once."""
        return self._response._has_fired(self.name)

    def waiter(self) -> asyncio.Future[Any]:
        """Return a future of the running loop. Its result is the response; it is set when the event has fired."""
        future = asyncio.get_running_loop().create_future()
        if self.fired():
            future.set_result(self._response)
        else:
            self._response._add_waiter(self.name, future)
            self._on_change()
        return future


def do_nothing() -> None:
    """Do nothing: the handlers of a one-time event are looked up when it begins."""
