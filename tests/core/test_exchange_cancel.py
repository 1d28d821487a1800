"""A call that is cancelled at any await leaves the pool intact: no connection lost or half-read, no call left waiting."""

import asyncio

import pytest

from hookline import HttpClient
from hookline_testing.server import Gate, Script, head, response
from servers.addresses import black_hole

pytestmark = [pytest.mark.client(autoload=False, pool_size=1), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]

BLOCK = b"x" * (1024 * 1024)


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def assert_whole(client, server):
    # by target, not from the queue: over HTTP/2 a request that was cancelled may reach the server only now
    server.respond(lambda request: response(request.target.encode()))
    async with asyncio.timeout(5):
        assert (await client.get(server.url("/next"))).content == b"/next"
        assert (await client.get(server.url("/again"))).content == b"/again"
    stats = client.stats()
    assert (stats.connections, stats.in_use, stats.streams, stats.waiting) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "script",
    [
        Script().stall(),
        Script(head(103)).stall(),
        Script(b"HTTP/1.1 200 OK\r\n").stall(),
        Script(head(200, [("Content-Length", "9")]) + b"some").stall(),
        Script(head(200, [("Transfer-Encoding", "chunked")]) + b"1\r\nx\r\n").stall(),
    ],
    ids=["head", "interim", "half-head", "body", "chunk"],
)
@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("timeout", [None, 30])
async def test_cancel_while_waiting_for_the_response(client, scripted, protocol, script, reused, timeout):
    if reused:
        scripted.answer(response(b"before"))
        await client.get(scripted.url())
    scripted.answer(script)
    task = asyncio.create_task(client.get(scripted.url(), timeout=timeout))
    await scripted.until(heads=1 + reused)
    await cancelled(task)
    await scripted.until(given_up=1)
    await assert_whole(client, scripted)
    assert scripted.connections == (1 if protocol == "HTTP/2" else 2)


async def test_cancel_before_the_first_step(client, scripted):
    task = asyncio.create_task(client.get(scripted.url()))
    await cancelled(task)
    await assert_whole(client, scripted)


async def test_cancel_while_connecting(client, scripted):
    with black_hole() as port:
        tasks = [asyncio.create_task(client.get(f"http://127.0.0.1:{port}/")) for _ in range(3)]
        await asyncio.sleep(0.05)
        for task in tasks:
            await cancelled(task)
        (pool,) = client.connection_pools.values()
        assert (pool.opened, len(pool.waiters)) == (0, 0)


async def test_cancel_in_the_handshake(client, scripted):
    scripted.greet(Script().stall())
    task = asyncio.create_task(client.get(f"https://127.0.0.1:{scripted.port}/", verify=False))
    await scripted.until(connections=1)
    await asyncio.sleep(0.05)
    await cancelled(task)
    (pool,) = client.connection_pools.values()
    assert pool.opened == 0
    await scripted.until(given_up=1)


@pytest.mark.protocols("HTTP/1.1")
async def test_cancel_while_waiting_for_the_pool(client, scripted):
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"first")), response(b"third"))
    first = asyncio.create_task(client.get(scripted.url()))
    await scripted.until(heads=1)
    second = asyncio.create_task(client.get(scripted.url()))
    third = asyncio.create_task(client.get(scripted.url()))
    await asyncio.sleep(0)
    await cancelled(second)
    gate.open()
    assert (await first).content == b"first"
    assert (await third).content == b"third"
    await assert_whole(client, scripted)


@pytest.mark.protocols("HTTP/1.1")
async def test_cancel_in_the_moment_of_getting_a_connection_hands_it_on(client, scripted):
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"first")), response(b"third"))

    def cancel_second(response, exc=None):
        second.cancel()  # it was given the connection by now, and has not run yet

    first = asyncio.create_task(client.get(scripted.url(), post_request=cancel_second))
    await scripted.until(heads=1)
    second = asyncio.create_task(client.get(scripted.url()))
    third = asyncio.create_task(client.get(scripted.url()))
    await asyncio.sleep(0)
    gate.open()
    assert (await first).content == b"first"
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (await third).content == b"third"
    await assert_whole(client, scripted)
    assert scripted.connections == 1


@pytest.mark.parametrize("kind", ["bytes", "generator", "iterator"])
async def test_cancel_in_a_large_write(client, make_scripted, kind):
    server = make_scripted(receive_buffer=4096, strict=False)
    server.answer(Script().refuse_to_read())
    closed = asyncio.Event()

    async def chunks():
        try:
            while True:
                yield BLOCK
        finally:
            closed.set()

    body = {"bytes": BLOCK * 40, "generator": chunks(), "iterator": iter([BLOCK] * 40)}[kind]
    task = asyncio.create_task(client.post(server.url(), data=body))
    await server.until(heads=1)
    await asyncio.sleep(0.05)
    await cancelled(task)
    if kind == "generator":
        assert closed.is_set()
    await assert_whole(client, server)


async def test_cancel_in_the_users_source(client, make_scripted):
    server = make_scripted(strict=False)
    server.answer(Script().read_body().stall())
    reached = asyncio.Event()

    async def chunks():
        yield b"some"
        reached.set()
        await asyncio.sleep(30)

    task = asyncio.create_task(client.post(server.url(), data=chunks()))
    await reached.wait()
    await cancelled(task)
    await server.until(given_up=1)
    await assert_whole(client, server)


async def test_cancel_at_the_gate_of_a_held_body(scripted):
    class Holder:
        name = "holder"

        def pre_request(self, response):
            response.request.hold_body()

    async with HttpClient(autoload=False, pool_size=1) as client:
        scripted.answer(Script().read_body().stall())
        call = client.post(scripted.url(), data=b"x", pre_request=lambda r, **kw: r.request.hold_body() and None)
        task = asyncio.create_task(call)
        await scripted.until(heads=1)
        await cancelled(task)
        await scripted.until(given_up=1)
        await assert_whole(client, scripted)


@pytest.mark.parametrize("steps", range(12))
async def test_cancel_after_any_number_of_turns(client, make_scripted, steps):
    server = make_scripted(strict=False)
    server.respond(lambda request: response(b"x" * 1000), cut=300)
    tasks = [asyncio.create_task(client.get(server.url())) for _ in range(5)]
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) or one.status_code == 200 for one in done)
    assert all(one.status_code == 200 for one in done[1::2])
    await assert_whole(client, server)
