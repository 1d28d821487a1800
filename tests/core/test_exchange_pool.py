"""The pool: its size, its queue, reuse, connections that died, close, and loops."""

import asyncio
import gc
import threading
import weakref

import pytest

from hookline import HttpClient, HttpRequestException, HttpResponse, HttpTimeout
from hookline.errors import ClientClosed, ConnectionClosed, ConnectionRefused
from hookline_testing.server import Gate, Script, response
from kit.recorder import client_with, on
from servers.addresses import black_hole, refused_port

pytestmark = pytest.mark.client(autoload=False, pool_size=1)


def pool_of(client):
    (pool,) = client.connection_pools.values()
    return pool


async def test_pool_size_holds_under_many_concurrent_requests(scripted):
    scripted.respond(lambda request: response(request.target.encode()))
    async with HttpClient(autoload=False, pool_size=7) as client:
        answers = await asyncio.gather(*(client.get(scripted.url(f"/{number}")) for number in range(500)))
        assert [answer.content for answer in answers] == [b"/%d" % number for number in range(500)]
        assert scripted.connections == 7
        pool = pool_of(client)
        assert (pool.opened, len(pool.idle), len(pool.waiters)) == (7, 7, 0)


async def test_waiters_are_served_in_their_order(client, scripted):
    scripted.respond(lambda request: response(b""))
    tasks = []
    for number in range(20):
        tasks.append(asyncio.create_task(client.get(scripted.url(f"/{number}"))))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert [request.target for request in scripted.requests] == [f"/{number}" for number in range(20)]
    assert scripted.connections == 1


async def test_newcomer_does_not_overtake_waiters(client, scripted):
    scripted.respond(lambda request: response(b""))

    async def twice(name):
        await client.get(scripted.url(f"/{name}1"))
        await client.get(scripted.url(f"/{name}2"))

    await asyncio.gather(twice("a"), twice("b"))
    assert [request.target for request in scripted.requests] == ["/a1", "/b1", "/a2", "/b2"]


async def test_waiter_may_open_one_when_a_connection_is_closed(client, scripted):
    scripted.respond(lambda request: response(request.target.encode(), headers=[("Connection", "close")]))
    answers = await asyncio.gather(*(client.get(scripted.url(f"/{number}")) for number in range(5)))
    assert [answer.content for answer in answers] == [b"/%d" % number for number in range(5)]
    assert scripted.connections == 5
    assert pool_of(client).opened == 0


@pytest.mark.parametrize("max_connections", [None, 1])
async def test_connection_that_closes_while_it_is_handed_on_fails_no_call(scripted, max_connections):
    scripted.respond(lambda request: response(b""))

    async def first():
        await client.get(scripted.url("/first"))
        (connection,) = pool_of(client).connections  # the next in line has it already, and has not run yet
        connection.receive_bytes(b"a byte that nobody asked for")

    async with HttpClient(autoload=False, pool_size=1, max_connections=max_connections) as client:
        await asyncio.gather(first(), *(client.post(scripted.url(f"/{number}"), data=b"x") for number in range(3)))
        assert [request.target for request in scripted.requests] == ["/first", "/0", "/1", "/2"]
        assert scripted.connections == 2
        assert (client.stats().connections, client.stats().in_use, client.stats().reused) == (1, 0, 2)


async def test_failing_connects_do_not_starve_waiters(client):
    with refused_port() as port:
        calls = [client.get(f"http://127.0.0.1:{port}/") for _ in range(10)]
        async with asyncio.timeout(5):
            errors = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(error) for error in errors} == {ConnectionRefused}
    assert pool_of(client).opened == 0


async def test_broken_exchange_does_not_starve_waiters(client, scripted):
    scripted.answer(Script(b"garbage").stall(), Script().drop(), response(b"fine"))
    first, second, third = await asyncio.gather(
        *(client.post(scripted.url(), data=b"x") for _ in range(3)), return_exceptions=True
    )
    assert isinstance(first, HttpRequestException)
    assert isinstance(second, HttpRequestException)
    assert third.content == b"fine"
    assert pool_of(client).opened == 1


