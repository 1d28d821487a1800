"""What the benchmark asks of every client; one class per client derives from Adapter."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.workloads import PIECE

JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Setup:
    """`base` is scheme, host and port; `pool` the most connections; `ca` a file to verify the server against."""

    base: str
    pool: int
    ca: str | None

    def context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca) if self.base.startswith("https:") else None


class Adapter:
    """A client under measurement. Every operation takes a whole URL and returns the status and what was read."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    async def open(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    def describe(self) -> str:
        """What a reader has to know to trust the figures: version, what is switched on."""
        return ""

    async def get(self, url: str) -> tuple[int, bytes]:
        raise NotImplementedError

    async def decoded(self, url: str) -> tuple[int, bytes]:
        """GET of a body with a content coding, which the client undoes."""
        return await self.get(url)

    async def json(self, url: str) -> tuple[int, object]:
        raise NotImplementedError

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        """POST of bytes as application/json."""
        raise NotImplementedError

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        """POST of `pieces(size)`, never held as a whole."""
        raise NotImplementedError

    def chunks(self, url: str) -> AsyncIterator[bytes]:
        """The body of a GET in the pieces that the client gives out; a status other than 200 is an error."""
        raise NotImplementedError

    async def open_websocket(self, url: str) -> Any:
        """Open a websocket, without compression."""
        raise NotImplementedError

    async def echo(self, websocket: Any, message: bytes) -> bytes:
        """Send a binary message, return the one that comes back."""
        raise NotImplementedError

    async def close_websocket(self, websocket: Any) -> None:
        """Close a websocket."""
        raise NotImplementedError

    async def download(self, url: str, consume: Callable[[bytes], None]) -> int:
        """GET whose body goes to `consume` piece by piece; returns the status."""
        async for chunk in self.chunks(url):
            consume(chunk)
        return 200


async def pieces(size: int) -> AsyncIterator[bytes]:
    """`size` bytes in pieces of at most 64 KiB."""
    for _ in range(size // len(PIECE)):
        yield PIECE
    if size % len(PIECE):
        yield PIECE[: size % len(PIECE)]
