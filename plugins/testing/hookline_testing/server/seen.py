"""Read requests off the wire, strictly, and keep every byte for the test to look at."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
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
    _reader: BodyReader | None = field(default=None, repr=False)

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
        if self._reader is None or self.complete:
            return b""
        return await self._reader.read_piece()


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
        request._reader = BodyReader(self.reader, request, self._keep, self._on_complete)
        return request


class BodyReader:
    """Reads the body of one request piece by piece, whatever delimits it (RFC 9112 section 6.3)."""

    def __init__(
        self, reader: asyncio.StreamReader, request: SeenRequest, keep: int, on_complete: Callable[[], None]
    ) -> None:
        self._reader = reader
        self._request = request
        self._keep = keep
        self._on_complete = on_complete
        self._left: int | None = None  # of the body, or of a chunk; None: nothing was read yet
        self._is_chunked = False

    async def read_piece(self) -> bytes:
        """See `SeenRequest.read_piece`."""
        if self._left is None:
            self._left = self._begin()
            if self._is_chunked:
                self._left = await self._next_chunk()
        elif not self._left and self._is_chunked:
            end = await self._reader.readexactly(2)
            self._note(end)
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
        request = self._request
        request.body_size += len(data)
        self._note(data)
        request._body += data[: max(0, self._keep - len(request._body))]
        return data

    def _begin(self) -> int:
        """Find out what delimits the body; return its length where that is known.

        Raises:
            MalformedRequest: nothing that is allowed does.
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
        """Read the size of the next chunk; behind the last one, of size 0, the trailers too."""
        line = await self._reader.readuntil(b"\r\n")
        self._note(line)
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise MalformedRequest(f"Not the size of a chunk: {line[:200]!r}")
        size = int(match[1], 16)
        if size:
            self._request.chunk_sizes.append(size)
            return size
        while (line := await self._reader.readuntil(b"\r\n")) != b"\r\n":
            self._note(line)
            self._request.trailers += _fields([line[:-2]])
        self._note(line)
        return 0

    def _note(self, data: bytes) -> None:
        """Keep raw bytes, without growing for ever under an endless upload."""
        if len(self._request._raw) < self._keep:
            self._request._raw += data


def _fields(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    matches = [(_FIELD_LINE.fullmatch(line), line) for line in lines]
    wrong = [line[:200] for match, line in matches if match is None]
    if wrong:
        raise MalformedRequest(f"Not a field line: {wrong[0]!r}")
    return [(match[1], match[2]) for match, _ in matches if match is not None]
