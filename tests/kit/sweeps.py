"""Sweeps over protocols that carry many exchanges on a connection: it is cut after any byte, a call is cancelled at any await.

After each the client is in order, and its next call works. A server has `url`, `cut_after`, `sessions` and `until_closed`, as
those of `servers.stream_server`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpConnectionError

Call = Callable[[HttpClient, Any], Awaitable[Any]]


async def whole_stream(client: HttpClient, url: str) -> bytes:
    async with await client.get(url, stream=True) as response:
        return await response.raw.read()


async def upload(client: HttpClient, url: str, size: int) -> None:
    """Send a body in three pieces, and check that it comes back."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number * size
            await asyncio.sleep(0)

    response = await client.post(url, data=pieces())
    assert response.content == b"0" * size + b"1" * size + b"2" * size


def calls(size: int) -> dict[str, Call]:
    """Return calls of each kind. size: of their bodies."""
    return {
        "get": lambda client, server: client.get(server.url(f"/bytes/{size}")),
        "post": lambda client, server: client.post(server.url("/echo"), data=b"y" * size),
        "stream": lambda client, server: whole_stream(client, server.url(f"/bytes/{size}")),
        "interim": lambda client, server: client.get(server.url("/interim")),
        "trailers": lambda client, server: client.get(server.url("/trailers")),
    }


def calls_to_cancel(size: int) -> dict[str, Call]:
    """Return the same, and one whose body has no length."""
    return {**calls(size), "upload": lambda client, server: upload(client, server.url("/echo"), size)}


def assert_in_order(client: HttpClient) -> None:
    """No exchange holds anything any more."""
    stats = client.stats()
    assert (stats.in_use, stats.streams, stats.waiting) == (0, 0, 0)


async def cut_after_any_byte(client: HttpClient, server: Any, call: Call) -> None:
    await call(client, server)
    (session,) = server.sessions
    whole = session.sent
    await client.close()
    for size in range(whole):
        server.cut_after = size
        try:
            async with asyncio.timeout(5):
                await call(client, server)
        except HttpConnectionError:
            pass
        else:
            pytest.fail(f"{size} of {whole} bytes were enough")
        server.cut_after = None
        async with asyncio.timeout(5):
            await call(client, server)
        assert_in_order(client)
        await client.close()


async def cancel_at_any_await(client: HttpClient, server: Any, call: Call, *, reused: bool) -> None:
    """reused: the connection was used before."""
    for turns in range(200):
        if reused:
            await call(client, server)
        task = asyncio.ensure_future(call(client, server))
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.done():
            await task
            break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_in_order(client)
        async with asyncio.timeout(5):
            await call(client, server)
        assert_in_order(client)
        if not reused:
            await client.close()
            await server.until_closed()
    else:
        pytest.fail("the call never ended within 200 turns of the loop")


async def cancel_one_of_many_at_any_await(client: HttpClient, server: Any) -> None:
    for turns in range(60):
        tasks = [asyncio.ensure_future(client.get(server.url(f"/bytes/{n}"))) for n in range(10)]
        for _ in range(turns):
            await asyncio.sleep(0)
        tasks[turns % 10].cancel()
        async with asyncio.timeout(5):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        lengths = [None if isinstance(r, BaseException) else len(r.content) for r in results]
        expected = list(range(10))
        assert [n for n, e in zip(lengths, expected, strict=True) if n is not None and n != e] == []
        assert lengths.count(None) <= 1
        assert_in_order(client)
