"""`response.extensions["network_stream"]`: the facts of a connection, and after a 101 the connection itself."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from importlib import import_module
from typing import Any

from hookline import Connection, HttpResponse, hookimpl

from ..loop_thread import LoopThread

CLOSE_SECONDS = 1.0  # that the peer has to take what was written and, under TLS, to end it
HIGH_WATER = 256 * 1024  # bytes that have come and were not read, after which reading stops


class NetworkStream:
    """The network stream of a response: `get_extra_info` tells facts of its connection.

    carrier: the connection or the stream of it that the response came on; None = it did not come from the network.
    """

    __slots__ = ("_carrier",)

    def __init__(self, carrier: Any) -> None:
        self._carrier = carrier

    def get_extra_info(self, info: str) -> Any:
        """Return one fact; None if it is unknown, or there is no such connection.

        info: "client_addr" or "server_addr", an address as the socket module has it; "ssl_object"; "socket"; "is_readable",
        a bool.
        """
        carrier = self._carrier
        # a response that a plugin has built has a carrier without a transport
        transport = None if carrier is None else getattr(carrier.session or carrier, "transport", None)
        return None if transport is None else fact_of(transport, info)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Refuse to read: the bytes are those of HTTP."""
        raise RuntimeError(
            "this connection carries HTTP: it can be read and written only after a 101 (Switching Protocols)"
        )

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Refuse to write: the bytes are those of HTTP."""
        raise RuntimeError(
            "this connection carries HTTP: it can be read and written only after a 101 (Switching Protocols)"
        )

    async def aclose(self) -> None:
        """Do nothing: the response closes its connection, or gives it back."""


class SyncNetworkStream(NetworkStream):
    """The same for synchronous clients."""

    __slots__ = ()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # type: ignore[override]
        """Refuse to read: the bytes are those of HTTP."""
        raise RuntimeError(
            "this connection carries HTTP: it can be read and written only after a 101 (Switching Protocols)"
        )

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # type: ignore[override]
        """Refuse to write: the bytes are those of HTTP."""
        raise RuntimeError(
            "this connection carries HTTP: it can be read and written only after a 101 (Switching Protocols)"
        )

    def close(self) -> None:
        """Do nothing: the response closes its connection, or gives it back."""


def fact_of(transport: Any, info: str) -> Any:
    """Return one fact of a transport of asyncio under the name that httpcore has for it; None if it is unknown."""
    if info == "client_addr":
        return transport.get_extra_info("sockname")
    if info == "server_addr":
        return transport.get_extra_info("peername")
    if info in ("ssl_object", "socket"):
        return transport.get_extra_info(info)
    if info == "is_readable":
        sock = transport.get_extra_info("socket")
        return sock is None or sock.fileno() < 0 or is_readable(sock)
    return None


def is_readable(sock: socket.socket) -> bool:
    """Say whether a read from a socket would return at once."""
    import select  # here, because few programs ask

    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class UpgradedProtocol(asyncio.Protocol):
    """What reads and writes a connection that has left HTTP; in the loop.

    connection: the Connection of Hookline that gave its transport away.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transport = connection.transport
        self._loop = connection.loop
        self._parts = bytearray()
        self._is_over = not connection.alive
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        self._closed = asyncio.Event()
        self._parts += connection.set_protocol(self)
        self._is_paused = connection.is_reading_paused
        self._resume()

    def data_received(self, data: bytes) -> None:
        self._parts += data
        if len(self._parts) > HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._is_over = True
        self._wake()
        return True  # the other direction stays open until `close`

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over, self._error = True, exc
        self._closed.set()
        self._drained.set()
        self._wake()
        self.connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._drained.clear()

    def resume_writing(self) -> None:
        self._drained.set()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def read(self, max_bytes: int) -> bytes:
        """Read what has come, at most so many bytes; b"" at the end.

        Raises: OSError, if the connection was lost.
        """
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._is_over:
                return b""
            self._reader = self._loop.create_future()
            await self._reader
        data = bytes(self._parts[:max_bytes])
        del self._parts[:max_bytes]
        self._resume()
        return data

    def _resume(self) -> None:
        """Read on, if reading has stopped and there is room."""
        if self._is_paused and len(self._parts) <= HIGH_WATER and not self.transport.is_closing():
            self._is_paused = False
            self.transport.resume_reading()

    async def write(self, data: bytes) -> None:
        """Write bytes, and wait until the peer takes more.

        Raises: OSError, if the connection was lost.
        """
        if self.transport.is_closing():
            raise self._error or ConnectionResetError("the connection is closed")
        self.transport.write(data)
        await self._drained.wait()
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Close the connection: in order if the peer takes part in it, else after a second."""
        self._is_over = True
        self._wake()
        if not self.connection.alive:
            return
        self.transport.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._closed.wait()
        except TimeoutError:
            self.transport.abort()
            await self._closed.wait()


class UpgradedStream(NetworkStream):
    """The connection after a 101: bytes of another protocol are read and written."""

    __slots__ = ("_library", "_protocol")

    def __init__(self, protocol: UpgradedProtocol, library: Any) -> None:
        super().__init__(protocol.connection)
        self._protocol, self._library = protocol, library

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read at most so many bytes; b"" at the end. timeout: in seconds, None = no limit.

        Raises: httpx.ReadTimeout, httpx.ReadError.
        """
        data: bytes = await self._limited(self._protocol.read(max_bytes), timeout, "Read")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write bytes. timeout: in seconds, None = no limit.

        Raises: httpx.WriteTimeout, httpx.WriteError.
        """
        await self._limited(self._protocol.write(buffer), timeout, "Write")

    async def _limited(self, operation: Any, timeout: float | None, what: str) -> Any:
        """Await an operation within a limit, and raise what httpx raises. what: "Read" or "Write"."""
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return await operation
        except OSError as error:
            kind = "Timeout" if limit.expired() else "Error"
            raise getattr(network_errors(self._library), what + kind)(str(error)) from error

    async def aclose(self) -> None:
        """Close the connection."""
        await self._protocol.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> UpgradedStream:
        """Start TLS on the connection, and return the stream. timeout: of the handshake, in seconds.

        Raises: httpx.ConnectError, httpx.ConnectTimeout.
        """
        protocol = self._protocol
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                transport = await protocol._loop.start_tls(
                    protocol.transport, protocol, ssl_context, server_hostname=server_hostname
                )
            assert transport is not None
        except OSError as error:
            await protocol.aclose()
            kind = "ConnectTimeout" if limit.expired() else "ConnectError"
            raise getattr(network_errors(self._library), kind)(str(error)) from error
        protocol.transport = protocol.connection.transport = transport
        return self


class SyncUpgradedStream(SyncNetworkStream):
    """The same for synchronous clients: the connection is read and written in the loop thread."""

    __slots__ = ("_stream", "_thread")

    def __init__(self, stream: UpgradedStream, thread: Callable[[], LoopThread]) -> None:
        super().__init__(stream._carrier)
        self._stream, self._thread = stream, thread

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # type: ignore[override]
        """Read as `UpgradedStream.read` does."""
        return self._thread().run(self._stream.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # type: ignore[override]
        """Write as `UpgradedStream.write` does."""
        self._thread().run(self._stream.write(buffer, timeout))

    def close(self) -> None:
        """Close the connection."""
        self._thread().run(self._stream.aclose())

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> SyncUpgradedStream:
        """Start TLS as `UpgradedStream.start_tls` does."""
        self._thread().run(self._stream.start_tls(ssl_context, server_hostname, timeout))
        return self


def network_errors(library: Any) -> Any:
    """Return the module whose exceptions a network stream raises, and its users expect: httpcore, or httpcore2."""
    return import_module(library.__name__.replace("httpx", "httpcore"))


class Upgraded:
    """What a call returns instead of a response after a 101.

    response: its head. protocol: reads and writes the connection.
    """

    def __init__(self, response: HttpResponse, protocol: UpgradedProtocol) -> None:
        self.response, self.protocol = response, protocol


class Upgrades:
    """A plugin that takes the connection of a 101 out of the client, for the network stream."""

    name = "httpx_upgrades"

    @hookimpl(statuses=(101,))
    def on_headers(self, response: HttpResponse) -> Upgraded:
        return Upgraded(response, UpgradedProtocol(response.detach()))
