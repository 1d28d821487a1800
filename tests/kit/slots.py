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
    (pool,) = client.connection_pools.values()
    assert (pool.opened, len(pool.idle), len(pool.waiters)) == (1, 1, 0)
