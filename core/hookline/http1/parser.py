"""Response heads and chunked bodies, checked by httptools, which is imported here only.

llhttp, inside httptools, is the judge of the syntax. Each head is given to it alone, up to its empty line, so that several
messages in one segment, HEAD, and what follows an upgrade need no special cases. What it lets pass is refused here: other
versions than 1.0 and 1.1, control characters in the reason, transfer codings other than one `chunked`, and heads, trailers
and chunk extensions without end. What it refuses although no message ends elsewhere for that is taken: see `LenientHead`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ..errors import RemoteProtocolError, shown
from .chunk_reader import ChunkReader
from .lenient_heads import LenientHead

MAX_HEAD = 256 * 1024
MAX_FIELDS = 1000
MAX_TRAILERS = 64 * 1024
MAX_TRAILER_FIELDS = 100
# Chunk extensions may take this much in a body, plus this much for each piece of it. A chunk's own framing is about 8 bytes.
MAX_CHUNK_OVERHEAD = 16 * 1024 + MAX_TRAILERS
CHUNK_OVERHEAD_PER_PIECE = 256

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?").fullmatch
_CONTROL = re.compile(rb"[^\t\r\x20-\x7e\x80-\xff]").search
_END = re.compile(rb"\n\r?\n").search  # the empty line behind a head, where lines may end in LF (RFC 9112, section 2.2)
# How the unfinished line of a head may begin: a fold, or a field.
_LINE_BEGINNING = re.compile(
    rb"(?i)(?:[ \t][^\0\r]*|(?!content-length:)[!#$%&'*+\-.^_`|~0-9a-z]*(?::[^\0\r]*)?|content-length:[0-9, \t]*)\r?"
).fullmatch
_BEGINNING = b"HTTP/1."
# What llhttp says when it refuses what a ChunkReader may take; by other words it is refused for good.
_EXTENSION_FAULT = "Invalid character in chunk extensions"
_TRAILER_FAULTS = ("Unexpected whitespace after header value", "Invalid header value char")
_LAST_CHUNK = re.compile(rb"0+(?:[ \t]*;[^\n]*|[ \t]*)\r").fullmatch
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class StatusLine(NamedTuple):
    """The first line of a response: status code, reason as sent, minor version."""

    status: int
    reason: str
    minor: int


class _Silent:
    """Callbacks for a parser that is asked afterwards only."""


_SILENT = _Silent()
_status_lines: dict[bytes, StatusLine] = {}  # servers send the same few: a hit costs 0.05 us, the regex 0.6


def first_line(head: bytes | bytearray) -> str:
    """The first line of a head, for a message: a field behind it may carry a secret, such as a session."""
    return shown(bytes(head).partition(b"\n")[0].rstrip(b"\r"))


def parse_status_line(line: bytes) -> StatusLine:
    """Read a status line (RFC 9112, section 4).

    Raises: RemoteProtocolError.
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
    """A head, and what it means. One that comes again on a connection is the same object.

    raw: with its empty line, as it came, or as a `LenientHead` has it. low: the same in lower case. keep_alive: may the
    connection persist? length: of the body, by Content-Length; -1 where none is given. judge, verdict: for whoever reads
    it, to keep what he found.
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


def parse_head(head: bytes, copy: bytes = b"") -> ResponseHead:
    """Check a whole head, its empty line included. copy: what llhttp gets in its place.

    Raises: RemoteProtocolError.
    """
    if len(head) > 4 * MAX_FIELDS:  # shorter ones keep both limits
        _check_limits(len(head), head.count(b"\n"))
    parser = HttpResponseParser(_SILENT)
    try:
        parser.feed_data(copy or head)
    except HttpParserUpgrade:
        pass  # a 101: what follows is not HTTP
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
    except ValueError as error:  # llhttp has checked the number; only int() minds 4300 zeros before it
        raise RemoteProtocolError("the Content-Length has thousands of digits") from error
    return ResponseHead(head, found, low, keep_alive, length)


def split_head(data: bytes) -> tuple[ResponseHead, bytes] | None:
    """The head that data begins with, and what follows it; None where its empty line is still to come.

    Raises: RemoteProtocolError.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end > 3:
        with suppress(RemoteProtocolError):
            return parse_head(data[:end]), data[end:]
    found = _END(data)
    if found is None:
        return None
    head = data[: found.end()]
    _check_limits(len(head), head.count(b"\n"))
    first, *lines = head.split(b"\n")[:-1]
    copy = LenientHead(first)
    for line in lines:
        copy.add(line)
    return parse_head(bytes(copy.raw), bytes(copy.lines)), data[found.end() :]