async def test_origins_have_pools_of_their_own(client, make_scripted):
    one, two = make_scripted(), make_scripted()
    gate = Gate()
    one.answer(Script().hold(gate).send(response(b"one")))
    two.answer(response(b"two"))
    held = asyncio.create_task(client.get(one.url()))
    await one.until(heads=1)
    assert (await client.get(two.url())).content == b"two"
    gate.open()
    assert (await held).content == b"one"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_idempotent_request_is_repeated_once_when_an_idle_connection_died(client, scripted, method):
    scripted.answer(response(b""), Script().drop(), response(b""))
    await client.get(scripted.url())
    assert (await client.request(method, scripted.url("/again"))).status_code == 200
    assert [request.target for request in scripted.requests] == ["/", "/again", "/again"]
    assert scripted.connections == 2


async def test_request_is_repeated_once_only(client, scripted):
    scripted.answer(response(b""), Script().drop(), Script().drop())
    await client.get(scripted.url())
    with pytest.raises(ConnectionClosed):
        await client.get(scripted.url())
    assert scripted.connections == 2


async def test_request_is_repeated_on_a_fresh_connection_and_not_on_other_idle_ones(scripted):
    gate = Gate()
    scripted.always(Script().hold(gate).send(response(b"")))
    async with HttpClient(autoload=False, pool_size=5) as client:
        together = [asyncio.create_task(client.get(scripted.url())) for _ in range(5)]
        await scripted.until(heads=5)
        gate.open()
        await asyncio.gather(*together)
        scripted.answer(Script().drop(), response(b"fresh"))
        scripted.always(Script().drop())
        assert (await client.get(scripted.url("/again"))).content == b"fresh"
        assert [request.target for request in scripted.requests[5:]] == ["/again", "/again"]
        assert (scripted.connections, pool_of(client).opened) == (6, 5)


@pytest.mark.parametrize(
    ("method", "script", "data"),
    [
        ("POST", Script().drop(), b"x"),
        ("PATCH", Script().drop(), b"x"),
        ("GET", Script(b"HTTP/1.1 200").until_read().drop(), None),
        ("PUT", Script().drop(), "iterator"),
    ],
)
async def test_request_that_may_have_had_effects_is_not_repeated(client, scripted, method, script, data):
    scripted.answer(response(b""), script)
    await client.get(scripted.url())
    with pytest.raises(ConnectionClosed):
        await client.request(method, scripted.url(), data=iter([b"x"]) if data == "iterator" else data)
    assert len(scripted.requests) == 2


async def test_fresh_connection_that_dies_is_not_repeated(client, scripted):
    scripted.answer(Script().drop())
    with pytest.raises(ConnectionClosed):
        await client.get(scripted.url())
    assert len(scripted.requests) == 1


async def test_connection_that_the_server_closed_is_not_reused(client, scripted):
    scripted.always(response(b""))
    await client.get(scripted.url())
    scripted.hang_up()
    async with asyncio.timeout(5):
        while pool_of(client).opened:  # noqa: ASYNC110 - the loop has to see it
            await asyncio.sleep(0)
    assert (await client.post(scripted.url(), data=b"x")).status_code == 200
    assert scripted.connections == 2


async def test_idle_connection_does_not_keep_the_request_that_opened_it(client, scripted):
    scripted.always(response(b"fine"))
    answer = await client.get(scripted.url())
    request = weakref.ref(answer.request)
    del answer
    assert (await client.get(scripted.url())).content == b"fine"
    assert scripted.connections == 1
    gc.collect()
    assert request() is None


async def test_idle_connections_are_closed_after_keep_alive(scripted):
    scripted.always(response(b""))
    async with HttpClient(autoload=False, keep_alive=0.1) as client:
        await client.get(scripted.url())
        await scripted.until_closed_connections(1)
        assert pool_of(client).opened == 0
        await client.get(scripted.url())
    assert scripted.connections == 2


