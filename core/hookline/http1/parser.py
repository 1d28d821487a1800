"""Response heads and chunked bodies, parsed and checked with httptools. The only module that imports it.

llhttp, inside httptools, checks the syntax. It gets each head alone, up to its empty line, so that several messages in one
read, responses to HEAD, and what follows an upgrade need no special cases. This module also refuses what llhttp accepts: other
versions than 1.0 and 1.1, control characters in the reason phrase, transfer codings other than one `chunked`, and heads,
trailers and chunk extensions without limit. It accepts some heads and bodies that llhttp refuses, although they end at the same
place for every reader: see `LenientHead` and `ChunkReader`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ..errors import RemoteProtocolError, shown
from .chunk_reader import ChunkReader
from .lenient_heads import LenientHead

MAX_HEAD = 256 * 1024  # bytes of a head
MAX_FIELDS = 1000  # of a head
MAX_TRAILERS = 64 * 1024  # bytes of a trailer section, without its framing
MAX_TRAILER_FIELDS = 100
# The framing of a chunked body, extensions included, may take this many bytes in all, and so many more for each piece of
# content. A chunk without extensions has about 8 bytes of framing.
MAX_CHUNK_OVERHEAD = 16 * 1024 + MAX_TRAILERS
CHUNK_OVERHEAD_PER_PIECE = 256

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?").fullmatch
_CONTROL_CHARACTER = re.compile(rb"[^\t\r\x20-\x7e\x80-\xff]").search
_EMPTY_LINE = re.compile(rb"\n\r?\n").search  # after a head; lines may end in LF (RFC 9112, section 2.2)
# What has come of the last line of a partial head: the beginning of a folded line, or of a field.
_UNFINISHED_LINE = re.compile(
    rb"(?i)(?:[ \t][^\0\r]*|(?!content-length:)[!#$%&'*+\-.^_`|~0-9a-z]*(?::[^\0\r]*)?|content-length:[0-9, \t]*)\r?"
).fullmatch
_VERSION_PREFIX = b"HTTP/1."
# The errors of llhttp after which a ChunkReader goes on; after other errors the body is refused.
_EXTENSION_FAULT = "Invalid character in chunk extensions"
_TRAILER_FAULTS = ("Unexpected whitespace after header value", "Invalid header value char")
_LAST_CHUNK = re.compile(rb"0+(?:[ \t]*;[^\n]*|[ \t]*)\r").fullmatch
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class StatusLine(NamedTuple):
    """The first line of a response (RFC 9112, section 4).

    status: the status code. reason: the reason phrase as sent, "" for none. minor: 1 for HTTP/1.1, 0 for HTTP/1.0.
    """

    status: int
    reason: str
    minor: int


class _NoCallbacks:
    """The callbacks, none, of a parser that only checks the syntax."""


_NO_CALLBACKS = _NoCallbacks()
_status_lines: dict[bytes, StatusLine] = {}  # servers send the same few: a lookup takes 0.05 us, the regex 0.6


def first_line(head: bytes | bytearray) -> str:
    """The first line of a head, for an error message: the fields after it may have secrets, such as a session."""
    return shown(bytes(head).partition(b"\n")[0].rstrip(b"\r"))


def parse_status_line(line: bytes) -> StatusLine:
    """Parse a status line (RFC 9112, section 4), without its line end.

    Raises: RemoteProtocolError if it is malformed, or of another version than HTTP/1.0 and 1.1.
    """
    match = _STATUS_LINE(line)
    if match is None:
        raise RemoteProtocolError(f"expected an HTTP/1.0 or 1.1 status line, got {first_line(line)}")
    minor, status, reason = match.groups()
    if len(_status_lines) > 256:
        _status_lines.clear()
    found = _status_lines[line] = StatusLine(int(status), (reason or b"").decode("latin-1"), int(minor))
    return found


class ResponseHead:
    """A parsed head. One that comes again on a connection is the same object.

    raw: the head with its empty line, as it came, or as a `LenientHead` has rewritten it.
    low: `raw` in lower case.
    line: the status line. status: its code.
    keep_alive: True if the connection may persist, as far as the head tells.
    length: of the body in bytes, by Content-Length; -1 without one.
    cached_table, cached_hooks: for the exchange: what it has computed from this head, and for which dispatch table.
    """

    __slots__ = ("cached_hooks", "cached_table", "keep_alive", "length", "line", "low", "raw", "status")

    def __init__(self, raw: bytes, line: StatusLine, low: bytes, keep_alive: bool = False, length: int = -1) -> None:
        self.raw = raw
        self.line = line
        self.status = line.status
        self.low = low
        self.keep_alive = keep_alive
        self.length = length
        self.cached_table: object = None
        self.cached_hooks: Any = None

    def __reduce__(self) -> tuple[type[ResponseHead], tuple[bytes, StatusLine, bytes, bool, int]]:
        """Copy and pickle it without what an exchange has computed from it."""
        return ResponseHead, (self.raw, self.line, self.low, self.keep_alive, self.length)


def parse_head(head: bytes, masked: bytes = b"") -> ResponseHead:
    """Parse a whole head, its empty line included. masked: what llhttp gets instead; b"" = the head itself.

    Raises: RemoteProtocolError if it is malformed or too large.
    """
    if len(head) > 4 * MAX_FIELDS:  # a field takes 4 bytes at least, so shorter heads are within both limits
        _check_limits(len(head), head.count(b"\n"))
    parser = HttpResponseParser(_NO_CALLBACKS)
    try:
        parser.feed_data(masked or head)
    except HttpParserUpgrade:
        pass  # a 101: what follows it is not HTTP
    except HttpParserError as error:
        if parser.get_status_code() == 101 and "Upgrade" in str(error):
            raise RemoteProtocolError(
                "a 101 without Upgrade, or without a Connection that names it (RFC 9110, section 15.2.2)"
            ) from error
        raise RemoteProtocolError(f"malformed response head: {error} (it begins {first_line(head)})") from error
    found = _status_lines.get(head[:15])  # "HTTP/1.1 200 OK" is 15 long, and most heads begin with it
    if found is None or head[15] != 13:
        line = head[: head.find(b"\r\n")]
        found = _status_lines.get(line) or parse_status_line(line)
    low = head.lower()
    keep_alive = parser.should_keep_alive() or says_keep_alive(low, found.minor)
    at = low.find(b"\r\ncontent-length:")
    try:
        length = int(low[at + 17 : low.find(b"\r\n", at + 17)]) if at >= 0 else -1
    except ValueError as error:  # llhttp has checked the digits, but int() refuses more than 4300 of them
        raise RemoteProtocolError("the Content-Length has thousands of digits") from error
    return ResponseHead(head, found, low, keep_alive, length)


def split_head(data: bytes) -> tuple[ResponseHead, bytes] | None:
    """Parse the head at the beginning of data; returns it and the bytes after it, or None if its empty line has not come.

    Raises: RemoteProtocolError if it is malformed or too large.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end > 3:
        with suppress(RemoteProtocolError):
            return parse_head(data[:end]), data[end:]
    found = _EMPTY_LINE(data)
    if found is None:
        return None
    head = data[: found.end()]
    _check_limits(len(head), head.count(b"\n"))
    first, *lines = head.split(b"\n")[:-1]
    lenient = LenientHead(first)
    for line in lines:
        lenient.add(line)
    return parse_head(bytes(lenient.raw), bytes(lenient.masked)), data[found.end() :]


