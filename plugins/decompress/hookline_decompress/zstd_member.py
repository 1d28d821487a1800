"""zstd (RFC 8878), by the standard library from Python 3.14 on, by its backport before that."""

from __future__ import annotations

import sys

from hookline import DecodingError

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

WINDOW_LOG = 23  # RFC 9659, section 3: as a content coding, a frame's window is at most 8 MiB


class Zstandard:
    """One frame: a frame with data, or a skippable frame."""

    __slots__ = ("_zstd", "has_ended", "holds_output", "takes_input", "unused")

    def __init__(self) -> None:
        self._zstd = ZstdDecompressor(options={DecompressionParameter.window_log_max: WINDOW_LOG})
        self.has_ended = self.holds_output = False
        self.takes_input = True
        self.unused = 0

    def decode(self, data: bytes, limit: int) -> bytes:
        """Decode as `Member.decode` says."""
        frame = self._zstd
        try:
            decoded = frame.decompress(data, limit)
        except ZstdError as error:
            raise DecodingError(f"the body is not zstd: {error}") from error
        self.has_ended = frame.eof
        self.takes_input = frame.needs_input
        self.holds_output = not frame.eof and not frame.needs_input
        self.unused = len(frame.unused_data) if frame.eof else 0
        return decoded
