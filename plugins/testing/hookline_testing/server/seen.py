"""Read requests off the wire, strictly, and keep every byte for the test to look at."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

# The longest head, in bytes. The reader of a connection holds twice as much before the client has to wait.
HEAD_LIMIT = 256 * 1024
_PIECE = 64 * 1024
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(1\.[01])")
_FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?\r\n")


class MalformedRequest(Exception):
    """What came is no request by RFC 9112: a fault of the client under test."""


@dataclass(eq=False)
class SeenRequest:
    """A request as it came. Header names and values are bytes, in order and in the client's own spelling."""

    method: str
    target: str
    version: str
    headers: list[tuple[bytes, bytes]]
    # The whole URL, where the server knows it: one in memory does.
    url: str = field(default="", kw_only=True)
    # The connection's number, counted from 1 in the order of acceptance.
    connection: int
    # True when the body was read to its end.
    complete: bool = False
    # Bytes of the body that came, kept or not.
    body_size: int = 0
    # The size of each chunk, the last one of 0 left out; empty unless the body was chunked.
    chunk_sizes: list[int] = field(default_factory=list)
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    # The client's certificate as `ssl.SSLSocket.getpeercert()` gives it, and what ALPN chose.
    peer_certificate: dict[str, Any] | None = None
    alpn: str | None = None
    _body: bytearray = field(default_factory=bytearray, repr=False)
    _raw: bytearray = field(default_factory=bytearray, repr=False)
    _pieces: AsyncIterator[bytes] | None = field(default=None, repr=False)

    @property
    def body(self) -> bytes:
        """Return the body so far, transfer coding taken off, up to the server's `keep` bytes."""
        return bytes(self._body)

    @property
    def raw(self) -> bytes:
        """Return head and body as they stood on the wire, the body up to the server's `keep` bytes."""
        return bytes(self._raw)

    @property
    def path(self) -> str:
        """Return the request target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """Return the query of the request target as it was written, without the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """Return the value of the first field `name` in any case, or None."""
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str) -> list[str]:
        """Return the values of all fields `name` in any case, in order."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for key, value in self.headers if key.lower() == wanted]

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json.loads(self._body)

    async def read_body(self) -> bytes:
        """Read the rest of the body, where the answer began before it; return it.

        Raises:
            MalformedRequest: the framing is wrong.
            asyncio.IncompleteReadError: the client closed before the end.
        """
        while await self.read_piece():
            pass
        return self.body

    async def read_piece(self) -> bytes:
        """Read on in the body as far as bytes are there, up to 64 KiB; b"" at its end.

        Raises:
            MalformedRequest: the framing is wrong.
            asyncio.IncompleteReadError: the client closed before the end.
        """
        if self._pieces is None or self.complete:
            return b""
        return await anext(self._pieces, b"")


class Intake:
    """Takes one request after the other from a connection's reader."""

    def __init__(
        self, reader: asyncio.StreamReader, connection: int, keep: int, on_complete: Callable[[], None]
    ) -> None:
        self.reader = reader
        self._connection = connection
        self._keep = keep
        self._on_complete = on_complete

    async def read_head(self) -> SeenRequest | None:
        """Return the next request with its body still unread, or None where the client has closed.

        Raises:
            MalformedRequest: not the head of a request.
            asyncio.IncompleteReadError: the client closed in the middle; `partial` has what came.
        """
        try:
            raw = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                return None
            raise
        except asyncio.LimitOverrunError as error:
            raise MalformedRequest(f"No end of the head within {HEAD_LIMIT} bytes") from error
        request_line, *lines = raw[:-4].split(b"\r\n")
        match = _REQUEST_LINE.fullmatch(request_line)
        if match is None:
            raise MalformedRequest(f"Not a request line: {request_line[:200]!r}")
        method, target, version = (part.decode("ascii") for part in match.groups())
        request = SeenRequest(method, target, version, _fields(lines), self._connection)
        request._raw += raw
        request._pieces = self._body_of(request)
        return request

    async def _body_of(self, request: SeenRequest) -> AsyncIterator[bytes]:
        """Read the body of `request` to its end, piece by piece, whatever delimits it (RFC 9112 section 6.3).

        Raises:
            MalformedRequest: the framing is wrong.
            asyncio.IncompleteReadError: the client closed in the middle.
        """
        codings = [value.lower() for value in request.header_values("transfer-encoding")]
        lengths = request.header_values("content-length")
        if codings and (lengths or codings != ["chunked"]):
            raise MalformedRequest(f"Framing that smuggles: {codings} with Content-Length {lengths}")
        if len(lengths) > 1 or not all(re.fullmatch(r"[0-9]+", length) for length in lengths):
            raise MalformedRequest(f"Not a Content-Length: {lengths}")
        if codings:
            async for piece in self._chunks(request):
                yield piece
        elif lengths:
            async for piece in self._exactly(request, int(lengths[0])):
                yield piece
        request.complete = True
        self._on_complete()

    async def _chunks(self, request: SeenRequest) -> AsyncIterator[bytes]:
        while True:
            line = await self.reader.readuntil(b"\r\n")
            self._note(request, line)
            match = _CHUNK_SIZE.fullmatch(line)
            if match is None:
                raise MalformedRequest(f"Not the size of a chunk: {line[:200]!r}")
            size = int(match[1], 16)
            if size == 0:
                break
            request.chunk_sizes.append(size)
            async for piece in self._exactly(request, size):
                yield piece
            end = await self.reader.readexactly(2)
            self._note(request, end)
            if end != b"\r\n":
                raise MalformedRequest(f"A chunk of {size} bytes ends with {end!r}")
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            self._note(request, line)
            request.trailers += _fields([line[:-2]])
        self._note(request, line)

    async def _exactly(self, request: SeenRequest, size: int) -> AsyncIterator[bytes]:
        while size:
            data = await self.reader.read(min(size, _PIECE))
            if not data:
                raise asyncio.IncompleteReadError(b"", size)
            size -= len(data)
            request.body_size += len(data)
            self._note(request, data)
            request._body += data[: max(0, self._keep - len(request._body))]
            yield data

    def _note(self, request: SeenRequest, data: bytes) -> None:
        """Keep raw bytes, without growing for ever under an endless upload."""
        if len(request._raw) < self._keep:
            request._raw += data


def _fields(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    matches = [(_FIELD_LINE.fullmatch(line), line) for line in lines]
    wrong = [line[:200] for match, line in matches if match is None]
    if wrong:
        raise MalformedRequest(f"Not a field line: {wrong[0]!r}")
    return [(match[1], match[2]) for match, _ in matches if match is not None]
