"""What files need of the file system that has opened them."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from hookline import HttpClient


class Connected(Protocol):
    """A file system with a client for each event loop."""

    async def set_session(self) -> HttpClient:
        """Return the client of the running loop."""


class FileSystem(Connected, Protocol):
    """A file system whose files are on HTTP servers. loop: where its requests run."""

    loop: asyncio.AbstractEventLoop

    async def send_file(
        self, path: str, body: Any, *, method: str = "PUT", exclusive: bool = False, **options: Any
    ) -> None:
        """Send a file. exclusive: it must not exist."""
