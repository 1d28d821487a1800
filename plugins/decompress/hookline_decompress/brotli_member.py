"""br (RFC 7932), by the package brotli.

A stream may have a window of 16 MiB, which brotli allocates as it fills; that of encoders is 4 MiB by default.
"""

from __future__ import annotations

import brotli

from hookline import DecodingError


class Brotli:
    """A Brotli stream. brotli exceeds its limit by up to a block; what is too much is kept for the next call."""

    __slots__ = ("_brotli", "_spare", "has_ended", "holds_output", "takes_input", "unused")

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()
        self._spare = b""
        self.has_ended = self.holds_output = False
        self.takes_input = True
        self.unused = 0

    def decode(self, data: bytes, limit: int) -> bytes:
        """Decode as `Member.decode` says. Brotli itself refuses data after the end of the stream that comes in the same piece."""
        stream = self._brotli
        decoded = self._spare
        if not decoded:
            try:
                decoded = stream.process(data, output_buffer_limit=limit)
            except brotli.error as error:
                raise DecodingError(f"the body is not br, or has data after its end: {error}") from error
        self._spare = decoded[limit:]
        self.has_ended = stream.is_finished()
        # only a call without input that returns nothing proves that there is no more output
        self.holds_output = bool(self._spare) or (not self.has_ended and (bool(decoded) or not self._accepts()))
        self.takes_input = not self._spare and self._accepts()
        return decoded[:limit]

    def _accepts(self) -> bool:
        return bool(self._brotli.can_accept_more_data())
