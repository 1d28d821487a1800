"""permessage-deflate at work, as an extension of wsproto: what is inflated never grows past a limit (RFC 7692).

wsproto has one of its own, which inflates whatever came with one read: 64 KiB on the wire may be 64 MiB then.
"""

from __future__ import annotations

import zlib
from typing import Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

from .compression import Deflate

_MAY_BE_COMPRESSED = RsvBits(True, False, False)
_TAIL = b"\x00\x00\xff\xff"  # each message ends with it, and it is not sent (RFC 7692, section 7.2.1)
_FINAL_BLOCKS = 16  # of one piece; each makes us begin anew, and no compressor has a reason for many
_CONTROL = 8  # opcodes from here on


class PerMessageDeflate(Extension):
    """See the module. limit: the most bytes of one message, inflated; 0 = any."""

    name = "permessage-deflate"

    def __init__(self, agreed: Deflate, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._keeps_inflater = not agreed.server_no_context_takeover
        self._keeps_deflater = not agreed.client_no_context_takeover
        # zlib has no raw window of 8 bits: 9 inflate the same, and what we would deflate goes out as it is
        self._inflater_bits = -max(agreed.server_max_window_bits or 15, 9)
        self._deflater_bits = -(agreed.client_max_window_bits or 15)
        self._level = agreed.level
        self._inflater = zlib.decompressobj(self._inflater_bits)
        self._deflater: Any = None  # zlib's class has no public name
        self._has_ended = False  # a final block was seen in this message
        self._inflates_message = self._inflates_frame = self._deflates_message = False

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool:
        return False  # made by Deflate.offer

    # -- what comes

    def frame_inbound_header(self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int) -> Any:
        """Only the first frame of a message may say that it is compressed (RFC 7692, section 6)."""
        if rsv.rsv1 and (opcode >= _CONTROL or opcode is Opcode.CONTINUATION):
            return CloseReason.PROTOCOL_ERROR
        if opcode >= _CONTROL:
            self._inflates_frame = False
            return _MAY_BE_COMPRESSED
        if opcode is not Opcode.CONTINUATION:
            self._inflates_message = rsv.rsv1
            self._left = self._limit
        self._inflates_frame = self._inflates_message
        return _MAY_BE_COMPRESSED

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        return self._inflate(data) if self._inflates_frame else data

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        if not fin or not self._inflates_frame:
            return None
        rest = self._inflate(_TAIL)
        if self._has_ended or not self._keeps_inflater:
            self._inflater = zlib.decompressobj(self._inflater_bits)
            self._has_ended = False
        return rest

    def _inflate(self, data: bytes) -> bytes | CloseReason:
        parts = []
        for _ in range(_FINAL_BLOCKS):
            try:
                part = self._inflater.decompress(data, self._left + 1 if self._limit else 0)
            except zlib.error:
                return CloseReason.INVALID_FRAME_PAYLOAD_DATA
            if self._limit:
                if len(part) > self._left:
                    return CloseReason.MESSAGE_TOO_BIG
                self._left -= len(part)
            parts.append(part)
            if not self._inflater.eof:
                return parts[0] if len(parts) == 1 else b"".join(parts)
            # a block that is marked as the last may stand anywhere (RFC 7692, section 7.2.3.4): others follow it
            self._has_ended = True
            data = self._inflater.unused_data
            self._inflater = zlib.decompressobj(self._inflater_bits)
        return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    # -- what goes

    def frame_outbound(self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool) -> tuple[RsvBits, bytes]:
        """Deflate data; each frame is flushed, so that the peer need not wait for the next to read it."""
        if opcode >= _CONTROL:
            return rsv, data
        if opcode is not Opcode.CONTINUATION:
            self._deflates_message = self._deflater_bits < -8
            if self._deflates_message:
                rsv = RsvBits(True, rsv.rsv2, rsv.rsv3)
        if not self._deflates_message:
            return rsv, data
        if self._deflater is None:
            self._deflater = zlib.compressobj(self._level, zlib.DEFLATED, self._deflater_bits)
        deflated = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        if fin:
            # zlib flushes once: where nothing came since, an empty block has to stand before the tail (section 7.2.3.6)
            deflated = deflated[:-4] if deflated.endswith(_TAIL) else deflated + b"\x00"
            if not self._keeps_deflater:
                self._deflater = None
        return rsv, deflated
