"""Response heads, parsed and checked with httptools. The only module that imports it.

llhttp, inside httptools, checks the syntax. It gets each head alone, up to its empty line, so that several messages in one
read, responses to HEAD, and what follows an upgrade need no special cases. This module also refuses what llhttp accepts: other
versions than 1.0 and 1.1, control characters in the reason phrase, transfer codings other than one `chunked`, and heads
without limit. It accepts some heads that llhttp refuses, although they end at the same place for every reader: see
`LenientHead`.
"""

from __future__ import annotations

import re
from contextlib import suppress

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ..errors import RemoteProtocolError, shown
from ..wire.response_head import ResponseHead, StatusLine
from .lenient_heads import UNFINISHED_LINE, LenientHead

MAX_HEAD = 256 * 1024  # bytes of a head
MAX_FIELDS = 1000  # of a head

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?").fullmatch
_EMPTY_LINE = re.compile(rb"\n\r?\n").search  # after a head; lines may end in LF (RFC 9112, section 2.2)
_MINIMAL_STATUS_LINE = b"HTTP/1.1 200 "  # completes the beginning of another status line


class _NoCallbacks:
    """The callbacks, none, of a parser that only checks the syntax."""


_NO_CALLBACKS = _NoCallbacks()
_status_lines: dict[bytes, StatusLine] = {}  # servers send the same few: a lookup takes 0.05 us, the regex 0.6


def first_line(head: bytes | bytearray) -> str:
    """The first line of a head, for an error message: the fields after it may have secrets, such as a session."""
    return shown(bytes(head).partition(b"\n")[0].rstrip(b"\r"))


def malformed_head(head: bytes | bytearray, why: object) -> RemoteProtocolError:
    return RemoteProtocolError(f"malformed response head: {why} (it begins {first_line(head)})")


def parse_status_line(line: bytes) -> StatusLine:
    """Parse a status line (RFC 9112, section 4), without its line end.

    Raises: RemoteProtocolError if it is malformed, or of another version than HTTP/1.0 and 1.1.
    """
    known = _status_lines.get(line)
    if known is not None:
        return known
    match = _STATUS_LINE(line)
    if match is None:
        raise RemoteProtocolError(f"expected an HTTP/1.0 or 1.1 status line, got {first_line(line)}")
    minor, status, reason = match.groups()
    if len(_status_lines) > 256:
        _status_lines.clear()
    found = _status_lines[line] = StatusLine(int(status), (reason or b"").decode("latin-1"), int(minor))
    return found


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
        raise malformed_head(head, error) from error
    found = _status_lines.get(head[:15])  # "HTTP/1.1 200 OK" is 15 long, and most heads begin with it
    if found is None or head[15] != 13:
        line = head[: head.find(b"\r\n")]
        found = parse_status_line(line)
    low = head.lower()
    at = low.find(b"\r\ncontent-length:")
    try:
        length = int(low[at + 17 : low.find(b"\r\n", at + 17)]) if at >= 0 else -1
    except ValueError as error:  # llhttp has checked the digits, but int() refuses more than 4300 of them
        raise RemoteProtocolError("the Content-Length has thousands of digits") from error
    # where the message ends with its head, llhttp has forgotten the Connection field by now
    ends_with_head = length == 0 or found.status == 204 or found.status == 304
    keep_alive = (not ends_with_head and parser.should_keep_alive()) or says_keep_alive(low, found.minor)
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
    without framing.
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

    __slots__ = ("_checked_size", "_data", "_lenient_head", "_lines", "_parser")

    def __init__(self) -> None:
        self._data = bytearray()
        self._lines = 0
        self._parser = HttpResponseParser(_NO_CALLBACKS)
        self._lenient_head: LenientHead | None = None  # None until the first line is whole
        self._checked_size = 0  # bytes of the data that the lenient head and the parser have got: whole lines

    def add(self, data: bytes) -> bytes:
        """Add the bytes of one read; returns the bytes of all reads once the head is whole, else b"".

        Raises: RemoteProtocolError if it cannot become a valid head.
        """
        known = len(self._data)
        self._data += data
        if _EMPTY_LINE(self._data, max(0, known - 2)):
            return bytes(self._data)
        if known < 64:
            line, end, _ = bytes(self._data[:64]).partition(b"\n")
            line = line.removesuffix(b"\r")
            if not _STATUS_LINE(line if end else line + _MINIMAL_STATUS_LINE[len(line) :]):
                raise RemoteProtocolError(f"expected an HTTP/1.1 response, got {first_line(line)}")
        self._lines += data.count(b"\n")
        _check_limits(len(self._data), self._lines)
        if b"\n" in data:
            self._check_lines()
        # of a longer line, the rest is checked once the line is whole
        at = self._checked_size
        if at and not re.fullmatch(UNFINISHED_LINE, self._data[at : at + 64]):
            raise malformed_head(self._data, "an invalid line")
        return b""

    def _check_lines(self) -> None:
        """Check the lines that have become whole."""
        end = self._data.rfind(b"\n") + 1
        lines = bytes(self._data[self._checked_size : end]).split(b"\n")[:-1]
        self._checked_size = end
        lenient = self._lenient_head
        if lenient is None:
            lenient = self._lenient_head = LenientHead(lines.pop(0))
        for line in lines:
            lenient.add(line)
        try:
            self._parser.feed_data(lenient.masked)
        except HttpParserError as error:
            raise malformed_head(self._data, error) from error
        lenient.masked.clear()


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
