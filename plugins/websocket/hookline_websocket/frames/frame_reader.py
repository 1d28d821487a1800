"""Parse the frames of a server (RFC 6455, section 5) into messages and control frames."""

from __future__ import annotations

import codecs
from struct import unpack_from
from typing import TYPE_CHECKING, Any

from wsproto.frame_protocol import CloseReason, ParseFailed

from .message_buffer import MessageBuffer

if TYPE_CHECKING:
    from .permessage_deflate import PerMessageDeflate

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PONG = 0, 1, 2, 8, 10
_FIN, _RSV, _RSV1, _OPCODE, _MASKED, _LENGTH = 0x80, 0x70, 0x40, 0x0F, 0x80, 0x7F
_LENGTH_16, _LENGTH_64 = 126, 127  # in the second byte: the length stands in the next 2 or 8
_MAX_CONTROL_BODY = 125
_WHOLE_TEXT, _WHOLE_BINARY = _FIN | _TEXT, _FIN | _BINARY  # first bytes of a message in one frame
_WHOLE = frozenset({_WHOLE_TEXT, _WHOLE_BINARY})
_NO_LIMIT = 1 << 63
# The codes below 3000 that an endpoint may get. The others stand for the lack of a frame, or are not assigned.
_CODES = frozenset({*range(1000, 1004), *range(1007, 1014)})
_NO_STATUS = 1005

_new_decoder = codecs.getincrementaldecoder("utf-8")


class FrameReader:
    """Turns the bytes of one websocket into messages and control frames, however the bytes are cut.

    limit: bytes of a whole message after decompression, text counted in UTF-8; 0 = no limit. deflate: the compression
    that was negotiated, None = none.
    """

    __slots__ = (
        "_at", "_buffer", "_data", "_decoder", "_deflate", "_inflates", "_is_last_frame", "_left", "_limit", "_opcode",
        "_size",
    )  # fmt: skip

    def __init__(self, limit: int = 0, deflate: PerMessageDeflate | None = None) -> None:
        self._limit = limit or _NO_LIMIT
        self._deflate = deflate
        self._data = b""
        self._at = 0  # what comes before this position in `_data` was parsed
        # the message under way
        self._opcode = 0  # text or binary, 0 = no message is under way
        self._size = 0  # bytes that its frames have announced
        self._inflates = False
        self._buffer = MessageBuffer()
        self._decoder: Any = None  # of a text in several pieces
        # its newest frame
        self._left = 0  # bytes of the payload that are still to come
        self._is_last_frame = False

    def receive_bytes(self, data: bytes) -> None:
        """Add bytes to those that were not parsed yet."""
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    def whole_message(self, view: memoryview, size: int) -> str | bytes | None:
        """Return the message that the first `size` bytes of a read are, if they are one whole frame, and nothing else.

        None: they are something else, and go to `receive_bytes`. This is the shortcut for messages of less than one read:
        it copies the payload only.

        Raises: ParseFailed, for a text that is not UTF-8.
        """
        if self._opcode or self._data or size < 2:
            return None
        first, length = view[0], view[1]
        if length < _LENGTH_16:
            start = 2
        elif length == _LENGTH_16 and size > _MAX_CONTROL_BODY + 4:  # or the length has a shorter form
            start, length = 4, view[2] << 8 | view[3]
        elif length == _LENGTH_64 and size > 0xFFFF + 10:
            start, length = 10, int.from_bytes(view[2:10], "big")
        else:
            return None
        if size != start + length or length > self._limit:
            return None
        if first == _WHOLE_BINARY:
            return bytes(view[start:size])
        if first == _WHOLE_TEXT:
            return decode_text(bytes(view[start:size]))
        return None

    def next_item(self) -> tuple[int, Any] | None:
        """Return the next item of what was received: an opcode and the content; None = more bytes are needed.

        1 and 2: a whole message, str or bytes. 8: code and reason of a close frame, after which nothing is to be parsed.
        9 and 10: the body of a ping or a pong. 0: a part of a message that was kept; its content tells its size only.

        Raises: ParseFailed.
        """
        if not self._left:
            data, at = self._data, self._at
            rest = len(data) - at
            if rest < 2:
                if not rest:
                    self._data = b""
                    self._at = 0
                return None
            first, length = data[at], data[at + 1]
            if length < _LENGTH_16 and not self._opcode and first in _WHOLE:
                end = at + 2 + length
                if end <= len(data) and length <= self._limit:
                    self._at = end
                    payload = data[at + 2 : end]
                    return (_BINARY, payload) if first == _WHOLE_BINARY else (_TEXT, decode_text(payload))
            if first & 8:
                return self._control_frame(first, length)
            if not self._begin_frame(first, length):
                return None
        return self._next_piece()

    def _control_frame(self, first: int, length: int) -> tuple[int, Any] | None:
        """Parse a control frame; None if it has not come whole (section 5.5)."""
        opcode = first & _OPCODE
        if opcode > _PONG:
            raise ParseFailed(f"a frame with the reserved opcode {opcode:#x}")
        if not first & _FIN:
            raise ParseFailed("a control frame in fragments")
        if length & _LENGTH > _MAX_CONTROL_BODY:
            raise ParseFailed("a control frame of more than 125 bytes")
        if first & _RSV:
            raise ParseFailed("a control frame with a reserved bit")
        if length & _MASKED:
            raise ParseFailed("a masked frame from a server")
        start = self._at + 2
        body = self._data[start : start + length]
        if len(body) < length:
            return None
        self._at = start + length
        return opcode, (parse_close(body) if opcode == _CLOSE else body)

    def _begin_frame(self, first: int, second: int) -> bool:
        """Parse the head of a data frame; False if it has not come whole (sections 5.2 and 5.4)."""
        opcode = first & _OPCODE
        if opcode > _BINARY:
            raise ParseFailed(f"a frame with the reserved opcode {opcode:#x}")
        length = second & _LENGTH
        start = self._at + 2
        if length == _LENGTH_16:
            if len(self._data) < start + 2:
                return False
            (length,) = unpack_from("!H", self._data, start)
            start += 2
            if length < _LENGTH_16:
                raise ParseFailed("a frame whose length takes more bytes than needed")
        elif length == _LENGTH_64:
            if len(self._data) < start + 8:
                return False
            (length,) = unpack_from("!Q", self._data, start)
            start += 8
            if length <= 0xFFFF:
                raise ParseFailed("a frame whose length takes more bytes than needed")
            if length >> 63:
                raise ParseFailed("a frame of 2^63 bytes or more")
        if first & _RSV and (first & _RSV != _RSV1 or self._deflate is None or opcode == _CONTINUATION):
            raise ParseFailed("a frame with a reserved bit")  # RFC 7692, section 6: RSV1 on the first frame only
        if second & _MASKED:
            raise ParseFailed("a masked frame from a server")
        if opcode == _CONTINUATION:
            if not self._opcode:
                raise ParseFailed("a continuation without a message")
        else:
            if self._opcode:
                raise ParseFailed("a message within the fragments of another")
            self._opcode = opcode
            self._inflates = bool(first & _RSV1)
            if self._inflates and self._deflate is not None:
                self._deflate.begin_inflating()
        self._size += length
        if self._size > self._limit and not self._inflates:
            raise too_big()
        self._at = start
        self._left = length
        self._is_last_frame = first >= _FIN
        return True

    def _next_piece(self) -> tuple[int, Any] | None:
        """Parse as much of the payload of a data frame as has come."""
        data, at = self._data, self._at
        piece = data[at : at + self._left]
        if self._left:
            if not piece:
                self._data = b""
                self._at = 0
                return None
            self._at = at + len(piece)
            self._left -= len(piece)
        is_last = self._is_last_frame and not self._left
        if self._inflates:
            piece = self._inflate(piece, is_last)
        opcode = self._opcode
        if is_last:
            self._opcode = self._size = 0
            if self._buffer.is_empty:
                return opcode, (decode_text(piece) if opcode == _TEXT else piece)
        if opcode == _TEXT:
            self._buffer.append(self._decode(piece, is_last))
        else:
            self._buffer.append(piece)
        if is_last:
            return opcode, self._buffer.take()
        return _CONTINUATION, piece

    def _inflate(self, piece: bytes, is_last: bool) -> bytes:
        assert self._deflate is not None
        inflated = self._deflate.inflate(piece)
        if isinstance(inflated, CloseReason):
            raise broken_compression(inflated)
        if is_last:
            rest = self._deflate.end_inflating()
            if isinstance(rest, CloseReason):
                raise broken_compression(rest)
            inflated += rest
        return inflated

    def _decode(self, piece: bytes, is_last: bool) -> str:
        """Decode a piece of a text, which may end within a character."""
        decoder = self._decoder
        if decoder is None:
            decoder = self._decoder = _new_decoder()
        try:
            text: str = decoder.decode(piece, is_last)
        except UnicodeDecodeError as error:
            raise not_utf_8("a text", error) from None
        if is_last:
            self._decoder = None
        return text


