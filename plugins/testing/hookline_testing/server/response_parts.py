"""Split the bytes of HTTP/1.1 responses into their parts, so that a script's bytes can be sent over HTTP/2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)")
# Fields that HTTP/2 has no place for (RFC 9113, section 8.2.2).
_OF_THE_CONNECTION = (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")


class NotPlayable(AssertionError):
    """Bytes of a script that are not the beginning of one well-formed HTTP/1.1 response: HTTP/2 cannot express them.

    Example::

        from hookline import HttpClient, HttpRequestException
        from hookline_testing.server import NotPlayable, ScriptedServer, head

        try:
            with ScriptedServer() as server, HttpClient(plugins=["http2"], http2="prior-knowledge", timeout=0.2) as client:
                server.answer(head(101))
                try:
                    client.get(server.url("/"))
                except HttpRequestException:
                    pass
        except NotPlayable as error:
            print(error)
    """


@dataclass(frozen=True, slots=True)
class Head:
    """A head, interim or final. closes: the response says that the connection closes after it."""

    status: int
    fields: list[tuple[bytes, bytes]]
    closes: bool


@dataclass(frozen=True, slots=True)
class End:
    """The end of the response."""

    trailers: list[tuple[bytes, bytes]]


Part = Head | bytes | End


class ResponseParts:
    """Reads one response, and the interim ones before it (RFC 9112), as its bytes come.

    method: of the request. is_over: its end has come. ends_with_connection: its body has no length and is not chunked.
    """

    def __init__(self, method: str) -> None:
        self.is_over = self.ends_with_connection = False
        self._method = method
        self._unread = bytearray()
        self._left: int | None = None  # bytes of the body or of the chunk; None while a line or a head is expected
        self._is_chunked = self._has_head = self._in_trailers = False
        self._trailers: list[tuple[bytes, bytes]] = []

    def feed(self, data: bytes) -> Iterator[Part]:
        """Yield the parts that are complete with `data`; of the body all bytes that have come.

        Raises:
            NotPlayable: HTTP/2 cannot express these bytes.
        """
        self._unread += data
        while self._unread:
            if self.is_over and self._method == "HEAD":
                self._unread.clear()  # the body, which HEAD does not get
                return
            if self.is_over:
                raise NotPlayable(f"HTTP/2 has no place for bytes after a response: {bytes(self._unread[:100])!r}")
            if not self._has_head:
                head = self._take_until(b"\r\n\r\n")
                if head is None:
                    return
                yield from self._begin(head)
            elif self.ends_with_connection:
                yield self._take(len(self._unread))
            elif self._left is not None:
                yield from self._take_body()
            else:
                line = self._take_until(b"\r\n")
                if line is None:
                    return
                yield from self._take_line(line)

    def end_of_connection(self) -> Iterator[Part]:
        """Yield the end, if the body ends with the connection."""
        if self.ends_with_connection and not self.is_over:
            yield self._end()

    def _begin(self, head: bytes) -> Iterator[Part]:
        line, *lines = head.split(b"\r\n")
        match = _STATUS_LINE.fullmatch(line)
        pairs = [each.partition(b":") for each in lines]
        if match is None or not all(colon and name.strip() == name for name, colon, _ in pairs):
            raise NotPlayable(f"HTTP/2 cannot send this head: {head[:200]!r}")
        status = int(match[1])
        fields = [(name.lower(), value.strip(b" \t")) for name, _, value in pairs]
        if status == 101:
            raise NotPlayable("HTTP/2 has no 101 (RFC 9113, section 8.6)")
        values = {name: value.lower() for name, value in fields}
        sent = [field for field in fields if field[0] not in _OF_THE_CONNECTION]
        yield Head(status, sent, closes=values.get(b"connection") == b"close")
        if status < 200:
            return
        self._has_head = True
        self._is_chunked = values.get(b"transfer-encoding") == b"chunked"
        length = values.get(b"content-length")
        if self._method == "HEAD" or status in (204, 304) or (not self._is_chunked and length == b"0"):
            yield self._end()
        elif not self._is_chunked and length is None:
            self.ends_with_connection = True
        elif not self._is_chunked:
            self._left = int(length or b"")

    def _take_body(self) -> Iterator[Part]:
        """Yield bytes of a body with a length, or of a chunk."""
        data = self._take(self._left or 0)
        self._left = (self._left or 0) - len(data)
        if data:
            yield data
        if not self._left and not self._is_chunked:
            yield self._end()
        elif not self._left and (line := self._take_until(b"\r\n")) is not None:
            if line:
                raise NotPlayable(f"a chunk ends with {line[:100]!r}")
            self._left = None

    def _take_line(self, line: bytes) -> Iterator[Part]:
        """Yield what the line of a chunk's size, or of the trailer section, completes."""
        if not self._in_trailers:
            match = _CHUNK_SIZE.fullmatch(line.partition(b";")[0])
            if match is None:
                raise NotPlayable(f"not the size of a chunk: {line[:100]!r}")
            self._left = int(match[1], 16) or None
            self._in_trailers = self._left is None
        elif line:
            name, _, value = line.partition(b":")
            self._trailers.append((name.lower(), value.strip(b" \t")))
        else:
            yield self._end()

    def _end(self) -> End:
        self.is_over = True
        return End(self._trailers)

    def _take(self, size: int) -> bytes:
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    def _take_until(self, end: bytes) -> bytes | None:
        """Return what stands before `end`, None if that has not come."""
        index = self._unread.find(end)
        if index == -1:
            return None
        data = self._take(index)
        del self._unread[: len(end)]
        return data
