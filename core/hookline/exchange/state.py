"""The state of one exchange: its plugins and handlers, its connection, its timeouts, and its body on the way."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from multidict import CIMultiDict

from ..errors import HttpTimeout, ReadTimeout
from ..hooks.data_listeners import Listeners
from ..hooks.dispatch_table import After, Plan, extended
from ..hooks.handlers import ResponseEvent
from ..hooks.implementation import Implementation
from ..hooks.markers import DATA_EVENTS
from ..hooks.stage import Stage
from ..http1.connection import Connection, Tap
from ..http1.parser import ResponseHead, parse_status_line
from ..messages.content_decoding import Content
from ..network.pool import Pool
from ..network.timings import FirstByte, Timings
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

    due: when the timer looks next, in loop time. plan: who runs at each event. is_plain: do nobody but plugins and the
    client's handlers listen, and to no data? after: who runs behind its head. step: how far the exchange is, NEW to
    FINISHED. head: of the response; of an interim one while that is shown. connection: None before it is taken, and once
    the body is whole. is_whole: has all of the body arrived? filter: what decodes the body, where something does. began:
    when the request went out, as `time.monotonic` tells.
    """

    # What few exchanges set stands here and goes to the instance's dict; what all of them set has a slot.
    __slots__ = (
        "__dict__", "__weakref__", "_arrived", "_content", "_headers", "after", "began", "connection", "due", "filter",
        "head", "is_plain", "is_whole", "parts", "plan", "pool", "request", "status_code", "step",
    )  # fmt: skip
    answer: Any = None  # what the implementations of the present event have answered so far
    answered_by = ""  # who answered post_request, in words
    detached = False
    is_buffered = False
    is_interim = False
    is_repeated = False  # on a fresh connection, after an idle one had died
    raw_trailers: Sequence[tuple[bytes, bytes]] = ()
    timings: Timings | None = None
    was_handed_out = False
    _events: dict[str, ResponseEvent] | None = None
    _phase: tuple[type[HttpTimeout], float, float] | None = None
    _waiter: asyncio.Future[Any] | None = None

    after: After
    began: float
    connection: Connection | None
    due: float
    filter: Content | None
    head: ResponseHead | None
    is_plain: bool
    plan: Plan
    pool: Pool | None
    request: HttpRequest
    step: int
    _headers: CIMultiDict[str] | None
    _content: bytes | None

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.plan = plan = request.where.origin.plan if request.parent is None else request.profile.plan_for(request)
        self.is_plain = request.call is None and not plan.has_taps
        self.status_code = 0
        self.after = plan.after_nothing
        self.parts: list[bytes] = []
        self.connection = self.pool = self.head = self.filter = self._headers = self._content = None
        self.due = NEVER
        self.step = NEW
        self.is_whole = False

    # -- events

    def stage(self, event: str) -> Stage | None:
        """Who runs at a one-time event now; those who wait for it are told."""
        found = (
            self.plan.pre if event == "pre_request" else self.after.head if event == "on_headers" else self.after.done
        )
        if self.is_plain:
            return found
        if self.request.timings:
            self._note(event)
        if self._events is not None and event in self._events:
            self._events[event].release()
        return extended(found, event, self._handlers(event))

    def _note(self, event: str) -> None:
        if event == "pre_request":
            self.timings = Timings()
        elif event == "post_request" and self.timings is not None:
            self.timings.mark("done")

    def _handlers(self, event: str) -> tuple[Implementation, ...]:
        """The handlers of this call, then those of this exchange."""
        call = self.request.call
        own = call.handlers.get(event, ()) if call is not None else ()
        if self._events is not None and event in self._events:
            return (*own, *self._events[event].implementations)
        return own

    def has_fired(self, event: str) -> bool:
        if event in _STEP_OF:
            return self.step >= _STEP_OF[event]
        if event == "data_processed":
            return self.step == FINISHED or self.was_handed_out
        return self.head is not None  # bytes were received: the head at the latest

    def _tap(self) -> Tap | None:
        request = self.request
        if request.call is not None and request.call.on_upload is not None and request.gate is None:
            request.hold_body().open()  # sent piece by piece, which is the way that tells how far it is
        received = (*self.plan.data_received, *self._handlers("data_received"))
        processed = (*self.plan.data_processed, *self._handlers("data_processed"))
        awaited = self._events is not None and any(event in self._events for event in DATA_EVENTS)
        tap = Listeners(self, received, processed) if received or processed or awaited else None
        if self.timings is not None and self.timings.first_byte is None and self.connection is not None:
            return FirstByte(self.timings, self.connection, tap)
        return tap

    def listen(self) -> None:
        """A data handler was bound, or went, while the bytes may be under way already: the next read goes by who is there now."""
        connection = self.connection
        if connection is not None and self.step in (SENT, HEAD) and not connection.complete:
            if connection.tap is not None:
                connection.tap = self._tap() or connection.tap
            elif connection.head:
                connection.tap = self._tap()

    def told(self, event: str) -> None:
        """A data event was fired: those who wait for it are told."""
        if self._events is not None and event in self._events:
            self._events[event].release()

    def refuse_answer(self, event: str, answer: Any) -> str | None:
        """None when this may be an answer on the event, else what was expected."""
        if isinstance(answer, ExchangeState):
            return None
        if event == "on_headers":
            return (
                None
                if self.detached
                else "None, a response, or an object that took the connection with response.detach()"
            )
        if event == "post_request":
            return None if isinstance(answer, HttpRequest) else "None, an HttpRequest or an HttpResponse"
        return "None or an HttpResponse"

    # -- timeouts

    def wait_for(
        self,
        waiter: asyncio.Future[Any] | None,
        kind: type[HttpTimeout] = HttpTimeout,
        seconds: float = 0.0,
        *,
        total: bool = True,
    ) -> None:
        """Watch over a wait: for the pool's future, or (None) for the connection. seconds: of this part of the call."""
        self._waiter = waiter
        scope = self.request.client.scope
        now = scope.loop.time()
        self._phase = (kind, seconds, now) if seconds else None
        deadline = self.request.deadline if total else 0.0
        self.due = min(deadline or math.inf, now + seconds if seconds else math.inf)
        if self.due != math.inf:
            scope.watch.add(self)
        else:
            scope.watch.discard(self)

    def watch_deadline(self) -> None:
        """Watch over a wait for the connection that nothing but the deadline limits."""
        self.due = self.request.deadline
        self.request.client.scope.watch.add(self)

    def unwatch(self) -> None:
        if self.due != math.inf:
            self.due = math.inf
            self.request.client.scope.watch.discard(self)

    def look(self, now: float) -> float:
        """Told by the timer: end what took too long, or say when to look again."""
        deadline = self.request.deadline if not self.was_handed_out else 0.0
        if deadline and now >= deadline:
            self._expire(self.timed_out(HttpTimeout))
            return math.inf
        if self._phase is None:
            return deadline or math.inf
        kind, seconds, start = self._phase
        if kind is ReadTimeout and self.connection is not None:
            start = max(start, self.connection.last_read)
        if now >= start + seconds:
            self._expire(self.timed_out(kind))
            return math.inf
        return min(deadline or math.inf, start + seconds)

    def _expire(self, error: HttpTimeout) -> None:
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_exception(error)
        elif self.connection is not None:
            self.connection.fail(error)

    def timed_out(self, kind: type[HttpTimeout]) -> HttpTimeout:
        """The error for a part of the call that took too long."""
        timeout = self.request.timeout
        part = {"ConnectTimeout": "connect", "PoolTimeout": "pool", "ReadTimeout": "read", "WriteTimeout": "write"}
        name = part.get(kind.__name__, "total")
        return kind(
            f"{self.request.method} {self.request.where.origin}: {name} timeout of {getattr(timeout, name):g} s",
            request=self.request,
        )

    def is_past_deadline(self) -> bool:
        deadline = self.request.deadline
        # a timer may come a millisecond early: uvloop counts in whole ones
        return bool(deadline) and self.request.client.scope.loop.time() >= deadline - 0.002

    async def timed(self, awaitable: Awaitable[T], kind: type[HttpTimeout] = HttpTimeout, seconds: float = 0.0) -> T:
        """Await what is not one of our own futures, under the total timeout and one of its own.

        Raises: `kind` after `seconds`, HttpTimeout at the deadline.
        """
        deadline = self.request.deadline or math.inf
        scope = self.request.client.scope
        with scope.section():
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
                raise self.timed_out(kind if own < deadline else HttpTimeout) from None

    # -- for the connection

    def expect(self, connection: Connection) -> None:
        """Have the connection look closer: somebody listens, something is limited, or the head means something else."""
        request = self.request
        tap = None if self.is_plain else self._tap()
        if self.timings is not None:
            self.timings.took(connection)
        connection.expect(request.method, request.max_body, tap)
        if request.deadline or request.timeout.has_parts:
            self.wait_for(None, ReadTimeout, request.timeout.read)
            connection.timed = True
            connection.last_read = connection.loop.time()

    def take_head(self, head: ResponseHead) -> bool:
        """Told by the connection: the final head is here."""
        self._arrived = monotonic()
        if self.is_interim:  # an interim one is shown: `hide_interim` shows this one
            self._judge(head)
        else:
            self._show(head)
        return self.after.head is not None or not self.is_plain or self.request.stream

    def take_whole(self, connection: Connection) -> None:
        """The response is on the connection, whole in one read, and nobody was told of its head."""
        self.head = head = connection.head
        assert head is not None
        if head.judge is self.plan:
            self.after = head.verdict
        else:
            self._judge(head)
        self.status_code = head.status
        self.step = HEAD
        self._arrived = connection.arrived

    def _show(self, head: ResponseHead) -> None:
        self._judge(head)
        self.head = head
        self.status_code = head.status
        self.step = HEAD

    def _judge(self, head: ResponseHead) -> None:
        """Find who runs behind this head."""
        head.judge, head.verdict = self.plan, self.plan.match(head.status, head.low)
        self.after = head.verdict

    def wants_interim(self) -> bool:
        return self.plan.interim is not None

    def show_interim(self, head: ResponseHead) -> None:
        """Look like the interim response for as long as its handlers run, even when the final head comes meanwhile."""
        self.is_interim = True
        self.step = SENT
        self.head = head
        self.status_code = head.status
        self._headers = None

    def hide_interim(self, final: ResponseHead | None) -> None:
        """Have the final head, or none where that is not here yet."""
        self.is_interim = False
        self._headers = None
        if final is not None:
            self._show(final)
        else:
            self.head, self.status_code = None, 0

    def give_head(self, raw: bytes) -> None:
        """A head that did not come from the network."""
        self._show(ResponseHead(raw, parse_status_line(raw[: raw.find(b"\r\n")]), raw.lower()))

    @property
    def has_head(self) -> bool:
        return self.step >= HEAD and self.head is not None

    # -- the body

    def buffer(self) -> None:
        """Drain this body before anything is handed out: a plugin may answer post_request with another request."""
        self.is_buffered = True

    @property
    def is_streamed(self) -> bool:
        """Is the body for the caller to read?"""
        return self.request.stream and not self.is_buffered

    async def receive_body(self, connection: Connection) -> bool:
        """Let the body come. False: it is handed out as a stream; True: it is here, or as much of it as is buffered."""
        connection.bounded = connection.eager = self.request.stream
        connection.flow(bounded=self.request.stream)
        if connection.error is not None:
            raise connection.error
        if self.is_streamed and not connection.upgraded and (connection.parts or not connection.complete):
            self.hand_out()
            return False
        while not connection.complete and (not connection.bounded or connection.buffered <= BUFFERED):
            await connection.wait()
        return True

    def take_part(self, connection: Connection) -> None:
        """As much of the body is here as is buffered; the connection stays open."""
        self.parts += connection.take_parts()

    def end_body(self, connection: Connection) -> None:
        """The last byte is here: the connection goes back to the pool."""
        self.is_whole = True
        self.connection = None
        if connection.is_used or self.filter is not None:
            self.parts += connection.parts
            if connection.trailers:
                self.raw_trailers = connection.trailers
        elif connection.parts:
            self._content = connection.parts[0]  # whole in one read, and nobody took it meanwhile
        if self.request.closes:
            connection.keep_alive = False
        if self.pool is not None:
            self.pool.release(connection)
        if self.due != NEVER:
            self.unwatch()

    def leave_body(self) -> None:
        """Nobody wants the body: the connection goes back to the pool where all of it has come, else it is closed."""
        connection = self.connection
        if connection is not None:
            connection.tap = None
            connection.flow(bounded=False)  # bytes that waited for the handlers of the head are parsed
            if connection.complete:
                self.end_body(connection)
        self.drop_connection()

    @property
    def body(self) -> Content:
        """The filter behind the raw parts; made when a decoder is added."""
        if self.filter is None:
            self.filter = Content(self.request.max_body)
        return self.filter

    def take(self, *, bounded: bool) -> bytes:
        """Decoded body that is here and was not taken.

        Raises: DecodingError, BodyTooLarge.
        """
        parts, self.parts = self.parts, []
        if self.filter is None:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        self.filter.parts += parts
        return self.filter.take(is_complete=self.is_whole, bounded=bounded)

    @property
    def is_open(self) -> bool:
        """Is there a body on the way that nobody has read to its end?"""
        return self.connection is not None

    def hand_out(self) -> None:
        """Give the body, or the rest of one that was buffered in part, to the caller, who may forget it."""
        # only now, because handlers may decide upon `request.stream` up to on_headers
        self.__class__ = self.request.profile.streamed_type  # of the same layout
        self.was_handed_out = True
        self.request.deadline = 0.0  # the total timeout ends here
        self.unwatch()
        if self.connection is not None:
            self.connection.asker = None  # type: ignore[assignment]  # for the head only; a forgotten stream must be free

    @property
    def is_cut(self) -> bool:
        """Was it handed out as a stream that ended before its body did, or buffered, and left or lost before that?"""
        return (self.was_handed_out or self.is_buffered) and self.connection is None and not self.is_whole

    # -- the end

    @property
    def is_finished(self) -> bool:
        """Was post_request told?"""
        return self.step == FINISHED

    def mark_finished(self) -> None:
        self.step = FINISHED

    @property
    def elapsed(self) -> timedelta:
        """From the sending of the request to its final head, as in requests; so far, while that is under way.

        0 where nothing was sent. It costs two readings of the clock, 0.1 us: nothing is set before them.
        """
        from datetime import timedelta  # here, because few ask: 2 ms

        began: float | None = getattr(self, "began", None)
        if began is None:
            return timedelta(0)
        arrived: float = getattr(self, "_arrived", None) or monotonic()
        return timedelta(seconds=arrived - began)

    def drop_connection(self) -> None:
        """Close the connection: its exchange did not complete. One with a whole body goes back to the pool."""
        self.unwatch()
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if self.pool is None:
            connection.abort()
        elif self.was_handed_out and connection.is_reusable:
            self.pool.release(connection)
        else:
            self.pool.remove(connection)
            connection.abort()

    def let_go(self) -> None:
        """Take the connection out of the pool; it belongs to whoever detached it."""
        connection, self.connection = self.connection, None
        if self.pool is not None and connection is not None:
            self.pool.remove(connection)
        self.unwatch()
