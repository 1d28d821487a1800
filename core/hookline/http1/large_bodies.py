"""The way of a large body of known length: large reads that nobody copies, and no more turns of the loop than needed.

For the length of such a body the transport has this protocol in place of the connection's. Three things save CPU:

* `asyncio.Protocol` gets the bytes object that the socket filled. The connection's shared buffer is better for small reads,
  but each has to be copied out of it, 64 KiB at a time.
* SO_RCVLOWAT, a socket's low-water mark, has the kernel wake us for 768 KiB rather than for each packet. A faster reader
  would otherwise only get more and smaller reads. gRPC sets it for the same reason. (240 KiB for a body that is buffered:
  with more in the kernel than one read takes, it took longer.)
* One read takes a third of that. Whoever asks for the next chunk reads it at once, without a future and a turn of the loop.
  Only what the mark has promised is read so: small reads cost more than the turns of the loop that they save.

Measured on 256 MiB from loopback, CPU of aiohttp = 1: 1.05 by the shared buffer, 0.88 by a Protocol, 0.67 with a mark of
128 KiB too; one of 240 KiB takes 0.87 of that, and one of 768 KiB with reads at once 0.8 to 0.9 again.

The mark is a heuristic: a peer that stalls behind 700 KiB would keep them from the caller. So it is raised only behind a
read that shows the peer to be fast, and lowered when nothing came for `PATIENCE`: that is what a stall adds to latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Protocol

LARGE_BODY = 1024 * 1024  # bytes that must be left for the change of protocols to be worth it
READ = 256 * 1024  # what one read takes, ours as well as asyncio's
LOW_WATER = 240 * 1024  # nearly that
LOW_WATER_AT_ONCE = 3 * READ  # for a reader who takes what a read leaves
FAST = 64 * 1024  # a read of so much says that the peer is faster than we read
PATIENCE = 0.02  # seconds


class BodyReceiver(Protocol):
    """The connection that a large body is for."""

    alive: bool
    eager: bool
    loop: asyncio.AbstractEventLoop
    read_at_once: Callable[[], None] | None
    transport: asyncio.Transport

    @property
    def left_of_body(self) -> int: ...

    def take_more(self, data: bytes) -> int: ...

    def eof_received(self) -> bool | None: ...

    def connection_lost(self, exc: Exception | None) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class LargeBodyReader(asyncio.Protocol):
    """See the module. It ends by itself with the body, and gives the transport back to the connection."""

    __slots__ = ("_connection", "_error", "_has_read", "_mark", "_ready", "_socket", "_timer")

    def __init__(self, connection: BodyReceiver) -> None:
        self._connection = connection
        self._mark = 1
        self._has_read = False
        self._ready = 0  # bytes that wait in the kernel, as far as the mark tells
        self._error: OSError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._socket = connection.transport.get_extra_info("socket")
        # other loops read ahead themselves
        if os.name == "posix" and isinstance(connection.loop, asyncio.SelectorEventLoop):
            connection.read_at_once = self._read_at_once
        connection.transport.set_protocol(self)

    @staticmethod
    def fits(transport: asyncio.BaseTransport) -> bool:
        """Is it one of asyncio's over a socket? TLS has its own buffers; so has uvloop (its transports are of another
        class), where all of this gained nothing."""
        return (
            isinstance(transport, asyncio.Transport)
            and transport.get_extra_info("sslcontext") is None
            and transport.get_extra_info("socket") is not None
        )

    def data_received(self, data: bytes) -> None:
        size = len(data)
        self._ready = self._mark - size
        self._adapt(self._connection.take_more(data), size)

    def _read_at_once(self) -> None:
        """Read what waits in the kernel. Nothing may be buffered, and somebody has to ask for it."""
        size = min(self._ready, READ)
        connection = self._connection
        # the end of the body comes through the loop, with all that may be behind it
        if size < FAST or connection.left_of_body <= size:
            return
        self._ready -= size
        try:
            data = os.read(self._socket.fileno(), size)
        except BlockingIOError:
            self._ready = 0
        except OSError as error:  # the system tells it once: the transport would not hear of it
            self._ready, self._error = 0, error
            connection.transport.abort()
        else:
            if data:  # else the end, of which the transport hears too
                self._adapt(connection.take_more(data), len(data))

    def _adapt(self, left: int, size: int) -> None:
        """Behind a read of `size` bytes: set the mark, or leave."""
        self._has_read = True
        if not left:
            self._leave()
        elif self._mark > 1 or size >= FAST:
            connection = self._connection
            at_once = connection.eager and connection.read_at_once is not None
            self._set_mark(min(LOW_WATER_AT_ONCE if at_once else LOW_WATER, left))

    def _set_mark(self, size: int) -> None:
        if size == self._mark:
            return
        self._mark = size
        with contextlib.suppress(OSError):  # a system that has no such mark wakes us as before
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
        if size > 1 and self._timer is None:
            self._has_read = False
            self._timer = self._connection.loop.call_later(PATIENCE, self._check_stall)

    def _check_stall(self) -> None:
        """Lower the mark when nothing came for a while: the kernel tells us at once of what is there."""
        self._timer = None
        if self._has_read:
            self._has_read = False
            self._timer = self._connection.loop.call_later(PATIENCE, self._check_stall)
        else:
            self._set_mark(1)

    def _end(self) -> None:
        self._connection.read_at_once = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self) -> None:
        self._end()
        self._set_mark(1)
        connection = self._connection
        if connection.alive:
            connection.transport.set_protocol(connection)  # type: ignore[arg-type]  # it is a protocol too

    # -- what the connection is told

    def eof_received(self) -> bool | None:
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._connection.connection_lost(exc or self._error)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
