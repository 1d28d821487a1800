"""A peer that answers while it reads: the rest of the body goes out beside the response, and ends with it."""

import asyncio
import gc

import pytest

import hookline
from hookline import HttpTimeout, ReadTimeout, Timeout
from hookline.errors import ClientClosed, ConnectionClosed, StreamAbandoned
from hookline_testing.server import Script, head, response
from kit.recorder import client_with, on

pytestmark = [
    pytest.mark.client(autoload=False, pool_size=1, trusts_test_ca=True, timeout=10),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

BLOCK = b"x" * (256 * 1024)
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Echo:
    """Sends each chunk back as it comes, behind a head that does not wait for the first one."""

    def __init__(self):
        self.connections = 0
        self.heard, self.lost = asyncio.Event(), asyncio.Event()
        self.url = ""

    async def __call__(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                writer.write(HEAD)
                left = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or -1)
                while True:
                    data = await self.piece(reader, left)
                    self.heard.set()
                    left -= len(data)
                    writer.write(b"%x\r\n%b\r\n" % (len(data), data))
                    await writer.drain()
                    if not data:
                        break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.lost.set()
        finally:
            writer.close()

    async def piece(self, reader, left):
        if left >= 0:
            return await reader.read(min(left, 65536)) if left else b""
        size = int(await reader.readuntil(b"\n"), 16)
        return (await reader.readexactly(size + 2))[:-2]


@pytest.fixture(params=["plain", "tls"])
async def echo(request, certificates):
    peer = Echo()
    context = certificates.server_context() if request.param == "tls" else None
    tasks = set()

    async def accept(reader, writer):
        tasks.add(task := asyncio.create_task(peer(reader, writer)))
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    peer.url = f"http{'s' if context else ''}://127.0.0.1:{port}/"
    async with server:
        yield peer
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def is_free(client, echo):
    """Is its one slot free, and nothing left behind?"""
    answer = await client.post(echo.url, data=iter([b"next"]))
    assert answer.content == b"next"
    assert (client.stats().connections, client.stats().in_use) == (1, 0)
    assert not client.loop_resources.is_busy


class Source:
    """A source of pieces that the test gives, which records whether it was closed."""

    def __init__(self):
        self.pieces = asyncio.Queue()
        self.closed = asyncio.Event()

    async def __call__(self):
        try:
            while piece := await self.pieces.get():
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed.set()

    def give(self, *pieces):
        for piece in pieces:
            self.pieces.put_nowait(piece)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "make",
    [lambda: BLOCK * 12, lambda: hookline.Source([BLOCK] * 12, len(BLOCK) * 12), lambda: iter([BLOCK] * 12)],
    ids=["bytes", "source", "chunks"],
)
async def test_echo_comes_whole_and_its_connection_is_kept(client, echo, make, stream):
    for _ in range(2):
        answer = await client.post(echo.url, data=make(), stream=stream)
        assert await answer.raw.read() == BLOCK * 12
    await is_free(client, echo)
    assert echo.connections == 1


async def test_handlers_of_the_head_run_while_the_body_goes_out(client, echo):
    source = Source()

    async def on_headers(response, **_):
        source.give(b"two", None)

    source.give(b"one")
    answer = await client.post(echo.url, data=source(), on_headers=on_headers)
    assert answer.content == b"onetwo"
    await is_free(client, echo)


async def test_what_is_sent_may_follow_from_what_came(client, echo):
    source, told = Source(), []

    async def count(chunks, length):
        async for chunk in chunks:
            yield chunk
            told.append((len(chunk), length))

    def pre_request(response, **_):
        response.wrap_upload(count)

    source.give(b"0")
    answer = await client.post(echo.url, data=source(), stream=True, timings=True, pre_request=pre_request)
    for number in range(1, 20):
        assert await answer.raw.read(100) == b"%d" % (number - 1)
        source.give(b"%d" % number)
    source.give(None)
    assert await answer.raw.read() == b"19"
    assert sum(size for size, _ in told) == 30
    assert {length for _, length in told} == {None}
    assert answer.timings.first_byte < answer.timings.sent < answer.timings.done
    assert source.closed.is_set()
    await is_free(client, echo)
    assert echo.connections == 1


