"""Bodies with the chunked transfer coding (RFC 9112, section 7.1), decoded as they come.

llhttp could do most of it, but refuses what the RFC allows: whitespace within chunk extensions, and folds in trailers. It does
not say where it stopped, so that nothing else could go on from there.
"""

from __future__ import annotations

import re

from ..errors import RemoteProtocolError, shown
from .lenient_heads import UNFINISHED_LINE, LenientHead

MAX_TRAILERS = 64 * 1024  # bytes of a trailer section, without its framing
MAX_TRAILER_FIELDS = 100
# The framing of a chunked body, extensions included, may take this many bytes in all, and so many more for each piece of
# content. A chunk without extensions has about 8 bytes of framing.
MAX_CHUNK_OVERHEAD = 16 * 1024 + MAX_TRAILERS
CHUNK_OVERHEAD_PER_PIECE = 256

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
# RFC 9112, section 7.1.1, with BWS (RFC 9110, section 5.6.3). Like llhttp, it allows an empty value. Sizes have 64 bits at most.
_SIZE_LINE = rb"0*([0-9A-Fa-f]{1,16})[ \t]*(?:;[ \t]*%b[ \t]*(?:=[ \t]*(?:(?:%b|%b)[ \t]*)?)?)*\r\n" % (
    _TOKEN,
    _TOKEN,
    _QUOTED,
)  # compiled at first use, as the next ones: programs that receive no chunks start 1 ms faster
# What may have come of such a line. It is less strict than _SIZE_LINE, which decides once the line is whole.
_UNFINISHED_SIZE_LINE = rb"[0-9A-Fa-f]+[ \t]*(?:;[\t -~\x80-\xff]*)?\r?"
_NO_TRAILERS = (b"content-length", b"transfer-encoding")  # RFC 9110, section 6.5.1
_TRAILER = rb"(%b): ([^\0]*)" % _TOKEN


class ChunkedBody:
    """One body with the chunked transfer coding. Its lines must end in CR LF.

    complete: True after the end of the trailer section.
    surplus: bytes of its last read that followed that.
    trailers: the fields of the trailer section, as (name, value).
    """

    __slots__ = ("_left", "_line", "_overhead", "_trailer_section", "complete", "surplus", "trailers")

    def __init__(self) -> None:
        self._left = 0  # bytes of the chunk still to come, its CR LF included
        self._line = bytearray()  # what has come of an unfinished line
        self._overhead = 0  # bytes of framing so far, less what each piece of content may have
        self._trailer_section: LenientHead | None = None  # None until the last chunk
        self.complete = False
        self.surplus = b""
        self.trailers: list[tuple[bytes, bytes]] = []

    def feed(self, data: bytes) -> bytes:
        """Decode the bytes of one read; returns the content in them.

        Raises: RemoteProtocolError if they are malformed, or the framing is too large.
        """
        pieces: list[bytes] = []
        self._overhead += len(data)
        if self._line and b"\n" not in data:
            self._keep_line(data)
        else:
            self._parse(bytes(self._line) + data, pieces)
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        # an allowance that was not used does not add up
        self._overhead = max(0, self._overhead - len(content) - CHUNK_OVERHEAD_PER_PIECE * len(pieces))
        if self._overhead > MAX_CHUNK_OVERHEAD:
            raise RemoteProtocolError("the chunk extensions of the body are longer than the limit")
        return content

    def _parse(self, data: bytes, pieces: list[bytes]) -> None:
        """Parse bytes that begin where the parsed ones ended: within a chunk, or at a line. pieces: gets the content."""
        self._line.clear()
        at = self._parse_content(data, 0, pieces) if self._left else 0
        while at < len(data) and not self.complete:
            begin = data.find(b"\n", at) + 1
            if begin == 0:
                self._keep_line(data[at:])
                return
            line = data[at:begin]
            at = begin
            if self._trailer_section is not None:
                self._add_trailer_line(self._trailer_section, line)
                continue
            size = parse_chunk_size(line)
            if size == 0 and data.startswith(b"\r\n", at):  # as nearly always: no trailers
                self.complete = True
                at += 2
            elif size == 0:
                self._trailer_section = LenientHead(b"")
            else:
                # chunks tend to have equal sizes: one of the same size takes 0.2 us here, another one 0.9
                between = b"\r\n" + line
                while data.startswith(between, at + size):
                    pieces.append(data[at : at + size])
                    at += size + len(between)
                self._left = size + 2
                at = self._parse_content(data, at, pieces)
        self.surplus = data[at:]

    def _parse_content(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Parse what has come of a chunk and of the CR LF after it; returns where the rest begins."""
        content = data[at : at + max(self._left - 2, 0)]
        if content:
            pieces.append(content)
            at += len(content)
            self._left -= len(content)
        if self._left > 2:
            return at
        ending = data[at : at + self._left]
        if not b"\r\n".startswith(ending, 2 - self._left):
            raise RemoteProtocolError("malformed chunked body: a chunk is longer than its size")
        self._left -= len(ending)
        return at + len(ending)

    def _keep_line(self, data: bytes) -> None:
        """Keep a part of a line until its end comes.

        Raises: RemoteProtocolError if nothing that may follow can make it valid.
        """
        self._line += data
        in_trailers = self._trailer_section is not None
        if not re.fullmatch(UNFINISHED_LINE if in_trailers else _UNFINISHED_SIZE_LINE, self._line[:64]):
            what = "a trailer field" if in_trailers else "the size of a chunk"
            name = self._line[:64].partition(b":")[0]
            raise RemoteProtocolError(f"malformed chunked body: expected {what}, got {shown(bytes(name))}")

    def _add_trailer_line(self, section: LenientHead, line: bytes) -> None:
        """Add a line to the trailer section; the empty line ends it."""
        if not line.endswith(b"\r\n"):
            raise RemoteProtocolError("malformed chunked body: a trailer that ends in LF")
        if line != b"\r\n":
            section.add(line[:-1])
            return
        self.complete = True
        for trailer in bytes(section.raw).split(b"\r\n")[1:]:
            found = re.fullmatch(_TRAILER, trailer)
            if found is None or found[1].lower() in _NO_TRAILERS:
                raise RemoteProtocolError(f"malformed chunked body: {shown(trailer.partition(b':')[0])} is no trailer")
            self.trailers.append((found[1], found[2]))
        size = sum(len(name) + len(value) for name, value in self.trailers)
        if len(self.trailers) > MAX_TRAILER_FIELDS or size > MAX_TRAILERS:
            raise RemoteProtocolError(
                f"the trailer section has more than {MAX_TRAILER_FIELDS} fields or {MAX_TRAILERS} bytes"
            )


def parse_chunk_size(line: bytes) -> int:
    """Parse the line before a chunk, its CR LF included; returns the size of the chunk in bytes.

    Raises: RemoteProtocolError if it is malformed.
    """
    found = re.fullmatch(_SIZE_LINE, line)
    if found is None:
        raise RemoteProtocolError(f"malformed chunked body: expected the size of a chunk, got {shown(line)}")
    return int(found[1], 16)
