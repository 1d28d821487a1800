"""One accepted connection of a scripted server, and what can be done to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import cast

from .seen import Intake, SeenRequest
from .segments import Cut, has_hung_up, pieces, read_by_peer

# Seconds between two looks at a connection that nobody reads.
_LOOK = 0.01
# Seconds that a client may take to answer a TLS close_notify.
_CLOSE_PATIENCE = 2.0


class Connection:
    """What scripts act on. Only used in the server's own loop."""

    def __init__(self, intake: Intake, writer: asyncio.StreamWriter, cut: Cut) -> None:
        self.intake = intake
        self.writer = writer
        # How bytes are cut where the script does not say.
        self.cut = cut
        # The request being answered; None before the first one.
        self.request: SeenRequest | None = None
        self._has_sent = False
        self._waits_for_reads = True
        # The socket beneath, later also beneath TLS.
        self.socket = cast(socket.socket, writer.get_extra_info("socket"))
        # A write is only over when the kernel has all of it; so it can be said what is on the wire.
        writer.transport.set_write_buffer_limits(high=0)

    @property
    def is_over(self) -> bool:
        """Tell whether the connection is closed, by whichever side."""
        return self.writer.is_closing()

    def begin(self, request: SeenRequest) -> None:
        """Make `request` the one that is being answered."""
        self.request = request
        self._has_sent = False
        self._waits_for_reads = True
        tls = self.writer.get_extra_info("ssl_object")
        if tls is not None:
            request.peer_certificate = tls.getpeercert()
            request.alpn = tls.selected_alpn_protocol()

    async def send(self, data: bytes, cut: Cut | None = None) -> None:
        """Write `data`; before every piece but an answer's first, wait until the client has read what went before.

        Raises:
            ConnectionError: the client is gone.
        """
        for piece in pieces(data, self.cut if cut is None else cut):
            if self._has_sent:
                await self.until_read()
            self._has_sent = True
            self.writer.write(piece)
            await self.writer.drain()

    async def until_read(self) -> None:
        """Wait until the client has read everything; no longer once it was seen not to read."""
        if self._waits_for_reads and not self.is_over:
            self._waits_for_reads = await read_by_peer(self.socket)

    async def drip(self, data: bytes, interval: float, size: int) -> None:
        """Write `size` bytes every `interval` seconds."""
        for piece in pieces(data, size):
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(interval)

    async def endless(self, block: bytes) -> None:
        """Write `block` again and again until the client is gone."""
        while not self.is_over:
            self.writer.write(block)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def until_gone(self) -> None:
        """Wait until the client closes or resets, then close."""
        while not self.is_over and not has_hung_up(self.socket):  # noqa: ASYNC110 - only the kernel knows
            await asyncio.sleep(_LOOK)
        self.drop()

    async def refuse_to_read(self, seconds: float | None) -> None:
        """Leave all that comes in the socket for `seconds`, or until the client is gone; the client's buffers fill."""
        transport = cast(asyncio.Transport, self.writer.transport)
        transport.pause_reading()
        if seconds is None:
            await self.until_gone()
        else:
            await asyncio.sleep(seconds)
            transport.resume_reading()

    async def half_close(self) -> None:
        """Send FIN and go on reading. Under TLS this is a bare TCP FIN, without close_notify."""
        await self.writer.drain()
        with contextlib.suppress(OSError):  # not connected any more
            self.socket.shutdown(socket.SHUT_WR)

    async def close(self) -> None:
        """Close in order, under TLS with close_notify. Where the client's bytes are left unread, the kernel resets."""
        self.writer.close()
        await self.until_closed()

    async def until_closed(self) -> None:
        """Wait until the socket is closed; force that where the peer does not answer a close_notify."""
        try:
            async with asyncio.timeout(_CLOSE_PATIENCE):
                # Not writer.wait_closed(): after a handshake that failed nobody wakes it.
                while self.socket.fileno() != -1:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        except TimeoutError:
            self.drop()

    def drop(self) -> None:
        """Close the socket at once, under TLS without close_notify; what is not written yet is lost."""
        self.writer.transport.abort()

    async def reset(self) -> None:
        """Send RST, after the client has read all that was sent before it."""
        await self.until_read()
        if not self.is_over:
            # Linger for 0 seconds: close() then resets (socket(7)).
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.drop()

    async def start_tls(self, context: ssl.SSLContext, greeting: bytes = b"") -> None:
        """Send `greeting` in the clear, then make the server's side of a TLS handshake.

        Raises:
            OSError: the handshake failed (ssl.SSLError) or the client is gone.
        """
        # From here on the client may send its ClientHello, which must reach TLS and not the reader.
        cast(asyncio.Transport, self.writer.transport).pause_reading()
        await self.send(greeting)
        await self.writer.start_tls(context)
        # With a limit of 0 asyncio's TLS would pause for ever: it compares with >= there.
        self.writer.transport.set_write_buffer_limits(high=1, low=0)
