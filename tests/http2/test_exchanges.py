"""An exchange over HTTP/2 is like any other; many share one connection."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from hookline import (
    BodyTooLarge,
    ClientClosed,
    HttpTimeout,
    PoolTimeout,
    ReadTimeout,
    RemoteProtocolError,
    Timeout,
    WriteTimeout,
    hookimpl,
)
from kit.turns import until


async def test_get(client, server):
    response = await client.get(server.url())
    assert (response.status_code, response.text, response.version) == (200, "hello", "HTTP/2")
    assert response.headers["content-length"] == "5"
    (request,) = server.requests
    assert request.fields[:4] == [
        (":method", "GET"), (":scheme", "https"), (":authority", f"localhost:{server.port}"), (":path", "/hello"),
    ]  # fmt: skip


async def test_hundred_exchanges_at_once_on_one_connection(client, server):
    tasks = [asyncio.create_task(client.get(server.url("/wait"))) for _ in range(100)]
    await server.until(requests=100)
    assert (server.connections, server.most_streams) == (1, 100)
    assert client.stats().streams == 100
    server.gate.set()
    assert [(await task).text for task in tasks] == ["wait"] * 100
    assert client.stats().streams == 0


async def test_thousand_exchanges_a_hundred_at_a_time(client, server):
    limit = asyncio.Semaphore(100)

    async def get(number):
        async with limit:
            return await client.get(server.url(f"/bytes/{number}"))

    responses = await asyncio.gather(*map(get, range(1000)))
    assert [len(response.content) for response in responses] == list(range(1000))
    assert server.connections == 1


async def test_requests_beyond_the_limit_of_the_server_wait(client, make_server):
    server = await make_server(settings={3: 3})
    assert (await client.get(server.url())).ok  # its settings are known now
    tasks = [asyncio.create_task(client.get(server.url(f"/wait/{n}"))) for n in range(12)]
    await server.until(requests=4)
    server.gate.set()
    responses = await asyncio.gather(*tasks)
    assert all(response.ok for response in responses)
    assert (server.connections, server.most_streams) == (1, 3)
    assert server.targets[1:] == [f"/wait/{n}" for n in range(12)]


async def test_limit_that_comes_after_the_first_requests_is_kept(client, server):
    async def answer(session, request):
        session.settings({3: 2})
        session.head(request.stream, 204, ends=True)

    server.answers["/fewer"] = answer
    assert (await client.get(server.url("/fewer"))).status_code == 204
    tasks = [asyncio.create_task(client.get(server.url("/wait"))) for _ in range(6)]
    await server.until(requests=3)
    server.gate.set()
    assert [(await task).text for task in tasks] == ["wait"] * 6
    assert server.most_streams == 2


async def test_server_that_takes_no_streams_now(client, server):
    async def answer(session, request):
        session.settings({3: 0})
        session.head(request.stream, 204, ends=True)

    server.answers["/none"] = answer
    await client.get(server.url("/none"))
    with pytest.raises(PoolTimeout):
        await client.get(server.url(), timeout=Timeout(pool=0.05))
    server.sessions[0].settings({3: 1})
    assert (await client.get(server.url())).text == "hello"


@pytest.mark.parametrize("size", [0, 1, 16384, 128 * 1024, 3_000_000])
async def test_bodies_both_ways(client, server, size):
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    response = await client.post(server.url("/echo"), data=content)
    assert response.content == content
    assert server.requests[0]["content-length"] == str(size)


async def test_body_of_unknown_length(client, server):
    async def chunks():
        for number in range(5):
            yield b"%d" % number * 1000

    response = await client.post(server.url("/echo"), data=chunks())
    assert response.content == b"".join(b"%d" % number * 1000 for number in range(5))
    assert server.requests[0].all("transfer-encoding") == server.requests[0].all("content-length") == []


async def test_uploads_share_the_connection(client, server):
    """None waits for the end of another: when the first ends, all have sent most of their bodies."""
    contents = [bytes([65 + n]) * 2_000_000 for n in range(4)]
    at_first_end = []

    async def answer(session, request):
        await request.ended.wait()
        if not at_first_end:
            at_first_end.extend(len(each.body) for each in server.requests)
        session.head(request.stream)
        await session.body(request.stream, bytes(request.body))

    server.answers["/x"] = answer
    responses = await asyncio.gather(*(client.post(server.url("/x"), data=content) for content in contents))
    assert [response.content for response in responses] == contents
    assert server.connections == 1
    assert min(at_first_end) > 1_000_000


async def test_upload_that_begins_later_does_not_wait_for_the_end_of_the_first(client, server):
    """What was queued while the first was the only one is all that comes before the second."""
    ends = asyncio.Event()

    async def endless():
        while not ends.is_set():
            yield bytes(200_000)

    async def answer(session, request):
        await request.ended.wait()
        session.head(request.stream, ends=True)

    server.answers["/x"] = answer
    first = asyncio.ensure_future(client.post(server.url("/x"), data=endless()))
    await until(lambda: server.requests and len(server.requests[0].body) > 1_000_000)
    await client.post(server.url("/x"), data=b"b" * 500_000)
    assert not first.done()
    assert len(server.requests[1].body) == 500_000
    ends.set()
    await first


@pytest.mark.parametrize("status", [204, 304])
async def test_status_without_a_body(client, server, status):
    async def answer(session, request):
        session.head(request.stream, status, *([("content-length", "300")] if status == 304 else []), ends=True)

    server.answers["/x"] = answer
    response = await client.get(server.url("/x"))
    assert (response.status_code, response.content) == (status, b"")


async def test_head(client, server):
    response = await client.head(server.url("/bytes/300"))
    assert (response.headers["content-length"], response.content) == ("300", b"")
    assert (await client.get(server.url())).ok
    assert server.connections == 1


async def test_head_whose_end_is_an_empty_frame(client, server):
    async def answer(session, request):
        session.head(request.stream, 200, ("content-length", "300"))
        session.data(request.stream, ends=True)

    server.answers["/x"] = answer
    assert (await client.head(server.url("/x"))).content == b""


async def test_trailers(client, server):
    response = await client.get(server.url("/trailers"))
    assert (response.text, response.trailers["x-checksum"]) == ("trailers", "7")


async def test_interim_responses_are_shown(make_client, server):
    shown = []

    class Watch:
        @hookimpl
        def on_headers(self, response, interim):
            shown.append((response.status_code, interim))

    client = make_client(plugins=[Watch()])
    assert (await client.get(server.url("/interim"))).ok
    assert shown == [(103, True), (200, False)]


async def test_more_than_a_hundred_interim_responses_end_one_exchange(client, server):
    async def answer(session, request):
        for _ in range(200):
            session.head(request.stream, 103)

    server.answers["/x"] = answer
    other = asyncio.create_task(client.get(server.url("/wait")))
    with pytest.raises(RemoteProtocolError, match="100 interim"):
        await client.get(server.url("/x"))
    server.gate.set()
    assert (await other).ok


async def test_padding_is_no_content(client, server):
    async def answer(session, request):
        session.head(request.stream)
        for _ in range(3):
            session.frame(0, 0x8, request.stream, b"\x64abc" + bytes(100))
        session.data(request.stream, ends=True)

    server.answers["/x"] = answer
    assert (await client.get(server.url("/x"))).text == "abcabcabc"


@pytest.mark.parametrize("cut", ["byte", "frame"])
async def test_frames_in_any_number_of_reads(client, server, cut):
    async def answer(session, request):
        block = session.fields([(":status", "200"), ("x-a", "1"), ("x-b", "2")])
        frames = [(1, 0, block[:2]), (9, 0, block[2:3]), (9, 4, block[3:]), (0, 0, b"ab"), (0, 1, b"c")]
        for kind, flags, payload in frames:
            data = len(payload).to_bytes(3) + bytes([kind, flags]) + request.stream.to_bytes(4) + payload
            for part in [data] if cut == "frame" else [data[i : i + 1] for i in range(len(data))]:
                session.send(part)
                await session.writer.drain()
                await asyncio.sleep(0.001)

    server.answers["/x"] = answer
    response = await client.get(server.url("/x"))
    assert (response.text, response.headers["x-a"], response.headers["x-b"]) == ("abc", "1", "2")


async def test_data_events_get_the_payload_of_each_frame(client, server):
    async def answer(session, request):
        session.head(request.stream)
        for part in (b"one", b"two"):
            session.data(request.stream, part)
        session.data(request.stream, b"three", ends=True)

    server.answers["/x"] = answer
    received, processed = [], []
    client.event("data_received").bind(lambda response, data: received.append(data))
    client.event("data_processed").bind(lambda response, data: processed.append(data))
    assert (await client.get(server.url("/x"))).text == "onetwothree"
    assert received == processed == [b"one", b"two", b"three"]


async def test_stream(client, server):
    async with await client.get(server.url("/bytes/2000000"), stream=True) as response:
        assert sum([len(chunk) async for chunk in response.raw]) == 2_000_000
    assert client.stats().streams == 0
    assert server.resets == []


async def test_stream_of_which_much_has_come_is_read_in_chunks(client, server):
    """More than 64 KiB are not joined; nothing is lost, and the peer may go on when all was read."""
    content = bytes(range(256)) * 65536  # four times what the server may send ahead

    async def answer(session, request):
        session.head(request.stream)
        await session.body(request.stream, content)

    server.answers["/x"] = answer
    response = await client.get(server.url("/x"), stream=True)
    chunks = []
    async for chunk in response.raw:
        chunks.append(chunk)
        await until(lambda: response.connection is None or response.connection.complete or response.connection.buffered)
    assert b"".join(chunks) == content
    assert max(map(len, chunks[1:-1])) <= 128 * 1024  # the first and the last are all that has come
    assert client.stats().streams == 0


async def test_stream_that_is_not_read_to_its_end_is_cancelled(client, server):
    async with await client.get(server.url("/bytes/9000000"), stream=True) as response:
        await response.raw.read(10)
    await server.until(resets=1)
    assert server.resets == [(1, 8)]
    assert (await client.get(server.url())).text == "hello"
    assert server.connections == 1


async def test_cancelled_call_cancels_its_stream_alone(client, server):
    task = asyncio.create_task(client.get(server.url("/never")))
    other = asyncio.create_task(client.get(server.url("/wait")))
    await server.until(requests=2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.until(resets=1)
    assert server.resets == [(1, 8)]
    server.gate.set()
    assert (await other).text == "wait"


async def test_cancelled_upload(client, make_server):
    server = await make_server(settings={4: 1000})
    server.answers_windows = False
    await client.get(server.url())  # the settings of the server are known now
    task = asyncio.create_task(client.post(server.url("/echo"), data=b"x" * 1_000_000))
    await server.until(received=1000)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.until(resets=1)
    assert (await client.get(server.url())).text == "hello"
    assert server.connections == 1


@pytest.mark.parametrize("kind", ["read", "total"])
async def test_timeouts_of_one_exchange(client, server, kind):
    timeout = Timeout(read=0.05) if kind == "read" else 0.05
    other = asyncio.create_task(client.get(server.url("/wait")))
    with pytest.raises(ReadTimeout if kind == "read" else HttpTimeout):
        await client.get(server.url("/never"), timeout=timeout)
    await server.until(resets=1)
    server.gate.set()
    assert (await other).ok
    assert server.connections == 1


async def test_write_timeout(client, make_server):
    server = await make_server(settings={4: 1000})
    server.answers_windows = False
    with pytest.raises(WriteTimeout):
        await client.post(server.url("/echo"), data=b"x" * 1_000_000, timeout=Timeout(write=0.05))
    await server.until(resets=1)
    assert (await client.get(server.url())).ok


async def test_max_body(client, server):
    with pytest.raises(BodyTooLarge):
        await client.get(server.url("/bytes/5000000"), max_body=1000)
    await server.until(resets=1)
    assert (await client.get(server.url())).ok
    assert server.connections == 1


async def test_early_answer_ends_the_upload(client, make_server):
    server = await make_server(settings={4: 1000})
    server.answers_windows = False

    async def answer(session, request):
        session.head(request.stream, 413, ("content-length", "3"))
        session.data(request.stream, b"big", ends=True)

    server.answers["/x"] = answer
    response = await client.post(server.url("/x"), data=b"x" * 1_000_000)
    assert (response.status_code, response.text) == (413, "big")
    await server.until(resets=1)
    assert (await client.get(server.url())).ok


async def test_answer_while_the_body_is_sent(client, server):
    answered = asyncio.Event()

    async def chunks():
        yield b"first"
        await answered.wait()
        yield b"second"

    async def answer(session, request):
        session.head(request.stream)
        session.data(request.stream, b"I am ")
        await request.ended.wait()
        session.data(request.stream, bytes(request.body), ends=True)

    server.answers["/x"] = answer
    async with await client.post(server.url("/x"), data=chunks(), stream=True) as response:
        assert await response.raw.read(5) == b"I am "
        answered.set()
        assert await response.raw.read() == b"firstsecond"


async def test_close_of_the_client_says_goodbye(client, server):
    waiting = asyncio.create_task(client.get(server.url("/never")))
    await server.until(requests=1)
    await client.close()
    with pytest.raises(ClientClosed):
        await waiting
    await server.until_closed()


async def test_idle_connection_is_closed_with_goaway(make_client, server):
    client = make_client(keep_alive=0.05)
    await client.get(server.url())
    await server.until_closed()
    assert server.goaways == [0]


async def test_connection_close_ends_the_connection_after_the_exchange(client, server):
    response = await client.get(server.url(), headers={"Connection": "close"})
    assert response.text == "hello"
    await server.until_closed()
    assert server.requests[0].all("connection") == []
    assert (await client.get(server.url())).ok
    assert server.connections == 2


async def test_response_can_be_pickled(client, server):
    response = await client.get(server.url("/trailers"))
    copy = pickle.loads(pickle.dumps(response))
    assert (copy.version, copy.text, copy.trailers["x-checksum"]) == ("HTTP/2", "trailers", "7")


async def test_facts(client, server):
    facts = []
    client.event("on_headers").bind(lambda response: facts.append(response.connection.facts()))
    await client.get(server.url())
    assert (facts[0].protocol, facts[0].tls_version[:4]) == ("h2", "TLSv")
