"""Very many requests and streamed bodies: memory, tasks, descriptors and objects are at the end what they were at the beginning.

The whole runs with `-m soak`; it takes some minutes for each engine. A small part of it is among the usual tests.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time

import pytest

from hookline import HttpClient
from hookline_http2 import Http2
from hookline_http2.connection import MAX_REMEMBERED_HEADS
from kit.levels import take_levels

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="/proc is not here")
PART = 64 * 1024  # bytes of a streamed body
AT_ONCE = 20
MEMORY = 6 * 1024 * 1024  # bytes that the allocator may keep more; a leak of 100 bytes per request would be 9 MB
# Heads are kept for responses that have an equal one, and with their field Date there is a new one each second.
HEADS = ("hookline.wire.response_head.ResponseHead", "hookline.wire.response_head.StatusLine")
OBJECTS = 40  # of one type


async def get(client, server, number):
    """A request; one of a hundred is cancelled at some await."""
    task = asyncio.ensure_future(client.get(server.site.url("/small.txt"), headers={"X-Number": str(number % 20)}))
    if number % 100 == 0:
        for _ in range(number // 100 % 5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return
    assert (await task).status_code == 200


async def transfer(client, server, number):
    """A streamed body: most come down, one of five goes up, and one of ten is given up in the middle."""

    async def pieces():
        for _ in range(4):
            yield bytes(PART // 4)

    if number % 5 == 0:
        response = await client.put(server.site.url(f"/store/soak{number % AT_ONCE}"), data=pieces())
        assert response.status_code in (201, 204)
        return
    async with await client.get(server.site.url("/part.bin"), stream=True) as response:
        size = 0
        async for piece in response.raw:
            size += len(piece)
            if number % 10 == 1:
                return
        assert size == PART


async def run(client, server, call, numbers):
    """Make a call for each number, AT_ONCE at a time."""

    async def work():
        for number in numbers:
            await call(client, server, number)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


async def soak(certificates, server, engine, requests, streams):
    (server.child.directory / "www/part.bin").write_bytes(bytes(PART))
    async with HttpClient(
        verify=certificates.ca_file, autoload=False, plugins=[Http2()], http2_engine=engine, timeout=60
    ) as client:
        numbers = [(get, itertools.count(1), requests), (transfer, itertools.count(1), streams)]
        levels = []
        begin = time.process_time()
        for part in ("first", "rest"):
            for call, counter, count in numbers:
                tenth = count // 10
                await run(client, server, call, list_of(counter, tenth if part == "first" else count - tenth))
            await asyncio.sleep(0.1)  # the server has heard of what was cancelled
            assert client.stats()[:1] == (1,)
            assert client.stats().streams == client.stats().waiting == 0
            levels.append(take_levels())
        first, last = levels
        print(f"{engine}: {requests} requests, {streams} bodies, {time.process_time() - begin:.0f} s of CPU")  # noqa: T201
        print(first, last, first.growth(last, 0), sep="\n")  # noqa: T201
        assert (last.tasks, last.descriptors) == (first.tasks, first.descriptors)
        grown = first.growth(last, OBJECTS)
        assert all(name in HEADS and count <= MAX_REMEMBERED_HEADS for name, count in grown.items()), grown
        assert last.memory - first.memory < MEMORY


def list_of(counter, count):
    """An iterator of the next numbers, which all workers share."""
    return iter(list(itertools.islice(counter, count)))


async def test_few_thousand_exchanges_leave_nothing_behind(certificates, nginx_http2, engine):
    await soak(certificates, nginx_http2, engine, 2_000, 200)


@pytest.mark.soak
async def test_hundred_thousand_exchanges_leave_nothing_behind(certificates, nginx_http2, engine):
    await soak(certificates, nginx_http2, engine, 100_000, 10_000)
