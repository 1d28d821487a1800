"""Read requests from a connection strictly by RFC 9112, and keep every byte for the test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from .seen_request import SeenRequest

# The longest head, in bytes. The reader of a connection buffers twice as much before the client has to wait.
HEAD_LIMIT = 256 * 1024
_PIECE = 64 * 1024
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(1\.[01])")
_FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?\r\n")


# What a client of HTTP/2 sends first (RFC 9113, section 3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Http2Begins(Exception):
    """The client speaks HTTP/2: its connection preface was read."""


class MalformedRequest(Exception):
    r"""What came is not a request by RFC 9112: a fault of the client under test.

    Example::

        import socket
        from hookline_testing.server import MalformedRequest, ScriptedServer

        try:
            with ScriptedServer() as server:
                with socket.create_connection(("127.0.0.1", server.port)) as client:
                    client.sendall(b"no request\r\n\r\n")
                    client.recv(1000)
        except MalformedRequest as error:
            print(error)
    """


class RequestReader:
    """Reads the requests of one connection, one after the other.

    connection: its number. keep: bytes to keep of each body. on_complete: called at the end of each body.
    """

    def __init__(
        self, reader: asyncio.StreamReader, connection: int, keep: int, on_complete: Callable[[], None]
    ) -> None:
        self.reader = reader
        self._connection = connection
        self._keep = keep
        self._on_complete = on_complete

    async def read_head(self) -> SeenRequest | None:
        """Return the next request, its body not read yet, or None when the client has closed.

        Raises:
            Http2Begins: it was not a request, but the preface of HTTP/2.
            MalformedRequest: the head is not that of a request.
            asyncio.IncompleteReadError: the client closed within the head; `partial` is what came.
        """
        try:
            raw = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                return None
            raise
        except asyncio.LimitOverrunError as error:
            raise MalformedRequest(f"No end of the head within {HEAD_LIMIT} bytes") from error
        if PREFACE.startswith(raw):
            await self.reader.readexactly(len(PREFACE) - len(raw))
            raise Http2Begins
        request_line, *lines = raw[:-4].split(b"\r\n")
        match = _REQUEST_LINE.fullmatch(request_line)
        if match is None:
            raise MalformedRequest(f"Not a request line: {request_line[:200]!r}")
        method, target, version = (part.decode("ascii") for part in match.groups())
        request = SeenRequest(method, target, version, _fields(lines), self._connection)
        request.add_raw(raw, len(raw))
        request.reader = BodyReader(self.reader, request, self._keep, self._on_complete)
        return request


class BodyReader:
    """Reads the body of one request piece by piece, with a Content-Length or chunked (RFC 9112, section 6.3)."""

    def __init__(
        self, reader: asyncio.StreamReader, request: SeenRequest, keep: int, on_complete: Callable[[], None]
    ) -> None:
        self._reader = reader
        self._request = request
        self._keep = keep
        self._on_complete = on_complete
        self._left: int | None = None  # bytes of the body, or of a chunk; None before the first piece
        self._is_chunked = False

    async def read_piece(self) -> bytes:
        """Return the next bytes of the body; b"" at its end (see `SeenRequest.read_piece`)."""
        if self._left is None:
            self._left = self._parse_framing()
            if self._is_chunked:
                self._left = await self._next_chunk()
        elif not self._left and self._is_chunked:
            end = await self._reader.readexactly(2)
            self._add_raw(end)
            if end != b"\r\n":
                raise MalformedRequest(f"A chunk of {self._request.chunk_sizes[-1]} bytes ends with {end!r}")
            self._left = await self._next_chunk()
        if not self._left:
            self._request.complete = True
            self._on_complete()
            return b""
        data = await self._reader.read(min(self._left, _PIECE))
        if not data:
            raise asyncio.IncompleteReadError(b"", self._left)
        self._left -= len(data)
        self._add_raw(data)
        self._request.add_body(data, self._keep)
        return data

    def _parse_framing(self) -> int:
        """Find out how the body is framed; return its length, 0 if it is chunked or there is none.

        Raises:
            MalformedRequest: the framing is not allowed.
        """
        codings = [value.lower() for value in self._request.header_values("transfer-encoding")]
        lengths = self._request.header_values("content-length")
        if codings and (lengths or codings != ["chunked"]):
            raise MalformedRequest(f"Framing that smuggles: {codings} with Content-Length {lengths}")
        if len(lengths) > 1 or not all(re.fullmatch(r"[0-9]+", length) for length in lengths):
            raise MalformedRequest(f"Not a Content-Length: {lengths}")
        self._is_chunked = bool(codings)
        return int(lengths[0]) if lengths else 0

    async def _next_chunk(self) -> int:
        """Read and return the size of the next chunk; after the last one, of size 0, read the trailers too."""
        line = await self._reader.readuntil(b"\r\n")
        self._add_raw(line)
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise MalformedRequest(f"Not the size of a chunk: {line[:200]!r}")
        size = int(match[1], 16)
        if size:
            self._request.chunk_sizes.append(size)
            return size
        while (line := await self._reader.readuntil(b"\r\n")) != b"\r\n":
            self._add_raw(line)
            self._request.trailers += _fields([line[:-2]])
        self._add_raw(line)
        return 0

    def _add_raw(self, data: bytes) -> None:
        self._request.add_raw(data, self._keep)  # bounded, for an endless upload


def _fields(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the names and values of field lines.

    Raises:
        MalformedRequest: a line is not a field.
    """
    matches = [(_FIELD_LINE.fullmatch(line), line) for line in lines]
    wrong = [line[:200] for match, line in matches if match is None]
    if wrong:
        raise MalformedRequest(f"Not a field line: {wrong[0]!r}")
    return [(match[1], match[2]) for match, _ in matches if match is not None]
