"""The interface of the benchmarks to a client. Each client has a class derived from Adapter."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.workloads import PIECE

JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Setup:
    """base: scheme, host and port. pool: the maximum number of connections. ca: a file with the server's authority.

    reuses: connections are kept alive. http2: the server speaks HTTP/2.
    """

    base: str
    pool: int
    ca: str | None
    reuses: bool = True
    http2: bool = False

    def context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca) if self.base.startswith("https:") else None


class Adapter:
    """A client to be measured. Every operation takes a whole URL and returns the status and the body."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    async def open(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    def describe(self) -> str:
        """Return what a reader of the figures should know of the client: its version, and what is switched on."""
        return ""

    async def get(self, url: str) -> tuple[int, bytes]:
        raise NotImplementedError

    async def decoded(self, url: str) -> tuple[int, bytes]:
        """GET a body with a content coding; return it decoded."""
        return await self.get(url)

    async def json(self, url: str) -> tuple[int, object]:
        raise NotImplementedError

    async def call(self, url: str) -> tuple[int, object]:
        """GET a JSON document with cookies, credentials, fields, parameters and a read timeout, and return it parsed."""
        raise NotImplementedError

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        """POST bytes as application/json."""
        raise NotImplementedError

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        """POST `pieces(size)` as a stream."""
        raise NotImplementedError

    def chunks(self, url: str) -> AsyncIterator[bytes]:
        """GET a body, and yield it in the pieces that the client yields. Raises: WrongAnswer, for a status other than 200."""
        raise NotImplementedError

    async def open_websocket(self, url: str) -> Any:
        """Open a websocket, without compression."""
        raise NotImplementedError

    async def echo(self, websocket: Any, message: bytes) -> bytes:
        """Send a binary message, and return the message that comes back."""
        raise NotImplementedError

    async def close_websocket(self, websocket: Any) -> None:
        """Close a websocket."""
        raise NotImplementedError

    async def download(self, url: str, consume: Callable[[bytes], None]) -> int:
        """GET a body, and call `consume` with each piece; return the status."""
        async for chunk in self.chunks(url):
            consume(chunk)
        return 200


async def pieces(size: int) -> AsyncIterator[bytes]:
    """Yield `size` bytes in pieces of at most 64 KiB."""
    for _ in range(size // len(PIECE)):
        yield PIECE
    if size % len(PIECE):
        yield PIECE[: size % len(PIECE)]
