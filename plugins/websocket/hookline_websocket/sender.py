"""The sending side of a websocket: messages whole and in pieces, pings, pongs and the close frame, and back-pressure."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from .close_codes import INTERNAL_ERROR
from .limits import HIGH_WATER, MESSAGE_OVERHEAD
from .pings import PendingPings
from .waiters import Waiters

if TYPE_CHECKING:
    from .frames.frame_parser import Writer

PIECES_PER_TURN = 64  # of the loop: pieces of a message that are sent while neither the source nor the peer waits
MAX_CONTROL_BODY = 125  # bytes (RFC 6455, section 5.5)

_MESSAGE_TYPES = (str, bytes, bytearray, memoryview)


class Owner(Protocol):
    """The websocket whose sending side this is."""

    def new_end_error(self) -> Exception:
        """Return the error for a call that can send no more."""

    def fail(self, code: int, message: str) -> None:
        """Close the websocket with this code and this error."""

    def on_backlog(self) -> None:
        """Note that the peer does not read what is written."""

    def on_backlog_change(self) -> None:
        """Note that the peer reads again, or that messages which waited were written."""


class Sender:
    """Writes the frames of one websocket.

    is_open: messages can be sent; False once a close frame was sent. is_lost: the connection is closed. waiters: the
    coroutines that wait for a change of writing, or for the end. pings: those that wait for their pongs. is_paused: the
    peer does not read, and the transport has more than its limit.
    """

    __slots__ = (
        "_loop", "_owner", "_pending_pong", "_queued", "_queued_size", "_transport", "_writer", "is_lost", "is_open",
        "is_paused", "pings", "waiters",
    )  # fmt: skip

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.WriteTransport, writer: Writer, owner: Owner
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._writer = writer
        self._owner = owner
        self.waiters = Waiters(loop)
        self.pings = PendingPings()
        self._pending_pong: bytes | None = None  # for the newest ping that came while writing was paused
        # messages to send after the one in pieces; None = no message is being sent in pieces
        self._queued: list[Any] | None = None
        self._queued_size = 0
        self.is_open = True
        self.is_lost = self.is_paused = False

    # -- messages

    def write(self, message: Any) -> None:
        """Send a message; the transport buffers what the peer does not read yet.

        Raises: WebSocketClosed, WebSocketError; TypeError.
        """
        if not self.is_open:
            raise self._owner.new_end_error()
        if self._queued is not None:
            if not isinstance(message, _MESSAGE_TYPES):
                raise not_a_message(message)
            self._queued.append(message)
            self._queued_size += len(message) + MESSAGE_OVERHEAD
        else:
            try:
                frame = self._writer.send_data(message, True)
            except TypeError:
                raise not_a_message(message) from None
            self._transport.write(frame)
        if self.is_paused or self._queued_size > HIGH_WATER:
            self._owner.on_backlog()

    async def send(self, message: Any) -> None:
        """Send a message, or the pieces of one, and wait until the peer reads fast enough.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError, for an iterable without pieces.
        """
        if isinstance(message, _MESSAGE_TYPES):
            self.write(message)
            if self.is_paused or self._queued is not None:
                await self.drain()
        elif isinstance(message, (AsyncIterable, Iterable)) and not isinstance(message, Mapping):
            await self._send_pieces(message)
        else:
            raise not_a_message(message)

    async def _send_pieces(self, source: Iterable[Any] | AsyncIterable[Any]) -> None:
        """Send each piece as a frame as soon as it is there; an empty one ends the message (RFC 6455, section 5.4)."""
        while self._queued is not None:
            await self.waiters.wait()
        if not self.is_open:
            raise self._owner.new_end_error()
        self._queued = []
        kind: type | None = None
        count = 0
        try:
            async with aclosing(iterate(source)) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, _MESSAGE_TYPES):
                        raise not_a_message(piece)
                    if not self.is_open:
                        raise self._owner.new_end_error()
                    own = str if isinstance(piece, str) else bytes
                    if kind is not None and kind is not own:
                        raise TypeError("the pieces of a message must be all str or all bytes")
                    frame = self._writer.send_data(piece, False)
                    kind = own
                    self._transport.write(frame)
                    count += 1
                    if self.is_paused:
                        await self.waiters.wait()
                    elif count % PIECES_PER_TURN == 0:
                        await asyncio.sleep(0)
            if kind is None:
                raise ValueError("the iterable gave no pieces; for an empty message send '' or b''")
            if not self.is_open:
                raise self._owner.new_end_error()
            self._transport.write(self._writer.send_data(kind(), True))
        except BaseException:
            if kind is not None and self.is_open:
                # no other message may follow these pieces
                self._owner.fail(INTERNAL_ERROR, "a message could not be sent to its end")
            raise
        finally:
            queued, self._queued, self._queued_size = self._queued, None, 0
            if self.is_open:
                for message in queued:
                    self._transport.write(self._writer.send_data(message, True))
            self.waiters.wake()
            self._owner.on_backlog_change()

    # -- back-pressure

    def has_backlog(self) -> bool:
        """Say whether more waits for the peer, or for a message in pieces, than there should."""
        return self.is_paused or self._queued_size > HIGH_WATER

    def resume(self) -> None:
        """Note that the peer reads again."""
        self.is_paused = False
        if self._pending_pong is not None:
            self.answer_ping(self._pending_pong)
        self.waiters.wake()
        self._owner.on_backlog_change()

    async def drain(self) -> None:
        """Wait until everything written before is sent, but for the transport's last 64 KiB.

        Raises: WebSocketClosed or WebSocketError, when the connection ends before.
        """
        while self.is_paused or self._queued is not None:
            if self.is_lost:
                raise self._owner.new_end_error()
            await self.waiters.wait()

    # -- control frames

    def ping(self, body: bytes = b"") -> asyncio.Future[float]:
        """Send a ping; the future gives the seconds until its pong. An empty body is replaced by a random one.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError.
        """
        body = check_control_body(body) or os.urandom(4)
        if not self.is_open:
            raise self._owner.new_end_error()
        pong = self._loop.create_future()
        self.pings.add(body, pong)
        self._transport.write(self._writer.ping(body))
        if self.has_backlog():
            self._owner.on_backlog()
        return pong

    def send_keepalive_ping(self) -> None:
        """Send a ping, unless the peer reads nothing: then what was written before calls for an answer as well."""
        if not self.is_paused:
            self._transport.write(self._writer.ping(os.urandom(4)))

    def pong(self, body: bytes = b"") -> None:
        """Send a pong.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError.
        """
        body = check_control_body(body)
        if not self.is_open:
            raise self._owner.new_end_error()
        self._transport.write(self._writer.pong(body))
        if self.has_backlog():
            self._owner.on_backlog()

    def answer_ping(self, body: bytes) -> None:
        """Answer a ping. While the peer reads nothing, only the newest is kept (RFC 6455, section 5.5.3)."""
        if self.is_paused:
            self._pending_pong = body
        elif self.is_open:
            self._pending_pong = None
            self._transport.write(self._writer.pong(body))

    def close(self, code: int | None, reason: str) -> None:
        """Send a close frame, unless one was sent. code: None = without a code."""
        if self.is_open:
            self.is_open = False
            self._transport.write(self._writer.close(code, reason))


async def iterate(source: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    """Yield the items of a plain or an asynchronous iterable."""
    if isinstance(source, AsyncIterable):
        async for piece in source:
            yield piece
    else:
        for piece in source:
            yield piece


def check_control_body(body: Any) -> bytes:
    """Return the body of a ping or pong as bytes.

    Raises: TypeError; ValueError, for more than 125 bytes (RFC 6455, section 5.5).
    """
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError(f"the body of a ping or pong must be bytes, not {type(body).__name__}")
    if len(body) > MAX_CONTROL_BODY:
        raise ValueError(f"the body of a ping or pong has at most {MAX_CONTROL_BODY} bytes, not {len(body)}")
    return bytes(body)


def not_a_message(value: Any) -> TypeError:
    """Return the error for a value that cannot be sent as a message."""
    return TypeError(
        f"a message is str or bytes, and send() also takes an iterable of its pieces; got {type(value).__name__}"
    )
