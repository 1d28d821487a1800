"""Read a large body of known length in large reads: without copies, and with few turns of the loop.

Until the end of such a body the transport has a `LargeBodyReader` as its protocol, in place of the connection. It saves CPU
in three ways:

* An `asyncio.Protocol` gets the bytes object that the socket filled. The shared buffer of the connections is better for small
  reads, but each read has to be copied out of it, 64 KiB at a time.
* SO_RCVLOWAT, the low-water mark of a socket, makes the kernel wake the loop for 768 KiB and not for each packet. Without it a
  faster reader only gets more and smaller reads. gRPC sets it for the same reason. (For a body that is buffered the mark is
  240 KiB: more bytes in the kernel than one read takes made it slower.)
* One read takes 256 KiB, a third of the mark. The rest waits in the kernel. When the caller asks for the next chunk,
  `read_at_once` reads it directly, without a future and a turn of the loop. It reads only bytes that the mark guarantees:
  small reads cost more than they save.

Measured with 256 MiB from loopback, CPU relative to aiohttp: 1.05 with the shared buffer, 0.88 with a Protocol, 0.67 with a
mark of 128 KiB; with 240 KiB 0.87 of that, and with 768 KiB and reads at once 0.8 to 0.9 of that again.

The mark is a heuristic: if a peer stalled after 700 KiB, the caller would not get them. So the mark is raised only after a read
that shows a fast peer, and lowered when nothing came for `STALL_SECONDS`, which is what a stall adds to the latency.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Protocol

# Bytes still to come from which on changing the protocol pays: a whole body of 330 to 420 KiB takes 0.97 of the CPU, one of
# 600 KiB 0.82, and one of 1 MiB 0.91.
LARGE_BODY = 256 * 1024
READ_SIZE = 256 * 1024  # most bytes of one read, ours as well as asyncio's
LOW_WATER = 240 * 1024  # mark for a body that is buffered: a little less than a read
LOW_WATER_AT_ONCE = 3 * READ_SIZE  # mark while the caller takes chunks: one read by the loop, and two by `read_at_once`
FAST_READ = 64 * 1024  # bytes; a read of this size shows that the peer sends faster than we read
STALL_SECONDS = 0.02  # without a read, after which the mark is lowered


class BodyReceiver(Protocol):
    """The connection whose body is read (see `Connection` for the attributes)."""

    alive: bool
    loop: asyncio.AbstractEventLoop
    read_at_once: Callable[[], None] | None
    transport: asyncio.Transport
    wakes_on_read: bool

    @property
    def bytes_remaining(self) -> int: ...

    def receive_bytes(self, data: bytes) -> None: ...

    def eof_received(self) -> bool | None: ...

    def connection_lost(self, exc: Exception | None) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class LargeBodyReader(asyncio.Protocol):
    """A protocol that reads one large body. At the end of the body it gives the transport back to the connection."""

    __slots__ = ("_connection", "_error", "_has_read", "_low_water", "_ready_bytes", "_socket", "_timer")

    def __init__(self, connection: BodyReceiver) -> None:
        self._connection = connection
        self._low_water = 1  # bytes: the mark that the socket has
        self._has_read = False  # since the last check for a stall
        self._ready_bytes = 0  # that wait in the kernel at least, by the mark
        self._error: OSError | None = None  # of a read that did not go through the transport
        self._timer: asyncio.TimerHandle | None = None
        self._socket = connection.transport.get_extra_info("socket")
        # other kinds of loops read ahead themselves
        if os.name == "posix" and isinstance(connection.loop, asyncio.SelectorEventLoop):
            connection.read_at_once = self._read_at_once
        connection.transport.set_protocol(self)

    @staticmethod
    def fits(transport: asyncio.BaseTransport) -> bool:
        """Return True for a transport of asyncio over a plain socket.

        TLS has buffers of its own. So has uvloop, whose transports are of another class; nothing was gained there.
        """
        return (
            isinstance(transport, asyncio.Transport)
            and transport.get_extra_info("sslcontext") is None
            and transport.get_extra_info("socket") is not None
        )

    def data_received(self, data: bytes) -> None:
        self._ready_bytes = self._low_water - len(data)
        self._receive(data)

    def _read_at_once(self) -> None:
        """Read bytes that wait in the kernel into the connection. Called when the caller wants a chunk and none is buffered."""
        size = min(self._ready_bytes, READ_SIZE)
        connection = self._connection
        # the end of the body comes through the loop, with the bytes that may follow it
        if size < FAST_READ or connection.bytes_remaining <= size:
            return
        self._ready_bytes -= size
        try:
            data = os.read(self._socket.fileno(), size)
        except BlockingIOError:
            self._ready_bytes = 0
        except OSError as error:  # the system reports it once, so the transport would not see it
            self._ready_bytes, self._error = 0, error
            connection.transport.abort()
        else:
            if data:  # else the end of the connection, which the transport sees too
                self._receive(data)

    def _receive(self, data: bytes) -> None:
        """Pass a read to the connection; then set the mark for the next one, or finish after the last one."""
        connection = self._connection
        connection.receive_bytes(data)
        self._has_read = True
        left = connection.bytes_remaining
        if not left:
            self._return_transport()
        elif self._low_water > 1 or len(data) >= FAST_READ:
            at_once = connection.wakes_on_read and connection.read_at_once is not None
            self._set_low_water(min(LOW_WATER_AT_ONCE if at_once else LOW_WATER, left))

    def _set_low_water(self, size: int) -> None:
        if size == self._low_water:
            return
        self._low_water = size
        with contextlib.suppress(OSError):  # a system without such a mark wakes the loop as before
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
        if size > 1 and self._timer is None:
            self._has_read = False
            self._timer = self._connection.loop.call_later(STALL_SECONDS, self._check_stall)

    def _check_stall(self) -> None:
        """Lower the mark if nothing came since the last check: then the kernel reports at once what it has."""
        self._timer = None
        if self._has_read:
            self._has_read = False
            self._timer = self._connection.loop.call_later(STALL_SECONDS, self._check_stall)
        else:
            self._set_low_water(1)

    def _stop_reading_ahead(self) -> None:
        self._connection.read_at_once = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _return_transport(self) -> None:
        self._stop_reading_ahead()
        self._set_low_water(1)
        connection = self._connection
        if connection.alive:
            connection.transport.set_protocol(connection)  # type: ignore[arg-type]  # it is a protocol too

    # -- passed on to the connection

    def eof_received(self) -> bool | None:
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_reading_ahead()
        self._connection.connection_lost(exc or self._error)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