async def test_close_connections_uses_each_once(scripted):
    scripted.always(response(b""))
    async with HttpClient(autoload=False, close_connections=True) as client:
        await client.get(scripted.url())
        await client.get(scripted.url())
    assert scripted.connections == 2
    assert scripted.requests[0].header("connection") == "close"


@pytest.mark.parametrize("value", ["close", "Keep-Alive, Close"])
@pytest.mark.parametrize("of", ["client", "call", "handler", "stream"])
async def test_connection_that_the_request_closes_is_not_used_again(scripted, value, of):
    """A server that answers and stays (RFC 9112, section 9.6)."""
    scripted.always(response(b"once"))
    given = {"Connection": value}

    def closing(response):
        response.request.unredirected_headers["Connection"] = value

    async with HttpClient(autoload=False, headers=given if of == "client" else None) as client:
        options = (
            {"headers": given} if of in ("call", "stream") else {"pre_request": closing} if of == "handler" else {}
        )
        for _ in range(2):
            answer = await client.get(scripted.url(), stream=of == "stream", **options)
            assert await answer.raw.read() == b"once"
        assert (scripted.connections, client.stats().connections) == (2, 0)
        if of != "client":
            for _ in range(2):
                await client.get(scripted.url())
            assert scripted.connections == 3


async def test_close_ends_what_is_in_flight(scripted):
    client = HttpClient(autoload=False, pool_size=2)
    scripted.always(Script().stall())
    with black_hole() as port:
        calls = [client.get(scripted.url()) for _ in range(4)] + [client.get(f"http://127.0.0.1:{port}/")]
        tasks = [asyncio.create_task(call) for call in calls]
        await scripted.until(heads=2)
        await client.close()
        async with asyncio.timeout(2):
            errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(error) for error in errors} == {ClientClosed}
    assert all("client was closed" in str(error) and error.request is not None for error in errors)
    await scripted.until_closed_connections()
    assert [pool.opened for pool in client.connection_pools.values()] == [0, 0]


async def test_close_ends_what_a_reused_connection_waits_for(client, scripted):
    scripted.answer(response(b"first"), Script().stall())
    await client.get(scripted.url())
    task = asyncio.create_task(client.get(scripted.url()))
    await scripted.until(heads=2)
    await client.close()
    async with asyncio.timeout(2):
        with pytest.raises(ClientClosed):
            await task
    assert scripted.connections == 1


@pytest.mark.parametrize("how", ["end", "close", "cancel", "deadline"])
async def test_pause_of_a_follow_up_ends_with_the_client(scripted, how):
    paused = asyncio.Event()

    async def again(self, response):
        if not response.history:
            paused.set()
            await response.request.client.pause(0.01 if how == "end" else 60)
            return response.request.copy(cause="again")

    scripted.always(response(b"fine"))
    options = {"timeout": 0.1} if how == "deadline" else {}
    async with client_with(on("post_request", again), **options) as client:
        task = asyncio.create_task(client.get(scripted.url()))
        await paused.wait()
        assert client.loop_resources.is_busy
        if how == "close":
            await client.close()
        elif how == "cancel":
            task.cancel()
        async with asyncio.timeout(5):
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert not client.loop_resources.is_busy
    expected = {"close": ClientClosed, "cancel": asyncio.CancelledError, "deadline": HttpTimeout, "end": HttpResponse}
    assert isinstance(outcome, expected[how])
    assert len(scripted.requests) == (2 if how == "end" else 1)


@pytest.mark.parametrize("how", ["end", "close", "cancel", "deadline"])
async def test_wait_of_a_plugin_ends_with_the_client(scripted, how):
    waits = asyncio.Event()
    turn: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    got = []

    async def wait(self, response):
        waits.set()
        got.append(await response.request.client.until_closed(turn))

    scripted.always(response(b"fine"))
    options = {"timeout": 0.1} if how == "deadline" else {}
    async with client_with(on("pre_request", wait), **options) as client:
        task = asyncio.create_task(client.get(scripted.url()))
        await waits.wait()
        if how == "end":
            turn.set_result("mine")
        elif how == "close":
            await client.close()
        elif how == "cancel":
            task.cancel()
        async with asyncio.timeout(5):
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert not client.loop_resources.is_busy
    expected = {"close": ClientClosed, "cancel": asyncio.CancelledError, "deadline": HttpTimeout, "end": HttpResponse}
    assert isinstance(outcome, expected[how])
    assert got == (["mine"] if how == "end" else [])


