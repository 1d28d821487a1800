"""One connection: an asyncio protocol that sends requests as bytes and takes responses apart, one exchange at a time.

Most exchanges see one read, with a whole response in it, and nothing else. They go through `begin`, `_take_first` and `end`,
and leave nothing behind that would have to be cleared; `on_fast_path` is False once something else happened. The caller reads `head`
and `parts` then, and nobody is told of the head.

Reads go into one buffer per loop, and the bytes leave it at once. `_take` is the state: the function that gets the next
bytes (a head, a body, what follows an upgrade, or a byte that nobody asked for). A response that is whole in one read wakes
the caller once. The head alone wakes only those who asked for it.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any, Protocol

from ..copying import no_copy
from ..errors import BodyTooLarge, ConnectionClosed, RemoteProtocolError
from .base_connection import BaseConnection
from .large_bodies import LARGE_BODY, LargeBodyReader
from .opening import Opening
from .parser import (
    ChunkedBody,
    PartialHead,
    ResponseHead,
    check_transfer_coding,
    parse_head,
    says_keep_alive,
    split_head,
)
from .unread_answer import UnreadAnswer

HIGH_WATER = 256 * 1024
MAX_INTERIM = 100
_MAX_KEPT = 2048  # bytes of a head that a connection remembers


class DataListener(Protocol):
    """Those who listen to the raw bytes of an exchange."""

    def received(self, data: bytes) -> None: ...

    def processed(self, data: bytes) -> None: ...


class ResponseReceiver(Protocol):
    """What a connection asks of the exchange that it serves."""

    def _receive_head(self, head: ResponseHead) -> bool:
        """Take the final head; does somebody wait for it, before the body?"""

    def _wants_interim(self) -> bool: ...


class Connection(BaseConnection):
    """One connection. An exchange calls `begin`, writes, and awaits `waiter`; then it reads `head` and `parts`.

    on_fast_path: was there nothing yet but a head and a body in one read? complete: is the whole response here? parts: of the
    body, as far as nobody took them. bounded: reading stops at 256 KiB of them; buffered: how much there is. limit: the
    most bytes of body that are taken, 0 = any. eager: whoever waits is woken by each read. timed: is somebody
    interested in `last_read`, the loop's time of it? arrived: when the last response was here, as `time.monotonic` tells.
    read_at_once: for a reader when nothing is buffered, where there is a way past the loop: something may be there
    afterwards. receiver: whom the head is for. method: of the request, where it decides whether there is a body. interims:
    heads that nobody looked at yet. read_anything: did any byte of the response come?
    """

    __slots__ = (
        "_body", "_early", "_ended", "_held_reads", "_in_order", "_last_head", "_partial", "_read", "_remaining",
        "_take", "_unread", "bounded", "buffered", "complete", "completed_at", "data_listener", "eager", "has_read",
        "head", "interims", "key", "last_read", "limit", "method", "on_fast_path", "on_lost", "opening", "parts",
        "read_at_once", "received_size", "receiver", "reused", "sending", "timed", "upgraded",
    )  # fmt: skip
    receiver: ResponseReceiver

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._take: Callable[[Any, bytes], None] = Connection._take_unexpected
        self.head: ResponseHead | None = None
        self.parts: list[bytes] = []
        self.complete = True
        self.read_at_once: Callable[[], None] | None = None
        self.timed = False
        self.completed_at = self.last_read = 0.0
        self._last_head: ResponseHead | None = None
        self.reused = 0  # how often it was taken after its first exchange
        self.on_lost: Callable[[Connection], None] | None = None
        self.key: Any = None  # of the route that it was opened for
        self.opening: Opening | None = None  # how long that took, where its route says so
        self._unread: UnreadAnswer | None = None
        self._clear()

    __reduce__ = no_copy("a Connection", "it belongs to the loop that opened it")

    def _clear(self) -> None:
        """Forget what an exchange left that was more than a head and a body in one read."""
        self.on_fast_path, self._ended, self.has_read = True, False, False
        self._body: ChunkedBody | None = None
        self._held_reads: list[tuple[bytes, bytes]] | None = None  # what came behind a head whose handlers still run
        self._early: list[tuple[bytes, bytes]] = []
        self.data_listener: DataListener | None = None
        self.upgraded = self.eager = self.bounded = self.sending = False
        self.limit = self.buffered = self.received_size = self._remaining = 0
        self.interims: list[ResponseHead] | None = None
        self._partial: PartialHead | None = None
        self.method = ""

    # -- an exchange

    def begin(self, receiver: ResponseReceiver) -> asyncio.Future[None]:
        """Get ready for a response; the future is done when there is something to see.

        What is known of a request that is not like most others comes behind it: see `expect`.
        """
        if not self.on_fast_path:
            self._clear()
        self.receiver = receiver
        self.head = None
        self.complete = False
        self._take = _TAKE_ON_FAST_PATH
        waiter: Future[None] = Future(loop=self.loop)  # what create_future() gives, for a call less
        self.waiter = waiter
        return waiter

    def leave_fast_path(
        self, method: str, limit: int = 0, tap: DataListener | None = None, *, sending: bool = False
    ) -> None:
        """Look at every head and each read of this response, and tell the receiver.

        method: of the request, which decides whether there is a body. limit: the most bytes of body that are taken, 0 =
        any. tap: who sees the bytes as they come. sending: the response may come before the request is sent.
        """
        self.on_fast_path = False
        self.method = method
        self.limit = limit
        self.data_listener = tap
        self.sending = sending
        self._take = Connection._take_head

    @contextmanager
    def keeping_unread_answer(self) -> Iterator[None]:
        """While a body is sent over TLS: what the peer says is read even if a write fails meanwhile."""
        if self.transport.get_extra_info("ssl_object") is None:
            yield  # the socket is there when a write fails
            return
        with closing(UnreadAnswer(self.transport)) as self._unread:
            try:
                yield
            finally:
                self._unread = None

    def continue_after_head(self, *, bounded: bool) -> None:
        """Go on behind the head: the handlers have seen it. bounded: stop reading at 256 KiB that nobody took."""
        self.on_fast_path = False
        self.bounded = bounded
        if self._held_reads is not None:
            backlog, self._held_reads = self._held_reads, None
            for rest, data in backlog:
                self._parse(rest, data)
            if self._ended:
                self._end_of_input(None)
        if not bounded:
            self.resume()

    def end(self) -> None:
        """The exchange is over: forget it. Bytes from now on belong to nobody."""
        self.receiver = self.waiter = None  # type: ignore[assignment]  # `begin` sets them before they are used
        self.data_listener = None
        self.parts = []
        self._take = Connection._take_unexpected

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

    def fail(self, error: BaseException) -> None:
        """End the exchange with an error, and the connection with it."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self.error = error
            waiter = self.waiter
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)
                waiter.exception()  # seen: while a body is sent nobody awaits it, and `error` tells the sender
        self._take = Connection._ignore
        self.abort()

    def take_parts(self) -> list[bytes]:
        """The body that has arrived and nobody took yet; reading goes on if it had stopped."""
        parts, self.parts = self.parts, []
        self.buffered = 0
        if self.paused:
            self.resume()
        return parts

    @property
    def left_of_body(self) -> int:
        """How many bytes of a body of known length are still to come; 0 when there is none on the way."""
        return self._remaining if self._take is Connection._take_length else 0

    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        return [] if self._body is None else self._body.trailers

    # -- reads

    def buffer_updated(self, nbytes: int) -> None:
        if self.data_listener is None and self._held_reads is None:
            take = self._take  # a callable attribute, called as a method, is not specialised
            try:
                take(self, self._view[:nbytes].tobytes())
            except (RemoteProtocolError, BodyTooLarge) as error:
                self.fail(error)
        else:
            self._take_observed(self._view[:nbytes].tobytes())

    def take_bytes(self, data: bytes) -> None:
        """Take the bytes of one read that did not go into our buffer."""
        if self.data_listener is None and self._held_reads is None:
            try:
                self._take(self, data)
            except (RemoteProtocolError, BodyTooLarge) as error:
                self.fail(error)
        else:
            self._take_observed(data)

    def _take_observed(self, data: bytes) -> None:
        """A read that somebody listens to: told before it is parsed, and again after it."""
        if self._take is Connection._take_unexpected or self._take is Connection._ignore:
            self._take(self, data)
            return
        try:
            if self.data_listener is not None:
                self.data_listener.received(data)
        except BaseException as error:  # noqa: BLE001  # a handler's: it ends the exchange, and reaches the caller through the waiter
            self.fail(error)
            return
        if self.upgraded:
            self._take(self, data)  # no body of ours: whoever takes the connection takes these too
        elif self._held_reads is not None:
            self._held_reads.append((data, data))
            self._count(data)
        else:
            self._parse(data, data)

    def _parse(self, rest: bytes, data: bytes) -> None:
        """Parse `rest`, the last part of a read, then tell that the read is processed; errors end the exchange."""
        if self._take is Connection._ignore:
            return
        was_complete = self.complete
        self._read = data
        try:
            if rest:
                self._take(self, rest)
            if not self.head:
                self._early.append((b"", data))  # processed is told after the handlers of the head
            elif self._held_reads is None and self.data_listener is not None:
                self.data_listener.processed(data)
        except BaseException as error:  # noqa: BLE001  # a handler's, or the parser's
            if self.complete and not was_complete:  # by this read: nobody was told yet that the body is whole
                self.complete = False
            self.fail(error)

    # -- heads

    def _take_on_fast_path(self, data: bytes) -> None:
        """The first read of an exchange that nobody watches: most responses are whole in it."""
        head = self._last_head
        rest = data if head is None else data.removeprefix(head.raw)  # 0.2 us less than startswith and a slice
        if head is None or len(rest) == len(data):
            end = data.find(b"\r\n\r\n") + 4
            if end == 3:
                self._keep_partial(data)
                return
            try:
                head = parse_head(data[:end])
            except RemoteProtocolError:
                self._take_head(data)
                return
            rest = data[end:]
            status = head.status
            if status < 200 or status == 204 or status == 304:
                self._take_parsed(head, rest)
                return
            self._last_head = head if end <= _MAX_KEPT else None
        # else it is the head that came last time: 0.1 us, where to parse and to judge it again takes 1.4
        if not rest or len(rest) != head.length:
            self._take_parsed(head, rest)
            return
        self.head = head
        self.keep_alive = head.keep_alive
        self.parts = [rest]
        self.complete = True
        self.completed_at = monotonic()
        self._take = _TAKE_UNEXPECTED
        waiter = self.waiter
        if not waiter.done():  # type: ignore[union-attr]  # `begin` has set it
            waiter.set_result(None)  # type: ignore[union-attr]

    def _take_head(self, data: bytes) -> None:
        found = split_head(data)
        if found is None:
            self._keep_partial(data)
        else:
            self._take_parsed(*found)

    def _take_parsed(self, head: ResponseHead, rest: bytes) -> None:
        """A head whose response is not whole in this read, or that somebody watches."""
        self.on_fast_path, self.has_read = False, True
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
                self.receiver._receive_head(head)  # the error has a response, as where the body was begun
                raise BodyTooLarge(f"the body has {head.length} bytes, more than max_body={self.limit}")
            self._remaining = head.length
            self._take = Connection._take_length
            if (
                head.length - len(rest) >= LARGE_BODY
                and self.data_listener is None
                and LargeBodyReader.fits(self.transport)
            ):
                LargeBodyReader(self)
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
        wanted = self.receiver._receive_head(head)
        if self.data_listener is not None:
            # the handlers of the head come before those of the bytes: what follows waits for flow()
            self._held_reads = [*self._early, (rest, self._read)]
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
        self.on_fast_path, self.has_read = False, True
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
        if self.receiver._wants_interim():
            self.interims.append(head)
            self.wake()
        if rest:
            self._take_head(rest)
        elif self.timed:
            self.last_read = self.loop.time()

    # -- bodies, and what is none

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

    def take_more(self, data: bytes) -> int:
        """Take a read of a large body of known length; returns how much is left.

        The same as `take_bytes`, in one function: a download of 1 GiB has 4000 reads.
        """
        left = self._remaining - len(data)
        if left <= 0 or self.data_listener is not None:
            self.take_bytes(data)
            return self.left_of_body
        self._remaining = left
        self.parts.append(data)
        if self.timed:
            self.last_read = self.loop.time()
        if self.bounded:
            self.buffered = buffered = self.buffered + len(data)
            if buffered > HIGH_WATER:
                self._count(b"")
            waiter = self.waiter
            if self.eager and waiter is not None and not waiter.done():
                waiter.set_result(None)
        return left

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

    def _check_limit(self) -> None:
        if self.limit and self.received_size > self.limit:
            raise BodyTooLarge(f"the body has more than max_body={self.limit} bytes")

    def _complete(self, surplus: bytes = b"") -> None:
        self.complete = True
        self.completed_at = monotonic()
        if surplus:
            self.keep_alive = False
        self._take = Connection._take_unexpected
        if self.sending:
            self.stop_sending()
        if self.head:
            self.wake()

    def _take_leftover(self, data: bytes) -> None:
        self.leftover += data
        if len(self.leftover) > HIGH_WATER and not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def _take_unexpected(self, data: bytes) -> None:
        """A byte that belongs to no response: whatever the peer means by it, it must not begin the next one."""
        self.keep_alive = False
        self.abort()

    def _ignore(self, data: bytes) -> None:
        """HooksAfterHead an error, until the connection is gone."""

    # -- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream transport is what create_connection makes
        self.alive = True

    def pause_writing(self) -> None:
        self.on_fast_path = False
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
        self.resume_writer()
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost(self)

    def _forget_after_fork(self) -> None:
        super()._forget_after_fork()
        if self._unread is not None:
            self._unread.close()

    def _read_unread(self) -> None:
        """A write failed: the peer may have said why."""
        with closing(self._unread or UnreadAnswer(self.transport)) as unread:
            for data in unread.read():
                self.take_bytes(data)
                if self.complete or self.error is not None:
                    break

    def _end_of_input(self, exc: Exception | None) -> None:
        """Nothing more will come: only a body without length and chunks is complete by that (RFC 9112, section 6.3), and
        over TLS only where that was closed too (section 9.8): a FIN is in the power of anybody on the way."""
        if self._held_reads is not None and exc is None:
            # judged when what came before it has been parsed; by then uvloop's TLS would have forgotten
            self._ended, self._in_order = True, self.got_close_notify
        elif (
            self._take is Connection._take_until_close
            and exc is None
            and (self._in_order if self._ended else self.got_close_notify)
        ):
            self._complete()
        else:
            self.fail(self._lost(exc))

    def _lost(self, exc: Exception | None) -> ConnectionClosed:
        if not self.head:
            what = "before the response" if not self.has_read else "within the head of the response"
        elif self._take is Connection._take_length:
            what = f"{self._remaining} bytes before the end of the body"
        elif self._take is Connection._take_until_close and exc is None:
            what = "without closing TLS: the body may be cut"
        else:
            what = "within the body"
        error = ConnectionClosed(f"the server closed the connection {what}")
        error.__cause__ = exc
        return error


# 0.03 us less than to look for them in the class
_TAKE_ON_FAST_PATH = Connection._take_on_fast_path
_TAKE_UNEXPECTED = Connection._take_unexpected
