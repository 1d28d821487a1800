"""Response heads and chunked bodies, checked by httptools, which is imported here only.

llhttp, inside httptools, is the judge of the syntax. Each head is given to it alone, up to its empty line, so that several
messages in one segment, HEAD, and what follows an upgrade need no special cases. What it lets pass is refused here: other
versions than 1.0 and 1.1, control characters in the reason, transfer codings other than one `chunked`, and heads, trailers
and chunk extensions without end.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ..errors import RemoteProtocolError, shown

MAX_HEAD = 256 * 1024
MAX_FIELDS = 1000
MAX_TRAILERS = 64 * 1024
MAX_TRAILER_FIELDS = 100
# Chunk extensions may take this much in a body, plus this much for each piece of it. A chunk's own framing is about 8 bytes.
MAX_CHUNK_OVERHEAD = 16 * 1024 + MAX_TRAILERS
CHUNK_OVERHEAD_PER_PIECE = 256

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?").fullmatch
_CONTROL = re.compile(rb"[^\t\r\x20-\x7e\x80-\xff]").search
_BEGINNING = b"HTTP/1."
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

    raw: as it came, with its empty line. low: the same in lower case. keep_alive: may the connection persist? length: of
    the body, by Content-Length; -1 where none is given. judge, verdict: for whoever reads it, to keep what he found.
    """

    __slots__ = ("judge", "keep_alive", "length", "line", "low", "raw", "status", "verdict")

    def __init__(self, raw: bytes, line: StatusLine, low: bytes, keep_alive: bool = False, length: int = -1) -> None:
        self.raw = raw
        self.line = line
        self.status = line.status
        self.low = low
        self.keep_alive = keep_alive
        self.length = length
        self.judge: object = None
        self.verdict: Any = None


def parse_head(head: bytes) -> ResponseHead:
    """Check a whole head, its empty line included.

    Raises: RemoteProtocolError.
    """
    if len(head) > 4 * MAX_FIELDS:  # shorter ones keep both limits
        _check_limits(len(head), head.count(b"\n"))
    parser = HttpResponseParser(_SILENT)
    try:
        parser.feed_data(head)
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
    length = int(low[at + 17 : low.find(b"\r\n", at + 17)]) if at >= 0 else -1
    return ResponseHead(head, found, low, keep_alive, length)


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

    __slots__ = ("_data", "_lines", "_parser")

    def __init__(self) -> None:
        self._data = bytearray()
        self._lines = 0
        self._parser = HttpResponseParser(_SILENT)

    def add(self, data: bytes) -> bytes:
        """Take the bytes of one read; returns all of them, with what follows the head, once the head is whole, else b"".

        Raises: RemoteProtocolError.
        """
        known = len(self._data)
        self._data += data
        if self._data.find(b"\r\n\r\n", max(0, known - 3)) >= 0:
            return bytes(self._data)
        if known < 64:
            self._check_beginning()
        self._lines += data.count(b"\n")
        _check_limits(len(self._data), self._lines)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            raise RemoteProtocolError(
                f"malformed response head: {error} (it begins {first_line(self._data[:64])})"
            ) from error
        return b""

    def _check_beginning(self) -> None:
        beginning = bytes(self._data[:64])
        if not beginning.startswith(_BEGINNING[: len(beginning)]):
            raise RemoteProtocolError(f"expected an HTTP/1.1 response, got {first_line(beginning)}")
        line, ending, _ = beginning.partition(b"\r\n")
        if ending or _CONTROL(line):
            parse_status_line(line)


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
    """Undo the chunked transfer coding (RFC 9112, section 7.1) of one body, with its trailer section."""

    __slots__ = (
        "_end",
        "_fed",
        "_messages",
        "_parser",
        "_pieces",
        "_tail",
        "_trailers_size",
        "complete",
        "on_body",
        "trailers",
    )

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # called by the parser, without a Python frame
        self._messages = 0
        self._fed = 0
        self._tail = b""  # the last bytes of the reads before
        self.complete = False
        self._parser = HttpResponseParser(self)
        self._parser.feed_data(_CHUNKED_HEAD)
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
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self.complete:
                raise RemoteProtocolError(f"malformed chunked body: {error}") from error
            self._messages += 1  # what followed the body was no message: surplus all the same
        if self.complete:
            end = self._tail + data[-5:]
            if len(end) - len(end.rstrip(b"\r\n")) > 4:
                self._messages += 1  # line ends too many, which llhttp passes over
        else:
            self._tail = data[-4:] if len(data) > 3 else (self._tail + data)[-4:]
        if self.complete:
            del pieces[self._end :]
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
