"""A request as it came to a server of this package."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Protocol


class PieceReader(Protocol):
    """Reads the body of a request from its connection."""

    async def read_piece(self) -> bytes:
        """Return the next bytes of the body; b"" at its end."""


@dataclass(eq=False)
class SeenRequest:
    """A request as it came. Header names and values are bytes, in order and in the client's own spelling.

    Example::

        from hookline import HttpClient
        from hookline_testing.server import ScriptedServer, SeenRequest, response

        with ScriptedServer() as server, HttpClient() as client:
            server.always(response())
            client.post(server.url("/path?a=1"), json={"n": 7}, headers={"X-Name": "value"})
            request: SeenRequest = server.requests[0]
            print(request.path, request.query, request.header("x-name"), request.header_values("X-None"))
            print(request.json(), request.body, request.raw.endswith(request.body))
            print(request.redacted(url="http://hidden/", target="/hidden", body=b"").target)
    """

    method: str
    target: str
    version: str
    headers: list[tuple[bytes, bytes]]
    # The whole URL, if the server knows it: a server in memory does.
    url: str = field(default="", kw_only=True)
    # The connection's number, counted from 1 in the order of acceptance.
    connection: int
    # True when the body was read to its end.
    complete: bool = False
    # Bytes of the body that came, kept or not.
    body_size: int = 0
    # The size of each chunk, except the last one of 0; empty unless the body was chunked.
    chunk_sizes: list[int] = field(default_factory=list)
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    # The client's certificate, as `ssl.SSLSocket.getpeercert()` returns it, and the protocol that ALPN selected.
    peer_certificate: dict[str, Any] | None = None
    alpn: str | None = None
    # Reads the body; None for a request without a connection.
    reader: PieceReader | None = field(default=None, repr=False)
    _body: bytearray = field(default_factory=bytearray, repr=False)
    _raw: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def body(self) -> bytes:
        """The body as far as it was read, without transfer coding, up to the server's `keep` bytes."""
        return bytes(self._body)

    @property
    def raw(self) -> bytes:
        """The head and the body as they came over the connection, the body up to the server's `keep` bytes.

        Of HTTP/2 the field lines, decoded, with pseudo-fields and each `cookie` line; then the body.
        """
        return bytes(self._raw)

    @property
    def path(self) -> str:
        """The request target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query of the request target as it was written, without the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """Return the value of the first field `name`, ignoring case, or None."""
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str) -> list[str]:
        """Return the values of all fields `name`, ignoring case, in order."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for key, value in self.headers if key.lower() == wanted]

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json.loads(self._body)

    async def read_body(self) -> bytes:
        """Read the rest of the body, if the answer began before its end; return the whole body.

        Raises:
            MalformedRequest: the framing is wrong.
            asyncio.IncompleteReadError: the client closed before the end.

        Example::

            from hookline import HttpClient
            from hookline_testing.server import ScriptedServer, response


            async def early(reader, writer, request):
                first = await request.read_piece()
                rest = await request.read_body()
                writer.write(response(b"%d of %d" % (len(first), len(rest))))


            with ScriptedServer() as server, HttpClient() as client:
                server.answer(early, early=True)
                print(client.post(server.url("/"), data=b"0123456789").text)
        """
        while await self.read_piece():
            pass
        return self.body

    async def read_piece(self) -> bytes:
        """Return the next bytes of the body as soon as some are there, up to 64 KiB; b"" at its end.

        Raises:
            MalformedRequest: the framing is wrong.
            asyncio.IncompleteReadError: the client closed before the end.
        """
        if self.reader is None or self.complete:
            return b""
        return await self.reader.read_piece()

    def add_body(self, data: bytes, keep: int) -> None:
        """Append data to `body`, up to `keep` bytes in all, and count all of it in `body_size`.

        Example::

            from hookline_testing.server import SeenRequest

            request = SeenRequest("POST", "/", "HTTP/1.1", [], connection=1)
            request.add_raw(b"POST / HTTP/1.1", keep=1000)
            request.add_body(b"0123456789", keep=4)
            print(request.body, request.body_size)
        """
        self.body_size += len(data)
        self._body += data[: max(0, keep - len(self._body))]

    def add_raw(self, data: bytes, keep: int) -> None:
        """Append data to `raw`, unless that has `keep` bytes already."""
        if len(self._raw) < keep:
            self._raw += data

    def redacted(self, *, url: str, target: str, body: bytes) -> SeenRequest:
        """Return a copy with another URL, target and body, for an error message without secrets."""
        return dataclasses.replace(self, url=url, target=target, _body=bytearray(body))
