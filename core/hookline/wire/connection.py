"""One connection: an asyncio protocol that sends requests as bytes and takes responses apart, one exchange at a time.

Reads go into one buffer per loop, and the bytes leave it at once. `_take` is the state: the function that gets the next
bytes (a head, a body of one of three framings, what follows an upgrade, or a byte that nobody asked for).

Waking: a response that is whole in one read wakes the caller once. The head alone wakes only those who asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import BodyTooLarge, ConnectionClosed, RemoteProtocolError
from .bulk import BULK, BulkReader
from .link import Link
from .parser import (
    MAX_FIELDS,
    ChunkedBody,
    PartialHead,
    StatusLine,
    check_size,
    check_transfer_coding,
    parse_head,
    says_keep_alive,
)

if TYPE_CHECKING:
    from ..timings import Opening

HIGH_WATER = 256 * 1024
MAX_INTERIM = 100
_ORDINARY = frozenset({*range(200, 600)} - {204, 304})  # their bodies are as long as the head says


class Asker(Protocol):
    """What a connection asks of the exchange that it serves."""

    def take_head(self, line: StatusLine, head: bytes, low: bytes) -> bool:
        """Take the final head; does somebody wait for it, before the body? `low` is the head in lower case."""

    def wants_interim(self) -> bool: ...


class Tap(Protocol):
    """Those who listen to the raw bytes of an exchange."""

    def received(self, data: bytes) -> None: ...

    def processed(self, data: bytes) -> None: ...


class Connection(Link):
    """See the module. An exchange calls `begin`, writes, and awaits `waiter`; then it reads `line`, `head` and `parts`."""

    __slots__ = (
        "_backlog", "_body", "_early", "_ended", "_in_order", "_partial", "_read", "_remaining", "_take", "asker",
        "bounded", "buffered", "complete", "eager", "head", "idle_since", "interims", "is_ordinary", "is_used", "key",
        "last_read", "limit", "method", "on_lost", "opening", "parts", "read_anything", "received_size", "reused",
        "sending", "tap", "timed", "upgraded",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._take: Callable[[Connection, bytes], None] = Connection._take_stray
        self.reused = 0  # how often it was taken after its first exchange
        self.complete = True
        self.on_lost: Callable[[Connection], None] | None = None
        self.key: Any = None  # of the route that it was opened for
        self.opening: Opening | None = None  # how long that took, where its route says so
        self.last_read = self.idle_since = 0.0
        self._clear()

    def _clear(self) -> None:
        """Forget what an exchange left that was more than a head and a body in one read."""
        self.is_used = False
        self.interims: list[tuple[StatusLine, bytes]] | None = None
        self._partial: PartialHead | None = None
        self._body: ChunkedBody | None = None
        self._backlog: list[tuple[bytes, bytes]] | None = None
        self.upgraded = self.eager = self.bounded = self.sending = self._ended = self.timed = False
        self.buffered = self.received_size = self._remaining = 0

    # -- an exchange

    def begin(self, asker: Asker, method: str, limit: int = 0, tap: Tap | None = None) -> asyncio.Future[None]:
        """Get ready for the response to a request of this method; the future is done when there is something to see.

        limit: the most bytes of body that are taken, 0 = any. tap: who sees the bytes as they come.
        """
        if self.is_used:
            self._clear()
        self.asker = asker
        self.tap = tap
        if tap is not None:
            self._early: list[tuple[bytes, bytes]] = []
        self.method = method
        self.limit = limit
        self.is_ordinary = tap is None and not limit and method != "HEAD" and method != "CONNECT"
        self.head = b""
        self.parts: list[bytes] = []
        self.complete = self.read_anything = False
        self._take = Connection._take_head
        self.waiter = waiter = self.loop.create_future()
        return waiter

    def fail(self, error: BaseException) -> None:
        """End the exchange with an error, and the connection with it."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self.error = error
            waiter = self.waiter
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)
                waiter.exception()  # seen: while a body is sent nobody awaits it, and `error` tells the sender
        self._take = Connection._take_nothing
        self.abort()

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

    def take_parts(self) -> list[bytes]:
        """The body that has arrived and nobody took yet; reading goes on if it had stopped."""
        parts, self.parts = self.parts, []
        self.buffered = 0
        if self.paused:
            self.resume()
        return parts

    def end(self) -> None:
        """The exchange is over: forget it. Bytes from now on belong to nobody."""
        self.asker = self.tap = self.waiter = None  # type: ignore[assignment]  # `begin` sets them before they are used
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

    @property
    def left_of_body(self) -> int:
        """How many bytes of a body of known length are still to come; 0 when there is none on the way."""
        return self._remaining if self._take is Connection._take_length else 0

    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        return [] if self._body is None else self._body.trailers

    # -- reading

    def buffer_updated(self, nbytes: int) -> None:
        self.take_bytes(self._view[:nbytes].tobytes())

    def take_bytes(self, data: bytes) -> None:
        """Take the bytes of one read."""
        if self.tap is None and self._backlog is None:
            try:
                self._take(self, data)
            except (RemoteProtocolError, BodyTooLarge) as error:
                self.fail(error)
        else:
            self._tapped(data)

    def _tapped(self, data: bytes) -> None:
        """A read that somebody listens to: told before it is parsed, and again after it."""
        if self._take is Connection._take_stray or self._take is Connection._take_nothing:
            self._take(self, data)
            return
        try:
            if self.tap is not None:
                self.tap.received(data)
        except BaseException as error:  # noqa: BLE001  # a handler's: it ends the exchange, and reaches the caller through the waiter
            self.fail(error)
            return
        if self.upgraded:
            self._take(self, data)  # no body of ours: whoever takes the connection takes these too
        elif self._backlog is not None:
            self._backlog.append((data, data))
            self._count(data)
        else:
            self._parse(data, data)

    def _parse(self, rest: bytes, data: bytes) -> None:
        """Parse `rest`, the last part of a read, then tell that the read is processed; errors end the exchange."""
        if self._take is Connection._take_nothing:
            return
        was_complete = self.complete
        self._read = data
        try:
            if rest:
                self._take(self, rest)
            if not self.head:
                self._early.append((b"", data))  # processed is told after the handlers of the head
            elif self._backlog is None and self.tap is not None:
                self.tap.processed(data)
        except BaseException as error:  # noqa: BLE001  # a handler's, or the parser's
            if self.complete and not was_complete:  # by this read: nobody was told yet that the body is whole
                self.complete = False
            self.fail(error)

    def _take_head(self, data: bytes) -> None:
        if self._partial is not None:
            data = self._partial.add(data)
        end = data.find(b"\r\n\r\n") + 4
        if end == 3:
            self._keep_partial(data)
            return
        if end > 4 * MAX_FIELDS:  # shorter ones keep both limits
            check_size(data[:end])
        self._partial = None
        head = data[:end]
        line, keep_alive = parse_head(head)
        status = line.status
        self.read_anything = True
        if status < 200 and status != 101:
            self._interim(line, head, data[end:])
            return
        low = head.lower()
        self.keep_alive = keep_alive
        rest = data[end:]
        if (
            rest
            and self.is_ordinary
            and low.find(b"\r\ncontent-length: %d\r\n" % len(rest)) > 0  # 0.16 us less than to find and read it
            and status in _ORDINARY
            and not self.sending
        ):
            # whole in one read, as most are: nothing of what follows here applies, and nothing is left to clear
            self.head = head
            self.parts.append(rest)
            self._take = Connection._take_stray
            self.complete = True
            self.asker.take_head(line, head, low)
            waiter = self.waiter
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
            return
        at = low.find(b"\r\ncontent-length:")
        length = int(low[at + 17 : low.find(b"\r\n", at + 17)]) if at >= 0 else -1
        self.is_used = True
        self.received_size = 0
        if status == 101 or (self.method == "CONNECT" and status < 300):
            self.upgraded = self.complete = True
            self.stop_sending()
            self.keep_alive = False
            self.leftover = rest
            self._take = Connection._take_leftover
            rest = b""
        elif self.method == "HEAD" or status == 204 or status == 304:
            self.keep_alive = says_keep_alive(low, line.minor)
            self._complete(rest)
            rest = b""
        elif at >= 0:
            if self.limit and length > self.limit:
                self.asker.take_head(line, head, low)  # the error has a response, as where the body was begun
                raise BodyTooLarge(f"the body has {length} bytes, more than max_body={self.limit}")
            self._remaining = length
            self._take = Connection._take_length
            if length - len(rest) >= BULK and self.tap is None and BulkReader.fits(self.transport):
                BulkReader(self)
            if length == 0:
                self.keep_alive = says_keep_alive(low, line.minor)
                self._complete(rest)
                rest = b""
        elif low.find(b"\r\ntransfer-encoding:") >= 0:
            check_transfer_coding(low)
            self.keep_alive = keep_alive and line.minor == 1
            self._body = ChunkedBody()
            self._take = Connection._take_chunked
        else:
            self.keep_alive = False
            self._take = Connection._take_until_close
        self.head = head
        wanted = self.asker.take_head(line, head, low)
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
        self.is_used = True
        if self._partial is None:
            self.read_anything = True
            self._partial = PartialHead()
            self._partial.add(data)
        if self.timed:
            self.last_read = self.loop.time()

    def _interim(self, line: StatusLine, head: bytes, rest: bytes) -> None:
        self.is_used = True
        if self.interims is None:
            self.interims = []
        self.received_size += 1
        if self.received_size > MAX_INTERIM:
            raise RemoteProtocolError(f"more than {MAX_INTERIM} interim responses")
        if self.asker.wants_interim():
            self.interims.append((line, head))
            self.wake()
        if rest:
            self._take_head(rest)
        elif self.timed:
            self.last_read = self.loop.time()

    def _take_length(self, data: bytes) -> None:
        left = self._remaining - len(data)
        if left > 0:
            self._remaining = left
            self._add(data)
        elif left == 0:
            self._remaining = 0
            self.parts.append(data)
            self._complete()
        else:
            cut = self._remaining
            self._remaining = 0
            self.parts.append(data[:cut])
            self._complete(data[cut:])

    def _take_chunked(self, data: bytes) -> None:
        body = self._body
        assert body is not None
        content = body.feed(data)
        if content:
            self.received_size += len(content)
            self._check_limit()
        if body.complete:
            if content:
                self.parts.append(content)
            self._complete(b"surplus" if body.has_surplus else b"")
        elif content:
            self._add(content)

    def _take_until_close(self, data: bytes) -> None:
        self.received_size += len(data)
        self._check_limit()
        self._add(data)

    def _take_leftover(self, data: bytes) -> None:
        self.leftover += data
        if len(self.leftover) > HIGH_WATER and not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def _take_stray(self, data: bytes) -> None:
        """A byte that belongs to no response: whatever the peer means by it, it must not begin the next one."""
        self.keep_alive = False
        self.abort()

    def _take_nothing(self, data: bytes) -> None:
        """After an error, until the connection is gone."""

    def _check_limit(self) -> None:
        if self.limit and self.received_size > self.limit:
            raise BodyTooLarge(f"the body has more than max_body={self.limit} bytes")

    def _add(self, data: bytes) -> None:
        self.parts.append(data)
        if self.timed:
            self.last_read = self.loop.time()
        if self.bounded:
            self._count(data)
            if self.eager:
                self.wake()

    def _count(self, data: bytes) -> None:
        self.buffered += len(data)
        if self.buffered > HIGH_WATER and not self.paused and self.alive:
            self.paused = True
            self.transport.pause_reading()

    def _complete(self, surplus: bytes = b"") -> None:
        self.complete = True
        if surplus:
            self.keep_alive = False
        self._take = Connection._take_stray
        if self.sending:
            self.stop_sending()
        if self.head:
            self.wake()

    # -- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream transport is what create_connection makes
        self.alive = True

    def eof_received(self) -> bool:
        """The peer has sent all that it will."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self._end_of_input(None)
        return False  # the transport closes

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = self.keep_alive = False
        if self.sending and exc is not None and not self.complete and self.error is None and not self.paused:
            self.read_unread()
        if not self.complete and self.error is None:
            self._end_of_input(exc)
        self.let_write()
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost(self)

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
