"""One exchange on a connection of HTTP/2."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from typing import Any, Protocol

from hookline import ConnectionFacts, HttpRequest, RemoteProtocolError, Stream

from .engine import Engine
from .errors import CANCEL, PROTOCOL_ERROR

MAX_QUEUED = 64 * 1024  # bytes of a body in the engine; a sender waits while there are more


class Connection(Protocol):
    """What a stream needs of its connection, which is an `Http2Connection`.

    engine: knows the frames. numbered: the open streams by number. waiting_senders: streams whose bodies wait for the peer.
    """

    loop: asyncio.AbstractEventLoop
    alive: bool
    transport: asyncio.Transport
    engine: Engine
    numbered: dict[int, Any]
    waiting_senders: set[Any]

    def open_numbered(self, stream: Any, request: HttpRequest, head: bytes, *, ends: bool) -> None:
        """Send the head of a request, and give its stream a number."""

    def flush_soon(self) -> None:
        """Write what there is to send once the tasks that are ready have run."""

    def stream_ended(self, stream: Any) -> None:
        """Have the pool know that a stream is over."""

    def keeping_unread_answer(self) -> AbstractContextManager[None]:
        """Keep what is needed to read an answer after a write has failed."""

    def facts(self) -> ConnectionFacts:
        """Return what is known of the connection."""


class Http2Stream(Stream):
    """One exchange.

    number: of the stream; 0 before its head is sent, and once it is closed. has_ended: the response is complete.
    held_head, held_pieces: what has come in the read that goes on. If the rest comes in it too, the exchange takes the fast path.
    unacknowledged: bytes of data that came, and for which the peer got no new window yet.
    """

    serves_again = True
    __slots__ = ("_connection", "has_ended", "held_head", "held_pieces", "number", "unacknowledged")

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        self.number = 0
        self.has_ended = False
        self.unacknowledged = 0
        self.held_head: Any = None
        self.held_pieces: list[bytes] = []

    # -- what an exchange sends

    def send(self, request: HttpRequest) -> None:
        body = request.body
        if not isinstance(body, bytes) or not body:
            self._connection.open_numbered(self, request, request.encode(), ends=True)
            return
        data = request.encode()
        self._connection.open_numbered(self, request, data[: -len(body)], ends=False)
        if self.number:
            self._connection.engine.send_data(self.number, body, ends=True)

    def send_head(self, request: HttpRequest) -> None:
        body = request.body
        data = request.encode()
        head = data[: -len(body)] if isinstance(body, bytes) and body else data
        self._connection.open_numbered(self, request, head, ends=False)

    def send_piece(self, data: bytes) -> None:
        if self.number:
            engine = self._connection.engine
            engine.send_data(self.number, data, ends=False)
            queued = engine.queued(self.number)
            if queued > MAX_QUEUED:
                self.pause_writing()
                self._connection.waiting_senders.add(self)
            if queued == len(data):  # else what was queued before it waits for a window, or for a write that is due
                self._connection.flush_soon()

    def end_body(self) -> None:
        if self.number:
            self._connection.engine.end_body(self.number)
            self._connection.flush_soon()

    def reset(self) -> None:
        if self.number:
            code = PROTOCOL_ERROR if isinstance(self.error, RemoteProtocolError) else CANCEL
            self._connection.engine.reset(self.number, code)
            self._connection.flush_soon()

    def ended(self) -> None:
        number = self.number
        if number:
            if self.unacknowledged:
                self.continue_reading()
            self.number = 0
            self._connection.numbered.pop(number, None)
        if not self.on_fast_path:
            self._connection.waiting_senders.discard(self)
        self.has_ended = False

    # -- what arrives

    def receive_held(self) -> None:
        """Receive what was held: there will be more in another read, or it is no data."""
        if self.held_head is not None:
            head, self.held_head = self.held_head, None
            self.receive_known_head(head)
        if self.held_pieces:
            pieces, self.held_pieces = self.held_pieces, []
            self.receive_pieces(pieces)
        if not self.is_reading_paused:
            self.continue_reading()

    def receive_last(self) -> None:
        """Receive the end of the response, and before it what was held."""
        self.has_ended = True
        if self.held_head is None:
            self.receive_held()
            self.receive_end()
            return
        head, self.held_head = self.held_head, None
        pieces, self.held_pieces = self.held_pieces, []
        self.continue_reading()
        self.receive_whole(head, pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def continue_reading(self) -> None:
        size, self.unacknowledged = self.unacknowledged, 0
        if size and self.number:
            connection = self._connection
            connection.engine.acknowledge(self.number, size)
            connection.flush_soon()
