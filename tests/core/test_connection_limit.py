"""`max_connections`: a limit over all routes, its queue, and idle connections that are closed to make room; `client.stats()`."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline import HttpClient, HttpRequestException, PoolTimeout, Stats, Timeout
from hookline.errors import ClientClosed, ConnectionRefused
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, response
from servers.addresses import refused_port


@pytest.fixture
def servers(make_scripted):
    found = [make_scripted() for _ in range(3)]
    for server in found:
        server.respond(lambda request: response(request.target.encode()))
    return found


async def test_limit_holds_over_all_routes(servers):
    most = 0

    def look(response, exc=None):
        nonlocal most
        most = max(most, sum(pool.opened for pool in client.connection_pools.values()))

    async with HttpClient(autoload=False, max_connections=4) as client:
        assert client.max_connections == 4
        client.event("on_headers").bind(look)
        urls = [servers[number % 3].url(f"/{number}") for number in range(300)]
        answers = await asyncio.gather(*(client.get(url) for url in urls))
        assert [answer.content for answer in answers] == [b"/%d" % number for number in range(300)]
        assert most == 4
        assert client.stats().connections <= 4
        assert client.stats().waiting == 0


async def test_pool_size_holds_below_max_connections(servers):
    async with HttpClient(autoload=False, pool_size=1, max_connections=100) as client:
        await asyncio.gather(*(client.get(server.url(f"/{n}")) for server in servers for n in range(20)))
        assert [server.connections for server in servers] == [1, 1, 1]
        assert client.stats() == Stats(connections=3, in_use=0, waiting=0, reused=57)


async def test_idle_connection_of_another_route_makes_room(servers):
    one, two, three = servers
    async with HttpClient(autoload=False, max_connections=2) as client:
        await client.get(one.url())
        await client.get(two.url())
        await client.get(three.url())
        await one.until_closed_connections(1)  # the one that was idle for longest
        assert two.open_connections == three.open_connections == 1
        await client.get(two.url())
    assert two.connections == 1


async def test_connection_that_was_idle_for_longest_makes_room_in_any_order_of_use(make_scripted):
    servers = [make_scripted() for _ in range(6)]
    for server in servers:
        server.respond(lambda request: response(request.target.encode()))
    dice = random.Random(29)
    open_ones, expected = [], [0] * 6  # the servers of the open connections, that of the last use at the end
    async with HttpClient(autoload=False, max_connections=3) as client:
        for _ in range(200):
            number = dice.randrange(6)
            await client.get(servers[number].url())
            if number in open_ones:
                open_ones.remove(number)
            else:
                expected[number] += 1
                del open_ones[:-2]
            open_ones.append(number)
        assert [server.connections for server in servers] == expected
        assert client.stats().connections == 3


async def test_waiters_are_served_in_their_order_over_routes(servers):
    one, two, three = servers
    done = []

    async def call(server, name):
        await client.get(server.url(f"/{name}"))
        done.append(name)

    gate = Gate()
    one.answer(Script().hold(gate).send(response(b"")))
    async with HttpClient(autoload=False, max_connections=1) as client:
        order = [(one, "a"), (two, "b"), (one, "c"), (one, "d"), (three, "e"), (two, "f"), (one, "g")]
        tasks = []
        for server, name in order:
            tasks.append(asyncio.create_task(call(server, name)))
            await asyncio.sleep(0)
        await one.until(heads=1)
        assert client.stats() == Stats(connections=1, in_use=1, waiting=6, reused=0)
        gate.open()
        await asyncio.gather(*tasks)
    assert done == list("abcdefg")
    assert (one.connections, two.connections, three.connections) == (3, 2, 1)


async def test_busy_route_does_not_starve_another(servers):
    busy, other, _ = servers
    async with HttpClient(autoload=False, max_connections=2) as client:
        stop = False

        async def hammer():
            while not stop:
                await client.get(busy.url())

        hammers = [asyncio.create_task(hammer()) for _ in range(8)]
        await busy.until(requests=20)
        async with asyncio.timeout(2):
            for _ in range(5):
                await client.get(other.url())
        stop = True
        await asyncio.gather(*hammers)


async def test_waiter_behind_a_full_pool_does_not_hold_up_another_route(servers):
    one, two, _ = servers
    gate = Gate()
    one.answer(Script().hold(gate).send(response(b"")))
    async with HttpClient(autoload=False, pool_size=1, max_connections=2) as client:
        held = [asyncio.create_task(client.get(one.url())) for _ in range(2)]
        await one.until(heads=1)
        async with asyncio.timeout(2):
            await client.get(two.url())
        gate.open()
        await asyncio.gather(*held)


async def test_cancelled_waiters_leave_the_queue(servers):
    one, two, three = servers
    gate = Gate()
    one.answer(Script().hold(gate).send(response(b"")))
    async with HttpClient(autoload=False, max_connections=1) as client:
        held = asyncio.create_task(client.get(one.url()))
        await one.until(heads=1)
        waiting = [asyncio.create_task(client.get(server.url())) for server in (two, three, two, one, three)]
        await asyncio.sleep(0)
        for task in waiting[:4]:
            task.cancel()
        await asyncio.sleep(0)
        assert client.stats().waiting == 1
        with pytest.raises(PoolTimeout):
            await client.get(two.url(), timeout=Timeout(pool=0.01))
        gate.open()
        async with asyncio.timeout(2):
            await held
            await waiting[4]
    assert (two.connections, three.connections) == (0, 1)


async def test_failed_connects_free_their_room(servers):
    one, _, _ = servers
    with refused_port() as port:
        async with HttpClient(autoload=False, max_connections=1) as client, asyncio.timeout(5):
            urls = [f"http://127.0.0.1:{port}/", one.url()] * 10
            ends = await asyncio.gather(*(client.get(url) for url in urls), return_exceptions=True)
            assert [type(end) for end in ends[::2]] == [ConnectionRefused] * 10
            assert [end.content for end in ends[1::2]] == [b"/"] * 10
            assert client.stats().connections == 1


async def test_close_ends_the_waits_at_all_routes(servers):
    one, two, _ = servers
    one.always(Script().stall())
    client = HttpClient(autoload=False, max_connections=1)
    tasks = [asyncio.create_task(client.get(server.url())) for server in (one, two, one, two)]
    await one.until(heads=1)
    await client.close()
    async with asyncio.timeout(2):
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [ClientClosed] * 4
    assert two.connections == 0
    assert client.stats() == Stats()


async def test_forgotten_stream_frees_its_room(servers):
    one, two, _ = servers
    one.answer(Script(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome").stall())
    async with HttpClient(autoload=False, max_connections=1) as client:
        answer = await client.get(one.url(), stream=True)
        waiting = asyncio.create_task(client.get(two.url()))
        await asyncio.sleep(0)
        stream = [answer]
        del answer
        with pytest.warns(ResourceWarning, match="neither read to its end nor closed"):
            stream.clear()  # CPython frees it at once
        async with asyncio.timeout(2):
            assert (await waiting).content == b"/"


def test_limit_holds_on_one_loop_after_the_other(servers):
    client = HttpClient(autoload=False, max_connections=2)

    async def main():
        await asyncio.gather(*(client.get(server.url()) for server in servers for _ in range(5)))
        assert client.stats().connections <= 2

    asyncio.run(main())
    first = client.stats().reused
    asyncio.run(main())
    assert client.stats().reused >= first
    client.close()


def test_wrong_limits_are_refused():
    with pytest.raises(ValueError, match="max_connections= takes 1 or more, not 0"):
        HttpClient(autoload=False, max_connections=0)
    with pytest.raises(AttributeError, match="max_connections"):
        HttpClient(autoload=False).max_connections = 5


async def test_stats_count_what_is_open_in_use_waiting_and_reused(servers):
    one, two, _ = servers
    gate = Gate()
    async with HttpClient(autoload=False, pool_size=1) as client:
        assert client.stats() == Stats(0, 0, 0, 0)
        await client.get(one.url())
        await client.get(one.url())
        assert client.stats() == Stats(connections=1, in_use=0, waiting=0, reused=1)
        two.answer(Script().hold(gate).send(response(b"")))
        tasks = [asyncio.create_task(client.get(two.url())) for _ in range(3)]
        await two.until(heads=1)
        assert client.stats() == Stats(connections=2, in_use=1, waiting=2, reused=1)
        gate.open()
        await asyncio.gather(*tasks)
        assert client.stats() == Stats(connections=2, in_use=0, waiting=0, reused=3)
        await client.close()
        assert client.stats() == Stats(connections=0, in_use=0, waiting=0, reused=3)


async def test_stats_count_reuse_in_pools_that_are_gone(scripted):
    scripted.answer(response(b""), response(b""))
    scripted.always(response(b"", headers=[("Connection", "close")]))
    async with HttpClient(autoload=False) as client:
        for _ in range(3):
            await client.get(scripted.url())
        (first,) = client.connection_pools.values()
        for number in range(260):
            await client.get(scripted.url(), source_address=(f"127.0.{1 + number // 250}.{1 + number % 250}", 0))
        assert first not in client.connection_pools.values()
        assert client.stats() == Stats(connections=0, in_use=0, waiting=0, reused=2)


ANSWERS = [
    response(b"fine"),
    chunked(b"fi", b"ne"),
    response(b"fine", headers=[("Connection", "close")]),
    response(b"fine") + b"surplus",
    Script(b"garbage"),
    Script().drop(),
]


async def _storm(seed):
    source = random.Random(seed)
    with (
        ScriptedServer(strict=False) as one,
        ScriptedServer(strict=False) as two,
        ScriptedServer(strict=False) as three,
    ):
        servers = [one, two, three]
        for server in servers:
            server.respond(lambda request: source.choice(ANSWERS))
        async with HttpClient(autoload=False, pool_size=3, max_connections=4) as client:
            tasks = []
            for number in range(60):
                url = source.choice(servers).url(f"/{number}")
                tasks.append(asyncio.create_task(client.get(url)))
                if source.random() < 0.4:
                    await asyncio.sleep(source.choice([0, 0, 0.001]))
                if source.random() < 0.3:
                    source.choice(tasks).cancel()
            async with asyncio.timeout(10):
                ends = await asyncio.gather(*tasks, return_exceptions=True)
            for end in ends:
                assert isinstance(end, (HttpRequestException, asyncio.CancelledError)) or end.content == b"fine"
            pools = client.connection_pools.values()
            assert sum(pool.opened for pool in pools) == client.loop_resources._connection_limit.opened <= 4
            assert all(pool.opened == len(pool.connections) == len(pool.idle) for pool in pools)
            assert client.stats().waiting == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_many_failures_over_several_routes_leave_the_pools_intact(seed):
    with asyncio.Runner() as runner:
        runner.run(_storm(seed))
