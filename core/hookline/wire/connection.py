"""One connection: an asyncio protocol that sends requests as bytes and takes responses apart, one exchange at a time.

Waking: a response that is whole in one read wakes the caller once. The head alone wakes only those who asked for it.

Most exchanges see one such read and nothing else. They go through `begin`, `_take_first` and `end`, and leave nothing behind
that would have to be cleared; `is_used` says that something else happened. The caller reads `head` and `parts` then, and
nobody is told of the head.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import BodyTooLarge, ConnectionClosed, RemoteProtocolError
from .bulk import BULK, BulkReader
from .inflow import Inflow, Tap
from .parser import (
    MAX_FIELDS,
    ChunkedBody,
    PartialHead,
    ResponseHead,
    check_size,
    check_transfer_coding,
    parse_head,
    says_keep_alive,
)
from .unread import Unread

if TYPE_CHECKING:
    from ..timings import Opening

MAX_INTERIM = 100
_MAX_KEPT = 2048  # bytes of a head that a connection remembers


class Asker(Protocol):
    """What a connection asks of the exchange that it serves."""

    def take_head(self, head: ResponseHead) -> bool:
        """Take the final head; does somebody wait for it, before the body?"""

    def wants_interim(self) -> bool: ...


class Connection(Inflow):
    """See the module. An exchange calls `begin`, writes, and awaits `waiter`; then it reads `head` and `parts`.

    arrived: when the last response was here, as `time.monotonic` tells.
    """

    __slots__ = (
        "_ended", "_in_order", "_known", "_partial", "_unread", "arrived", "asker", "interims", "key", "method", "on_lost",
        "opening", "read_anything", "reused",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.reused = 0  # how often it was taken after its first exchange
        self.on_lost: Callable[[Connection], None] | None = None
        self.key: Any = None  # of the route that it was opened for
        self.opening: Opening | None = None  # how long that took, where its route says so
        self.arrived = 0.0
        self._known: ResponseHead | None = None
        self._unread: Unread | None = None

    def _clear(self) -> None:
        super()._clear()
        self.interims: list[ResponseHead] | None = None
        self._partial: PartialHead | None = None
        self.method = ""
        self._ended = self.read_anything = False

    # -- an exchange

    def begin(self, asker: Asker) -> asyncio.Future[None]:
        """Get ready for a response; the future is done when there is something to see.

        What is known of a request that is not like most others comes behind it: see `expect`.
        """
        if self.is_used:
            self._clear()
        self.asker = asker
        self.head = None
        self.complete = False
        self._take = _TAKE_FIRST
        waiter: Future[None] = Future(loop=self.loop)  # what create_future() gives, for a call less
        self.waiter = waiter
        return waiter

    def expect(self, method: str, limit: int = 0, tap: Tap | None = None, *, sending: bool = False) -> None:
        """Look at every head and each read of this response, and tell the asker.

        method: of the request, which decides whether there is a body. limit: the most bytes of body that are taken, 0 =
        any. tap: who sees the bytes as they come. sending: the response may come before the request is sent.
        """
        self.is_used = True
        self.method = method
        self.limit = limit
        self.tap = tap
        self.sending = sending
        self._take = Connection._take_head

    @contextmanager
    def held(self) -> Iterator[None]:
        """While a body is sent over TLS: what the peer says is read even if a write fails meanwhile."""
        if self.transport.get_extra_info("ssl_object") is None:
            yield  # the socket is there when a write fails
            return
        with closing(Unread(self.transport)) as self._unread:
            try:
                yield
            finally:
                self._unread = None

    def flow(self, *, bounded: bool) -> None:
        """Go on behind the head: the handlers have seen it. bounded: stop reading at 256 KiB that nobody took."""
        self.is_used = True
        self.bounded = bounded
        if self._backlog is not None:
            backlog, self._backlog = self._backlog, None
            for rest, data in backlog:
                self._parse(rest, data)
            if self._ended:
                self._end_of_input(None)
        if not bounded:
            self.resume()

    def end(self) -> None:
        """The exchange is over: forget it. Bytes from now on belong to nobody."""
        self.asker = self.waiter = None  # type: ignore[assignment]  # `begin` sets them before they are used
        self.tap = None
        self.parts = []
        self._take = Connection._take_stray

    @property
    def is_reusable(self) -> bool:
        """May another exchange use it?"""
        return (
            self.keep_alive
            and self.complete
            and self.alive
            and not self.paused
            and not self.sending
            and self.can_write is None
        )

    @property
    def has_unsent(self) -> bool:
        """Is a part of the request still to be sent? The response was there first."""
        return self.sending or self.can_write is not None

    # -- heads

    def _take_first(self, data: bytes) -> None:
        """The first read of an exchange that nobody watches: most responses are whole in it."""
        head = self._known
        if head is not None and data.startswith(head.raw):
            pass  # as it came last time: 0.1 us, where to parse and to judge it again takes 1.4
        elif (end := data.find(b"\r\n\r\n") + 4) == 3:
            self._keep_partial(data)
            return
        else:
            if end > 4 * MAX_FIELDS:  # shorter ones keep both limits
                check_size(data[:end])
            head = parse_head(data[:end])
            status = head.status
            if status < 200 or status == 204 or status == 304:
                self._take_parsed(head, data[end:])
                return
            self._known = head if end <= _MAX_KEPT else None
        rest = data[len(head.raw) :]
        if not rest or len(rest) != head.length:
            self._take_parsed(head, rest)
            return
        self.head = head
        self.keep_alive = head.keep_alive
        self.parts = [rest]
        self.complete = True
        self.arrived = monotonic()
        self._take = _TAKE_STRAY
        waiter = self.waiter
        if not waiter.done():  # type: ignore[union-attr]  # `begin` has set it
            waiter.set_result(None)  # type: ignore[union-attr]

    def _take_head(self, data: bytes) -> None:
        end = data.find(b"\r\n\r\n") + 4
        if end == 3:
            self._keep_partial(data)
            return
        if end > 4 * MAX_FIELDS:
            check_size(data[:end])
        self._take_parsed(parse_head(data[:end]), data[end:])

    def _take_parsed(self, head: ResponseHead, rest: bytes) -> None:
        """A head whose response is not whole in this read, or that somebody watches."""
        self.is_used = self.read_anything = True
        status = head.status
        if status < 200 and status != 101:
            self._interim(head, rest)
            return
        low = head.low
        self.keep_alive = head.keep_alive
        self.parts = []
        self.received_size = 0
        if status == 101 or (self.method == "CONNECT" and status < 300):
            self.upgraded = self.complete = True
            self.stop_sending()
            self.keep_alive = False
            self.leftover = rest
            self._take = Connection._take_leftover
            rest = b""
        elif self.method == "HEAD" or status == 204 or status == 304:
            self.keep_alive = says_keep_alive(low, head.line.minor)
            self._complete(rest)
            rest = b""
        elif head.length >= 0:
            if self.limit and head.length > self.limit:
                self.asker.take_head(head)  # the error has a response, as where the body was begun
                raise BodyTooLarge(f"the body has {head.length} bytes, more than max_body={self.limit}")
            self._remaining = head.length
            self._take = Connection._take_length
            if head.length - len(rest) >= BULK and self.tap is None and BulkReader.fits(self.transport):
                BulkReader(self)
            if head.length == 0:
                self.keep_alive = says_keep_alive(low, head.line.minor)
                self._complete(rest)
                rest = b""
        elif low.find(b"\r\ntransfer-encoding:") >= 0:
            check_transfer_coding(low)
            self.keep_alive = head.keep_alive and head.line.minor == 1
            self._body = ChunkedBody()
            self._take = Connection._take_chunked
        else:
            self.keep_alive = False
            self._take = Connection._take_until_close
        self.head = head
        wanted = self.asker.take_head(head)
        if self.tap is not None:
            # the handlers of the head come before those of the bytes: what follows waits for flow()
            self._backlog = [*self._early, (rest, self._read)]
            self.bounded = wanted = True
        elif rest:
            if wanted:
                self.bounded = True
            self._take(self, rest)
        elif wanted:
            self.bounded = True
        if self.complete or wanted:
            self.wake()
        if self.sending and status >= 300:
            self.stop_sending()  # the peer has decided before the body was sent

    def _keep_partial(self, data: bytes) -> None:
        self.is_used = self.read_anything = True
        self._partial = PartialHead()
        self._take = Connection._take_more
        self._take_more(data)

    def _take_more(self, data: bytes) -> None:
        """More of a head that comes in several reads."""
        assert self._partial is not None
        whole = self._partial.add(data)
        if whole:
            self._partial = None
            self._take_head(whole)
        elif self.timed:
            self.last_read = self.loop.time()

    def _interim(self, head: ResponseHead, rest: bytes) -> None:
        self._take = Connection._take_head
        if self.interims is None:
            self.interims = []
        self.received_size += 1
        if self.received_size > MAX_INTERIM:
            raise RemoteProtocolError(f"more than {MAX_INTERIM} interim responses")
        if self.asker.wants_interim():
            self.interims.append(head)
            self.wake()
        if rest:
            self._take_head(rest)
        elif self.timed:
            self.last_read = self.loop.time()

    # -- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream transport is what create_connection makes
        self.alive = True

    def pause_writing(self) -> None:
        self.is_used = True
        super().pause_writing()

    def eof_received(self) -> bool:
        """The peer has sent all that it will."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self._end_of_input(None)
        return False  # the transport closes

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = self.keep_alive = False
        if self.sending and exc is not None and not self.complete and self.error is None and not self.paused:
            self._read_unread()
        if not self.complete and self.error is None:
            self._end_of_input(exc)
        self.let_write()
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost(self)

    def _read_unread(self) -> None:
        """A write failed: the peer may have said why."""
        with closing(self._unread or Unread(self.transport)) as unread:
            for data in unread.read():
                self.take_bytes(data)
                if self.complete or self.error is not None:
                    break

    def _end_of_input(self, exc: Exception | None) -> None:
        """Nothing more will come: only a body without length and chunks is complete by that (RFC 9112, section 6.3), and
        over TLS only where that was closed too (section 9.8): a FIN is in the power of anybody on the way."""
        if self._backlog is not None and exc is None:
            # judged when what came before it has been parsed; by then uvloop's TLS would have forgotten
            self._ended, self._in_order = True, self.is_closed_in_order
        elif (
            self._take is Connection._take_until_close
            and exc is None
            and (self._in_order if self._ended else self.is_closed_in_order)
        ):
            self._complete()
        else:
            self.fail(self._lost(exc))

    def _lost(self, exc: Exception | None) -> ConnectionClosed:
        if not self.head:
            what = "before the response" if not self.read_anything else "within the head of the response"
        elif self._take is Connection._take_length:
            what = f"{self._remaining} bytes before the end of the body"
        elif self._take is Connection._take_until_close and exc is None:
            what = "without closing TLS: the body may be cut"
        else:
            what = "within the body"
        error = ConnectionClosed(f"the server closed the connection {what}")
        error.__cause__ = exc
        return error


_TAKE_FIRST, _TAKE_STRAY = (
    Connection._take_first,
    Connection._take_stray,
)  # 0.03 us less than to look for them in the class
