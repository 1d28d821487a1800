"""The part of a connection that knows no HTTP: its transport, flow control, waiting, closing, and `start_tls`."""

from __future__ import annotations

import asyncio
import select
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from .. import forks
from ..errors import ConnectTimeout, HttpConnectionError, RemoteProtocolError, SSLError, reason_of
from .opening import phase
from .unread_answer import UnreadAnswer

# With TLS inside TLS, asyncio's inner one aborts the outer one with a reason, which the outer one does not accept: a TypeError
# hides the reason (CPython issue 113214, fixed in 3.11.8 and 3.12.2).
_ABORT_TAKES_NO_REASON = sys.version_info < (3, 11, 8) or (3, 12) <= sys.version_info < (3, 12, 2)

# A memoryview and not the bytearray: asyncio's TLS writes into slices of the buffer, and a slice of a bytearray is a copy.
# One of each size per loop and not per process: the loops of two threads would write into it at the same time.
_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, memoryview]] = WeakKeyDictionary()


def read_buffer_of(loop: asyncio.AbstractEventLoop, size: int) -> memoryview:
    """The read buffer that all connections of a loop with this size share.

    A loop calls buffer_updated() right after get_buffer().
    """
    buffers = _buffers.setdefault(loop, {})
    view = buffers.get(size)
    if view is None:
        view = buffers[size] = memoryview(bytearray(size))
    return view


def accept_abort_reason(transport: asyncio.Transport) -> None:
    """Let the TLS of a transport, if it has any, accept a reason to abort."""
    outer: Any = getattr(transport, "_ssl_protocol", None)
    if _ABORT_TAKES_NO_REASON and outer is not None:
        abort = outer._abort
        outer._abort = lambda reason=None: abort()


