"""Serialize frames as a client sends them (RFC 6455, section 5.2)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

from .masking import mask, new_masking_key

if TYPE_CHECKING:
    from .permessage_deflate import PerMessageDeflate

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_FIN, _RSV1, _MASKED = 0x80, 0x40, 0x80
_MAX_LENGTH_7, _MAX_LENGTH_16 = 125, 0xFFFF
_head_7, _head_16, _head_64 = (Struct(f"!BB{length}4s").pack for length in ("", "H", "Q"))
_code = Struct("!H").pack


class FrameWriter:
    """Makes the frames that one websocket sends. Its methods are those of wsproto's FrameProtocol.

    deflate: the compression that was negotiated, None = none.
    """

    __slots__ = ("_deflate", "_opcode")

    def __init__(self, deflate: PerMessageDeflate | None = None) -> None:
        self._deflate = deflate
        self._opcode = 0  # of the message of which a part was sent, 0 = none

    def send_data(self, payload: Any, fin: bool) -> bytes:
        """Return the frame of a message or a part of one. fin: it is the last, or the only one.

        Raises: TypeError, if the payload is neither str nor bytes, or not what the parts before it were.
        """
        kind = type(payload)
        if kind is bytes:
            opcode = _BINARY
        elif kind is str:
            opcode, payload = _TEXT, payload.encode()
        elif isinstance(payload, (bytes, bytearray, memoryview)):
            opcode, payload = _BINARY, bytes(payload)
        elif isinstance(payload, str):
            opcode, payload = _TEXT, payload.encode()
        else:
            raise TypeError(f"a message is str or bytes, not {kind.__name__}")
        first = opcode
        if self._opcode:
            if self._opcode != opcode:
                raise TypeError("the parts of a message must be all str or all bytes")
            first = 0
        self._opcode = 0 if fin else opcode
        if self._deflate is not None:
            is_compressed, payload = self._deflate.deflate(payload, begins=first != 0, fin=fin)
            if is_compressed and first:
                first |= _RSV1
        return serialize(first | _FIN if fin else first, payload)

    def ping(self, payload: bytes) -> bytes:
        return serialize(_FIN | _PING, payload)

    def pong(self, payload: bytes) -> bytes:
        return serialize(_FIN | _PONG, payload)

    def close(self, code: int | None, reason: str | None) -> bytes:
        """Return a close frame. code: None = without a code and a reason."""
        return serialize(_FIN | _CLOSE, b"" if code is None else _code(code) + (reason or "").encode())


def serialize(first: int, payload: bytes) -> bytes:
    """Return a masked frame. first: its first byte."""
    size = len(payload)
    key = new_masking_key()
    if size <= _MAX_LENGTH_7:
        return _head_7(first, _MASKED | size, key) + mask(payload, key)
    if size <= _MAX_LENGTH_16:
        return _head_16(first, _MASKED | 126, size, key) + mask(payload, key)
    return _head_64(first, _MASKED | 127, size, key) + mask(payload, key)