def says_keep_alive(low: bytes, minor: int) -> bool:
    """May the connection persist by this lower-cased head (RFC 9112, section 9.3)?

    llhttp is no judge where it says no, as it does for 1.0, HEAD and heads without a framing, nor where the message ends
    with its head: by then it has forgotten the Connection field.
    """
    tokens = [token.strip() for name in (b"connection", b"proxy-connection") for token in field(low, name).split(b",")]
    return b"close" not in tokens and (minor == 1 or b"keep-alive" in tokens)


def _check_limits(size: int, lines: int) -> None:
    if size > MAX_HEAD:
        raise RemoteProtocolError(f"the response head is longer than {MAX_HEAD} bytes")
    if lines > MAX_FIELDS + 2:
        raise RemoteProtocolError(f"the response head has more than {MAX_FIELDS} fields")


class PartialHead:
    """A head that comes in several reads. What cannot become one is refused at once: nobody waits for the rest of it."""

    __slots__ = ("_copied", "_copy", "_data", "_lines", "_parser")

    def __init__(self) -> None:
        self._data = bytearray()
        self._lines = 0
        self._parser = HttpResponseParser(_SILENT)
        self._copy: LenientHead | None = None
        self._copied = 0  # bytes of the data that are in the copy: whole lines

    def add(self, data: bytes) -> bytes:
        """Take the bytes of one read; returns all of them, with what follows the head, once the head is whole, else b"".

        Raises: RemoteProtocolError.
        """
        known = len(self._data)
        self._data += data
        if _END(self._data, max(0, known - 2)):
            return bytes(self._data)
        if known < 64:
            self._check_beginning()
        self._lines += data.count(b"\n")
        _check_limits(len(self._data), self._lines)
        try:
            if self._copy is None:
                self._parser.feed_data(data)
                return b""
        except HttpParserError as error:
            self._copied = self._data.find(b"\n") + 1
            if not self._copied:
                raise self._malformed(error) from error
            self._copy = LenientHead(bytes(self._data[: self._copied - 1]))
            self._parser = HttpResponseParser(_SILENT)
            self._parser.feed_data(self._copy.lines)
        try:
            self._feed_copy(self._copy)
        except HttpParserError as error:
            raise self._malformed(error) from error
        return b""

    def _feed_copy(self, copy: LenientHead) -> None:
        end = self._data.rfind(b"\n") + 1
        fed = len(copy.lines)
        for line in self._data[self._copied : end].split(b"\n")[:-1]:
            copy.add(bytes(line))
        self._copied = end
        self._parser.feed_data(copy.lines[fed:])
        if not _LINE_BEGINNING(self._data, end, end + 64):  # what is too much for one look is judged with its line
            raise RemoteProtocolError(f"malformed response head (it begins {first_line(self._data[:64])})")

    def _malformed(self, error: HttpParserError) -> RemoteProtocolError:
        return RemoteProtocolError(f"malformed response head: {error} (it begins {first_line(self._data[:64])})")

    def _check_beginning(self) -> None:
        beginning = bytes(self._data[:64])
        if not beginning.startswith(_BEGINNING[: len(beginning)]):
            raise RemoteProtocolError(f"expected an HTTP/1.1 response, got {first_line(beginning)}")
        line, ending, _ = beginning.partition(b"\n")
        if ending or _CONTROL(line):
            parse_status_line(line.removesuffix(b"\r"))


def field(low: bytes, name: bytes) -> bytes:
    """All values of a field in a lower-cased head, joined with commas; b"" when there is none."""
    values, start = [], 0
    while (at := low.find(b"\r\n" + name + b":", start)) >= 0:
        begin = at + len(name) + 3
        start = low.find(b"\r\n", begin)
        values.append(low[begin:start].strip())
    return b", ".join(values)


def check_transfer_coding(low: bytes) -> None:
    """Accept a single `chunked`: no other coding was asked for (RFC 9112, section 6.1).

    Raises: RemoteProtocolError.
    """
    value = field(low, b"transfer-encoding")
    if value != b"chunked":
        raise RemoteProtocolError(f"expected the transfer coding 'chunked', got {shown(value)}")


