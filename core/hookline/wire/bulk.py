"""The way of a large body of known length: reads of up to 256 KiB that nobody copies, and no more of them than needed.

For the length of such a body the transport has this protocol in place of the connection's. Two things save CPU:

* `asyncio.Protocol` gets the bytes object that the socket filled. The connection's shared buffer is better for small reads,
  but each has to be copied out of it, 64 KiB at a time.
* SO_RCVLOWAT, a socket's low-water mark, has the kernel wake us for 240 KiB rather than for each packet. A faster reader
  would otherwise only get more and smaller reads. gRPC sets it for the same reason.

Measured on 256 MiB from loopback, CPU of aiohttp = 1: 1.05 by the shared buffer, 0.88 by a Protocol, 0.67 with a mark of
128 KiB too; one of 240 KiB takes 0.87 of that.

The mark is a heuristic: a peer that stalls behind 200 KiB would keep them from the caller. So it is raised only behind a
read that shows the peer to be fast, and lowered when nothing came for `PATIENCE`: that is what a stall adds to latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .inflow import Inflow

BULK = 1024 * 1024  # bytes that must be left for the change of protocols to be worth it
LOW_WATER = 240 * 1024  # nearly what one read of asyncio takes
FAST = 64 * 1024  # a read of so much says that the peer is faster than we read
PATIENCE = 0.02  # seconds


class BulkReader(asyncio.Protocol):
    """See the module. It ends by itself with the body, and gives the transport back to the connection."""

    __slots__ = ("_connection", "_has_read", "_mark", "_socket", "_timer")

    def __init__(self, connection: Inflow) -> None:
        self._connection = connection
        self._mark = 1
        self._has_read = False
        self._timer: asyncio.TimerHandle | None = None
        self._socket = connection.transport.get_extra_info("socket")
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
        left = self._connection.take_more(data)
        self._has_read = True
        if left >= LOW_WATER:
            if self._mark == 1 and len(data) >= FAST:
                self._set_mark(LOW_WATER)
        elif not left:
            self._leave()
        elif self._mark > 1:
            self._set_mark(left)

    def _set_mark(self, size: int) -> None:
        if size == self._mark:
            return
        self._mark = size
        with contextlib.suppress(OSError):  # a system that has no such mark wakes us as before
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
        if size > 1 and self._timer is None:
            self._has_read = False
            self._timer = self._connection.loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        """Lower the mark when nothing came for a while: the kernel tells us at once of what is there."""
        self._timer = None
        if self._has_read:
            self._has_read = False
            self._timer = self._connection.loop.call_later(PATIENCE, self._look)
        else:
            self._set_mark(1)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self) -> None:
        self._end()
        self._set_mark(1)
        connection = self._connection
        if connection.alive:
            connection.transport.set_protocol(connection)

    # -- what the connection is told

    def eof_received(self) -> bool | None:
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
