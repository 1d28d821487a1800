"""gzip (RFC 1952) and deflate (RFC 1950, and RFC 1951 as some servers send it), by zlib."""

from __future__ import annotations

import zlib

from hookline import DecodingError

GZIP_FRAME = 16 + zlib.MAX_WBITS
ZLIB_FRAME = zlib.MAX_WBITS
NO_FRAME = -zlib.MAX_WBITS


class Inflated:
    """A stream that zlib decompresses. frame: what is around it, as zlib's wbits."""

    __slots__ = ("_zlib", "coding", "has_ended", "holds_output", "takes_input", "unused")

    def __init__(self, coding: str, frame: int) -> None:
        self.coding = coding
        self._zlib = zlib.decompressobj(frame)
        self.has_ended = self.holds_output = False
        self.takes_input = True
        self.unused = 0

    def decode(self, data: bytes, limit: int) -> bytes:
        """Decode as `Member.decode` says."""
        inflater = self._zlib
        try:
            decoded = inflater.decompress(data, limit)
        except zlib.error as error:
            raise DecodingError(f"the body is not {self.coding}: {error}") from error
        self.has_ended = inflater.eof
        # if the output is as long as the limit, zlib may have used all input and still hold more output
        self.holds_output = len(decoded) == limit and not inflater.eof
        self.unused = len(inflater.unused_data) if inflater.eof else len(inflater.unconsumed_tail)
        return decoded


class Gzipped(Inflated):
    """One member of a gzip body."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("gzip", GZIP_FRAME)


class Deflated(Inflated):
    """A deflate body: in the zlib format, as RFC 9110, section 8.4.1.2, wants it, or without that frame, as some servers send it.

    The first two bytes decide. A zlib header has 8 in its low four bits and is, as a number of two bytes, a multiple of 31. A
    deflate stream without a frame begins so only with a stored block whose padding is not zero, which no encoder writes. curl
    and browsers decide in the same way.
    """

    __slots__ = ("_first",)

    def __init__(self) -> None:
        super().__init__("deflate", ZLIB_FRAME)
        self._first: bytes | None = b""

    def decode(self, data: bytes, limit: int) -> bytes:
        """Decode as `Member.decode` says."""
        if self._first is None:
            return super().decode(data, limit)
        held = len(self._first)
        begun = self._first + data
        if len(begun) < 2:
            self._first = begun
            return b""
        self._first = None
        if not has_zlib_header(begun):
            self._zlib = zlib.decompressobj(NO_FRAME)
        if held:
            # decoded separately, so that `unused` counts bytes of `data` alone; one byte has no output in either format
            super().decode(begun[:held], limit)
        return super().decode(data, limit)


def has_zlib_header(data: bytes) -> bool:
    """Say whether the first two bytes are a header of the zlib format (RFC 1950, section 2.2)."""
    return data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and (data[0] << 8 | data[1]) % 31 == 0