class ChunkedBody:
    """Undo the chunked transfer coding (RFC 9112, section 7.1) of one body, with its trailer section.

    llhttp refuses whitespace within chunk extensions, and folds and control characters in trailers. Where it does, a
    `ChunkReader` goes on from the beginning of that line. llhttp does not say where that is. So a second parser, without
    callbacks, stays behind the reads that may hold it, and is given their lines one by one.
    """

    __slots__ = (
        "_behind", "_end", "_fed", "_messages", "_parser", "_pieces", "_reader", "_since", "_tail",
        "_trailers_size", "complete", "on_body", "trailers",
    )  # fmt: skip

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # called by the parser, without a Python frame
        self._messages = 0
        self._fed = 0
        self._tail = b""  # the last bytes of the reads before
        self.complete = False
        self._parser = _chunk_parser(self)
        self._behind: HttpResponseParser | None = None  # None: at the beginning of the body
        # The last read that had content, and those since then: what `_behind` has not seen.
        self._since: list[bytes] = []
        self._reader: ChunkReader | None = None
        self.trailers: list[tuple[bytes, bytes]] = []
        self._trailers_size = 0

    def on_message_begin(self) -> None:
        self._messages += 1

    def on_message_complete(self) -> None:
        if not self.complete:
            self.complete = True
            self._end = len(self._pieces)  # what comes behind it belongs to a message that nobody asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._messages != 1 or self._fed == 0:
            return  # the head that was given to make the parser expect chunks, or a message that nobody asked for
        self.trailers.append((name, value))
        self._trailers_size += len(name) + len(value)

    @property
    def has_surplus(self) -> bool:
        """Did bytes follow the body?"""
        return self._messages > 1

    def feed(self, data: bytes) -> bytes:
        """Take the bytes of one read; returns the content in them.

        Raises: RemoteProtocolError.
        """
        self._fed += len(data)
        pieces = self._pieces
        if self._reader is None:
            self._parse(data)
        else:
            self._read(self._reader, data)
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._fed -= len(content) + CHUNK_OVERHEAD_PER_PIECE * len(pieces)
        pieces.clear()
        if self._fed > MAX_CHUNK_OVERHEAD:
            raise RemoteProtocolError("the chunk extensions of the body are longer than the limit")
        if self._fed < 1:
            self._fed = 1  # no credit for later; 0 says that nothing was fed
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
                text = self._from_fault(data, error)
                self._reader = ChunkReader(pieces)
                self._read(self._reader, text)
                return
            self._messages += 1  # what followed the body was no message: surplus all the same
        if self.complete:
            end = self._tail + data[-5:]
            if len(end) - len(end.rstrip(b"\r\n")) > 4:
                self._messages += 1  # line ends too many, which llhttp passes over
            del pieces[self._end :]
            return
        self._tail = data[-4:] if len(data) > 3 else (self._tail + data)[-4:]
        if pieces:
            if self._since:
                self._behind = self._behind or _chunk_parser(_SILENT)
                for read in self._since:
                    self._behind.feed_data(read)
            self._since = [data]
        else:
            self._since.append(data)

    def _from_fault(self, data: bytes, error: Exception) -> bytes:
        """What came since the beginning of the line that llhttp refuses; of the trailer section, where that is in it.

        Raises: RemoteProtocolError, where it does not refuse what a ChunkReader takes.
        """
        in_trailers = str(error).startswith(_TRAILER_FAULTS)
        if not in_trailers and not str(error).startswith(_EXTENSION_FAULT):
            raise RemoteProtocolError(f"malformed chunked body: {error}") from error
        behind = self._behind or _chunk_parser(_SILENT)
        lines = b"".join([*self._since, data]).split(b"\n")
        at = 0
        with suppress(HttpParserError):
            while True:
                behind.feed_data(lines[at] + b"\n")
                at += 1
        if in_trailers:
            while at and not _LAST_CHUNK(lines[at]):
                at -= 1
        return b"\n".join(lines[at:])

    def _read(self, reader: ChunkReader, data: bytes) -> None:
        reader.feed(data)
        self.complete = reader.complete
        self._messages += reader.has_surplus
        self.trailers = reader.trailers
        self._trailers_size = sum(len(name) + len(value) for name, value in reader.trailers)


def _chunk_parser(callbacks: object) -> HttpResponseParser:
    """A parser that expects chunks next."""
    parser = HttpResponseParser(callbacks)
    parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)  # no reader takes them for digits
    parser.feed_data(_CHUNKED_HEAD)
    return parser
