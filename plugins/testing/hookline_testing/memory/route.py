"""The route to a server in memory."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from hookline import Connection, HttpClient, Route

from .origin import Origin
from .server import MemoryServer


@dataclass(frozen=True)
class MemoryRoute(Route):
    """The route to a server in memory. Only requests to the same origin of the same server share connections."""

    server: MemoryServer = field(repr=False)
    origin: Origin

    @property
    def key(self) -> Hashable:
        return self

    async def open(self, client: HttpClient) -> Connection:
        return await self.server.open(client, self.origin)
