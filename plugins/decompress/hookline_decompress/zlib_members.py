"""gzip (RFC 1952) and deflate (RFC 1950, and RFC 1951 as some servers send it), by isal or zlib.

isal decodes in 0.3 to 0.5 of zlib's time. It is used, if it is installed, where both decode the same bytes and refuse the same
ones: for streams with a checksum, and only if the first piece has the whole header, with no optional field but the file name.
(isal misreads other headers that come in pieces, and takes codes without a checksum that zlib refuses.)
"""

from __future__ import annotations

import re
import zlib
from typing import Any

from hookline import DecodingError

isal_zlib: Any  # its stubs say less than what it has; None = not installed
try:
    from isal import isal_zlib
except ImportError:
    isal_zlib = None
_isal_error: type[Exception] = zlib.error if isal_zlib is None else isal_zlib.error

GZIP_FRAME = 16 + zlib.MAX_WBITS
ZLIB_FRAME = zlib.MAX_WBITS
NO_FRAME = -zlib.MAX_WBITS
LEAST_FOR_ISAL = 512  # bytes; below them zlib is faster: it begins a stream in 0.5 us, isal in 1.7


class Inflated:
    """A stream that zlib or isal decompresses. frame: what is around it, as zlib's wbits."""

    __slots__ = ("_frame", "_inflater", "coding", "has_ended", "holds_output", "takes_input", "unused")

    def __init__(self, coding: str, frame: int) -> None:
        self.coding = coding
        self._frame = frame
        self._inflater: Any = None  # begun with the first piece
        self.has_ended = self.holds_output = False
        self.takes_input = True
        self.unused = 0

    def decode(self, data: bytes, limit: int) -> bytes:
        """Decode as `Member.decode` says."""
        inflater = self._inflater
        if inflater is None:
            inflater = self._inflater = self._begin(data)
        try:
            decoded: bytes = inflater.decompress(data, limit)
        except (zlib.error, _isal_error) as error:
            raise DecodingError(f"the body is not {self.coding}: {error}") from error
        self.has_ended = inflater.eof
        # if the output is as long as the limit, all input may be used and more output still be held
        self.holds_output = len(decoded) == limit and not inflater.eof
        self.unused = len(inflater.unused_data) if inflater.eof else len(inflater.unconsumed_tail)
        return decoded

    def _begin(self, data: bytes) -> Any:
        """Return a decompressor for the stream that begins with this piece."""
        library = zlib if isal_zlib is None or not self._fits_isal(data) else isal_zlib
        return library.decompressobj(self._frame)

    def _fits_isal(self, data: bytes) -> bool:
        """Say whether isal decodes the stream that begins with this piece as zlib does."""
        raise NotImplementedError


_HEAD_FOR_ISAL = re.compile(rb"(?s)\x1f\x8b\x08(?:\0.{6}|\x08.{6}[^\0]*\0)").match


class Gzipped(Inflated):
    """One member of a gzip body."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("gzip", GZIP_FRAME)

    def decode(self, data: bytes, limit: int) -> bytes:
        """Decode as `Member.decode` says."""
        if self._inflater is None:
            # The end of a member states its size (RFC 1952, section 2.3.1). A first step of that size, if the whole member is
            # here, allocates what is needed and no more: with isal 0.7 of the time, on uvloop 0.55. A wrong size costs a step.
            size = int.from_bytes(data[-4:], "little")
            if len(data) <= size < limit:
                limit = size + 1
        return super().decode(data, limit)

    def _fits_isal(self, data: bytes) -> bool:
        return len(data) >= LEAST_FOR_ISAL and _HEAD_FOR_ISAL(data) is not None


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
            self._frame = NO_FRAME
        if held:
            # decoded separately, so that `unused` counts bytes of `data` alone; one byte has no output in either format
            super().decode(begun[:held], limit)
        return super().decode(data, limit)

    def _fits_isal(self, data: bytes) -> bool:
        return self._frame == ZLIB_FRAME and len(data) >= LEAST_FOR_ISAL


def has_zlib_header(data: bytes) -> bool:
    """Say whether the first two bytes are a header of the zlib format (RFC 1950, section 2.2)."""
    return data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and (data[0] << 8 | data[1]) % 31 == 0


def library() -> str:
    """Return the name and version of the library that decodes most bodies."""
    if isal_zlib is None:
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION}"
    import isal

    return f"isal {isal.__version__}"