async def test_client_works_again_after_close(client, scripted):
    scripted.always(response(b"fine"))
    await client.get(scripted.url())
    await client.close()
    assert (await client.get(scripted.url())).content == b"fine"


def test_client_serves_one_loop_after_the_other(scripted):
    scripted.always(response(b"fine"))
    client = HttpClient(autoload=False)

    async def main():
        assert (await client.get(scripted.url())).content == b"fine"
        assert (await client.get(scripted.url())).content == b"fine"

    asyncio.run(main())
    asyncio.run(main())
    assert scripted.connections == 2
    client.close()


def test_second_loop_while_the_first_has_work_is_refused(scripted):
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"first")))
    client = HttpClient(autoload=False)
    caught = []

    async def other():
        try:
            await client.get(scripted.url())
        except RuntimeError as error:
            caught.append(error)

    async def main():
        task = asyncio.create_task(client.get(scripted.url()))
        await scripted.until(heads=1)
        thread = threading.Thread(target=lambda: asyncio.run(other()))
        thread.start()
        await asyncio.to_thread(thread.join)
        gate.open()
        assert (await task).content == b"first"
        await client.close()

    asyncio.run(main())
    assert "another loop" in str(caught[0])


async def test_client_of_another_loop_is_refused():
    loop = asyncio.new_event_loop()
    client = HttpClient(autoload=False, loop=loop)
    with pytest.raises(RuntimeError):
        client.get("http://127.0.0.1:1/")
    loop.close()


@pytest.mark.parametrize("limit", [None, 1])
@pytest.mark.parametrize("turns", range(1, 30))
async def test_close_leaves_nothing_open_whatever_was_under_way(make_scripted, limit, turns):
    scripted = make_scripted(strict=False)
    scripted.always(response(b""))
    client = HttpClient(autoload=False, pool_size=1, max_connections=limit)
    tasks = [asyncio.create_task(client.get(scripted.url())) for _ in range(3)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await client.close()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, ClientClosed) or end.status_code == 200 for end in ends)
    assert client.stats()[:3] == (0, 0, 0)
    assert (await client.get(scripted.url())).status_code == 200  # by then the server has seen all that came before
    await client.close()
    await scripted.until_closed_connections()


@pytest.mark.parametrize("harm", ["fin", "reset", "byte", "timeout-response"])
@pytest.mark.parametrize("data", [None, b"x"], ids=["get", "post"])
async def test_idle_connection_that_is_half_closed_is_not_used(client, scripted, harm, data):
    scripted.answer(response(b"first"), response(b"second"))
    await client.get(scripted.url())
    if harm in ("fin", "reset"):
        scripted.hang_up(reset=harm == "reset")
    else:
        scripted.push(b"H" if harm == "byte" else response(b"late", 408))
    async with asyncio.timeout(5):
        while client.stats().connections:  # noqa: ASYNC110 - the loop has to see it
            await asyncio.sleep(0)
        answer = await client.request("GET" if data is None else "POST", scripted.url(), data=data)
    assert answer.content == b"second"
    assert scripted.connections == 2


async def test_idle_connections_expire_each_in_its_time(scripted):
    gate = Gate()
    scripted.answer(response(b""), Script().hold(gate).send(response(b"")))
    async with HttpClient(autoload=False, keep_alive=0.3) as client:
        held = asyncio.create_task(client.get(scripted.url("/1")))
        await scripted.until(heads=1)
        await held
        held = asyncio.create_task(client.get(scripted.url("/2")))
        await scripted.until(heads=2)
        await asyncio.sleep(0.5)
        assert client.stats().connections == 1  # one in use does not grow old
        gate.open()
        await held
        await scripted.until_closed_connections(1)
        assert client.stats().connections == 0
