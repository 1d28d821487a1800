"""A connection of HTTP/2 that is cut after any byte, and a call that is cancelled at any await, leave the client in order."""

from __future__ import annotations

import asyncio

import pytest

from hookline import HttpConnectionError


async def whole_stream(client, url):
    async with await client.get(url, stream=True) as response:
        return await response.raw.read()


CALLS = {
    "get": lambda client, server: client.get(server.url("/bytes/30")),
    "post": lambda client, server: client.post(server.url("/echo"), data=b"y" * 30),
    "stream": lambda client, server: whole_stream(client, server.url("/bytes/30")),
    "interim": lambda client, server: client.get(server.url("/interim")),
    "trailers": lambda client, server: client.get(server.url("/trailers")),
}


def assert_in_order(client):
    """No exchange holds anything any more."""
    stats = client.stats()
    assert (stats.in_use, stats.streams, stats.waiting) == (0, 0, 0)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_connection_that_is_cut_after_any_byte(make_client, make_server, call):
    server = await make_server(tls=False)
    client = make_client(http2="prior-knowledge")
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


@pytest.mark.parametrize("reused", [False, True], ids=["new", "reused"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_call_that_is_cancelled_at_any_await(make_client, make_server, call, reused):
    server = await make_server(tls=False)
    client = make_client(http2="prior-knowledge")
    for turns in range(200):
        if reused:
            await call(client, server)
        task = asyncio.create_task(call(client, server))
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


async def test_one_of_many_is_cancelled_at_any_await(make_client, make_server):
    server = await make_server(tls=False, settings={3: 4})
    client = make_client(http2="prior-knowledge")
    for turns in range(60):
        tasks = [asyncio.create_task(client.get(server.url(f"/bytes/{n}"))) for n in range(10)]
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
