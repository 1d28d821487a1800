"""The transport of a connection: what every protocol on it needs, whatever it speaks.

Writing, waiting for the other side, closing, and TLS in the middle of it.
"""

from __future__ import annotations

import asyncio
import select
import ssl
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from .. import forks
from ..errors import ConnectionClosed, ConnectTimeout, HttpConnectionError, RemoteProtocolError, SSLError, reason_of

READ_BUFFER = 64 * 1024

# asyncio's TLS that carries another TLS cannot be told why that failed: a TypeError comes instead (CPython issue 113214,
# mended in 3.11.8 and 3.12.2).
_ABORT_TAKES_NO_REASON = sys.version_info < (3, 11, 8) or (3, 12) <= sys.version_info < (3, 12, 2)

# A memoryview, never the bytearray: asyncio's TLS slices the buffer, and a sliced bytearray is a copy that nobody reads.
# Per loop, never per process: loops of two threads would write into it at the same time.
_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()


def buffer_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    """The read buffer that all connections of a loop share: get_buffer() and buffer_updated() come in pairs."""
    view = _buffers.get(loop)
    if view is None:
        view = _buffers[loop] = memoryview(bytearray(READ_BUFFER))
    return view


def let_abort(transport: asyncio.Transport) -> None:
    """Make the TLS that a transport speaks, if any, take a reason to abort."""
    outer: Any = getattr(transport, "_ssl_protocol", None)
    if _ABORT_TAKES_NO_REASON and outer is not None:
        abort = outer._abort
        outer._abort = lambda reason=None: abort()


def handshake_failure(
    error: OSError, server_hostname: str, seconds: float | None
) -> HttpConnectionError | ConnectTimeout:
    """What a failed handshake means. seconds: its limit, where that has ended it."""
    if seconds is not None:
        return ConnectTimeout(f"{server_hostname}: tls timeout of {seconds:g} s")
    if isinstance(error, ssl.SSLCertVerificationError):
        return SSLError(f"the certificate of {server_hostname} is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return SSLError(f"TLS handshake with {server_hostname} failed: {error.reason or error}")
    return HttpConnectionError(f"TLS handshake with {server_hostname} failed: {reason_of(error)}")


def is_readable(descriptor: int) -> bool:
    """Would a read from a socket return at once?"""
    if not hasattr(select, "poll"):  # Windows; elsewhere `select` takes no descriptor above 1023
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class BaseConnection(asyncio.BufferedProtocol):
    """See the module. `Connection` adds HTTP/1.1.

    error: what ended it, where something did. waiter: the future of whoever waits for something to see.
    """

    __slots__ = (
        "__weakref__", "_view", "alive", "can_write", "cancel_sending", "error", "keep_alive", "leftover", "loop",
        "paused", "transport", "waiter",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._view = buffer_of(loop)
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set by connection_made, before any use
        self.alive = self.keep_alive = self.paused = False
        self.leftover = b""
        self.error: BaseException | None = None
        self.waiter: asyncio.Future[None] | None = None
        self.can_write: asyncio.Future[None] | None = None
        self.cancel_sending: Callable[[], object] | None = None  # ends the sending of a body that is pointless now
        forks.connections.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    async def wait(self) -> None:
        """Wait for the next thing to see.

        Raises: whatever ended the exchange.
        """
        if self.error is not None:
            raise self.error
        self.waiter = self.loop.create_future()
        await self.waiter

    def wake(self) -> None:
        """Let whoever waits look again."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def resume(self) -> None:
        if self.paused and self.alive:
            self.paused = False
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        self.can_write = self.loop.create_future()

    def resume_writing(self) -> None:
        self.resume_writer()

    def resume_writer(self) -> None:
        future, self.can_write = self.can_write, None
        if future is not None and not future.done():
            future.set_result(None)

    @property
    def got_close_notify(self) -> bool:
        """The peer sends no more: has it said so in TLS too, with close_notify (RFC 8446, section 6.1)? True without TLS.

        No loop tells its protocols. But OpenSSL remembers, and reads nothing only behind a close_notify.
        """
        tls: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            return not tls.read(1)
        except ssl.SSLError:
            return False

    @property
    def has_input(self) -> bool:
        """Does the kernel hold bytes, or the end of the connection, that the loop has not read yet?"""
        sock = self.transport.get_extra_info("socket")
        if sock is None:  # a transport in memory
            return False
        descriptor = sock.fileno()
        return descriptor < 0 or is_readable(descriptor)

    def stop_sending(self) -> None:
        """End the sending of a body, where one is under way."""
        self.resume_writer()
        interrupt, self.cancel_sending = self.cancel_sending, None
        if interrupt is not None:
            interrupt()

    async def drain(self) -> None:
        """Wait until the transport takes more. Ends too when the response is here, or the connection is lost."""
        if self.can_write is not None:
            await self.can_write

    def abort(self) -> None:
        """Close at once, without sending what is still buffered."""
        self.stop_sending()
        if self.alive:
            self.keep_alive = False
            self.transport.abort()

    def _forget_after_fork(self) -> None:
        """In a child of os.fork(): forget the socket, which belongs to the parent. See `hookline.forks`."""
        if self.alive:
            self.alive = self.keep_alive = False
            self.error = self.error or ConnectionClosed("the connection belongs to the parent process")
            forks.kept.append(self.transport)
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                forks.replace_descriptor(sock.fileno())

    def close(self) -> None:
        """Close once what was written has been sent."""
        self.keep_alive = False
        if self.alive:
            self.transport.close()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> bytes:
        """Hand the transport to another protocol; returns the bytes that came behind the head and belong to it.

        Where the connection is lost already (`alive` is False), the bytes are all that there is to hand over.
        """
        if self.alive:
            self.resume()
            self.transport.set_protocol(protocol)
        leftover, self.leftover = self.leftover, b""
        return leftover

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str, seconds: float | None = None) -> None:
        """Begin TLS on the connection, as behind a tunnel. seconds: for the handshake, None = asyncio's 60.

        Raises: SSLError, HttpConnectionError, ConnectTimeout; RemoteProtocolError, when bytes came before the handshake.
        """
        if self.leftover:
            self.abort()
            raise RemoteProtocolError("bytes came before the TLS handshake")
        let_abort(self.transport)
        limit = asyncio.timeout(seconds)  # the loop's own limit does not reach the caller where TLS carries TLS
        try:
            async with limit:
                transport = await self.loop.start_tls(self.transport, self, context, server_hostname=server_hostname)
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError):
                raise handshake_failure(error, server_hostname, seconds if limit.expired() else None) from error
            raise
        # uvloop's TLS within TLS takes the end of the connection for that of the handshake: then no cipher was chosen
        if transport is None or not self.alive or transport.get_extra_info("cipher") is None:
            self.abort()
            raise HttpConnectionError(f"TLS handshake with {server_hostname} failed: the peer closed the connection")
        self.transport = transport
