"""The server's side of a websocket, frame by frame, for tests in which the peer does what no library would do.

scripted.answer(opening(play)) with `async def play(peer): await peer.send(text("hello")); ...`
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import Awaitable, Callable, Iterable

from hookline_testing.server import SeenRequest, head
from hookline_testing.server.answer_queue import Handler
from hookline_testing.server.cut import Cut, pieces
from hookline_testing.server.peer import wait_until_read

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

Fields = Iterable[tuple[str, str]]


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = None) -> bytes:
    """Return a frame as a server sends it. rsv: the three reserved bits as a number; 4 is RSV1."""
    size = len(payload)
    first = fin << 7 | rsv << 4 | opcode
    masked = 0 if mask is None else 0x80
    if size < 126:
        start = struct.pack("!BB", first, masked | size)
    elif size < 65536:
        start = struct.pack("!BBH", first, masked | 126, size)
    else:
        start = struct.pack("!BBQ", first, masked | 127, size)
    if mask is None:
        return start + payload
    return start + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def text(message: str) -> bytes:
    return frame(TEXT, message.encode())


def close(code: int | None = 1000, reason: str = "") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())


def accept_for(request: SeenRequest) -> str:
    """Return the Sec-WebSocket-Accept for the request's key (RFC 6455, section 4.2.2)."""
    key = (request.header("sec-websocket-key") or "").encode()
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


def agreement(request: SeenRequest, fields: Fields = ()) -> bytes:
    """Return the 101 that opens a websocket."""
    own = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_for(request))]
    return head(101, [*own, *fields])


class Peer:
    """The server's side of one websocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: SeenRequest) -> None:
        self._reader = reader
        self.writer = writer
        self.request = request

    async def send(self, data: bytes, cut: Cut = "whole") -> None:
        """Write `data` in pieces; before each piece but the first, wait until the client has read the one before."""
        for number, piece in enumerate(pieces(data, cut)):
            if number:
                await wait_until_read(self.writer.get_extra_info("socket"))
            self.writer.write(piece)
            await self.writer.drain()

    async def frame(self) -> tuple[int, bytes, bool, int]:
        """Return opcode, payload, fin and reserved bits of the next frame; check that it is masked.

        Raises:
            asyncio.IncompleteReadError: the client has closed.
        """
        first, second = await self._reader.readexactly(2)
        assert second & 0x80, "a client masks all frames (RFC 6455, section 5.1)"
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
        mask = await self._reader.readexactly(4)
        payload = await self._reader.readexactly(size)
        mask = (mask * (size // 4 + 1))[:size]
        plain = (int.from_bytes(payload, "little") ^ int.from_bytes(mask, "little")).to_bytes(size, "little")
        return first & 0x0F, plain, bool(first & 0x80), first >> 4 & 7

    async def message(self) -> bytes:
        """Return the payload of the next frame, which must be a whole message."""
        opcode, payload, fin, _ = await self.frame()
        assert opcode in (TEXT, BINARY), opcode
        assert fin
        return payload

    async def close_frame(self) -> tuple[int | None, str]:
        """Return code and reason of the next frame, which must be a close frame."""
        opcode, payload, fin, _ = await self.frame()
        assert (opcode, fin) == (CLOSE, True), (opcode, payload)
        return (int.from_bytes(payload[:2], "big"), payload[2:].decode()) if payload else (None, "")

    async def until_close(self) -> bytes:
        """Read frames up to a close frame; return its payload."""
        while (found := await self.frame())[0] != CLOSE:
            pass
        return found[1]

    async def end(self) -> bytes:
        """Return all that comes until the client closes."""
        return await self._reader.read(-1)


Play = Callable[[Peer], Awaitable[object]]


def opening(play: Play | None = None, *fields: tuple[str, str], behind: bytes = b"", cut: Cut = "whole") -> Handler:
    """Return a handler that opens a websocket, runs `play`, and closes the connection.

    play: None = `answer_close`. behind: bytes that are sent after the 101, in the same write.
    """

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: SeenRequest) -> None:
        peer = Peer(reader, writer, request)
        try:
            await peer.send(agreement(request, fields) + behind, cut)
            await (answer_close if play is None else play)(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has closed the connection
        finally:
            writer.close()

    return handler


async def answer_close(peer: Peer) -> None:
    """Wait for the client's close frame and send it back."""
    await peer.send(frame(CLOSE, await peer.until_close()))


async def echo(peer: Peer) -> None:
    """Send back every frame, pings as pongs, up to the close frame."""
    opcode = TEXT
    while opcode != CLOSE:
        opcode, payload, fin, _ = await peer.frame()
        await peer.send(frame(PONG if opcode == PING else opcode, payload, fin=fin))
