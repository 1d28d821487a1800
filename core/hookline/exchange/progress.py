"""How far an exchange is: its connection, its clock, its body on the way. The part of a response that does the work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from ..errors import PluginError, ReadTimeout
from ..http1.connection import Connection
from ..http1.parser import ResponseHead, parse_status_line
from ..messages.content_decoding import Content
from .audience import FINISHED, HEAD, NEW, SENT, Audience
from .request import HttpRequest
from .upload import acquire

if TYPE_CHECKING:
    from datetime import timedelta

    from ..network.pool import Pool

BUFFERED = 64 * 1024  # bytes of a buffered body that are drained; with more, the connection is closed instead

NEVER = math.inf


class Progress(Audience):
    """See the module.

    connection: None before it is taken, and once the body is whole. is_whole: has all of the body arrived? filter: what
    decodes the body, where something does. began: when the request went out, as `time.monotonic` tells.
    """

    # What few exchanges set stands here and goes to the instance's dict; what all of them set has a slot.
    __slots__ = (
        "_arrived", "_content", "_headers", "began", "filter", "is_whole", "parts", "pool", "status_code",
    )  # fmt: skip
    is_buffered = False
    is_interim = False
    is_repeated = False  # on a fresh connection, after an idle one had died
    raw_trailers: Sequence[tuple[bytes, bytes]] = ()

    began: float
    pool: Pool | None
    filter: Content | None
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

    async def connect(self) -> Connection:
        """Take the connection now, in pre_request. The route and the origin are fixed from then on."""
        if self.step != NEW:
            raise PluginError("connect() is for pre_request: the request was sent already")
        if self.connection is None:
            self.pool = pool = self.request.pool()
            self.connection = pool.take(monotonic()) or await acquire(self.as_response, pool)
            self.request.mark_connected()
        return self.connection
