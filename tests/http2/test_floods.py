"""Attacks by floods of frames: each ends the connection soon, and costs little time and memory."""

from __future__ import annotations

import asyncio

import pytest

from hookline import HttpRequestException
from servers.http2 import frame

MANY = 50_000


def pings(stream):
    return frame(6, 0, 0, b"12345678") * MANY


FLOODS = {
    "PING": pings,
    "SETTINGS": lambda stream: frame(4) * MANY,
    "WINDOW_UPDATE of the connection": lambda stream: frame(8, 0, 0, b"\0\0\0\1") * MANY,
    "WINDOW_UPDATE of the stream": lambda stream: frame(8, 0, stream, b"\0\0\0\1") * MANY,
    "empty DATA": lambda stream: frame(1, 4, stream, b"\x88") + frame(0, 0, stream) * MANY,
    "PRIORITY": lambda stream: frame(2, 0, stream, b"\0\0\0\0\1") * MANY,
    "unknown frames": lambda stream: frame(0x7F, 0, 0, b"1234") * MANY,
    "ALTSVC": lambda stream: frame(0xA, 0, 0, b"\0\1xabc") * MANY,
    "RST_STREAM of closed streams": lambda stream: frame(3, 0, 1, b"\0\0\0\0") * MANY,
    "CONTINUATION": lambda stream: frame(1, 0, stream, b"\x88") + frame(9, 0, stream, b"\x00\x01a\x01b") * MANY,
    "empty CONTINUATION": lambda stream: frame(1, 0, stream, b"\x88") + frame(9, 0, stream) * MANY,
    "a head of fields that are large in the table": lambda stream: frame(
        1, 4, stream, b"\x88\x40\x01a\x7f\xc1\x1e" + b"x" * 4032 + b"\xbe" * 8000
    ),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_flood_ends_the_connection(client, server, until_empty, flood):
    async def answer(session, request):
        data = flood(request.stream)
        for begin in range(0, len(data), 65536):
            session.send(data[begin : begin + 65536])
            await session.writer.drain()
        await asyncio.Event().wait()

    server.answers["/x"] = answer
    await client.get(server.url())
    async with asyncio.timeout(15):
        with pytest.raises(HttpRequestException) as caught:
            await client.get(server.url("/x"))
    assert not isinstance(caught.value, TimeoutError)
    await until_empty(client)
    del server.answers["/x"]
    assert (await client.get(server.url())).ok


async def test_many_frames_that_bring_exchanges_forward_are_no_flood(client, server):
    async def answer(session, request):
        session.head(request.stream)
        for number in range(12_000):
            session.data(request.stream, b"x")
            session.frame(8, 0, 0, b"\0\0\0\1")
            if number % 500 == 0:
                await session.writer.drain()
        session.data(request.stream, ends=True)

    server.answers["/x"] = answer
    assert len((await client.get(server.url("/x"))).content) == 12_000


async def test_pings_of_a_server_that_does_not_read_are_bounded(make_client, make_server):
    """A peer that asks and does not read must not fill the memory with answers."""
    server = await make_server(tls=False)

    async def answer(session, request):
        session.reader._transport.pause_reading()
        for _ in range(200):
            session.send(pings(0)[: 17 * 500])
            await session.writer.drain()
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    server.answers["/x"] = answer
    client = make_client(http2="prior-knowledge")
    with pytest.raises(HttpRequestException):
        await client.get(server.url("/x"))
