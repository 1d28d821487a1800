"""Many exchanges on one connection: some are cancelled, wait for room, stop reading, or are there when the connection is lost."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter

import pytest

from hookline import ClientClosed, ConnectionClosed, HttpConnectionError
from hookline_http2.engine import CONNECTION_WINDOW, STREAM_WINDOW
from kit.turns import until

CANCEL = 8
FIFTY = 50
SIZE = 300_000


async def in_the_middle(session, request):
    """Answer with a half of the body, and the rest once the gate is open."""
    stream = request.stream
    session.head(stream, 200, ("content-length", str(SIZE)))
    await session.body(stream, b"x" * (SIZE // 2), ends=False)
    session.server.note()
    await session.server.gate.wait()
    await session.body(stream, b"x" * (SIZE // 2))


async def test_one_of_fifty_is_cancelled(client, server):
    """The others are whole; its stream is reset; and what came for it does not use up the window of the connection."""
    server.answers["/x"] = in_the_middle
    for rounds in range(1, 6):  # 75 MB in all, more than the window
        server.gate.clear()
        tasks = [asyncio.create_task(client.get(server.url("/x"))) for _ in range(FIFTY)]
        await server.until(requests=FIFTY * rounds)
        tasks[rounds * 7].cancel()
        await server.until(resets=rounds)
        server.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert Counter(map(type, results))[asyncio.CancelledError] == 1
        assert [len(each.content) for each in results if not isinstance(each, BaseException)] == [SIZE] * (FIFTY - 1)
        assert client.stats().streams == 0
    first = 2 * FIFTY
    assert server.resets == [(2 * (7 * n) + 1 + first * (n - 1), CANCEL) for n in range(1, 6)]
    assert (server.connections, len(server.sessions[0].streams)) == (1, 0)
    assert CONNECTION_WINDOW < 5 * FIFTY * SIZE


@pytest.mark.parametrize("how", ["abort", "close"])
async def test_fifty_in_flight_when_the_connection_is_lost(client, server, how):
    """A fifth each: complete, amid the body, behind an interim head, without any head, amid an upload."""

    async def answer(session, request):
        stream = request.stream
        kind = request[":path"].removeprefix("/kind")
        if session is not server.sessions[0]:
            kind = "0"
        if kind == "1":
            session.head(stream, 200, ("content-length", "10"))
            session.data(stream, b"abc")
        elif kind == "2":
            session.head(stream, 103, ("link", "</style.css>"))
        if kind != "0":
            await asyncio.Event().wait()
        session.head(stream, 200, ("content-length", "5"))
        session.data(stream, b"whole", ends=True)

    async def endless():
        while True:
            yield b"u" * 1000
            await asyncio.sleep(0.001)

    for kind in range(5):
        server.answers[f"/kind{kind}"] = answer
    await client.get(server.url())

    async def call(number):
        kind = number % 5
        if kind == 4:
            return await client.post(server.url("/kind4"), data=endless())
        return await client.get(server.url(f"/kind{kind}"))

    tasks = [asyncio.create_task(call(number)) for number in range(FIFTY)]
    await server.until(requests=FIFTY + 1, received=1000)
    await asyncio.wait(tasks[::5])
    (session,) = server.sessions
    session.writer.transport.abort() if how == "abort" else session.writer.close()
    async with asyncio.timeout(10):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [each.text for each in results[::5]] == ["whole"] * 10
    assert [each.text for each in results[3::5]] == ["whole"] * 10  # sent again: the connection was idle before
    lost = [each for number, each in enumerate(results) if number % 5 not in (0, 3)]
    assert {type(each) for each in lost} <= {ConnectionClosed, HttpConnectionError}
    assert len(set(map(id, lost))) == len(lost)
    assert all(error.request is not None for error in lost)
    assert client.stats().streams == client.stats().waiting == 0
    assert (await client.get(server.url())).text == "hello"
    assert server.connections == 2


async def test_thousand_requests_with_a_limit_of_ten(client, make_server):
    """First come, first served, on one connection; those that are cancelled while they wait never reach the server."""
    server = await make_server(settings={3: 10})
    assert (await client.get(server.url())).ok  # the limit is known now
    tasks = [asyncio.create_task(client.get(server.url(f"/hello/{number}"))) for number in range(1000)]
    await asyncio.sleep(0)
    for number in range(100, 1000, 100):
        tasks[number].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    cancelled = [number for number, each in enumerate(results) if isinstance(each, asyncio.CancelledError)]
    assert cancelled == list(range(100, 1000, 100))
    assert {each.text for each in results if not isinstance(each, BaseException)} == {"hello"}
    assert server.connections == 1
    assert server.most_streams <= 10
    assert server.targets[1:] == [f"/hello/{number}" for number in range(1000) if number not in cancelled]
    assert client.stats().waiting == 0


@pytest.mark.parametrize("changes", [(3, 20), (0, 10), (1, 1000)], ids=["3-20", "0-10", "1-1000"])
async def test_limit_that_changes_amid_many_requests(client, make_server, changes):
    """The server counts from when the client has acknowledged a limit: after that there are never more."""
    server = await make_server(settings={3: 10})
    wrong = []
    limits = iter(changes)

    async def answer(session, request):
        number = int(request[":path"].removeprefix("/n"))
        if number in (100, 300):
            session.settings({3: next(limits)})
            session.frame(6, 0, 0, b"12345678")  # answered behind the settings
            pongs = server.pongs
            await server.until(pongs=pongs + 1)
            if number == 100:
                await until(lambda: len(session.streams) <= max(changes[0], 1))  # this one is still open
                for _ in range(20):
                    await asyncio.sleep(0)
                    if len(session.streams) > max(changes[0], 1):
                        wrong.append(len(session.streams))
            if changes[0] == 0 and number == 100:
                session.settings({3: 1})
        session.head(request.stream, 204, ends=True)

    for number in range(500):
        server.answers[f"/n{number}"] = answer
    await client.get(server.url())
    results = await asyncio.gather(*(client.get(server.url(f"/n{number}")) for number in range(500)))
    assert [each.status_code for each in results] == [204] * 500
    assert not wrong
    assert server.connections == 1
    assert server.most_streams <= max(10, *changes)


async def test_readers_that_stop_fill_the_connection(make_client, make_server):
    """Sixteen readers that stop have the whole window; another response waits for its body, and not for ever."""
    server = await make_server(tls=False)
    client = make_client(http2="prior-knowledge")
    size = STREAM_WINDOW + 1_000_000
    stopped = [
        await client.get(server.url(f"/bytes/{size}"), stream=True) for _ in range(CONNECTION_WINDOW // STREAM_WINDOW)
    ]
    (session,) = server.sessions
    await until(lambda: session.window == 0 or not any(session.windows.values()), 30)
    waits = asyncio.create_task(client.get(server.url("/bytes/100000")))
    empty = await client.get(server.url("/status/204"))  # what needs no window goes on
    assert (empty.status_code, waits.done()) == (204, False)
    bodies = await asyncio.gather(*(each.raw.read() for each in stopped[:8]))
    assert [len(body) for body in bodies] == [size] * 8
    for each in stopped[8:]:
        async with each:
            pass  # given up
    assert len((await waits).content) == 100_000
    assert server.connections == 1


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc is not here")
async def test_close_with_streams_in_flight(make_client, make_server):
    """Each call ends with an error that says so, the server hears it, and nothing stays open."""
    server = await make_server()
    client = make_client()
    server.answers["/x"] = in_the_middle
    gc.collect()
    before = open_descriptors()

    async def reads():
        async with await client.get(server.url("/x"), stream=True) as response:
            return await response.raw.read()

    async def endless():
        while True:
            yield b"u" * 1000
            await asyncio.sleep(0.001)

    calls = [
        *(client.get(server.url("/x")) for _ in range(5)),
        *(client.get(server.url("/never")) for _ in range(5)),
        *(reads() for _ in range(5)),
        *(client.post(server.url("/never"), data=endless()) for _ in range(5)),
    ]
    tasks = [asyncio.ensure_future(call) for call in calls]
    await server.until(requests=20, received=1000)
    async with asyncio.timeout(10):
        await client.close()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in results] == [ClientClosed] * 20
    await server.until_closed()
    del tasks, results, calls
    gc.collect()
    assert open_descriptors() == before
    assert (await client.get(server.url())).ok


async def test_requests_on_a_connection_that_died_while_it_was_idle(client, server):
    """Of fifty that are sent at once, those that are safe are sent again, each once."""

    async def answer(session, request):
        if session is server.sessions[0]:
            session.writer.transport.abort()
        else:
            await server.answer_by_name(session, request, "hello", "")

    server.answers["/x"] = answer
    await client.get(server.url())
    calls = [client.post(server.url("/x")) if n % 10 == 9 else client.get(server.url("/x")) for n in range(FIFTY)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in results[9::10]] == [ConnectionClosed] * 5
    assert {each.text for n, each in enumerate(results) if n % 10 != 9} == {"hello"}
    assert server.connections == 2
