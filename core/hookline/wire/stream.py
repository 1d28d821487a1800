"""One exchange on a connection that carries many."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any, Protocol

from ..errors import BodyTooLarge, RemoteProtocolError
from .carrier import SLOTS, Carrier, ConnectionFacts, ResponseReceiver
from .response_head import ResponseHead, StatusLine


class Session(Protocol):
    """What a stream needs of its connection."""

    loop: asyncio.AbstractEventLoop
    alive: bool
    transport: asyncio.Transport

    def stream_ended(self, stream: Any) -> None:
        """Forget the stream."""

    def keeping_unread_answer(self) -> AbstractContextManager[None]:
        """Keep what is needed to read an answer after a write has failed."""

    def facts(self) -> ConnectionFacts:
        """Return what is known of the connection."""


class Stream(Carrier):
    """One exchange on a `MultiplexedConnection`. A plugin's subclass sends and receives in its protocol.

    The subclass implements `send_head`, `send_piece`, `end_body`, `reset` and, if it needs them, `ended` and
    `continue_reading`. It calls `receive_head`, `receive_data` and `receive_end` with what arrives for the stream, and `fail`
    with an error. When the peer takes no more of the body it calls `pause_writing`, and `resume_writing` later.

    serves_again: True if an object whose exchange has ended on the fast path may serve another one: `ended` then leaves it as
    `__init__` does. A class may set it. A new object for each exchange takes longer.

    Example: docs/plugins/protocols.md#a-small-protocol
    """

    __slots__ = (*SLOTS, "_is_over", "_trailers", "alive", "keep_alive", "loop", "session")

    is_encrypted = True
    serves_again = False
    key: Any

    def __init__(self, session: Session) -> None:
        """session: the connection."""
        super().__init__()
        self.session = session
        self.loop = session.loop
        self.alive = True
        self.keep_alive = False  # it ends with its exchange
        self._is_over = False
        self._trailers: Sequence[tuple[bytes, bytes]] = ()
        self.completed_at = monotonic()

    # -- what a subclass implements

    def reset(self) -> None:
        """Tell the peer that this exchange is given up."""
        raise NotImplementedError

    def ended(self) -> None:
        """Forget the stream: nothing is sent or received on it any more."""

    def continue_reading(self) -> None:
        """Let the peer send more: the bytes that came were read. While `is_reading_paused`, it must not send without limit."""

    # -- what a subclass calls

    @staticmethod
    def make_head(
        status: int, fields: Iterable[tuple[bytes, bytes]], *, version: str, reason: str = ""
    ) -> ResponseHead:
        """Make a head, which a connection may keep for responses with an equal one: that saves parsing it again.

        status: 100 to 999. fields: names and values. version: such as "HTTP/2".

        Raises: RemoteProtocolError for a status, a field or a Content-Length that is malformed.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        pairs = list(fields)
        lines = [b"%b: %b\r\n" % pair for pair in pairs]
        text = b"".join(lines)
        if (
            not 100 <= status <= 999
            or text.count(b"\n") != len(lines)
            or text.count(b"\r") != len(lines)
            or b"\0" in text
        ):
            raise RemoteProtocolError("malformed response head: a status, or a field with a line end or NUL")
        raw = f"{version} {status:03d} {reason}\r\n".encode("latin-1") + text + b"\r\n"
        low = raw.lower()
        length = -1
        if b"\r\ncontent-length:" in low:
            values = {value.strip() for name, value in pairs if name.lower() == b"content-length"}
            value = values.pop()
            if values or not value.isdigit() or len(value) > 19:
                raise RemoteProtocolError("malformed response head: Content-Length")
            length = int(value)
        return ResponseHead(raw, StatusLine(status, reason, 1, version), low, length=length)

    def receive_whole(self, head: ResponseHead, content: bytes) -> None:
        """Receive a final head and the whole body, which came in one read. Errors end the exchange.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        if (
            self.on_fast_path
            and not self._is_over
            and head.length in (-1, len(content))
            and head.status >= 200
            and head.status not in (204, 304)
        ):
            self.head = head
            self.parts = [content]
            self.complete = True
            self.completed_at = monotonic()
            self._take = Carrier._take_nothing
            waiter = self.waiter
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
            return
        self.receive_known_head(head)
        self.receive_data(content)
        self.receive_end()

    def receive_head(
        self, status: int, fields: Iterable[tuple[bytes, bytes]], *, version: str, reason: str = ""
    ) -> None:
        """Receive a head, interim or final: `make_head`, then `receive_known_head`. Errors end the exchange."""
        try:
            head = self.make_head(status, fields, version=version, reason=reason)
        except RemoteProtocolError as error:
            self.fail(error)
        else:
            self.receive_known_head(head)

    def receive_known_head(self, head: ResponseHead) -> None:
        """Receive a head that `make_head` has made. Errors end the exchange.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        try:
            if self._is_over or self.head is not None:
                return
            self.on_fast_path = False
            self.has_read = True
            if self.data_listener is not None:
                self.data_listener.head_received()
            if head.status < 200:
                self._keep_interim_head(head)
                return
            self.parts = []
            self._take = Stream._take_data
            self._show_final_head(head, b"")
        except BaseException as error:  # noqa: BLE001  # the peer's fault, or a handler's: it reaches the caller through the waiter
            self.fail(error)

    def receive_data(self, data: bytes) -> None:
        """Receive bytes of the body. Errors end the exchange."""
        if not self._is_over and data:
            if self.head is None:
                self.fail(RemoteProtocolError("data came before the head of the response"))
            else:
                self.receive_bytes(data)

    def receive_pieces(self, pieces: list[bytes]) -> None:
        """Receive pieces of the body that came in one read: as `receive_data` for each, for less. Errors end the exchange.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        if self._is_over or self.head is None or self.data_listener is not None or self._deferred_reads is not None:
            for piece in pieces:
                self.receive_data(piece)
            return
        try:
            last = pieces.pop()
            self.parts += pieces
            size = sum(map(len, pieces))
            self.received_size += size
            self.buffered += size
            self._take_data(last)
        except (RemoteProtocolError, BodyTooLarge) as error:
            self.fail(error)

    def receive_end(self, trailers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Receive the end of the response. trailers: the fields of the trailer section, as (name, value)."""
        if self._is_over:
            return
        if self.head is None:
            self.fail(RemoteProtocolError("the response ended before its head"))
            return
        self._trailers = trailers
        if self._deferred_reads is not None:
            self._ended_in_order = True  # decided when the reads before it have been parsed
        else:
            self._end_input(None)

    # -- what an exchange calls

    def begin(self, receiver: ResponseReceiver) -> asyncio.Future[None]:
        """Begin the exchange; returns the future that is done when there is something to read.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        self.receiver = receiver
        self.complete = False
        waiter: asyncio.Future[None] = asyncio.Future(loop=self.loop)  # what create_future() gives, for a call less
        self.waiter = waiter
        if self.error is not None:  # the connection was lost since the stream was taken
            waiter.set_exception(self.error)
        return waiter

    def keeping_unread_answer(self) -> AbstractContextManager[None]:
        return self.session.keeping_unread_answer()  # type: ignore[no-any-return]  # a Session

    def send(self, request: Any) -> None:
        self.send_head(request)
        if request.body:
            self.send_piece(request.body)
        self.end_body()

    def fail(self, error: BaseException, *, by_peer: bool = False) -> None:
        """End the exchange with an error. by_peer: the peer has ended the stream, and must not be told."""
        if self._is_over:
            return
        self._is_over = by_peer
        if self.waiter is None and self.error is None:
            self.error = error  # for the exchange that begins later
        super().fail(error)
        if by_peer:
            self._finish()

    def abort(self) -> None:
        """End the stream: the peer is told, unless the exchange is over.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        if not self._is_over:
            self._is_over = True
            if (not self.complete or self.sending) and self.session.alive:
                self.reset()
            self._finish()

    def _finish(self) -> None:
        self.alive = False
        self._stop_sending()
        self.ended()
        self.session.stream_ended(self)

    @property
    def transport(self) -> asyncio.Transport:
        """The transport of the connection, for `get_extra_info`; only the protocol may write to it.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        return self.session.transport  # type: ignore[no-any-return]  # a Session

    @property
    def is_closing(self) -> bool:
        return not self.alive or not self.session.alive

    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        return list(self._trailers)

    @property
    def has_unread_input(self) -> bool:
        """False: the connection reads for all its streams.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        return False

    def facts(self) -> ConnectionFacts:
        return self.session.facts()  # type: ignore[no-any-return]  # a Session

    def _take_chunk(self, size: int) -> bytes:
        """Take about so many of the bytes that have come, of more than as many. The last part is left, and resumes the reading.

        To join all of them, up to 256 KiB, takes memory of the system each time, and gives it back.
        """
        parts = self.parts
        count = max(1, min(len(parts) * size // self.buffered, len(parts) - 1))
        chunk = b"".join(parts[:count])
        del parts[:count]
        self.buffered -= len(chunk)
        return chunk

    def _resume_reading(self) -> None:
        if self.is_reading_paused:
            self.is_reading_paused = False
            if self.alive:
                self.continue_reading()

    def _take_data(self, data: bytes) -> None:
        self.received_size += len(data)
        self._check_max_body()
        if not self._may_have_body:
            raise RemoteProtocolError("a response came with a body that may have none")
        assert self.head is not None
        if -1 < self.head.length < self.received_size:  # now, because the end may never come
            raise self._wrong_length()
        self._add_part(data)

    def _wrong_length(self) -> RemoteProtocolError:
        assert self.head is not None
        return RemoteProtocolError(
            f"the body has {self.received_size} bytes, and Content-Length says {self.head.length}"
        )

    @property
    def _may_have_body(self) -> bool:
        assert self.head is not None
        return self._method != "HEAD" and self.head.status not in (204, 304)

    def _end_input(self, exc: Exception | None) -> None:
        assert self.head is not None
        if self._may_have_body and self.head.length not in (-1, self.received_size):
            self.fail(self._wrong_length())
            return
        self._take = Carrier._take_nothing
        self._complete_response()
