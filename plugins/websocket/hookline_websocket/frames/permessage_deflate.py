"""permessage-deflate (RFC 7692), with a limit for the size of inflated messages; an extension of wsproto too.

wsproto's own extension inflates all the data of a read at once: 64 KiB from the network may become 64 MiB.
"""

from __future__ import annotations

import zlib
from typing import Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

from ..compression import Deflate

_MAY_BE_COMPRESSED = RsvBits(True, False, False)
_TAIL = b"\x00\x00\xff\xff"  # each message ends with it, and it is not sent (RFC 7692, section 7.2.1)
_MAX_FINAL_BLOCKS = 16  # in one piece: each needs a new inflater, and no compressor has a reason for many
_FIRST_CONTROL_OPCODE = 8


class PerMessageDeflate(Extension):
    """The compression of one websocket. limit: bytes of one message when inflated, 0 = no limit."""

    name = "permessage-deflate"

    def __init__(self, agreed: Deflate, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._keeps_inflater = not agreed.server_no_context_takeover
        self._keeps_deflater = not agreed.client_no_context_takeover
        # zlib has no raw window of 8 bits. 9 bits inflate the same; with 8, our own messages are sent uncompressed
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
        return False  # `Deflate.offer` makes the offer

    # -- messages

    def begin_inflating(self) -> None:
        """Begin with a compressed message of the peer."""
        self._left = self._limit

    def inflate(self, data: bytes) -> bytes | CloseReason:
        """Inflate a piece of that message. The close code is what the websocket is to be failed with."""
        parts = []
        for _ in range(_MAX_FINAL_BLOCKS):
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
            # after a block that is marked as the last, others may follow (RFC 7692, section 7.2.3.4)
            self._has_ended = True
            data = self._inflater.unused_data
            self._inflater = zlib.decompressobj(self._inflater_bits)
        return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def end_inflating(self) -> bytes | CloseReason:
        """Return what is left of that message after its last piece."""
        rest = self.inflate(_TAIL)
        if self._has_ended or not self._keeps_inflater:
            self._inflater = zlib.decompressobj(self._inflater_bits)
            self._has_ended = False
        return rest

    def deflate(self, data: bytes, *, begins: bool, fin: bool) -> tuple[bool, bytes]:
        """Return whether the message is compressed, and the payload of one of its frames.

        The data is flushed: the peer can read each frame without waiting for the next. begins, fin: the frame is the
        first, the last one of its message.
        """
        if begins:
            self._deflates_message = self._deflater_bits < -8
        if not self._deflates_message:
            return False, data
        if self._deflater is None:
            self._deflater = zlib.compressobj(self._level, zlib.DEFLATED, self._deflater_bits)
        deflated = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        if fin:
            # zlib does not flush twice: without new data, an empty block is sent instead (section 7.2.3.6)
            deflated = deflated[:-4] if deflated.endswith(_TAIL) else deflated + b"\x00"
            if not self._keeps_deflater:
                self._deflater = None
        return True, deflated

    # -- the extension of wsproto: frames in

    def frame_inbound_header(self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int) -> Any:
        """Refuse the bit for compression on any frame but the first of a message (RFC 7692, section 6)."""
        if rsv.rsv1 and (opcode >= _FIRST_CONTROL_OPCODE or opcode is Opcode.CONTINUATION):
            return CloseReason.PROTOCOL_ERROR
        if opcode >= _FIRST_CONTROL_OPCODE:
            self._inflates_frame = False
            return _MAY_BE_COMPRESSED
        if opcode is not Opcode.CONTINUATION:
            self._inflates_message = rsv.rsv1
            self.begin_inflating()
        self._inflates_frame = self._inflates_message
        return _MAY_BE_COMPRESSED

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        return self.inflate(data) if self._inflates_frame else data

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        return self.end_inflating() if fin and self._inflates_frame else None

    # -- frames out

    def frame_outbound(self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool) -> tuple[RsvBits, bytes]:
        if opcode >= _FIRST_CONTROL_OPCODE:
            return rsv, data
        begins = opcode is not Opcode.CONTINUATION
        is_compressed, data = self.deflate(data, begins=begins, fin=fin)
        return (RsvBits(True, rsv.rsv2, rsv.rsv3) if is_compressed and begins else rsv), data
