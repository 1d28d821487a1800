"""A parser of chunked bodies for what llhttp refuses although RFC 9112 allows it.

That is whitespace within chunk extensions, and folds and control characters in trailers.
"""

from __future__ import annotations

import re

from ..errors import RemoteProtocolError, shown
from .lenient_heads import FRAMING, LenientHead

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
# RFC 9112, section 7.1.1, with BWS (RFC 9110, section 5.6.3). Like llhttp, it allows an empty value. Sizes have 64 bits at most.
_CHUNK_LINE = re.compile(
    rb"0*([0-9A-Fa-f]{0,15}[0-9A-Fa-f])[ \t]*(?:;[ \t]*%b[ \t]*(?:=[ \t]*(?:(?:%b|%b)[ \t]*)?)?)*\r"
    % (_TOKEN, _TOKEN, _QUOTED)
).fullmatch
_TRAILER = re.compile(rb"(%b): ([^\0]*)" % _TOKEN).fullmatch


class ChunkReader:
    """A parser of a chunked body (RFC 9112, section 7.1), from the beginning of a chunk on. Lines must end in CR LF.

    It puts the content into the list `pieces`. It does not limit the size of the framing; the caller does.

    complete: True after the end of the trailer section.
    has_surplus: True if bytes followed that.
    trailers: fields of the trailer section, as (name, value).
    """

    __slots__ = ("_buffer", "_in_trailers", "_left", "_pieces", "complete", "has_surplus", "trailers")

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._buffer = bytearray()  # an unfinished line, or an unfinished trailer section
        self._left = 0  # bytes of the chunk still to come, its CR LF included
        self._in_trailers = False
        self.complete = self.has_surplus = False
        self.trailers: list[tuple[bytes, bytes]] = []

    def feed(self, data: bytes) -> None:
        """Parse the bytes of one read.

        Raises: RemoteProtocolError if they are malformed.
        """
        buffer = self._buffer
        known = len(buffer)
        buffer += data
        at = 0
        while at < len(buffer):
            if self._left:
                at = self._parse_content(at)
            elif self._in_trailers:
                at = self._parse_trailers(at, max(known - 3, at))
                break
            else:
                end = buffer.find(b"\n", max(known, at))
                if end < 0:
                    break
                self._begin_chunk(bytes(buffer[at:end]))
                at = end + 1
        del buffer[:at]
        self.has_surplus = self.complete and bool(buffer)

    def _begin_chunk(self, line: bytes) -> None:
        found = _CHUNK_LINE(line)
        if found is None:
            raise RemoteProtocolError(f"malformed chunked body: expected the size of a chunk, got {shown(line)}")
        size = int(found[1], 16)
        self._in_trailers = not size
        self._left = size and size + 2

    def _parse_content(self, at: int) -> int:
        """Parse what has come of a chunk and of the CR LF after it; returns where the rest begins."""
        part = bytes(self._buffer[at : at + self._left])
        size = min(len(part), max(self._left - 2, 0))
        if size:
            self._pieces.append(part[:size])
        ending = b"\r\n"[max(2 - self._left, 0) :]
        if not ending.startswith(part[size:]):
            raise RemoteProtocolError("malformed chunked body: a chunk is longer than its size")
        self._left -= len(part)
        return at + len(part)

    def _parse_trailers(self, at: int, start: int) -> int:
        """Parse the trailer section, which may be empty, once it is whole; returns where the rest begins.

        at: where it begins. start: where its end may be at the earliest.
        """
        buffer = self._buffer
        if buffer.startswith(b"\r\n", at):
            self.complete = True
            return at + 2
        end = buffer.find(b"\r\n\r\n", start) + 4
        if end == 3:
            return at
        head = LenientHead(b"")
        for line in bytes(buffer[at : end - 2]).split(b"\n")[:-1]:
            if not line.endswith(b"\r"):
                raise RemoteProtocolError("malformed chunked body: a trailer that ends in LF")
            head.add(line)
        for trailer in bytes(head.raw).split(b"\r\n")[1:]:
            found = _TRAILER(trailer)
            if found is None or found[1].lower() in FRAMING:
                raise RemoteProtocolError(f"malformed chunked body: {shown(trailer.partition(b':')[0])} is no trailer")
            self.trailers.append((found[1], found[2]))
        self.complete = True
        return end
