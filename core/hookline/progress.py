"""How far an exchange is: its connection, its clock, its body on the way. The part of a response that does the work."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

from multidict import CIMultiDict

from .clock import Clocked
from .content import Content
from .errors import PluginError, ReadTimeout, StreamAbandoned, StreamConsumedError
from .events.plan import After, extended
from .failure import fail
from .hookspecs import DATA_EVENTS
from .listeners import Listeners
from .request import HttpRequest
from .sending import acquire
from .timings import FirstByte, Timings
from .wire.connection import Connection, Tap
from .wire.parser import StatusLine, parse_status_line

if TYPE_CHECKING:
    from datetime import timedelta

    from .events.conduct import Stage
    from .events.handlers import ResponseEvent
    from .events.implementation import Implementation
    from .events.plan import Plan
    from .pool import Pool
    from .response import HttpResponse

T = TypeVar("T")

BUFFERED = 64 * 1024  # bytes of a buffered body that are drained; with more, the connection is closed instead

NEW, SENT, HEAD, FINISHED = range(4)
NEVER = math.inf
_STEP_OF = {"pre_request": NEW, "on_headers": HEAD, "post_request": FINISHED}


class Progress(Clocked):
    """See the module.

    is_plain: do nobody but plugins and the client's handlers listen? connection: None before it is taken, and once
    the body is whole. is_whole: has all of the body arrived? step: how far it is, NEW to FINISHED.
    filter: what decodes the body, where something does.
    """

    # What few exchanges set stands here and goes to the instance's dict; what all of them set has a slot.
    __slots__ = (
        "_arrived", "_began", "_content", "_headers", "after", "is_plain", "is_whole", "line", "parts", "plan", "pool",
        "raw_head", "status_code", "step",
    )  # fmt: skip
    is_buffered = False
    is_interim = False
    raw_trailers: Sequence[tuple[bytes, bytes]] = ()
    timings: Timings | None = None
    filter: Content | None = None
    _events: dict[str, ResponseEvent] | None = None

    pool: Pool | None
    line: StatusLine | None
    _headers: CIMultiDict[str] | None
    _content: bytes | None

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.plan: Plan = request.where.origin.plan if request.parent is None else request.profile.plan_for(request)
        self.is_plain = request.call is None
        self.status_code = 0
        self.after: After = self.plan.after_nothing
        self.parts: list[bytes] = []
        self.connection = self.pool = self.line = self._headers = self._content = None
        self.due = NEVER
        self.step = NEW
        self.is_whole = False
        self.raw_head = b""

    # -- events

    @property
    def as_response(self) -> HttpResponse:
        """Itself: each of these is a response."""
        return cast("HttpResponse", self)

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
        return bool(self.raw_head)  # bytes were received: the head at the latest

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

    # -- for the connection

    def begin(self, connection: Connection) -> asyncio.Future[None]:
        """Get the connection ready for this exchange."""
        request = self.request
        tap = None
        if not self.is_plain or self.plan.has_taps:
            tap = self._tap()
            if self.timings is not None:
                self.timings.took(connection)
        waiter = connection.begin(self, request.method, request.max_body, tap)
        if request.deadline or request.timeout.has_parts:
            self.wait_for(None, ReadTimeout, request.timeout.read)
            connection.timed = connection.is_used = True
            connection.last_read = connection.loop.time()
        self.step = SENT
        self._began = monotonic()
        return waiter

    def take_head(self, line: StatusLine, head: bytes, low: bytes) -> bool:
        """Told by the connection: the final head is here."""
        if not self.is_interim:
            self.line = line
            self.status_code = line.status
            self.raw_head = head
            self.step = HEAD
        self._arrived = monotonic()
        self.after = after = self.plan.match(line.status, low)
        return after.head is not None or not self.is_plain or self.request.stream

    def wants_interim(self) -> bool:
        return self.plan.interim is not None

    def show_interim(self, line: StatusLine, head: bytes) -> None:
        """Look like the interim response for as long as its handlers run, even when the final head comes meanwhile."""
        self.is_interim = True
        self.step = SENT
        self.line = line
        self.status_code = line.status
        self.raw_head = head
        self._headers = None

    def hide_interim(self, final: bytes) -> None:
        """Have the final head, or none where that is not here yet."""
        self.is_interim = False
        self._headers = None
        if final:
            self.give_head(final)
            self.step = HEAD
        else:
            self.line, self.status_code, self.raw_head = None, 0, b""

    def give_head(self, head: bytes) -> None:
        """A head that did not come from the network."""
        self.line = parse_status_line(head[: head.find(b"\r\n")])
        self.status_code = self.line.status
        self.raw_head = head
        self.after = self.plan.match(self.status_code, head.lower())

    @property
    def has_head(self) -> bool:
        return self.step >= HEAD and self.line is not None

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
        self.parts = connection.parts if not self.parts else [*self.parts, *connection.parts]
        self.is_whole = True
        if connection.is_used and connection.trailers:
            self.raw_trailers = connection.trailers
        self.connection = None
        if self.pool is not None:
            self.pool.release(connection)
        if self.due != NEVER:
            self.unwatch()

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

    async def read_chunk(self) -> bytes:
        """The next decoded bytes of the body; b"" at its end. Whatever goes wrong ends the exchange.

        Raises: StreamConsumedError, when it was closed before; whatever went wrong.
        """
        connection = self.connection
        if connection is None:
            if self.is_cut:
                raise StreamConsumedError("the body was closed, or failed, before its end")
            return self.take(bounded=True)
        try:
            while True:
                self.is_whole = complete = connection.complete
                if connection.parts or self.parts or complete or self.filter is not None:
                    self.parts += connection.take_parts()
                    data = self.take(bounded=True)
                    if complete and not (self.filter is not None and self.filter.has_pending):
                        await self._finish_stream(connection)
                        return data
                    if data:
                        return data
                if self.request.timeout.read:
                    self.wait_for(None, ReadTimeout, self.request.timeout.read, total=False)
                if connection.error is not None:
                    raise connection.error
                connection.waiter = waiter = connection.loop.create_future()
                await waiter
                self.unwatch()
        except BaseException as error:
            self.is_whole = False
            await fail(self.as_response, error)
            raise

    async def _finish_stream(self, connection: Connection) -> None:
        self.end_body(connection)
        if not self.is_finished:
            self.mark_finished()
            stage = self.stage("post_request")
            if stage is not None:
                await stage.run(self.as_response)  # no answer is taken: the caller has the response

    def hand_out(self) -> None:
        """Give the rest of a body that was buffered in part to the caller."""
        self.was_handed_out = True
        self.request.deadline = 0.0  # the total timeout ends here
        self.unwatch()
        if self.connection is not None:
            self.connection.asker = None  # type: ignore[assignment]  # for the head only; a forgotten stream must be free

    @property
    def is_cut(self) -> bool:
        """Was it handed out as a stream that ended before its body did, or buffered, and left or lost before that?"""
        return (self.was_handed_out or self.is_buffered) and self.connection is None and not self.is_whole

    def close(self) -> Any:
        """Let go of a body that nobody reads on; nothing happens when it was read. In a running loop, await it or not."""
        return self.request.client.settle(self.aclose())

    async def aclose(self) -> None:
        """The same as a coroutine: post_request is told of StreamAbandoned."""
        if self.connection is not None:
            await self.abandon("the body was closed before its end")

    async def abandon(self, why: str) -> None:
        """End a stream that nobody reads on. What post_request raises has no caller to go to: it is logged."""
        error = StreamAbandoned(why)
        await fail(self.as_response, error)
        for note in getattr(error, "__notes__", ()):
            self.request.client.logger.error("%r: %s", self.request, note)

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

        began: float | None = getattr(self, "_began", None)
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

    async def connect(self) -> Connection:
        """Take the connection now, in pre_request. The route and the origin are fixed from then on."""
        if self.step != NEW:
            raise PluginError("connect() is for pre_request: the request was sent already")
        if self.connection is None:
            self.pool = pool = self.request.pool()
            self.connection = pool.take() or await acquire(self.as_response, pool)
            self.request.mark_connected()
        return self.connection
