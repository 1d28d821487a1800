"""Another frame parser: the object that the option `frame_parser` makes, and its frames as whole messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from wsproto.frame_protocol import ParseFailed

from ..compression import Deflate
from .frame_reader import FrameReader, broken_compression, too_big
from .frame_writer import FrameWriter
from .message_buffer import MessageBuffer
from .permessage_deflate import PerMessageDeflate

_CONTINUATION, _MAX_DATA_OPCODE = 0, 2


class Frame(Protocol):
    """A frame, or as much of a data frame as has come.

    opcode: RFC 6455, section 5.2; 0 to 2 is data. payload: str or bytes; for a close frame, code and reason.
    message_finished: True for the last piece of a message.
    """

    @property
    def opcode(self) -> int: ...

    @property
    def payload(self) -> Any: ...

    @property
    def message_finished(self) -> bool: ...


class Writer(Protocol):
    """Serializes our own frames: `FrameWriter`, or the object that the option `frame_parser` makes."""

    def send_data(self, payload: Any, fin: bool) -> bytes | bytearray: ...

    def ping(self, payload: bytes) -> bytes | bytearray: ...

    def pong(self, payload: bytes) -> bytes | bytearray: ...

    def close(self, code: int | None, reason: str | None) -> bytes | bytearray: ...


class FrameParser(Writer, Protocol):
    """Parses the frames of the peer and serializes our own, as `wsproto.frame_protocol.FrameProtocol` does.

    `receive_bytes` and `received_frames` raise `wsproto.frame_protocol.ParseFailed` when the peer breaks the protocol.
    """

    def receive_bytes(self, data: bytes) -> None: ...

    def received_frames(self) -> Iterator[Frame]: ...


class Reader(Protocol):
    """Turns bytes into messages and control frames: `FrameReader`, which documents the methods, or `ParserReader`."""

    def receive_bytes(self, data: bytes) -> None: ...

    def whole_message(self, view: memoryview, size: int) -> str | bytes | None: ...

    def next_item(self) -> tuple[int, Any] | None: ...


class ParserReader:
    """The frames of another frame parser as messages and control frames.

    limit: bytes of a whole message, text counted in UTF-8; 0 = no limit.
    """

    __slots__ = ("_buffer", "_frames", "_limit", "_parser", "_size")

    def __init__(self, parser: FrameParser, limit: int) -> None:
        self._parser = parser
        self._limit = limit
        self._frames: Iterator[Frame] = iter(())
        self._buffer = MessageBuffer()
        self._size = 0  # bytes of the message under way

    def receive_bytes(self, data: bytes) -> None:
        self._parser.receive_bytes(data)

    def whole_message(self, view: memoryview, size: int) -> None:
        return None

    def next_item(self) -> tuple[int, Any] | None:
        try:
            frame = next(self._frames, None)
            if frame is None:
                self._frames = self._parser.received_frames()
                frame = next(self._frames, None)
                if frame is None:
                    return None
        except ParseFailed as error:
            if str(error) == "error in extension":  # wsproto's words
                raise broken_compression(error.code) from None
            raise
        opcode, payload = int(frame.opcode), frame.payload
        if opcode > _MAX_DATA_OPCODE:
            return opcode, payload
        self._count(payload)
        if frame.message_finished:
            self._size = 0
        if not frame.message_finished:
            self._buffer.append(payload)
            return _CONTINUATION, payload
        if not self._buffer.is_empty:
            self._buffer.append(payload)
            payload = self._buffer.take()
        return (1 if type(payload) is str else 2), payload

    def _count(self, piece: str | bytes) -> None:
        """Add the size of a piece to that of its message.

        Raises: ParseFailed.
        """
        if not self._limit:
            return
        if type(piece) is str and not piece.isascii():
            self._size += len(piece.encode())
        else:
            self._size += len(piece)
        if self._size > self._limit:
            raise too_big()


def new_reader_and_writer(
    factory: Callable[..., FrameParser] | None, agreed: Deflate | None, limit: int
) -> tuple[Reader, Writer]:
    """Return what parses and what serializes the frames of one websocket.

    factory: the option `frame_parser`, None = our own. agreed: the compression that was negotiated, None = none.
    limit: bytes of one message after decompression, 0 = no limit.
    """
    deflate = None if agreed is None else PerMessageDeflate(agreed, limit)
    if factory is None:
        return FrameReader(limit, deflate), FrameWriter(deflate)
    parser = factory(client=True, extensions=[] if deflate is None else [deflate])
    return ParserReader(parser, limit), parser