def handshake_error(error: OSError, peer: str) -> HttpConnectionError:
    """The error to raise for a failed handshake. peer: whom the message names."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return SSLError(f"the certificate of {peer} is not trusted: {error.verify_message or error.reason}")
    if isinstance(error, ssl.SSLError):
        return SSLError(f"TLS handshake with {peer} failed: {error.reason or error}")
    return HttpConnectionError(f"TLS handshake with {peer} failed: {reason_of(error)}")


def is_readable(descriptor: int) -> bool:
    """Return True if a read from a socket would return at once."""
    if not hasattr(select, "poll"):  # Windows; elsewhere `select` takes no descriptor above 1023
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def has_ended(descriptor: int) -> bool:
    """Return True if the peer has ended its side of TCP, whatever bytes wait before the end.

    Only Linux can tell; elsewhere any byte that waits counts.
    """
    if not hasattr(select, "POLLRDHUP"):
        return is_readable(descriptor)
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    return bool(poll.poll(0))


class BaseConnection(asyncio.BufferedProtocol):
    """A connection without a protocol of its own; `Connection` adds HTTP/1.1.

    loop: the loop that it belongs to.
    transport: of asyncio; after `start_tls`, the one that encrypts.
    alive: True from `connection_made` until the connection is lost.
    keep_alive: False if no other exchange may use it, whatever the reason.
    read_buffer_size: the most bytes that one read brings; a class may set its own.
    on_disconnected: called once, with the connection and the error if there was one, when it is lost or closed.
    leftover: bytes that came for the next protocol: after the head of a 101, or of a CONNECT that was granted, and before
        the protocol that TLS has chosen takes over.
    """

    __slots__ = (
        "__weakref__", "_senders", "_unread_answer", "_view", "alive", "keep_alive", "leftover", "loop", "on_disconnected",
        "transport",
    )  # fmt: skip

    # Downloads on uvloop, which always read into it, took 1.16 of the CPU with 256 KiB, and 0.95 to 1.0 with 96 to 120 KiB.
    read_buffer_size = 64 * 1024

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._view = read_buffer_of(loop, self.read_buffer_size)
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # connection_made sets it before any use
        self.alive = self.keep_alive = False
        self.leftover = b""
        self._senders = 0  # exchanges that send a body now
        self._unread_answer: UnreadAnswer | None = None
        self.on_disconnected: Callable[[Any, BaseException | None], None] | None = None
        forks.connections.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream transport is what create_connection makes
        self.alive = True

    def _report_disconnected(self, exc: BaseException | None) -> None:
        """Call `on_disconnected`."""
        report, self.on_disconnected = self.on_disconnected, None
        if report is not None:
            report(self, exc)

    @contextmanager
    def keeping_unread_answer(self) -> Iterator[None]:
        """Keep what a TLS connection needs to read an answer after a write has failed; used while a body is sent."""
        if self.transport.get_extra_info("ssl_object") is None:
            yield  # without TLS the socket is still open when the loop reports the failure
            return
        if self._unread_answer is None:
            self._unread_answer = UnreadAnswer(self.transport)
        self._senders += 1
        try:
            yield
        finally:
            self._senders -= 1
            if not self._senders:
                self._drop_unread_answer()

    def _drop_unread_answer(self) -> None:
        answer, self._unread_answer = self._unread_answer, None
        if answer is not None:
            answer.close()

    def _read_unread_answer(self) -> Iterator[bytes]:
        """Yield what the peer sent before a write failed, once the connection is lost."""
        with closing(self._unread_answer or UnreadAnswer(self.transport)) as answer:
            yield from answer.read()

    @property
    def _got_close_notify(self) -> bool:
        """True if the peer, which has ended its side of TCP, sent a close_notify before (RFC 8446, section 6.1), or without TLS.

        Loops do not pass that on to protocols. But OpenSSL knows: it reads b"" only after a close_notify.
        """
        tls: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            return not tls.read(1)
        except ssl.SSLError:
            return False

    @property
    def has_unread_input(self) -> bool:
        """True if the kernel holds bytes, or the end of the connection, that the loop has not read yet."""
        return self._asks_kernel(is_readable)

    def _asks_kernel(self, question: Callable[[int], bool]) -> bool:
        """Return what a question about the descriptor of the socket is answered with; False without a socket."""
        sock = self.transport.get_extra_info("socket")
        if sock is None:  # a transport in memory
            return False
        descriptor = sock.fileno()
        return descriptor < 0 or question(descriptor)

    def abort(self) -> None:
        """Close at once, and drop what is not sent yet.

        Example::

            from hookline import HttpClient

            async with HttpClient() as client:
                connection = await client.build_request("GET", "http://127.0.0.1:8000/").route.open(client)
                connection.abort()
        """
        if self.alive:
            self.keep_alive = False
            self.transport.abort()

    def _forget_after_fork(self) -> None:
        """In a child of os.fork(): forget the socket, which belongs to the parent. See `hookline.forks`."""
        if self.alive:
            self.alive = self.keep_alive = False
            forks.kept.append(self.transport)
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                forks.replace_descriptor(sock.fileno())
        self._drop_unread_answer()

    def close(self) -> None:
        """Close as soon as everything written has been sent."""
        self.keep_alive = False
        if self.alive:
            self.transport.close()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> bytes:
        """Hand the transport over to another protocol; returns `leftover`, the bytes that came for it already.

        If the connection is lost (`alive` is False), only the bytes are handed over.

        Example::

            import asyncio
            from hookline import HttpClient

            async with HttpClient() as client:
                connection = await client.build_request("GET", "http://127.0.0.1:8000/").route.open(client)
                early = connection.set_protocol(asyncio.Protocol())  # what came before, for the new owner
                connection.transport.close()
        """
        if self.alive:
            self.transport.set_protocol(protocol)
        leftover, self.leftover = self.leftover, b""
        return leftover

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str, seconds: float | None = None) -> None:
        """Start TLS on the open connection, as for an origin at the end of a tunnel; `transport` encrypts from then on.

        context: the settings of TLS. server_hostname: the name to check and to send as SNI.
        seconds: for the handshake; None = asyncio's 60.

        Raises: SSLError, HttpConnectionError, ConnectTimeout; RemoteProtocolError if bytes came before the handshake. The
        connection is closed then.

        Example::

            import ssl
            from hookline import ConnectTimeout, HttpClient

            async with HttpClient() as client:
                request = client.build_request("GET", "http://127.0.0.1:8000/")
                connection = await request.route.open(client)
                try:
                    await connection.start_tls(ssl.create_default_context(), "origin.example", seconds=0.1)
                except ConnectTimeout as error:
                    print("this server speaks no TLS:", error)
        """
        if self.leftover:
            self.abort()
            raise RemoteProtocolError("bytes came before the TLS handshake")
        accept_abort_reason(self.transport)
        # with TLS inside TLS the caller would not see that the loop's own limit is over
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                with phase("tls"):
                    transport = await self.loop.start_tls(
                        self.transport, self, context, server_hostname=server_hostname
                    )
        except BaseException as error:
            self.abort()
            if limit.expired() and isinstance(error, TimeoutError):
                raise ConnectTimeout(f"{server_hostname}: tls timeout of {seconds:g} s") from error
            if isinstance(error, OSError):
                raise handshake_error(error, server_hostname) from error
            raise
        # with TLS inside TLS, uvloop takes the end of the connection for a completed handshake; no cipher was chosen then
        if transport is None or not self.alive or transport.get_extra_info("cipher") is None:
            self.abort()
            raise HttpConnectionError(f"TLS handshake with {server_hostname} failed: the peer closed the connection")
        self.transport = transport
