"""The sending side of a websocket: messages, fragments, pings, and how fast the peer takes them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import WebSocketClosed, WebSocketError

TURN_PIECES = 64  # after which the loop gets a turn, where neither the source nor the peer gives it one
MAX_CONTROL = 125  # bytes of a control frame (RFC 6455, section 5.5)
HIGH_WATER = 256 * 1024
ENTRY = 64  # bytes that a waiting message costs beside its content: many empty ones are no little either
_MESSAGES = (str, bytes, bytearray, memoryview)


class Sender(asyncio.BufferedProtocol):
    """See the module. `Receiver` adds the other side, `Channel` the beginning and the end.

    is_open: may messages be sent? False once a close frame was sent. in_callback: does a callback of the handler run?
    """

    __slots__ = (
        "_behind", "_behind_size", "_pings", "_turns", "_writing_paused", "is_congested", "is_lost", "is_open", "loop",
        "owed_pong", "parser", "transport",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, parser: Any) -> None:
        self.loop = loop
        self.transport = transport
        self.parser = parser
        self.is_open = True
        self.is_lost = False
        self.is_congested = False  # a callback wrote more than the peer takes: nothing is read meanwhile
        self.owed_pong: bytes | None = None
        self._writing_paused = False
        self._turns: set[asyncio.Future[None]] = set()
        self._behind: list[Any] | None = None  # messages that wait for the end of one that goes out in fragments
        self._behind_size = 0
        self._pings: dict[bytes, tuple[asyncio.Future[float], float]] = {}

    @property
    def in_callback(self) -> bool:
        raise NotImplementedError

    def ended(self) -> WebSocketClosed | WebSocketError:
        """The error for whoever sends or receives when that is over."""
        raise NotImplementedError

    def fail(self, code: int, message: str) -> None:
        raise NotImplementedError

    def look(self) -> None:
        """Told that something changed: read on where that is possible again."""
        raise NotImplementedError

    # -- messages

    def write(self, message: Any) -> None:
        """Send a message; what the peer does not take is buffered.

        Raises: WebSocketClosed, WebSocketError; TypeError.
        """
        if not self.is_open:
            raise self.ended()
        if self._behind is not None:
            if not isinstance(message, _MESSAGES):
                raise not_a_message(message)
            self._behind.append(message)
            self._behind_size += len(message) + ENTRY
        else:
            try:
                self.transport.write(self.parser.send_data(message, True))
            except TypeError:
                raise not_a_message(message) from None
        self._hold_callbacks()

    def _hold_callbacks(self) -> None:
        """Behind a write: a callback that writes more than goes out is called no more until it has gone."""
        if self.in_callback and (self._writing_paused or self._behind_size > HIGH_WATER):
            self.is_congested = True
            self.look()

    async def send(self, message: Any) -> None:
        """Send a message, or the pieces of one, as fast as the peer takes it.

        Raises: see `write`.
        """
        if isinstance(message, _MESSAGES):
            self.write(message)
            if self._writing_paused or self._behind is not None:
                await self.drain()
        elif isinstance(message, (AsyncIterable, Iterable)) and not isinstance(message, Mapping):
            await self._send_pieces(message)
        else:
            raise not_a_message(message)

    async def _send_pieces(self, source: Iterable[Any] | AsyncIterable[Any]) -> None:
        """Each piece is a frame, sent when it is there; an empty one ends the message (RFC 6455, section 5.4)."""
        while self._behind is not None:
            await self._turn()
        if not self.is_open:
            raise self.ended()
        self._behind = []
        kind: type | None = None
        count = 0
        try:
            async with aclosing(each(source)) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, _MESSAGES):
                        raise not_a_message(piece)
                    if not self.is_open:
                        raise self.ended()
                    own = str if isinstance(piece, str) else bytes
                    if kind is not None and kind is not own:
                        raise TypeError("the pieces of a message are all str or all bytes")
                    frame = self.parser.send_data(piece, False)
                    kind = own
                    self.transport.write(frame)
                    count += 1
                    if self._writing_paused:
                        await self._turn()
                    elif count % TURN_PIECES == 0:
                        await asyncio.sleep(0)
            if kind is None:
                raise ValueError("no pieces: an empty message is '' or b''")
            if not self.is_open:
                raise self.ended()
            self.transport.write(self.parser.send_data(kind(), True))
        except BaseException:
            if kind is not None and self.is_open:
                self.fail(1011, "a message could not be sent to its end")  # nothing else can follow the pieces of one
            raise
        finally:
            behind, self._behind, self._behind_size = self._behind, None, 0
            if self.is_open:
                for message in behind:
                    self.transport.write(self.parser.send_data(message, True))
            self.is_congested &= self._writing_paused
            self._next_turn()
            self.look()

    # -- how fast

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self.is_congested &= self._behind_size > HIGH_WATER
        if self.owed_pong is not None:
            self.answer_ping(self.owed_pong)
        self._next_turn()
        self.look()

    async def drain(self) -> None:
        """Wait until what was written before is on its way, but for the transport's last 64 KiB.

        Raises: WebSocketClosed or WebSocketError, when it will never be.
        """
        while self._writing_paused or self._behind is not None:
            if self.is_lost:
                raise self.ended()
            await self._turn()

    async def _turn(self) -> None:
        turn = self.loop.create_future()
        self._turns.add(turn)
        try:
            await turn
        finally:
            self._turns.discard(turn)

    def _next_turn(self) -> None:
        for turn in self._turns:
            if not turn.done():
                turn.set_result(None)

    # -- pings

    def ping(self, body: bytes = b"") -> asyncio.Future[float]:
        """Send a ping; the future gives the seconds until its pong.

        Raises: WebSocketClosed, WebSocketError; ValueError.
        """
        body = control_body(body) or os.urandom(4)
        if not self.is_open:
            raise self.ended()
        if body in self._pings:
            raise ValueError("a ping with these bytes waits for its pong already")
        pong = self.loop.create_future()
        self._pings[body] = pong, monotonic()
        self.transport.write(self.parser.ping(body))
        self._hold_callbacks()
        return pong

    def keep_alive(self) -> None:
        """Send a ping of our own. While the peer takes nothing it would only wait: what was written before asks as much."""
        if not self._writing_paused:
            self.transport.write(self.parser.ping(os.urandom(4)))

    def pong(self, body: bytes = b"") -> None:
        """Send a pong.

        Raises: see `ping`.
        """
        body = control_body(body)
        if not self.is_open:
            raise self.ended()
        self.transport.write(self.parser.pong(body))
        self._hold_callbacks()

    def answer_ping(self, body: bytes) -> None:
        """Answer a ping. While the peer takes nothing only the youngest is kept, as RFC 6455, section 5.5.3 allows."""
        if self._writing_paused:
            self.owed_pong = body
        elif self.is_open:
            self.owed_pong = None
            self.transport.write(self.parser.pong(body))

    def take_pong(self, body: bytes) -> None:
        """A pong came: it answers its ping, and those that were sent before."""
        if body not in self._pings:
            return
        now = monotonic()  # the loop's time may stand still within a turn
        for earlier in list(self._pings):
            pong, sent = self._pings.pop(earlier)
            if not pong.done():
                pong.set_result(now - sent)
            if earlier == body:
                return

    def give_up_sending(self) -> None:
        """The connection is gone: tell those who wait."""
        self.is_open = False
        self.is_lost = True
        self._next_turn()
        pings, self._pings = self._pings, {}
        for pong, _ in pings.values():
            if not pong.done():
                pong.set_exception(self.ended())
                pong.exception()  # seen: nobody has to wait for a pong


async def each(source: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    """The pieces of either kind of iterable."""
    if isinstance(source, AsyncIterable):
        async for piece in source:
            yield piece
    else:
        for piece in source:
            yield piece


def control_body(body: Any) -> bytes:
    """The body of a ping or pong.

    Raises: TypeError, ValueError.
    """
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError(f"the body of a ping or pong is bytes, not {type(body).__name__}")
    if len(body) > MAX_CONTROL:
        raise ValueError(f"the body of a ping or pong has at most {MAX_CONTROL} bytes, not {len(body)}")
    return bytes(body)


def not_a_message(value: Any) -> TypeError:
    return TypeError(
        f"a message is str or bytes, and send() takes an iterable of its pieces too; not {type(value).__name__}"
    )
