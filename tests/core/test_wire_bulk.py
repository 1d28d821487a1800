"""Large bodies of known length, which go past the shared buffer: whole, cut, stalled, left, and followed by others."""

import asyncio
import fcntl
import os
import random
import socket
import struct
import sys
import termios
import time

import pytest

from hookline import BodyTooLarge, ConnectionClosed, ReadTimeout, Timeout
from hookline.http1.large_bodies import LARGE_BODY, LargeBodyReader
from hookline_testing.server import Gate, Script, head, response
from kit.slots import is_free

pytestmark = pytest.mark.client(autoload=False, pool_size=1)

MIB = 1024 * 1024
BODY = bytes(range(256)) * (3 * MIB // 256)


@pytest.fixture
def at_once(monkeypatch):
    """What was read past the loop: sizes, and errors by their class."""
    outcomes = []
    read = os.read

    def watched(descriptor, size):
        try:
            data = read(descriptor, size)
        except OSError as error:
            outcomes.append(type(error))
            raise
        outcomes.append(len(data))
        return data

    monkeypatch.setattr("hookline.http1.large_bodies.os.read", watched)
    return outcomes


def reads_at_once():
    """Does the loop let us? uvloop has its own way to read."""
    return isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop)


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


async def test_unread_bulk_stream_stops_the_server(client, scripted):
    scripted.answer(response(bytes(30 * MIB)))
    answer = await client.get(scripted.url(), stream=True)
    await asyncio.sleep(0.3)
    connection = answer.connection
    assert connection.is_reading_paused
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


def let_fill(answer):
    """Block the loop until the kernel holds as much as the reader's mark asks for; at most 0.1 s, as it may have no room."""
    connection = answer.connection
    if connection is None or not reads_at_once():
        return
    wanted = min(768 * 1024, connection.bytes_remaining)
    for _ in range(100):
        count = fcntl.ioctl(connection.transport.get_extra_info("socket").fileno(), termios.FIONREAD, bytes(4))
        if int.from_bytes(count, sys.byteorder) >= wanted:
            return
        time.sleep(0.001)


