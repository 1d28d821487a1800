"""PING: answered while idle, and sent as a sign of life if the client wants that."""

from __future__ import annotations

import asyncio

import pytest

from hookline import ConnectionClosed


async def test_ping_of_the_server_is_answered_while_idle(client, server):
    await client.get(server.url())
    server.sessions[0].frame(6, 0, 0, b"12345678")
    await server.until(pongs=1)
    assert client.stats().connections == 1


async def test_silence_is_broken_by_a_ping(make_client, server):
    client = make_client(http2_ping_interval=0.05)
    task = asyncio.create_task(client.get(server.url("/wait")))
    await server.until(pings=3)
    server.gate.set()
    assert (await task).ok


async def test_ping_without_an_answer_ends_the_connection(make_client, server, until_empty):
    server.answers_pings = False
    client = make_client(http2_ping_interval=0.05)
    with pytest.raises(ConnectionClosed, match=r"PING within 0\.05 s"):
        await client.get(server.url("/never"))
    await until_empty(client)
    assert (await client.get(server.url())).ok


async def test_no_ping_without_the_option(client, server):
    task = asyncio.create_task(client.get(server.url("/wait")))
    await asyncio.sleep(0.15)
    server.gate.set()
    await task
    assert server.pings == 0


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), ("1", TypeError)])
def test_wrong_interval(make_client, value, error):
    with pytest.raises(error, match="http2_ping_interval"):
        make_client(http2_ping_interval=value)
