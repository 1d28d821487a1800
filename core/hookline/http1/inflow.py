"""What comes in on a connection: reads, those who listen to them, and bodies in their three framings.

Reads go into one buffer per loop, and the bytes leave it at once. `_take` is the state: the function that gets the next
bytes (a head, a body, what follows an upgrade, or a byte that nobody asked for).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

from ..errors import BodyTooLarge, RemoteProtocolError
from .base_connection import Link
from .parser import ChunkedBody, ResponseHead

HIGH_WATER = 256 * 1024


class Tap(Protocol):
    """Those who listen to the raw bytes of an exchange."""

    def received(self, data: bytes) -> None: ...

    def processed(self, data: bytes) -> None: ...


class Inflow(Link):
    """See the module. `Connection` adds heads, and the exchange that all of this belongs to.

    is_used: did more happen than a head and a body in one read? complete: is the whole response here? parts: of the
    body, as far as nobody took them. bounded: reading stops at 256 KiB of them; buffered: how much there is. limit: the
    most bytes of body that are taken, 0 = any. eager: whoever waits is woken by each read. timed: is somebody
    interested in `last_read`, the loop's time of it? arrived: when the last response was here, as `time.monotonic` tells.
    read_at_once: for a reader when nothing is buffered, where there is
    a way past the loop: something may be there afterwards.
    """

    __slots__ = (
        "_backlog", "_body", "_early", "_read", "_remaining", "_take", "arrived", "bounded", "buffered", "complete", "eager",
        "head", "is_used", "last_read", "limit", "parts", "read_at_once", "received_size", "sending", "tap", "timed", "upgraded",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._take: Callable[[Any, bytes], None] = Inflow._take_stray
        self.head: ResponseHead | None = None
        self.parts: list[bytes] = []
        self.complete = True
        self.read_at_once: Callable[[], None] | None = None
        self.timed = False
        self.arrived = self.last_read = 0.0
        self._clear()

    def _clear(self) -> None:
        """Forget what an exchange left that was more than a head and a body in one read."""
        self.is_used = False
        self._body: ChunkedBody | None = None
        self._backlog: list[tuple[bytes, bytes]] | None = None  # what came behind a head whose handlers still run
        self._early: list[tuple[bytes, bytes]] = []
        self.tap: Tap | None = None
        self.upgraded = self.eager = self.bounded = self.sending = False
        self.limit = self.buffered = self.received_size = self._remaining = 0

    def fail(self, error: BaseException) -> None:
        """End the exchange with an error, and the connection with it."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self.error = error
            waiter = self.waiter
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)
                waiter.exception()  # seen: while a body is sent nobody awaits it, and `error` tells the sender
        self._take = Inflow._take_nothing
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
        return self._remaining if self._take is Inflow._take_length else 0

    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        return [] if self._body is None else self._body.trailers

    # -- reads

    def buffer_updated(self, nbytes: int) -> None:
        if self.tap is None and self._backlog is None:
            take = self._take  # a callable attribute, called as a method, is not specialised
            try:
                take(self, self._view[:nbytes].tobytes())
            except (RemoteProtocolError, BodyTooLarge) as error:
                self.fail(error)
        else:
            self._tapped(self._view[:nbytes].tobytes())

    def take_bytes(self, data: bytes) -> None:
        """Take the bytes of one read that did not go into our buffer."""
        if self.tap is None and self._backlog is None:
            try:
                self._take(self, data)
            except (RemoteProtocolError, BodyTooLarge) as error:
                self.fail(error)
        else:
            self._tapped(data)

    def _tapped(self, data: bytes) -> None:
        """A read that somebody listens to: told before it is parsed, and again after it."""
        if self._take is Inflow._take_stray or self._take is Inflow._take_nothing:
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
        if self._take is Inflow._take_nothing:
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
        if left <= 0 or self.tap is not None:
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
        self.arrived = monotonic()
        if surplus:
            self.keep_alive = False
        self._take = Inflow._take_stray
        if self.sending:
            self.stop_sending()
        if self.head:
            self.wake()

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