def says_keep_alive(low: bytes, minor: int) -> bool:
    """Return True if the connection may persist by the Connection fields of a lower-cased head (RFC 9112, section 9.3).

    llhttp's own answer does not count where it is no, since it also says no to HTTP/1.0, to responses to HEAD and to heads
    without framing. Nor does it count where the message ends with its head: llhttp has forgotten the field by then.
    """
    tokens = [
        token.strip() for name in (b"connection", b"proxy-connection") for token in field_values(low, name).split(b",")
    ]
    return b"close" not in tokens and (minor == 1 or b"keep-alive" in tokens)


def _check_limits(size: int, lines: int) -> None:
    if size > MAX_HEAD:
        raise RemoteProtocolError(f"the response head is longer than {MAX_HEAD} bytes")
    if lines > MAX_FIELDS + 2:
        raise RemoteProtocolError(f"the response head has more than {MAX_FIELDS} fields")


class PartialHead:
    """A head that comes in several reads. It is refused as soon as it cannot become a valid head, before the rest comes."""

    __slots__ = ("_copied_size", "_data", "_lenient_head", "_lines", "_parser")

    def __init__(self) -> None:
        self._data = bytearray()
        self._lines = 0
        self._parser = HttpResponseParser(_NO_CALLBACKS)
        self._lenient_head: LenientHead | None = None
        self._copied_size = 0  # bytes of the data that the lenient head has: whole lines

    def add(self, data: bytes) -> bytes:
        """Add the bytes of one read; returns the bytes of all reads once the head is whole, else b"".

        Raises: RemoteProtocolError if it cannot become a valid head.
        """
        known = len(self._data)
        self._data += data
        if _EMPTY_LINE(self._data, max(0, known - 2)):
            return bytes(self._data)
        if known < 64:
            self._check_beginning()
        self._lines += data.count(b"\n")
        _check_limits(len(self._data), self._lines)
        try:
            if self._lenient_head is None:
                self._parser.feed_data(data)
                return b""
        except HttpParserError as error:
            self._copied_size = self._data.find(b"\n") + 1
            if not self._copied_size:
                raise self._malformed(error) from error
            self._lenient_head = LenientHead(bytes(self._data[: self._copied_size - 1]))
            self._parser = HttpResponseParser(_NO_CALLBACKS)
            self._parser.feed_data(self._lenient_head.masked)
        try:
            self._feed_lenient(self._lenient_head)
        except HttpParserError as error:
            raise self._malformed(error) from error
        return b""

    def _feed_lenient(self, lenient: LenientHead) -> None:
        end = self._data.rfind(b"\n") + 1
        fed = len(lenient.masked)
        for line in self._data[self._copied_size : end].split(b"\n")[:-1]:
            lenient.add(bytes(line))
        self._copied_size = end
        self._parser.feed_data(lenient.masked[fed:])
        # of a longer line, the rest is checked once the line is whole
        if not _UNFINISHED_LINE(self._data, end, end + 64):
            raise RemoteProtocolError(f"malformed response head (it begins {first_line(self._data[:64])})")

    def _malformed(self, error: HttpParserError) -> RemoteProtocolError:
        return RemoteProtocolError(f"malformed response head: {error} (it begins {first_line(self._data[:64])})")

    def _check_beginning(self) -> None:
        beginning = bytes(self._data[:64])
        if not beginning.startswith(_VERSION_PREFIX[: len(beginning)]):
            raise RemoteProtocolError(f"expected an HTTP/1.1 response, got {first_line(beginning)}")
        line, ending, _ = beginning.partition(b"\n")
        if ending or _CONTROL_CHARACTER(line):
            parse_status_line(line.removesuffix(b"\r"))


