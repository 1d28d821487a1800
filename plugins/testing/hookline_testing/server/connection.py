"""One accepted connection of a scripted server, and the actions of scripts on it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import cast

from .cut import Cut, pieces
from .peer import has_hung_up, wait_until_read
from .seen_request import SeenRequest

# Seconds between two checks whether the client has hung up.
POLL_INTERVAL = 0.01
# Seconds that a client may take to answer a TLS close_notify.
_CLOSE_TIMEOUT = 2.0


class Connection:
    """A connection that scripts act on, for example by a step of your own. Only for use in the server's own loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: Cut) -> None:
        # The bytes of the client that are not read as a request.
        self.reader = reader
        self.writer = writer
        # How bytes are cut if the script does not set it.
        self.cut = cut
        # The request being answered; None before the first one.
        self.request: SeenRequest | None = None
        self._has_sent = False
        self._waits_for_reads = True
        # The TCP socket, also when TLS is used.
        self.socket = cast(socket.socket, writer.get_extra_info("socket"))
        if writer.get_extra_info("ssl_object") is None:  # `start_tls` sets the limits for TLS
            # drain() then waits until the kernel has everything, so that it is known what was sent.
            writer.transport.set_write_buffer_limits(high=0)

    @property
    def is_over(self) -> bool:
        """True when either side has closed the connection."""
        return self.writer.is_closing()

    def begin_answer(self, request: SeenRequest) -> None:
        """Set the request that is being answered."""
        self.request = request
        self._has_sent = False
        self._waits_for_reads = True
        tls = self.writer.get_extra_info("ssl_object")
        if tls is not None:
            request.peer_certificate = tls.getpeercert()
            request.alpn = tls.selected_alpn_protocol()

    @property
    def handler_writer(self) -> asyncio.StreamWriter:
        """The writer for a handler of the test."""
        return self.writer

    async def end_answer(self) -> None:
        """Finish an answer, when its script or handler is over."""

    async def send(self, data: bytes, cut: Cut | None = None) -> None:
        """Send `data`. Before every piece but the first of an answer, wait until the client has read the pieces before.

        Raises:
            ConnectionError: the client is gone.
        """
        for piece in pieces(data, self.cut if cut is None else cut):
            if self._has_sent:
                await self.until_read()
            self._has_sent = True
            await self.write(piece)

    async def write(self, data: bytes) -> None:
        """Write `data` at once, and return when the kernel has it.

        Raises:
            ConnectionError: the client is gone.
        """
        self.writer.write(data)
        await self.writer.drain()

    async def send_exactly(self, data: bytes) -> None:
        """Write these bytes on the connection, over HTTP/2 too."""
        await self.write(data)

    async def until_read(self) -> None:
        """Wait until the client has read everything. After a wait in vain, the next ones return at once."""
        if self._waits_for_reads and not self.is_over:
            self._waits_for_reads = await wait_until_read(self.socket)

    async def drip(self, data: bytes, interval: float, size: int) -> None:
        """Write `size` bytes every `interval` seconds."""
        for piece in pieces(data, size):
            await self.write(piece)
            await asyncio.sleep(interval)

    async def endless(self, block: bytes) -> None:
        """Write `block` again and again until the client is gone."""
        while not self.is_over:
            await self.write(block)
            await asyncio.sleep(0)

    async def until_gone(self) -> None:
        """Wait until the client closes or resets, then close."""
        while not self.is_over and not has_hung_up(self.socket):  # noqa: ASYNC110 - only the kernel knows it
            await asyncio.sleep(POLL_INTERVAL)
        self.drop()

    async def refuse_to_read(self, seconds: float | None) -> None:
        """Read nothing for `seconds`, None = until the client is gone; so the client's buffers fill."""
        transport = cast(asyncio.Transport, self.writer.transport)
        transport.pause_reading()
        if seconds is None:
            await self.until_gone()
        else:
            await asyncio.sleep(seconds)
            transport.resume_reading()

    async def half_close(self) -> None:
        """Send FIN and go on reading. Under TLS there is no close_notify before it."""
        await self.writer.drain()
        with contextlib.suppress(OSError):  # not connected any more
            self.socket.shutdown(socket.SHUT_WR)

    async def close(self) -> None:
        """Close the connection, under TLS with close_notify. If bytes of the client are unread, the kernel sends RST."""
        self.writer.close()
        await self.until_closed()

    async def until_closed(self) -> None:
        """Wait until the socket is closed; if the peer does not answer a close_notify in time, drop it."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                # Not writer.wait_closed(): it hangs after a failed handshake.
                while self.socket.fileno() != -1:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        except TimeoutError:
            self.drop()

    def drop(self) -> None:
        """Close the socket at once, under TLS without close_notify. Unsent data is lost."""
        self.writer.transport.abort()

    async def reset(self) -> None:
        """Send RST, after the client has read everything sent before."""
        await self.until_read()
        if not self.is_over:
            # Linger for 0 seconds: close() then resets (socket(7)).
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.drop()

    async def reset_stream(self, error_code: int) -> None:
        """Send RST_STREAM (RFC 9113, section 6.4), after the client has read everything sent before.

        Raises:
            RuntimeError: the client speaks HTTP/1.1.
        """
        raise RuntimeError("a connection of HTTP/1.1 has no streams to reset")

    async def start_tls(self, context: ssl.SSLContext, greeting: bytes = b"") -> None:
        """Send `greeting` without TLS, then make the server's side of a TLS handshake.

        Raises:
            OSError: the handshake failed (ssl.SSLError) or the client is gone.
        """
        # The client may send its ClientHello from now on, which must go to TLS and not to the reader.
        cast(asyncio.Transport, self.writer.transport).pause_reading()
        await self.send(greeting)
        await self.writer.start_tls(context)
        # With a limit of 0, asyncio's TLS would pause for ever: it compares with >=.
        self.writer.transport.set_write_buffer_limits(high=1, low=0)
