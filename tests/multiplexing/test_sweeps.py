"""A connection that is cut after any byte, and a call that is cancelled at any await, leave the client in order."""

from __future__ import annotations

import asyncio

import pytest

from hookline import HttpConnectionError


async def whole_stream(client, url):
    async with await client.get(url, stream=True) as response:
        return await response.raw.read()


CALLS = {
    "get": lambda client, mux: client.get(mux.url("/bytes/300")),
    "post": lambda client, mux: client.post(mux.url("/echo"), data=b"y" * 300),
    "stream": lambda client, mux: whole_stream(client, mux.url("/bytes/300")),
    "interim": lambda client, mux: client.get(mux.url("/interim")),
    "trailers": lambda client, mux: client.get(mux.url("/trailers")),
}


def assert_in_order(client):
    """No exchange holds anything any more."""
    stats = client.stats()
    assert (stats.in_use, stats.streams, stats.waiting) == (0, 0, 0)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_connection_that_is_cut_after_any_byte(make_client, make_mux, call):
    mux = await make_mux()
    client = make_client()
    await call(client, mux)
    (session,) = mux.sessions
    whole = session.sent
    await client.close()
    for size in range(whole):
        mux.cut_after = size
        try:
            async with asyncio.timeout(5):
                await call(client, mux)
        except HttpConnectionError:
            pass
        else:
            pytest.fail(f"{size} of {whole} bytes were enough")
        mux.cut_after = None
        async with asyncio.timeout(5):
            await call(client, mux)
        assert_in_order(client)
        await client.close()


@pytest.mark.parametrize("reused", [False, True], ids=["new", "reused"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_call_that_is_cancelled_at_any_await(make_client, make_mux, call, reused):
    mux = await make_mux()
    client = make_client()
    for turns in range(200):
        if reused:
            await call(client, mux)
        task = asyncio.create_task(call(client, mux))
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
            await call(client, mux)
        assert_in_order(client)
        if not reused:
            await client.close()
            await mux.until_closed()
    else:
        pytest.fail("the call never ended within 200 turns of the loop")


async def test_one_of_many_is_cancelled_at_any_await(make_client, make_mux):
    mux = await make_mux(max_streams=4)
    client = make_client()
    for turns in range(60):
        tasks = [asyncio.create_task(client.get(mux.url(f"/bytes/{n}"))) for n in range(10)]
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