async def test_reader_takes_at_once_what_the_kernel_holds(client, scripted, at_once):
    body = bytes(range(256)) * (20 * MIB // 256)
    scripted.answer(response(body))
    answer = await client.get(scripted.url(), stream=True)
    chunks = []
    async for chunk in answer.raw:
        chunks.append(chunk)
        let_fill(answer)
    assert b"".join(chunks) == body
    assert max(map(len, chunks)) <= 512 * 1024
    if reads_at_once():
        assert len([size for size in at_once if size == 256 * 1024]) > 20  # of 80 reads two thirds could be
    else:
        assert not at_once
    await is_free(client, scripted)
    assert scripted.connections == 1


async def test_other_tasks_run_while_a_fast_stream_is_read(client, scripted):
    scripted.answer(response(bytes(20 * MIB)))
    answer = await client.get(scripted.url(), stream=True)
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counter = asyncio.create_task(count())
    largest = last = chunks = 0
    async for _ in answer.raw:
        chunks = chunks + 1 if turns == last else 1
        largest, last = max(largest, chunks), turns
        let_fill(answer)
    counter.cancel()
    assert largest <= 4  # chunks between two turns of the loop


async def close(connection):
    await connection.close()


async def reset(connection):
    """Send RST behind what is still unread; the script's own waits until it was read."""
    await asyncio.sleep(0.02)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.drop()


async def open_at_one_mebibyte(answer, gate, sizes):
    async for chunk in answer.raw:
        sizes.append(len(chunk))
        if sum(sizes) == MIB:
            gate.open()
            time.sleep(0.1)  # noqa: ASYNC251 - until all that the server still sends is in the kernel


@pytest.mark.parametrize(("ending", "outcome"), [(close, 0), (reset, ConnectionResetError)])
async def test_end_that_is_read_at_once_is_an_error_all_the_same(client, scripted, at_once, ending, outcome):
    for _ in range(20):  # until the kernel's wake-ups have fallen as needed
        gate = Gate()
        script = Script(announced(4 * MIB) + BODY[:MIB]).hold(gate).send(BODY[MIB : MIB + 150_000])
        scripted.answer(script.then(ending))
        answer = await client.get(scripted.url(), stream=True)
        sizes = []
        with pytest.raises(ConnectionClosed, match=f"{3 * MIB - 150_000} bytes before the end of the body") as caught:
            await open_at_one_mebibyte(answer, gate, sizes)
        assert sum(sizes) == MIB + 150_000
        assert (type(caught.value.__cause__) is ConnectionResetError) == (ending is reset)
        await is_free(client, scripted)
        if outcome in at_once or not reads_at_once():
            return
    pytest.fail(f"no read at once has met the end: {at_once}")


async def test_data_handlers_hear_of_what_is_read_at_once(client, scripted, at_once):
    scripted.answer(response(bytes(20 * MIB)))
    answer = await client.get(scripted.url(), stream=True)
    seen, left, reads = [], 0, 0
    async for chunk in answer.raw:
        left -= len(chunk)
        let_fill(answer)
        if not reads and (at_once or not reads_at_once()):
            reads = len(at_once) or 1
            answer.event("data_received").bind(lambda response, data: seen.append(len(data)))
            left = answer.connection.bytes_remaining + answer.connection.buffered
            expected = answer.connection.bytes_remaining
    assert left == 0
    assert len(at_once) > reads or not reads_at_once()
    assert sum(seen) == expected


async def test_error_of_a_data_handler_within_a_read_at_once_reaches_the_reader(client, scripted, at_once):
    scripted.answer(response(bytes(20 * MIB)))
    answer = await client.get(scripted.url(), stream=True)
    reads = 0

    def refuse(response, data):
        if len(at_once) > reads or not reads_at_once():
            raise LookupError("refused")

    async def read():
        nonlocal reads
        async for _ in answer.raw:
            let_fill(answer)
            if not reads and (at_once or not reads_at_once()):
                reads = len(at_once) or 1
                answer.event("data_received").bind(refuse)

    with pytest.raises(LookupError, match="refused"):
        await read()
    await is_free(client, scripted)


@pytest.mark.parametrize("seed", range(12))
async def test_stream_arrives_whole_however_both_sides_hesitate(client, scripted, seed):
    choice = random.Random(seed)
    body = choice.randbytes(choice.randrange(2 * MIB, 6 * MIB))
    script, sent = Script(announced(len(body))), 0
    while sent < len(body):
        size = choice.choice([1_000, 70_000, 300_000, 800_000, 2_000_000])
        script.send(body[sent : sent + size]).pause(choice.choice([0, 0, 0.001, 0.03]))
        sent += size
    scripted.answer(script)
    answer = await client.get(scripted.url(), stream=True)
    chunks = []
    async with asyncio.timeout(20):
        async for chunk in answer.raw:
            chunks.append(chunk)
            if choice.random() < 0.3:
                let_fill(answer)
            elif choice.random() < 0.3:
                await asyncio.sleep(choice.choice([0, 0.002, 0.03]))
    assert b"".join(chunks) == body
    await is_free(client, scripted)
    assert scripted.connections == 1


@pytest.fixture
def readers(monkeypatch):
    """How many bytes were still to come when each large body began."""
    begun = []

    class Watched(LargeBodyReader):
        __slots__ = ()

        def __init__(self, connection):
            begun.append(connection.bytes_remaining)
            super().__init__(connection)

    monkeypatch.setattr("hookline.http1.connection.LargeBodyReader", Watched)
    return begun


@pytest.mark.parametrize("size", [LARGE_BODY - 1, LARGE_BODY, LARGE_BODY + 1], ids=["below", "at", "above"])
async def test_body_is_read_in_bulk_from_256_kib_on(client, scripted, readers, size):
    body = BODY[:size]
    for _ in range(2):  # the second on the connection of the first
        gate = Gate()
        scripted.answer(Script(announced(size)).hold(gate).send(body))
        answer = await client.get(scripted.url(), stream=True)  # the head came alone: all of the body is still to come
        gate.open()
        assert await answer.raw.read() == body
        await is_free(client, scripted)
    assert readers == ([size] * 2 if size >= LARGE_BODY and reads_at_once() else [])
    scripted.answer(response(body))
    assert (await client.get(scripted.url())).content == body
    assert scripted.connections == 1


@pytest.mark.parametrize("cut", [1, 1000, 65_536, LARGE_BODY - 1])
async def test_body_of_256_kib_that_is_cut_is_an_error_that_says_how_much_is_missing(client, scripted, cut):
    scripted.answer(Script(announced(LARGE_BODY)).send(BODY[: LARGE_BODY - cut]).close())
    with pytest.raises(ConnectionClosed, match=f"{cut} bytes before the end"):
        await client.get(scripted.url())
    await is_free(client, scripted)


async def test_max_body_refuses_a_bulk_body_by_its_head(client, scripted, readers):
    scripted.answer(response(BODY[: LARGE_BODY + 1]), response(BODY[:LARGE_BODY]))
    with pytest.raises(BodyTooLarge):
        await client.get(scripted.url(), max_body=LARGE_BODY)
    assert readers == []
    assert (await client.get(scripted.url(), max_body=LARGE_BODY)).content == BODY[:LARGE_BODY]


async def test_data_handlers_keep_a_body_of_256_kib_from_the_bulk_way(client, scripted, readers):
    seen = []
    scripted.answer(response(BODY[: 2 * LARGE_BODY]))
    got = await client.get(scripted.url(), data_received=lambda response, data: seen.append(data))
    assert got.content == BODY[: 2 * LARGE_BODY]
    assert b"".join(seen).endswith(BODY[: 2 * LARGE_BODY])
    assert readers == []
