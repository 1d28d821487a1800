"""Large bodies of known length, which go past the shared buffer: whole, cut, stalled, left, and followed by others."""

import asyncio

import pytest

from hookline import ConnectionClosed, HttpClient, ReadTimeout, Timeout
from kit.slots import is_free
from servers.changes import Gate
from servers.messages import head, response
from servers.script import Script

MIB = 1024 * 1024
BODY = bytes(range(256)) * (3 * MIB // 256)


@pytest.fixture
async def client():
    async with HttpClient(autoload=False, pool_size=1) as client:
        yield client


def announced(size):
    return head(200, [("Content-Length", str(size))])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("cut", ["whole", 20_000, 70_000])
async def test_bulk_body_arrives_whole(client, scripted, stream, cut):
    scripted.answer(response(BODY), cut=cut)
    answer = await client.get(scripted.url(), stream=stream)
    body = b"".join([chunk async for chunk in answer.raw]) if stream else answer.content
    assert body == BODY
    await is_free(client, scripted)
    assert scripted.connections == 1


async def test_bulk_bodies_follow_each_other_on_one_connection(client, scripted):
    for _ in range(3):
        scripted.answer(response(BODY))
        assert (await client.get(scripted.url())).content == BODY
    await is_free(client, scripted)
    assert scripted.connections == 1


async def test_stall_in_a_fast_body_keeps_no_bytes_back(client, scripted):
    gate = Gate()
    sent = 2 * MIB + 5_000  # the last bytes are fewer than the low-water mark
    scripted.answer(Script(announced(len(BODY)) + BODY[:sent]).hold(gate).send(BODY[sent:]))
    answer = await client.get(scripted.url(), stream=True)
    body = b""
    async with asyncio.timeout(5):
        async for chunk in answer.raw:
            body += chunk
            if len(body) == sent:
                gate.open()
    assert body == BODY


async def test_drip_behind_a_fast_beginning_comes_as_it_is_sent(client, scripted):
    sent = 2 * MIB
    script = Script(announced(sent + 20) + BODY[:sent]).drip(b"x" * 20, interval=0.05)
    scripted.answer(script)
    answer = await client.get(scripted.url(), stream=True)
    tail = 0
    size = 0
    async for chunk in answer.raw:
        size += len(chunk)
        tail += size > sent
    assert size == sent + 20
    assert tail > 5  # chunks of the drip, not one at its end


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_bulk_body_cut_by_the_server_is_an_error(client, scripted, ending):
    script = Script(announced(len(BODY)) + BODY[: 2 * MIB + 10])
    scripted.answer(getattr(script, ending)())
    with pytest.raises(ConnectionClosed, match="closed the connection"):
        await client.get(scripted.url())
    await is_free(client, scripted)


async def test_bytes_behind_a_bulk_body_close_the_connection(client, scripted):
    scripted.answer(Script(announced(2 * MIB) + BODY[: 2 * MIB] + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
    assert (await client.get(scripted.url())).content == BODY[: 2 * MIB]
    await is_free(client, scripted)
    assert scripted.connections == 2


async def test_bulk_stream_that_is_left_frees_its_slot(client, scripted):
    scripted.answer(Script().endless(announced(50 * MIB) + b"x" * 65_536))
    async with await client.get(scripted.url(), stream=True) as answer:
        async for _ in answer.raw:
            break
    await is_free(client, scripted)


async def test_bulk_stream_that_nobody_reads_stops_the_server(client, scripted):
    scripted.answer(response(bytes(30 * MIB)))
    answer = await client.get(scripted.url(), stream=True)
    await asyncio.sleep(0.3)
    connection = answer.connection
    assert connection.paused
    assert connection.buffered <= 512 * 1024
    assert len(await answer.raw.read()) == 30 * MIB


async def test_read_timeout_ends_a_bulk_body_that_stalls(client, scripted):
    scripted.answer(Script(announced(len(BODY)) + BODY[: 2 * MIB]).stall())
    with pytest.raises(ReadTimeout):
        await client.get(scripted.url(), timeout=Timeout(read=0.3))
    await is_free(client, scripted)


async def test_cancelled_bulk_body_frees_its_slot(client, scripted):
    gate = Gate()
    scripted.answer(Script(announced(len(BODY)) + BODY[: 2 * MIB]).signal(gate).stall())
    task = asyncio.create_task(client.get(scripted.url()))
    await gate.until()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await is_free(client, scripted)


async def test_data_handler_bound_within_a_bulk_body_sees_the_rest(client, scripted):
    gate = Gate()
    scripted.answer(Script(announced(len(BODY)) + BODY[: 2 * MIB]).hold(gate).send(BODY[2 * MIB :]))
    seen = []
    answer = await client.get(scripted.url(), stream=True)
    size = 0
    async for chunk in answer.raw:
        size += len(chunk)
        if size == 2 * MIB:
            answer.event("data_received").bind(lambda response, data: seen.append(len(data)))
            gate.open()
    assert sum(seen) == MIB
    assert size == len(BODY)
