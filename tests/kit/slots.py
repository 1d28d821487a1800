"""Check that an exchange, however it ended, has returned its connection to the pool."""

from __future__ import annotations

import asyncio

from hookline import HttpClient
from hookline_testing.server import ScriptedServer, response


async def is_free(client: HttpClient, server: ScriptedServer) -> None:
    """Assert that a client with `pool_size=1` can send a request, and that its connection is idle in the pool afterwards."""
    server.answer(response(b"next"))
    async with asyncio.timeout(5):
        assert (await client.get(server.url("/next"))).content == b"next"
    stats = client.stats()
    assert (stats.connections, stats.in_use, stats.streams, stats.waiting) == (1, 0, 0, 0)
