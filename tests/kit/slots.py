"""Whether the only slot of a client's pool is free again, as after every ending of an exchange."""

from __future__ import annotations

import asyncio

from hookline import HttpClient
from hookline_testing.server import ScriptedServer, response


async def is_free(client: HttpClient, server: ScriptedServer) -> None:
    """Does the pool, of one connection, give one that works, and hold it afterwards?"""
    server.answer(response(b"next"))
    async with asyncio.timeout(5):
        assert (await client.get(server.url("/next"))).content == b"next"
    (pool,) = client.connection_pools.values()
    assert (pool.opened, len(pool.idle), len(pool.waiters)) == (1, 1, 0)
