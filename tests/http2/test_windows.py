"""Flow control in both directions: a reader that stops holds up its own stream alone, and memory is bounded."""

from __future__ import annotations

import asyncio

from hookline_http2.engine import STREAM_WINDOW

MANY = 2 * STREAM_WINDOW


async def test_reader_that_stops_holds_up_its_stream_alone(client, server):
    async with await client.get(server.url(f"/bytes/{MANY}"), stream=True) as slow:
        others = await asyncio.gather(*(client.get(server.url("/bytes/3000000")) for _ in range(8)))
        assert [len(other.content) for other in others] == [3_000_000] * 8
        (session,) = server.sessions
        async with asyncio.timeout(10), session.window_opened:
            await session.window_opened.wait_for(lambda: session.windows[1] == 0)  # all that it may send unread
        assert len(await slow.raw.read()) == MANY


async def test_bytes_that_nobody_reads_give_the_connection_its_window_back(client, server):
    for _ in range(20):  # more than the window of the connection in all
        async with await client.get(server.url(f"/bytes/{MANY}"), stream=True) as response:
            await response.raw.read(1)
    (session,) = server.sessions
    body = await client.get(server.url(f"/bytes/{MANY}"))
    assert len(body.content) == MANY
    assert session.window > STREAM_WINDOW


async def test_data_that_comes_after_a_reset_gives_its_window_back(client, server):
    async def answer(session, request):
        session.head(request.stream)
        session.data(request.stream, b"x")
        await asyncio.sleep(0)
        try:
            await asyncio.Event().wait()  # until the client has reset the stream
        except asyncio.CancelledError:
            for _ in range(200):
                session.data(request.stream, bytes(16384))
                session.window -= 16384
            raise

    server.answers["/x"] = answer
    for _ in range(22):  # 70 MB, more than the window
        async with await client.get(server.url("/x"), stream=True) as response:
            await response.raw.read(1)
    assert len((await client.get(server.url("/bytes/5000000"))).content) == 5_000_000
    assert server.connections == 1


async def test_body_waits_for_the_window_of_its_stream(client, make_server):
    server = await make_server(settings={4: 10_000})
    server.answers_windows = False
    await client.get(server.url())  # the settings of the server are known now
    task = asyncio.create_task(client.post(server.url("/echo"), data=b"y" * 50_000))
    await server.until(received=10_000)
    assert (await client.get(server.url())).ok
    assert server.received == 10_000
    (session,) = server.sessions
    for _ in range(40):
        session.frame(8, 0, 3, (1000).to_bytes(4))
    assert (await task).content == b"y" * 50_000


async def test_body_waits_for_the_window_of_the_connection(client, make_server):
    server = await make_server(settings={4: 1_000_000})
    server.answers_windows = False
    await client.get(server.url())  # the settings of the server are known now
    tasks = [asyncio.create_task(client.post(server.url("/echo"), data=b"y" * 100_000)) for _ in range(2)]
    await server.until(received=65535)
    assert (await client.get(server.url())).ok
    assert server.received == 65535
    server.sessions[0].frame(8, 0, 0, (1_000_000).to_bytes(4))
    assert [(await task).content for task in tasks] == [b"y" * 100_000] * 2


async def test_window_that_the_settings_change(client, make_server):
    server = await make_server(settings={4: 10_000})
    server.answers_windows = False
    await client.get(server.url())  # the settings of the server are known now
    task = asyncio.create_task(client.post(server.url("/echo"), data=b"y" * 50_000))
    await server.until(received=10_000)
    server.sessions[0].settings({4: 5_000})  # the window is negative now
    assert (await client.get(server.url())).ok
    server.sessions[0].settings({4: 60_000})
    assert (await task).content == b"y" * 50_000


async def test_source_is_not_read_ahead_of_the_window(client, make_server):
    server = await make_server(settings={4: 10_000})
    server.answers_windows = False
    produced = 0

    async def chunks():
        nonlocal produced
        for _ in range(1000):
            produced += 10_000
            yield b"z" * 10_000

    task = asyncio.create_task(client.post(server.url("/echo"), data=chunks()))
    await server.until(received=10_000)
    assert (await client.get(server.url())).ok
    assert produced <= 200_000
    task.cancel()
    await asyncio.wait([task])


async def test_largest_frame_that_the_server_takes(client, make_server):
    server = await make_server(settings={5: 65536, 4: 1_000_000})
    response = await client.post(server.url("/echo"), data=b"w" * 500_000)
    assert response.content == b"w" * 500_000


async def test_transport_that_is_full_holds_up_senders(client, server):
    stop = asyncio.Event()

    async def answer(session, request):
        await stop.wait()
        session.head(request.stream, 204, ends=True)

    server.answers["/x"] = answer
    task = asyncio.create_task(client.post(server.url("/x"), data=b"v" * 20_000_000))
    await server.until(received=1_000_000)
    stop.set()
    assert (await task).status_code == 204
