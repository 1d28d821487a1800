"""The plugin cache on connections that carry many exchanges: bodies whose end needs no length, and shared fetches."""

from __future__ import annotations

import asyncio

import pytest

from hookline_cache import Cache


@pytest.mark.parametrize("stream", [False, True])
async def test_response_without_a_length_is_stored(make_client, mux, stream):
    client = make_client(cache=Cache(), plugins=["cache", "cache_vary"])
    for expected in (False, True):
        found = await client.get(mux.url("/cached"), stream=stream)
        assert await found.raw.read() == b"cached"
        assert found.is_stored is expected
    assert len(mux.requests) == 1


async def test_twenty_calls_share_one_exchange(make_client, mux):
    client = make_client(cache=Cache(), plugins=["cache", "cache_vary"])
    found = await asyncio.gather(*(client.get(mux.url("/cached")) for _ in range(20)))
    assert {each.text for each in found} == {"cached"}
    assert len(mux.requests) == 1


async def test_stream_that_was_reset_is_not_stored(make_client, mux):
    client = make_client(cache=Cache(), plugins=["cache"])
    for _ in range(2):
        with pytest.raises(Exception, match="reset"):
            await client.get(mux.url("/reset"), headers={"Cache-Control": "max-stale"})
    assert len(mux.requests) == 2