def field_values(low: bytes, name: bytes) -> bytes:
    """All values of a field in a lower-cased head, joined with commas; b"" if the field is missing."""
    values, start = [], 0
    while (at := low.find(b"\r\n" + name + b":", start)) >= 0:
        begin = at + len(name) + 3
        start = low.find(b"\r\n", begin)
        values.append(low[begin:start].strip())
    return b", ".join(values)


def check_transfer_coding(low: bytes) -> None:
    """Check that the transfer coding is one `chunked`: the request allowed no other (RFC 9112, section 6.1).

    Raises: RemoteProtocolError for any other.
    """
    value = field_values(low, b"transfer-encoding")
    if value != b"chunked":
        raise RemoteProtocolError(f"expected the transfer coding 'chunked', got {shown(value)}")


class ChunkedBody:
    """One body with the chunked transfer coding (RFC 9112, section 7.1), which is decoded as it comes.

    llhttp refuses whitespace within chunk extensions, and folds and control characters in trailers. When it does, a
    `ChunkReader` goes on from the beginning of the refused line. llhttp does not say where that is. So a second parser, without
    callbacks, lags behind: it gets a read only after a later one had content. On an error it gets the reads that it lacks, line
    by line, up to the refused one.

    complete: True after the end of the trailer section.
    trailers: the fields of the trailer section, as (name, value).
    """

    __slots__ = (
        "_chunk_reader", "_lagging_parser", "_message_count", "_overhead", "_parser", "_piece_count", "_pieces",
        "_tail", "_trailers_size", "_unseen_reads", "complete", "on_body", "trailers",
    )  # fmt: skip

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # called by llhttp, without a Python frame
        self._message_count = 0  # that llhttp has begun: more than one means surplus
        self._overhead = 0  # bytes of framing so far, less what each piece may have; 0 only before the first read
        self._tail = b""  # the last bytes of the previous reads
        self.complete = False
        self._parser = _chunk_parser(self)
        self._lagging_parser: HttpResponseParser | None = None  # None = it would be at the beginning of the body
        # The last read with content, and the reads after it: what the lagging parser has not got.
        self._unseen_reads: list[bytes] = []
        self._chunk_reader: ChunkReader | None = None
        self.trailers: list[tuple[bytes, bytes]] = []
        self._trailers_size = 0

    def on_message_begin(self) -> None:
        self._message_count += 1

    def on_message_complete(self) -> None:
        if not self.complete:
            self.complete = True
            self._piece_count = len(self._pieces)  # later pieces belong to a message that was not requested

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._message_count != 1 or self._overhead == 0:
            return  # of the head that made the parser expect chunks, or of a message that was not requested
        self.trailers.append((name, value))
        self._trailers_size += len(name) + len(value)

    @property
    def has_surplus(self) -> bool:
        """True if bytes followed the body."""
        return self._message_count > 1

    def feed(self, data: bytes) -> bytes:
        """Decode the bytes of one read; returns the content in them.

        Raises: RemoteProtocolError if they are malformed, or the framing is too large.
        """
        self._overhead += len(data)
        pieces = self._pieces
        if self._chunk_reader is None:
            self._parse(data)
        else:
            self._read_leniently(self._chunk_reader, data)
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._overhead -= len(content) + CHUNK_OVERHEAD_PER_PIECE * len(pieces)
        pieces.clear()
        if self._overhead > MAX_CHUNK_OVERHEAD:
            raise RemoteProtocolError("the chunk extensions of the body are longer than the limit")
        if self._overhead < 1:
            self._overhead = 1  # unused allowance does not add up; 0 stands for "no read yet"
        if len(self.trailers) > MAX_TRAILER_FIELDS or self._trailers_size > MAX_TRAILERS:
            raise RemoteProtocolError(
                f"the trailer section has more than {MAX_TRAILER_FIELDS} fields or {MAX_TRAILERS} bytes"
            )
        return content

    def _parse(self, data: bytes) -> None:
        pieces = self._pieces
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self.complete:
                text = self._lines_from_fault(data, error)
                self._chunk_reader = ChunkReader(pieces)
                self._read_leniently(self._chunk_reader, text)
                return
            self._message_count += 1  # what followed the body is no message, but surplus nevertheless
        if self.complete:
            end = self._tail + data[-5:]
            if len(end) - len(end.rstrip(b"\r\n")) > 4:
                self._message_count += 1  # too many line ends: surplus that llhttp skips
            del pieces[self._piece_count :]
            return
        self._tail = data[-4:] if len(data) > 3 else (self._tail + data)[-4:]
        if pieces:
            if self._unseen_reads:
                self._lagging_parser = self._lagging_parser or _chunk_parser(_NO_CALLBACKS)
                for read in self._unseen_reads:
                    self._lagging_parser.feed_data(read)
            self._unseen_reads = [data]
        else:
            self._unseen_reads.append(data)

    def _lines_from_fault(self, data: bytes, error: Exception) -> bytes:
        """Find the line that llhttp refused; returns the bytes from its beginning on, or from that of the trailer section.

        data: the read with the error.

        Raises: RemoteProtocolError if the error is none that a ChunkReader can go on after.
        """
        in_trailers = str(error).startswith(_TRAILER_FAULTS)
        if not in_trailers and not str(error).startswith(_EXTENSION_FAULT):
            raise RemoteProtocolError(f"malformed chunked body: {error}") from error
        lagging = self._lagging_parser or _chunk_parser(_NO_CALLBACKS)
        lines = b"".join([*self._unseen_reads, data]).split(b"\n")
        at = 0
        with suppress(HttpParserError):
            while True:
                lagging.feed_data(lines[at] + b"\n")
                at += 1
        if in_trailers:
            while at and not _LAST_CHUNK(lines[at]):
                at -= 1
        return b"\n".join(lines[at:])

    def _read_leniently(self, reader: ChunkReader, data: bytes) -> None:
        reader.feed(data)
        self.complete = reader.complete
        self._message_count += reader.has_surplus
        self.trailers = reader.trailers
        self._trailers_size = sum(len(name) + len(value) for name, value in reader.trailers)


def _chunk_parser(callbacks: object) -> HttpResponseParser:
    """Make a parser that expects the first chunk."""
    parser = HttpResponseParser(callbacks)
    parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)  # no other parser takes the spaces for digits
    parser.feed_data(_CHUNKED_HEAD)
    return parser
