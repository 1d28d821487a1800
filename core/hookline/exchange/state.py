"""The state of one exchange: its plugins and handlers, its connection, its timeouts, and its body on the way."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from multidict import CIMultiDict

from ..errors import HttpTimeout, ReadTimeout
from ..hooks.data_listeners import DataListeners
from ..hooks.dispatch_table import DispatchTable, HooksAfterHead, with_handlers
from ..hooks.handlers import ResponseEvent
from ..hooks.implementation import Implementation
from ..hooks.markers import DATA_EVENTS
from ..hooks.stage import Stage
from ..http1.connection import Connection, DataListener
from ..http1.parser import ResponseHead, parse_status_line
from ..messages.content_decoding import Content
from ..network.pool import Pool
from ..network.timings import FirstByteListener, Timings
from .request import HttpRequest

if TYPE_CHECKING:
    from datetime import timedelta

T = TypeVar("T")

NEW, SENT, HEAD, FINISHED = range(4)
_STEP_OF = {"pre_request": NEW, "on_headers": HEAD, "post_request": FINISHED}

BUFFERED = 64 * 1024  # bytes of a buffered body that are drained; with more, the connection is closed instead
NEVER = math.inf


class ExchangeState:
    """The state of one exchange; `HttpResponse` adds what users and plugins see of it.

    The client's timer watches over it while it waits for one of our own futures.

    _due: when the timer looks next, in loop time. plan: who runs at each event. is_plain: do nobody but plugins and the
    client's handlers listen, and to no data? after: who runs behind its head. step: how far the exchange is, NEW to
    FINISHED. head: of the response; of an interim one while that is shown. connection: None before it is taken, and once
    the body is whole. is_whole: has all of the body arrived? filter: what decodes the body, where something does. began:
    when the request went out, as `time.monotonic` tells.
    """

    # What few exchanges set stands here and goes to the instance's dict; what all of them set has a slot.
    __slots__ = (
        "__dict__", "__weakref__", "_content", "_content_filter", "_dispatch_table", "_due", "_head", "_head_at",
        "_headers", "_hooks_after_head", "_is_whole", "_on_fast_path", "_parts", "_pool", "_sent_at", "_step",
        "connection", "request", "status_code",
    )  # fmt: skip
    answer: Any = None  # what the implementations of the present event have answered so far
    answered_by = ""  # who answered post_request, in words
    _is_detached = False
    _is_buffered = False
    _is_interim = False
    _is_repeated = False  # on a fresh connection, after an idle one had died
    raw_trailers: Sequence[tuple[bytes, bytes]] = ()
    timings: Timings | None = None
    was_handed_out = False
    _events: dict[str, ResponseEvent] | None = None
    _phase: tuple[type[HttpTimeout], float, float] | None = None
    _waiter: asyncio.Future[Any] | None = None

    _hooks_after_head: HooksAfterHead
    _sent_at: float
    connection: Connection | None
    _due: float
    _content_filter: Content | None
    _head: ResponseHead | None
    _on_fast_path: bool
    _dispatch_table: DispatchTable
    _pool: Pool | None
    request: HttpRequest
    _step: int
    _headers: CIMultiDict[str] | None
    _content: bytes | None

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self._dispatch_table = table = (
            request._destination.origin.dispatch_table
            if request.parent is None
            else request._configuration.dispatch_table_of(request)
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

    def _stage(self, event: str) -> Stage | None:
        """Who runs at a one-time event now; those who wait for it are told."""
        found = (
            self._dispatch_table.pre
            if event == "pre_request"
            else self._hooks_after_head.on_headers
            if event == "on_headers"
            else self._hooks_after_head.post_request
        )
        if self._on_fast_path:
            return found
        if self.request.timings:
            self._note_timing(event)
        if self._events is not None and event in self._events:
            self._events[event].notify()
        return with_handlers(found, event, self._handlers(event))

    def _note_timing(self, event: str) -> None:
        if event == "pre_request":
            self.timings = Timings()
        elif event == "post_request" and self.timings is not None:
            self.timings._mark("done")

    def _handlers(self, event: str) -> tuple[Implementation, ...]:
        """The handlers of this call, then those of this exchange."""
        call = self.request._call_handlers
        own = call.handlers.get(event, ()) if call is not None else ()
        if self._events is not None and event in self._events:
            return (*own, *self._events[event].implementations)
        return own

    def _has_fired(self, event: str) -> bool:
        if event in _STEP_OF:
            return self._step >= _STEP_OF[event]
        if event == "data_processed":
            return self._step == FINISHED or self.was_handed_out
        return self._head is not None  # bytes were received: the head at the latest

    def _data_listener(self) -> DataListener | None:
        request = self.request
        if request._call_handlers is not None and request._call_handlers.on_upload is not None and request.gate is None:
            request.hold_body().open()  # sent piece by piece, which is the way that tells how far it is
        received = (*self._dispatch_table.data_received, *self._handlers("data_received"))
        processed = (*self._dispatch_table.data_processed, *self._handlers("data_processed"))
        awaited = self._events is not None and any(event in self._events for event in DATA_EVENTS)
        tap = DataListeners(self, received, processed) if received or processed or awaited else None
        if self.timings is not None and self.timings.first_byte is None and self.connection is not None:
            return FirstByteListener(self.timings, self.connection, tap)
        return tap

    def _update_data_listener(self) -> None:
        """A data handler was bound, or went, while the bytes may be under way already: the next read goes by who is there now."""
        connection = self.connection
        if connection is not None and self._step in (SENT, HEAD) and not connection.complete:
            if connection.data_listener is not None:
                connection.data_listener = self._data_listener() or connection.data_listener
            elif connection.head:
                connection.data_listener = self._data_listener()

    def _notify_waiters(self, event: str) -> None:
        """A data event was fired: those who wait for it are told."""
        if self._events is not None and event in self._events:
            self._events[event].notify()

    def _describe_invalid_answer(self, event: str, answer: Any) -> str | None:
        """None when this may be an answer on the event, else what was expected."""
        if isinstance(answer, ExchangeState):
            return None
        if event == "on_headers":
            return (
                None
                if self._is_detached
                else "None, a response, or an object that took the connection with response.detach()"
            )
        if event == "post_request":
            return None if isinstance(answer, HttpRequest) else "None, an HttpRequest or an HttpResponse"
        return "None or an HttpResponse"

    # -- timeouts

    def _arm_timeout(
        self,
        waiter: asyncio.Future[Any] | None,
        kind: type[HttpTimeout] = HttpTimeout,
        seconds: float = 0.0,
        *,
        total: bool = True,
    ) -> None:
        """Timer over a wait: for the pool's future, or (None) for the connection. seconds: of this part of the call."""
        self._waiter = waiter
        scope = self.request._client.loop_resources
        now = scope.loop.time()
        self._phase = (kind, seconds, now) if seconds else None
        deadline = self.request.deadline if total else 0.0
        self._due = min(deadline or math.inf, now + seconds if seconds else math.inf)
        if self._due != math.inf:
            scope.timer.add(self)
        else:
            scope.timer.discard(self)

    def _arm_deadline(self) -> None:
        """Timer over a wait for the connection that nothing but the deadline limits."""
        self._due = self.request.deadline
        self.request._client.loop_resources.timer.add(self)

    def _disarm_timeout(self) -> None:
        if self._due != math.inf:
            self._due = math.inf
            self.request._client.loop_resources.timer.discard(self)

    def _check_deadline(self, now: float) -> float:
        """Told by the timer: end what took too long, or say when to look again."""
        deadline = self.request.deadline if not self.was_handed_out else 0.0
        if deadline and now >= deadline:
            self._fail_wait(self._timeout_error(HttpTimeout))
            return math.inf
        if self._phase is None:
            return deadline or math.inf
        kind, seconds, start = self._phase
        if kind is ReadTimeout and self.connection is not None:
            start = max(start, self.connection.last_read)
        if now >= start + seconds:
            self._fail_wait(self._timeout_error(kind))
            return math.inf
        return min(deadline or math.inf, start + seconds)

    def _fail_wait(self, error: HttpTimeout) -> None:
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_exception(error)
        elif self.connection is not None:
            self.connection.fail(error)

    def _timeout_error(self, kind: type[HttpTimeout]) -> HttpTimeout:
        """The error for a part of the call that took too long."""
        timeout = self.request.timeout
        part = {"ConnectTimeout": "connect", "PoolTimeout": "pool", "ReadTimeout": "read", "WriteTimeout": "write"}
        name = part.get(kind.__name__, "total")
        return kind(
            f"{self.request.method} {self.request._destination.origin}: {name} timeout of {getattr(timeout, name):g} s",
            request=self.request,
        )

    def _is_past_deadline(self) -> bool:
        deadline = self.request.deadline
        # a timer may come a millisecond early: uvloop counts in whole ones
        return bool(deadline) and self.request._client.loop_resources.loop.time() >= deadline - 0.002

    async def _with_timeout(
        self, awaitable: Awaitable[T], kind: type[HttpTimeout] = HttpTimeout, seconds: float = 0.0
    ) -> T:
        """Await what is not one of our own futures, under the total timeout and one of its own.

        Raises: `kind` after `seconds`, HttpTimeout at the deadline.
        """
        deadline = self.request.deadline or math.inf
        scope = self.request._client.loop_resources
        with scope.handler_section():
            if deadline == math.inf and not seconds:
                return await awaitable
            own = scope.loop.time() + seconds if seconds else math.inf
            limit = asyncio.timeout_at(min(deadline, own))
            try:
                async with limit:
                    return await awaitable
            except TimeoutError as error:
                if isinstance(error, HttpTimeout) or not limit.expired():
                    raise
                raise self._timeout_error(kind if own < deadline else HttpTimeout) from None

    # -- for the connection

    def _leave_fast_path(self, connection: Connection) -> None:
        """Have the connection look closer: somebody listens, something is limited, or the head means something else."""
        request = self.request
        tap = None if self._on_fast_path else self._data_listener()
        if self.timings is not None:
            self.timings._record_connection(connection)
        connection.leave_fast_path(request.method, request.max_body, tap)
        if request.deadline or request.timeout.has_parts:
            self._arm_timeout(None, ReadTimeout, request.timeout.read)
            connection.tracks_last_read = True
            connection.last_read = connection.loop.time()

    def _receive_head(self, head: ResponseHead) -> bool:
        """Told by the connection: the final head is here."""
        self._head_at = monotonic()
        if self._is_interim:  # an interim one is shown: `hide_interim` shows this one
            self._dispatch(head)
        else:
            self._show_head(head)
        return self._hooks_after_head.on_headers is not None or not self._on_fast_path or self.request.stream

    def _take_head_on_fast_path(self, connection: Connection) -> None:
        """The response is on the connection, whole in one read, and nobody was told of its head."""
        self._head = head = connection.head
        assert head is not None
        if head.cached_table is self._dispatch_table:
            self._hooks_after_head = head.cached_hooks
        else:
            self._dispatch(head)
        self.status_code = head.status
        self._step = HEAD
        self._head_at = connection.completed_at

    def _show_head(self, head: ResponseHead) -> None:
        self._dispatch(head)
        self._head = head
        self.status_code = head.status
        self._step = HEAD

    def _dispatch(self, head: ResponseHead) -> None:
        """Find who runs behind this head."""
        head.cached_table, head.cached_hooks = (
            self._dispatch_table,
            self._dispatch_table.hooks_after(head.status, head.low),
        )
        self._hooks_after_head = head.cached_hooks

    def _wants_interim(self) -> bool:
        return self._dispatch_table.interim_stage is not None

    def _show_interim(self, head: ResponseHead) -> None:
        """Look like the interim response for as long as its handlers run, even when the final head comes meanwhile."""
        self._is_interim = True
        self._step = SENT
        self._head = head
        self.status_code = head.status
        self._headers = None

    def _hide_interim(self, final: ResponseHead | None) -> None:
        """Have the final head, or none where that is not here yet."""
        self._is_interim = False
        self._headers = None
        if final is not None:
            self._show_head(final)
        else:
            self._head, self.status_code = None, 0

    def _set_head(self, raw: bytes) -> None:
        """A head that did not come from the network."""
        self._show_head(ResponseHead(raw, parse_status_line(raw[: raw.find(b"\r\n")]), raw.lower()))

    @property
    def _has_head(self) -> bool:
        return self._step >= HEAD and self._head is not None

    # -- the body

    def buffer(self) -> None:
        """Drain this body before anything is handed out: a plugin may answer post_request with another request."""
        self._is_buffered = True

    @property
    def _is_streamed(self) -> bool:
        """Is the body for the caller to read?"""
        return self.request.stream and not self._is_buffered

    async def _receive_body(self, connection: Connection) -> bool:
        """Let the body come. False: it is handed out as a stream; True: it is here, or as much of it as is buffered."""
        connection.bounded = connection.wakes_on_read = self.request.stream
        connection.continue_after_head(bounded=self.request.stream)
        if connection.error is not None:
            raise connection.error
        if self._is_streamed and not connection.upgraded and (connection.parts or not connection.complete):
            self._hand_out()
            return False
        while not connection.complete and (not connection.bounded or connection.buffered <= BUFFERED):
            await connection.wait()
        return True

    def _take_available_parts(self, connection: Connection) -> None:
        """As much of the body is here as is buffered; the connection stays open."""
        self._parts += connection.take_parts()

    def _finish_body(self, connection: Connection) -> None:
        """The last byte is here: the connection goes back to the pool."""
        self._is_whole = True
        self.connection = None
        if not connection.on_fast_path or self._content_filter is not None:
            self._parts += connection.parts
            if connection.trailers:
                self.raw_trailers = connection.trailers
        elif connection.parts:
            self._content = connection.parts[0]  # whole in one read, and nobody took it meanwhile
        if self.request._closes_connection:
            connection.keep_alive = False
        if self._pool is not None:
            self._pool.release(connection)
        if self._due != NEVER:
            self._disarm_timeout()

    def _discard_body(self) -> None:
        """Nobody wants the body: the connection goes back to the pool where all of it has come, else it is closed."""
        connection = self.connection
        if connection is not None:
            connection.data_listener = None
            connection.continue_after_head(bounded=False)  # bytes that waited for the handlers of the head are parsed
            if connection.complete:
                self._finish_body(connection)
        self.drop_connection()

    @property
    def body(self) -> Content:
        """The filter behind the raw parts; made when a decoder is added."""
        if self._content_filter is None:
            self._content_filter = Content(self.request.max_body)
        return self._content_filter

    def _take_decoded(self, *, bounded: bool) -> bytes:
        """Decoded body that is here and was not taken.

        Raises: DecodingError, BodyTooLarge.
        """
        parts, self._parts = self._parts, []
        if self._content_filter is None:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        self._content_filter.parts += parts
        return self._content_filter.take(is_complete=self._is_whole, bounded=bounded)

    @property
    def is_open(self) -> bool:
        """Is there a body on the way that nobody has read to its end?"""
        return self.connection is not None

    def _hand_out(self) -> None:
        """Give the body, or the rest of one that was buffered in part, to the caller, who may forget it."""
        # only now, because handlers may decide upon `request.stream` up to on_headers
        self.__class__ = self.request._configuration.streamed_type  # of the same layout
        self.was_handed_out = True
        self.request.deadline = 0.0  # the total timeout ends here
        self._disarm_timeout()
        if self.connection is not None:
            self.connection.receiver = None  # type: ignore[assignment]  # for the head only; a forgotten stream must be free

    @property
    def _is_cut(self) -> bool:
        """Was it handed out as a stream that ended before its body did, or buffered, and left or lost before that?"""
        return (self.was_handed_out or self._is_buffered) and self.connection is None and not self._is_whole

    # -- the end

    @property
    def _is_finished(self) -> bool:
        """Was post_request told?"""
        return self._step == FINISHED

    def _mark_finished(self) -> None:
        self._step = FINISHED

    @property
    def elapsed(self) -> timedelta:
        """From the sending of the request to its final head, as in requests; so far, while that is under way.

        0 where nothing was sent. It costs two readings of the clock, 0.1 us: nothing is set before them.
        """
        from datetime import timedelta  # here, because few ask: 2 ms

        began: float | None = getattr(self, "_sent_at", None)
        if began is None:
            return timedelta(0)
        arrived: float = getattr(self, "_head_at", None) or monotonic()
        return timedelta(seconds=arrived - began)

    def drop_connection(self) -> None:
        """Close the connection: its exchange did not complete. One with a whole body goes back to the pool."""
        self._disarm_timeout()
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if self._pool is None:
            connection.abort()
        elif self.was_handed_out and connection.is_reusable:
            self._pool.release(connection)
        else:
            self._pool.remove(connection)
            connection.abort()

    def _release_detached(self) -> None:
        """Take the connection out of the pool; it belongs to whoever detached it."""
        connection, self.connection = self.connection, None
        if self._pool is not None and connection is not None:
            self._pool.remove(connection)
        self._disarm_timeout()
