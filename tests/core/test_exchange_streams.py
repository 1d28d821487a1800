"""stream=True: the body while it arrives, with back-pressure; and all ways to end it early."""

import asyncio
import gc

import pytest

from hookline import HttpRequestException, ReadTimeout, StreamConsumedError, Timeout
from hookline_testing.server import Gate, Script, chunked, head, response
from kit.slots import is_free

pytestmark = [pytest.mark.client(autoload=False, pool_size=1), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


@pytest.mark.parametrize("cut", ["whole", "bytes", 100])
@pytest.mark.parametrize("raw", [response(b"hello wide world"), chunked(b"hello ", b"wide ", b"world")])
async def test_stream_gives_the_body(client, scripted, raw, cut):
    scripted.answer(raw, cut=cut)
    answer = await client.get(scripted.url(), stream=True)
    assert b"".join([chunk async for chunk in answer.raw]) == b"hello wide world"
    await is_free(client, scripted)
    assert scripted.connections == 1


async def test_stream_is_handed_out_at_its_head(client, scripted):
    gate = Gate()
    scripted.answer(Script(head(200, [("Content-Length", "6")])).hold(gate).send(b"onetwo"))
    answer = await client.get(scripted.url(), stream=True)
    assert answer.status_code == 200
    with pytest.raises(StreamConsumedError, match="is a stream"):
        _ = answer.content
    gate.open()
    assert await answer.raw.read() == b"onetwo"
    assert answer.content == b"onetwo"


async def test_read_returns_at_most_the_given_number_of_bytes(client, scripted):
    scripted.answer(response(b"0123456789"))
    answer = await client.get(scripted.url(), stream=True)
    assert await answer.raw.read(4) == b"0123"
    assert await answer.raw.read(4) == b"4567"
    assert await answer.raw.read() == b"89"
    with pytest.raises(StreamConsumedError):
        _ = answer.content
    await is_free(client, scripted)


async def test_stream_is_iterated_once(client, scripted):
    scripted.answer(response(b"0123456789"))
    answer = await client.get(scripted.url(), stream=True)
    assert [chunk async for chunk in answer.raw] == [b"0123456789"]
    with pytest.raises(StreamConsumedError):
        _ = answer.content
    with pytest.raises(StreamConsumedError):
        answer.raw.__aiter__()
    with pytest.raises(StreamConsumedError):
        await answer.raw.read()


async def test_second_reader_at_the_same_time_is_refused_and_the_first_goes_on(client, scripted):
    gate = Gate()
    scripted.answer(Script(head(200, [("Content-Length", "6")])).hold(gate).send(b"onetwo"))
    answer = await client.get(scripted.url(), stream=True)
    first = asyncio.create_task(answer.raw.read(6))
    await asyncio.sleep(0)
    with pytest.raises(StreamConsumedError, match="at the same time"):
        await answer.raw.read(6)
    gate.open()
    assert await first == b"onetwo"
    await is_free(client, scripted)


@pytest.mark.parametrize("raw", [head(204), head(304), response(b"")])
async def test_stream_without_a_body_frees_its_connection_at_once(client, scripted, raw):
    scripted.answer(raw)
    answer = await client.get(scripted.url(), stream=True)
    await is_free(client, scripted)
    assert await answer.raw.read() == b""
    assert answer.content == b""


async def test_stream_of_head_frees_its_connection_at_once(client, scripted):
    scripted.answer(head(200, [("Content-Length", "10")]))
    answer = await client.head(scripted.url(), stream=True)
    await is_free(client, scripted)
    assert answer.content == b""


@pytest.mark.parametrize("way", ["aclose", "close", "with", "break"])
async def test_closed_stream_leaves_the_pool_intact(client, scripted, protocol, way):
    scripted.answer(Script(head(200, [("Content-Length", "100")]) + b"some").stall())
    answer = await client.get(scripted.url(), stream=True)
    if way == "aclose":
        await answer.aclose()
    elif way == "close":
        await answer.close()
    else:
        async with answer:
            if way == "break":
                async for _chunk in answer.raw:
                    break
    await is_free(client, scripted)
    assert scripted.connections == (1 if protocol == "HTTP/2" else 2)


async def test_stream_that_was_closed_is_no_empty_body(client, scripted):
    scripted.answer(Script(head(200, [("Content-Length", "100")]) + b"some").stall())
    answer = await client.get(scripted.url(), stream=True)
    await answer.aclose()
    with pytest.raises(StreamConsumedError, match="closed"):
        _ = answer.content
    with pytest.raises(StreamConsumedError, match="closed"):
        await answer.raw.read()


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("end", ["close", "reset"])
async def test_stream_that_was_cut_raises_and_is_no_shorter_body(client, scripted, end):
    script = Script(head(200, [("Content-Length", "100")]) + b"some")
    scripted.answer(script.until_read().close() if end == "close" else script.reset())
    answer = await client.get(scripted.url(), stream=True)
    with pytest.raises(HttpRequestException, match="96 bytes before the end") as caught:
        await answer.raw.read()
    assert caught.value.request is answer.request
    with pytest.raises(StreamConsumedError):
        _ = answer.content
    await is_free(client, scripted)


async def test_stream_gives_what_came_before_it_was_cut(client, scripted):
    scripted.answer(Script(head(200, [("Content-Length", "100")]) + b"some").until_read().close())
    answer = await client.get(scripted.url(), stream=True)
    chunks = aiter(answer.raw)
    assert await anext(chunks) == b"some"
    with pytest.raises(HttpRequestException):
        await anext(chunks)


async def test_stream_that_is_forgotten_gives_its_connection_back_loudly(client, scripted):
    scripted.answer(Script(head(200, [("Content-Length", "100")]) + b"some").stall())
    answer = await client.get(scripted.url(), stream=True)
    with pytest.warns(ResourceWarning, match="neither read"):  # noqa: PT031 - a forgotten stream takes two steps
        del answer
        gc.collect()
    await scripted.until(given_up=1)
    await is_free(client, scripted)


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_unread_stream_stops_the_server(client, make_scripted, framing):
    server = make_scripted(strict=False)
    size, block = 50 * 1024 * 1024, b"x" * 65536
    sent = 0

    async def send(reader, writer, request):
        nonlocal sent
        chunked_ = framing == "chunked"
        writer.write(head(200, [("Transfer-Encoding", "chunked") if chunked_ else ("Content-Length", str(size))]))
        while sent < size:
            writer.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked_ else block)
            await writer.drain()
            sent += len(block)
        writer.write(b"0\r\n\r\n" if chunked_ else b"")

    server.answer(send)
    answer = await client.get(server.url(), stream=True)
    connection = answer.connection
    previous = -1
    while sent != previous:  # until the kernel's buffers are full
        previous = sent
        await asyncio.sleep(0.1)
    assert sent < size // 2
    assert connection.buffered <= 512 * 1024  # the limit, and one read past it
    assert connection.is_reading_paused

    total = 0
    async for chunk in answer.raw:
        total += len(chunk)
        assert len(chunk) <= 512 * 1024
    assert total == size
    await is_free(client, server)