async def test_unread_stream_stops_the_upload(client, echo):
    given = 0

    def chunks():
        nonlocal given
        for _ in range(200):
            given += 1
            yield BLOCK

    answer = await client.post(echo.url, data=chunks(), stream=True)
    previous = -1
    while given != previous:
        previous = given
        await asyncio.sleep(0.2)
    assert given < 100
    size = 0
    async for chunk in answer.raw:
        size += len(chunk)
    assert (given, size) == (200, 200 * len(BLOCK))
    await is_free(client, echo)


@pytest.mark.parametrize("stream", [False, True])
async def test_error_of_the_source_reaches_the_caller_unchanged(client, echo, stream):
    source, mistake = Source(), ValueError("mine")
    source.give(b"one")
    call = asyncio.create_task(client.post(echo.url, data=source(), stream=stream))
    await asyncio.wait_for(echo.heard.wait(), 5)
    if stream:
        answer = await call
        assert await answer.raw.read(3) == b"one"
        call = asyncio.ensure_future(answer.raw.read(3))
    source.give(mistake)
    with pytest.raises(ValueError, match="mine") as caught:
        await call
    assert caught.value is mistake
    await asyncio.wait_for(echo.lost.wait(), 5)
    await is_free(client, echo)


@pytest.mark.parametrize("way", ["close", "forget", "cancel", "handler", "client", "silence"])
async def test_end_of_the_response_ends_the_upload(client, echo, way):
    source = Source()
    source.give(b"one")

    def failing(response, data=b""):
        raise ValueError("mine")

    if way in ("cancel", "handler"):
        options = {"data_processed": failing} if way == "handler" else {}
        call = asyncio.create_task(client.post(echo.url, data=source(), **options))
        await asyncio.wait_for(echo.heard.wait(), 5)
        if way == "cancel":
            await asyncio.sleep(0.05)
            call.cancel()
        with pytest.raises(asyncio.CancelledError if way == "cancel" else ValueError):
            await call
    else:
        answer = await client.post(echo.url, data=source(), stream=True, timeout=Timeout(read=0.2))
        assert await answer.raw.read(3) == b"one"
        if way == "close":
            await answer.aclose()
        elif way == "client":
            await client.close()
            with pytest.raises(ClientClosed):
                await answer.raw.read(3)
        elif way == "silence":
            with pytest.raises(ReadTimeout):
                await answer.raw.read(3)
        else:
            with pytest.warns(ResourceWarning, match="neither read to its end nor closed"):  # noqa: PT031
                del answer
                gc.collect()
    await asyncio.wait_for(source.closed.wait(), 5)
    await asyncio.wait_for(echo.lost.wait(), 5)
    await is_free(client, echo)


async def test_post_request_fires_once_whichever_direction_ends_first(echo, certificates):
    log = []
    told = on("post_request", lambda response, exc: log.append(type(exc)))
    async with client_with(told, pool_size=1, verify=certificates.ca_file) as client:
        await client.post(echo.url, data=iter([BLOCK]))
        source = Source()
        source.give(b"one")
        answer = await client.post(echo.url, data=source(), stream=True)
        await answer.aclose()
        source.give(ValueError("too late"))
        await asyncio.wait_for(source.closed.wait(), 5)
        await is_free(client, echo)
    assert log == [type(None), StreamAbandoned, type(None)]


async def test_total_timeout_holds_while_both_go_on(client, echo):
    source = Source()
    source.give(b"one")
    with pytest.raises(HttpTimeout, match="total"):
        await client.post(echo.url, data=source(), timeout=0.2)
    await asyncio.wait_for(source.closed.wait(), 5)
    await is_free(client, echo)


async def test_complete_response_ends_the_upload(client, make_scripted):

    server = make_scripted(receive_buffer=4096, strict=False)
    server.answer(Script(response(b"enough")).refuse_to_read(), early=True)
    answer = await client.post(server.url(), data=iter([BLOCK] * 200))
    assert answer.content == b"enough"


async def test_cut_within_a_success_is_an_error_of_the_call(client, make_scripted):

    server = make_scripted(strict=False)
    server.answer(Script(head(200, [("Content-Length", "9")]) + b"four").drop(), early=True)
    source = Source()
    source.give(b"one")
    with pytest.raises(ConnectionClosed):
        await client.post(server.url(), data=source())
    assert source.closed.is_set()
