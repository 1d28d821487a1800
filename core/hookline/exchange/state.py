"""The state of one exchange: its events, its timeouts, its connection, its body, and how it ends."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from multidict import CIMultiDict

from ..errors import HttpTimeout, ReadTimeout
from ..hooks.data_listeners import DataListeners
from ..hooks.dispatch_table import with_handlers
from ..hooks.implementation import Implementation
from ..hooks.markers import DATA_EVENTS
from ..hooks.stage import Stage
from ..messages.content_decoding import ContentFilter
from ..network.pool import Pool
from ..wire.carrier import Carrier, DataListener
from ..wire.response_head import ResponseHead
from .request import HttpRequest

if TYPE_CHECKING:
    from datetime import timedelta

    from ..network.timings import Timings

T = TypeVar("T")

# The steps of an exchange: no request was sent yet; the request is sent, or was; the final head is here; post_request has begun.
NEW, SENT, HEAD, FINISHED = range(4)
_STEP_OF = {"pre_request": NEW, "on_headers": HEAD, "post_request": FINISHED}

MAX_BUFFERED = 64 * 1024  # bytes: of a body that `buffer` holds back from a caller who wants a stream
NEVER = math.inf  # the due time of an exchange that no timeout limits


@cache
def timedelta_type() -> type[timedelta]:
    """Return `timedelta`, imported at its first use: that takes 2 ms, and 0.7 us each further time."""
    from datetime import timedelta

    return timedelta


class ExchangeState:
    """The state of one exchange: what the engine keeps from pre_request to post_request. `HttpResponse` is its only subclass.

    It is a class of its own so that the functions of the engine (`acquire`, `send`, `fail`), which need no more than this,
    do not depend on what users see. `HttpResponse` describes the attributes without an underscore. The others are, each with
    its default:

    Events:
        _step: how far the exchange is: NEW, SENT, HEAD or FINISHED.
        _dispatch_table: the implementations of all events, for this client, scheme and kind of request.
        _hooks_after_head: those of on_headers and post_request that run for this head; before it, those without preconditions.
        _on_fast_path: True while no handlers of this call or response, and no handlers of data events, have to be called.
        _events: the handlers that were bound to this response, by event. None = `event` was never called.
        _waiters_of: the futures that are set when an event has fired, by event. None = there were none.
        _successor: the response that goes on with this exchange in its place; None = there is none.
        _answered_by: the owner of the implementation that answered post_request, as error messages name it. "" = none.
        _timings: what `timings` returns, once it was made. None = it was not asked for, or not yet.
        _phases_began: when `record_timings` was called, by `time.monotonic`. 0.0 = it was not.

    Timeouts:
        _due: when the client's timer checks this exchange next, in the loop's time. NEVER = no timeout is armed.
        _timed_part: error class, seconds and start (loop's time) of the part of `timeout` that is running. None = none.
        _waiter: the future of the pool's queue that a timeout fails. None = it fails the connection.

    The connection's calls:
        _pool: the pool that the connection goes back to. None before it is taken, and if the caller gave the connection.
        _is_repeated: True if the request was sent again, because a reused connection turned out to be dead.
        _resends: how often it was sent again in all.
        _is_detached: True if `detach` has taken the connection out of the client.
        _upload_wrappers: what the body of the request passes through while it is sent, in this order.
        _is_as_received: True if it was built to take part in the exchange as a response from the network does.
        _is_interim: True while hooks see an interim head as if it were the head of this response.
        _head: the head: the final one, or the interim one that is shown. None before it is here.
        _headers: the fields of the head, parsed. None = not parsed yet.

    The body:
        _parts: bytes of the body that were moved here from the connection, and not decoded yet.
        _content_filter: the decoders of the body. None = there are none.
        _content: the whole decoded body. None = it was not decoded yet, or is a stream.
        _is_whole: True if all bytes of the body have arrived.
        _is_buffered: True if `buffer` was called.

    The end:
        _sent_at, _head_at: when the request was sent, and when the final head arrived, as `time.monotonic` says. Unset before.
        _was_sent: for a built response, what `was_sent` says of the one that it took over from.
    """

    # All exchanges set the attributes that have a slot. What few of them set has its default here, and is set in __dict__.
    __slots__ = (
        "__dict__", "__weakref__", "_content", "_content_filter", "_dispatch_table", "_due", "_head", "_head_at",
        "_headers", "_hooks_after_head", "_is_whole", "_on_fast_path", "_parts", "_pool", "_sent_at", "_step",
        "connection", "request", "status_code",
    )  # fmt: skip

    # events
    _timings: Timings | None = None
    _phases_began = 0.0
    answer: Any = None
    _events: dict[str, list[Implementation]] | None = None
    _waiters_of: dict[str, list[asyncio.Future[Any]]] | None = None
    _successor: ExchangeState | None = None
    _answered_by = ""

    # timeouts
    _timed_part: tuple[type[HttpTimeout], float, float] | None = None
    _waiter: asyncio.Future[Any] | None = None

    # the connection's calls
    is_built: bool
    connection: Carrier | None
    _pool: Pool | None
    _is_repeated = False
    _resends = 0
    _is_detached = False
    _upload_wrappers: tuple[Callable[[Any, int | None], Any], ...] = ()
    _is_as_received = False
    _was_sent = False
    _is_interim = False
    _head: ResponseHead | None
    _headers: CIMultiDict[str] | None

    # the body
    raw_trailers: Sequence[tuple[bytes, bytes]] = ()
    was_handed_out = False
    _content_filter: ContentFilter | None
    _content: bytes | None
    _is_buffered = False

    # the end
    _sent_at: float
    _head_at: float

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self._dispatch_table = table = (
            request._destination.origin.dispatch_table
            if request.parent is None
            else request.configuration.dispatch_table_of(request)
        )
        self._on_fast_path = request._call_handlers is None and not table.leaves_fast_path
        self.status_code = 0
        self._hooks_after_head = table.hooks_after_other_heads
        self._parts: list[bytes] = []
        self.connection = self._pool = self._head = self._content_filter = self._headers = self._content = None
        self._due = NEVER
        self._step = NEW
        self._is_whole = False

    # -- events

    def _begin_event(self, event: str) -> Stage | None:
        """Begin pre_request, on_headers or post_request: note its time, wake those who wait for it, return its stage.

        None = no implementation or handler has to run.
        """
        owner = self._dispatch_table if event == "pre_request" else self._hooks_after_head
        found: Stage | None = getattr(owner, event)
        request = self.request
        if self._on_fast_path or (
            self._events is None and request._call_handlers is None and self._timings is None and not request.timings
        ):
            return found
        if event == "pre_request" and self.request.timings:
            self._begin_timings()
        elif event == "post_request" and self._timings is not None:
            self._end_phases(failed=False)
            self._timings._mark("done")
        if self._waiters_of is not None:
            self._notify_waiters(event)
        handlers = self._handlers(event)
        return with_handlers(found, event, handlers) if handlers else found

    def _begin_timings(self) -> None:
        """Record timings from now on; an exchange with the option leaves the fast path."""
        from ..network.timings import Timings  # here, because few programs ask for them

        self._timings = Timings(self._phases_began or monotonic())
        self._phases_began = 0.0
        self._on_fast_path = False

    @property
    def timings(self) -> Timings | None:
        """The seconds after which each step ended: a Timings. None, unless `timings=True` was given, or a plugin records them.

        Example: docs/responses.md#timings
        """
        timings = self._made_timings()
        if self._phases_began and self._step == FINISHED and timings is not None and timings.done is None:
            self._end_phases(failed=False)
            timings._mark("done")
        return timings

    def record_timings(self) -> None:
        """Record `timings` for this exchange, in pre_request; for plugins.

        Unlike the option `timings` this leaves the exchange on the fast path, and costs it next to nothing: the Timings are
        made when they are read, or when a connection has to be waited for or opened. On the fast path `first_byte` is the
        time of the final head.

        Example::

            from hookline import HttpClient, hookimpl


            class Slowest:
                @hookimpl
                def pre_request(self, response):
                    response.record_timings()

                @hookimpl
                def post_request(self, response):
                    print(f"{response.timings.done:.0f} s")


            with HttpClient(plugins=[Slowest()]) as client:
                client.get("http://127.0.0.1:8000/")
        """
        if self._timings is None and not self._phases_began:
            self._phases_began = monotonic()

    def _made_timings(self) -> Timings | None:
        """Return the timings as they are, made now if a plugin records them; None = they are not recorded."""
        if self._timings is None and self._phases_began:
            from ..network.timings import Timings

            self._timings = Timings(self._phases_began)
        return self._timings

    def _end_phases(self, *, failed: bool) -> None:
        """Record the phases of what was sent, which is over now. failed: with an error."""
        timings = self._made_timings()
        if timings is None:
            return
        if self._phases_began and not self.is_built:
            timings._take_moments(getattr(self, "_sent_at", None), getattr(self, "_head_at", None))
        timings._end(failed=failed)

    def _handlers(self, event: str) -> tuple[Implementation, ...]:
        """Return the handlers of this call, then those that were bound to this response."""
        call = self.request._call_handlers
        own = call.get(event, ()) if call is not None else ()
        if self._events is not None and event in self._events:
            return (*own, *self._events[event])
        return own

    def _has_fired(self, event: str) -> bool:
        """Say whether an event has fired: a one-time event if it has begun, a data event once a read must have fired it."""
        if self._successor is not None:
            return self._successor._has_fired(event)
        if event in _STEP_OF:
            return self._step >= _STEP_OF[event]
        if event == "data_processed":
            return self._step == FINISHED or self.was_handed_out
        return self._head is not None  # data_received: the bytes of the head at the latest

    def _make_data_listener(self) -> DataListener | None:
        """Return the object that the connection gives the bytes of each read to; None if no one needs them."""
        if self.is_built and not self._is_as_received:
            return None
        table, call, own = self._dispatch_table, self.request._call_handlers, self._events
        awaited = own is not None and not own.keys().isdisjoint(DATA_EVENTS)
        given = call is not None and not call.keys().isdisjoint(DATA_EVENTS)
        listener: DataListener | None = None
        if awaited or given or table.data_received or table.data_processed:
            received = (*table.data_received, *self._handlers("data_received"))
            processed = (*table.data_processed, *self._handlers("data_processed"))
            if self.is_built:
                received = ()  # there are no bytes of the network
            if received or processed or awaited:
                listener = DataListeners(self, received, processed)
        if self._timings is not None and self._timings.first_byte is None and self.connection is not None:
            from ..network.timings import FirstByteListener

            return FirstByteListener(self._timings, self.connection, listener)
        return listener

    def _update_data_listener(self) -> None:
        """Give the connection the handlers of data events that are bound now, for its next read.

        One was bound or removed while bytes may be arriving already.
        """
        connection = self.connection
        if connection is None or connection.complete or self._step not in (SENT, HEAD):
            return
        if connection.data_listener is not None or connection.head:
            connection.data_listener = self._make_data_listener() or connection.data_listener

    def _notify_waiters(self, event: str) -> None:
        """Wake those who wait for an event, which has fired."""
        for future in (self._waiters_of or {}).pop(event, ()):
            if not future.done():
                future.set_result(self)

    def _add_waiter(self, event: str, future: asyncio.Future[Any]) -> None:
        """Have a future set to this response when an event has fired."""
        if self._successor is not None:
            self._successor._add_waiter(event, future)
            return
        if self._waiters_of is None:
            self._waiters_of = {}
        self._waiters_of.setdefault(event, []).append(future)

    def _describe_invalid_answer(self, event: str, answer: Any) -> str | None:
        """Return None if a hook may answer the event with this object, else a text that says what was expected."""
        if isinstance(answer, ExchangeState):
            if answer._is_as_received and event == "post_request":
                return "a response without as_received=True, which is for pre_request and on_headers"
            return None
        if event == "pre_request":
            return "None or an HttpResponse"
        if event == "on_headers" and not self._is_detached:
            return "None, a response, or an object that took the connection with response.detach()"
        if event == "post_request" and not isinstance(answer, HttpRequest):
            return "None, an HttpRequest or an HttpResponse"
        return None

    # -- timeouts

    def _arm_timeout(
        self, kind: type[HttpTimeout] = HttpTimeout, seconds: float = 0.0, waiter: asyncio.Future[Any] | None = None
    ) -> None:
        """Limit the wait that follows, by the deadline of the call and by one part of its `timeout`.

        kind, seconds: the error and the limit of the part; 0 = only the deadline counts. waiter: the future of the pool's
        queue that is awaited; None = the connection is.
        """
        self._waiter = waiter
        resources = self.request.configuration.client.loop_resources
        now = resources.loop.time()
        self._timed_part = (kind, seconds, now) if seconds else None
        self._due = min(self.request.deadline or NEVER, now + seconds if seconds else NEVER)
        if self._due != NEVER:
            resources.timer.add(self)
        else:
            resources.timer.discard(self)

    def _arm_limits(self) -> None:
        """Limit the wait for the response, on the fast path: by the deadline of the call, and by its read timeout.

        It does what `_arm_timeout` and `Timer.add` do, with no further call of core: together with `_finish_body`, and with
        `exchange` setting the deadline of a read timeout, that saves 6,500 instructions of 56,800.
        """
        request, pool = self.request, self._pool
        seconds = request.timeout.read
        if pool is None:  # the caller gave the connection
            self._arm_timeout(ReadTimeout, seconds)
            return
        due = request.deadline
        if seconds:
            now = self.connection.loop.time()  # type: ignore[union-attr]  # there is one
            self._timed_part = (ReadTimeout, seconds, now)
            if now + seconds < due:
                due = now + seconds
        if due != NEVER:  # a hook may have taken the limit away
            self._due = due
            timer = pool.timer
            timer.watched.add(self)
            if due < timer.due:
                timer.schedule(due)

    def _disarm_timeout(self) -> None:
        """End the limit of the wait, which is over."""
        if self._due != NEVER:
            self._due = NEVER
            self.request.configuration.client.loop_resources.timer.discard(self)

    def _check_deadline(self, now: float) -> float:
        """End the wait if it took too long. The timer calls this when `_due` is reached.

        now: the loop's time. Returns when to check again, in the loop's time; NEVER = not again.
        """
        deadline = self.request.deadline or NEVER
        kind, seconds, start = self._timed_part or (HttpTimeout, NEVER, now)
        if kind is ReadTimeout and self.connection is not None:
            start = max(start, self.connection.last_read)
        due = min(deadline, start + seconds)
        if now < due:
            return due
        error = self._timeout_error(HttpTimeout if now >= deadline else kind)
        if self._waiter is None:
            if self.connection is not None:
                self.connection.fail(error)
        elif not self._waiter.done():
            self._waiter.set_exception(error)
        return NEVER

    def _timeout_error(self, kind: type[HttpTimeout]) -> HttpTimeout:
        """Make the error for the part of the call that took too long."""
        timeout = self.request.timeout
        name = "total" if kind is HttpTimeout else kind.__name__.removesuffix("Timeout").lower()
        return kind(
            f"{self.request.method} {self.request._destination.origin}: {name} timeout of {getattr(timeout, name):g} s",
            request=self.request,
        )

    def _is_past_deadline(self) -> bool:
        """Say whether the deadline of the call has passed; False if it has none."""
        deadline = self.request.deadline
        # a timer may fire a millisecond early: uvloop counts in whole milliseconds
        return bool(deadline) and self.request.configuration.client.loop_resources.loop.time() >= deadline - 0.002

    async def _with_timeout(
        self, awaitable: Awaitable[T], kind: type[HttpTimeout] = HttpTimeout, seconds: float = 0.0
    ) -> T:
        """Await what the timer cannot end, such as a hook or the opening of a connection, until the deadline at the latest.

        The timer ends waits for the pool and for a connection; see `_arm_timeout`. seconds: another limit, 0 = none.

        Raises: `kind` after `seconds`; HttpTimeout at the deadline; what the awaitable raises.
        """
        deadline = self.request.deadline or NEVER
        resources = self.request.configuration.client.loop_resources
        with resources.handler_section():
            if deadline == NEVER and not seconds:
                return await awaitable
            own = resources.loop.time() + seconds if seconds else NEVER
            limit = asyncio.timeout_at(min(deadline, own))
            try:
                async with limit:
                    return await awaitable
            except TimeoutError as error:
                if isinstance(error, HttpTimeout) or not limit.expired():
                    raise
                raise self._timeout_error(kind if own < deadline else HttpTimeout) from None

    # -- the connection's calls

    def _leave_fast_path(self, connection: Carrier, *, may_have_body: bool) -> None:
        """Make the connection report each read and head, and arm the timeouts of the response.

        This is needed for handlers of data events, limits, timings, and methods whose responses have no body. If the exchange
        has no more than handlers of other events, the connection stays on the fast path: 8 us less.

        may_have_body: may the method of the request have a response with a body?
        """
        request = self.request
        if self._upload_wrappers and request.body is not None and request.gate is None:
            request.hold_body().open()  # a held body is sent in chunks, which the wrappers take
        listener = None if self._on_fast_path else self._make_data_listener()
        if listener is None and self._timings is None and request._on_fast_path and may_have_body:
            if request.deadline:
                self._arm_limits()
            return
        if self._timings is not None and not self._phases_began:
            self._timings._begin_sending()
        connection.leave_fast_path(request.method, request.max_body, listener)
        if request.deadline or request.timeout._has_parts:
            self._arm_timeout(ReadTimeout, request.timeout.read)
            connection.last_read = connection.loop.time()

    def _receive_head(self, head: ResponseHead) -> bool:
        """Take the final head. The connection calls this when the head has arrived off the fast path.

        Returns True if the exchange has something to do before the body is parsed, and so must be woken now.
        """
        self._head_at = monotonic()
        if self._is_interim:  # hooks see an interim head now; `_hide_interim` shows this one after them
            self._find_hooks(head)
        else:
            self._show_head(head)
        return self._hooks_after_head.on_headers is not None or not self._on_fast_path or self.request.stream

    def _take_head_on_fast_path(self, connection: Carrier) -> None:
        """Take the head of a response that is whole in one read. The connection has made no call for it."""
        self._head = head = connection.head
        assert head is not None
        if head.cached_table is self._dispatch_table:
            self._hooks_after_head = head.cached_hooks
        else:
            self._find_hooks(head)
        self.status_code = head.status
        self._step = HEAD
        self._head_at = connection.completed_at

    def _show_head(self, head: ResponseHead) -> None:
        """Make a final head that of this response, and find the hooks that run for it."""
        self._find_hooks(head)
        self._head = head
        self.status_code = head.status
        self._step = HEAD

    def _find_hooks(self, head: ResponseHead) -> None:
        """Find the hooks of on_headers and post_request that run for this head, and keep them with the head.

        A connection keeps the head object for equal heads of later responses; so these find their hooks without a search.
        """
        table = self._dispatch_table
        if head.cached_table is not table:
            head.cached_table, head.cached_hooks = table, table.hooks_after(head.status, head.low)
        self._hooks_after_head = head.cached_hooks

    def _wants_interim(self) -> bool:
        """Say whether any hook may want interim heads. The connection drops them otherwise."""
        return self._dispatch_table.interim_stage is not None

    def _show_interim(self, head: ResponseHead) -> None:
        """Give this response an interim head while hooks run for it, even if the final head arrives meanwhile."""
        self._is_interim = True
        self._step = SENT
        self._head = head
        self.status_code = head.status
        self._headers = None

    def _hide_interim(self, final: ResponseHead | None) -> None:
        """Give this response its final head after an interim one; None = it has not arrived, and there is no head again."""
        self._is_interim = False
        self._headers = None
        if final is not None:
            self._show_head(final)
        else:
            self._head, self.status_code = None, 0

    def _set_head(self, raw: bytes) -> None:
        """Take a head that did not come from the network. raw: with the empty line at its end."""
        from ..http1.parser import parse_status_line  # with httptools

        self._show_head(ResponseHead(raw, parse_status_line(raw[: raw.find(b"\r\n")]), raw.lower()))

    @property
    def _has_head(self) -> bool:
        """Say whether the final head is here."""
        return self._step >= HEAD and self._head is not None

    # -- the body

    def buffer(self) -> None:
        """Have the body received before the caller gets the response, even with `stream=True`. For plugins, in on_headers.

        A plugin needs this if it may answer post_request with a request, which it cannot do once the caller reads a stream.
        With `stream=True`, at most about 64 KiB of the body are received first. If post_request is not answered, the caller
        reads these and the rest as a stream; if it is, the connection of a longer body is closed.

        Example::

            from hookline import HttpClient, hookimpl


            class Whole:
                @hookimpl(statuses=(404,))
                def on_headers(self, response):
                    response.buffer()  # post_request then has the body, even with stream=True

                @hookimpl(statuses=(404,))
                def post_request(self, response):
                    print(response.is_buffered, response.text)


            with HttpClient(plugins=[Whole()]) as client:
                client.get("http://127.0.0.1:8000/missing", stream=True)
        """
        self._is_buffered = True

    async def _receive_body(self, connection: Carrier) -> bool:
        """Receive the body, and return True; or hand the response out as a stream, and return False.

        Of a buffered body with `stream=True` no more than about MAX_BUFFERED bytes are received.
        """
        connection.bounded = connection.wakes_on_read = self.request.stream
        connection.continue_after_head(bounded=self.request.stream)
        if connection.error is not None:
            raise connection.error
        if (
            self.request.stream
            and not self._is_buffered
            and not connection.upgraded
            and (connection.parts or not connection.complete)
        ):
            self._hand_out()
            return False
        while not connection.complete and (not connection.bounded or connection.buffered <= MAX_BUFFERED):
            await connection.wait()
        return True

    def _finish_body(self, connection: Carrier) -> None:
        """Take the body, whose last byte has arrived, and give the connection back to the pool."""
        self._is_whole = True
        self.connection = None
        if not connection.on_fast_path or self._content_filter is not None:
            self._parts += connection.parts
            if connection.trailers:
                self.raw_trailers = connection.trailers
        elif connection.parts:
            self._content = connection.parts[0]  # whole in one read, and no handler has taken it
        if self.request._closes_connection:
            connection.keep_alive = False
        pool = self._pool
        if pool is not None:
            pool.release(connection)
            if self._due != NEVER:  # as `_disarm_timeout`, without its calls
                self._due = NEVER
                pool.timer.watched.discard(self)
        elif self._due != NEVER:
            self._disarm_timeout()

    def _is_decoded_now(self, connection: Carrier) -> bool:
        """Say whether the body is decoded before post_request, and before the connection goes back."""
        content_filter = self._content_filter
        return content_filter is not None and (
            not self._is_buffered or (content_filter.runs_always and connection.complete)
        )

    def _discard_body(self) -> None:
        """Give up the body: the connection goes back to the pool if all of it has arrived, and is closed otherwise."""
        connection = self.connection
        if connection is not None:
            connection.data_listener = None
            connection.continue_after_head(bounded=False)  # bytes that waited for the handlers of the head are parsed
            if connection.complete:
                self._finish_body(connection)
        self.drop_connection()

    def _decode_parts(self, *, bounded: bool) -> bytes:
        """Decode the parts of the body that are here, and return the result; they are gone then.

        bounded: return one step of the decoders (256 KiB) at most, and keep the rest for the next call.

        Raises: DecodingError, BodyTooLarge.
        """
        parts, self._parts = self._parts, []
        if self._content_filter is None:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        self._content_filter.parts += parts
        return self._content_filter.decode_available(is_complete=self._is_whole, bounded=bounded)

    @property
    def is_open(self) -> bool:
        """True while this response has its connection: its exchange runs, or its stream was not read to the end or closed.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                response = client.get("http://127.0.0.1:8000/large", stream=True)
                print(response.is_open)
                response.close()
                print(response.is_open)
        """
        return self.connection is not None

    def _hand_out(self) -> None:
        """Make this response a stream that the caller reads, from the body's beginning or from what was buffered of it.

        It becomes a `StreamedResponse`, which closes the connection if the caller forgets the stream. That happens no
        earlier, because hooks may set `request.stream` until on_headers is over. The two classes have the same layout.
        """
        self.__class__ = self.request.configuration.streamed_type
        self.was_handed_out = True
        self.request.deadline = 0.0  # the total timeout covers a stream until it is handed out
        self._disarm_timeout()
        if self.connection is not None:
            self.connection.receiver = None  # type: ignore[assignment]  # else a forgotten stream would stay alive through it

    @property
    def _is_cut(self) -> bool:
        """Say whether the connection is gone before the end of the body: closed, failed, or given up after `buffer`."""
        if self.connection is not None or self._is_whole:
            return False
        return self.was_handed_out or self._is_buffered or (self.is_built and self._content is None)

    # -- the end

    @property
    def _is_finished(self) -> bool:
        """Say whether post_request has begun, or this response needs none."""
        return self._step == FINISHED

    def _mark_finished(self) -> None:
        """Note that post_request begins now, so that nothing begins it again."""
        self._step = FINISHED

    @property
    def was_sent(self) -> bool:
        """True once the request was sent, whoever has the response of it; False for an answer of a plugin that came before.

        Example::

            from hookline import HttpClient, HttpResponse, hookimpl


            class Answers:
                @hookimpl
                def pre_request(self, response):
                    return HttpResponse.build(response.request, 200)

                @hookimpl
                def post_request(self, response):
                    print("sent:", response.was_sent)


            with HttpClient(plugins=[Answers()]) as client:
                client.get("http://127.0.0.1:8000/")
        """
        return self._was_sent if self.is_built else hasattr(self, "_sent_at")

    @property
    def elapsed(self) -> timedelta:
        """The time from sending the request to receiving the final head, a timedelta (as in requests).

        Until the head is here it is the time so far; 0 if no request was sent.

        Example: docs/responses.md#copies-and-pickles
        """
        began: float | None = getattr(self, "_sent_at", None)
        if began is None:
            return timedelta_type()(0)
        arrived: float = getattr(self, "_head_at", None) or monotonic()
        return timedelta_type()(seconds=arrived - began)

    def drop_connection(self) -> None:
        """Give up the connection, if there is one: close it, or give it back to the pool if a stream has arrived completely.

        A plugin calls this in post_request before it sends a request of its own for this response: if the client may have no
        more connections to that route, its request would have to wait for this one. A connection that was detached leaves the
        pool, and stays open.

        Example::

            from hookline import HttpClient, hookimpl


            class AsksAgain:
                @hookimpl
                async def post_request(self, response):
                    response.drop_connection()  # or the only connection would stay with this response
                    client = response.request.client
                    return await client.exchange(client.new_request("GET", "http://127.0.0.1:8000/json", cause="check"))


            with HttpClient(plugins=[AsksAgain()], max_connections=1) as client:
                print(client.get("http://127.0.0.1:8000/").json())
        """
        self._disarm_timeout()
        connection, self.connection = self.connection, None
        if self._content_filter is not None and not self._is_whole:
            self._content_filter.abandon()
        if connection is None:
            return
        if self._pool is not None and self.was_handed_out and connection.is_reusable:
            self._pool.release(connection)
            return
        if self._pool is not None:
            self._pool.remove(connection)
        if not self._is_detached:
            connection.abort()