async def test_read_timeout_ends_a_silent_stream(client, scripted):
    scripted.answer(Script(head(200, [("Content-Length", "100")]) + b"some").stall())
    answer = await client.get(scripted.url(), stream=True, timeout=Timeout(read=0.1))
    assert await answer.raw.read(10) == b"some"
    with pytest.raises(ReadTimeout):
        await answer.raw.read(10)
    await is_free(client, scripted)


async def test_total_timeout_ends_at_the_handing_out(client, scripted):
    gate = Gate()
    scripted.answer(Script(head(200, [("Content-Length", "4")])).hold(gate).send(b"late"))
    answer = await client.get(scripted.url(), stream=True, timeout=0.15)
    await asyncio.sleep(0.3)  # past the deadline
    gate.open()
    assert await answer.raw.read() == b"late"


async def test_slow_reader_is_no_read_timeout(client, scripted):
    scripted.answer(Script(head(200, [("Content-Length", "8")]) + b"some").until_read().send(b"more"))
    answer = await client.get(scripted.url(), stream=True, timeout=Timeout(read=0.1))
    await asyncio.sleep(0.3)  # longer than the timeout
    assert await answer.raw.read() == b"somemore"


async def test_cancelled_read_leaves_the_pool_intact(client, scripted):
    scripted.answer(Script(head(200, [("Content-Length", "100")]) + b"some").stall())
    answer = await client.get(scripted.url(), stream=True)
    assert await answer.raw.read(10) == b"some"
    task = asyncio.create_task(answer.raw.read(10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await is_free(client, scripted)