def decode_text(payload: bytes) -> str:
    """Return a whole text.

    Raises: ParseFailed.
    """
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise not_utf_8("a text", error) from None


def parse_close(body: bytes) -> tuple[int, str]:
    """Return code and reason of a close frame; the code is 1005 if it has none (sections 5.5.1 and 7.4).

    Raises: ParseFailed.
    """
    if not body:
        return _NO_STATUS, ""
    if len(body) == 1:
        raise ParseFailed("a close frame of one byte")
    code = int.from_bytes(body[:2], "big")
    if code not in _CODES and not 3000 <= code <= 4999:
        raise ParseFailed(f"a close frame with the code {code}, which may not be sent")
    try:
        return code, body[2:].decode()
    except UnicodeDecodeError as error:
        raise not_utf_8("a close reason", error) from None


def not_utf_8(what: str, error: UnicodeDecodeError) -> ParseFailed:
    """Return the error for text that is not UTF-8 (section 8.1)."""
    return ParseFailed(f"{what} that is not UTF-8: {error.reason}", CloseReason.INVALID_FRAME_PAYLOAD_DATA)


def too_big() -> ParseFailed:
    """Return the error for a message beyond the limit."""
    return ParseFailed("a message that is too big", CloseReason.MESSAGE_TOO_BIG)


def broken_compression(reason: CloseReason) -> ParseFailed:
    """Return the error for what the extension for compression refuses."""
    return ParseFailed("a broken compressed message", reason)
