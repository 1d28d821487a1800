"""Limits that processes share through Redis: a real redis-server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hookline import ClientClosed, HttpClient, HttpRequestException, HttpResponse, HttpTimeout, hookimpl
from hookline_testing.server import Gate, Script, ScriptedServer, response
from hookline_throttle import RedisLimits, Throttle, ThrottleUnavailable
from servers.addresses import refused_port
from throttle.conftest import Admissions, Throttling, most_in_window

pytest.importorskip("redis")

WORKER = Path(__file__).with_name("redis_worker.py")


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.fixture
def shared(redis_server: str, prefix: str) -> RedisLimits:
    return RedisLimits(redis_server, prefix=prefix, lease=1)


@pytest.fixture
async def redis(redis_server: str) -> AsyncIterator[Any]:
    import redis.asyncio

    async with redis.asyncio.from_url(redis_server) as client:
        yield client


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_worker(redis_server: str, prefix: str, scripted: ScriptedServer) -> Iterator[Start]:
    """A function that starts a process, which waits for a line. See `redis_worker`."""
    started = []

    def start(rate: str, burst: int, concurrency: int | str, lease: float, seconds: float, calls: int) -> Any:
        arguments = [redis_server, scripted.url(), prefix, rate, burst, concurrency, lease, seconds, calls]
        process = subprocess.Popen(
            [sys.executable, str(WORKER), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(OSError):
            process.kill()
        process.communicate()


def begin(processes: list[subprocess.Popen[str]]) -> None:
    """Let processes begin at the same time."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def results(process: subprocess.Popen[str]) -> list[tuple[float, int]]:
    return [tuple(json.loads(line)) for line in process.communicate(timeout=60)[0].splitlines()]


@pytest.mark.parametrize("concurrency", ["-", 2], ids=["rate", "rate-and-slots"])
async def test_three_processes_share_a_rate(
    start_worker: Start, scripted: ScriptedServer, concurrency: int | str
) -> None:
    rate, burst, seconds = 60, 4, 4.0
    scripted.always(response(b"ok"))
    processes = [start_worker(f"{rate}/s", burst, concurrency, 5, seconds, calls) for calls in (2, 5, 20)]
    begin(processes)
    found = await asyncio.gather(*(asyncio.to_thread(results, each) for each in processes))
    # Each admission moves the rate by one interval, and comes at most burst - 1 intervals before it: so there are at most
    # t * rate + burst of them in any time t, by the clock of Redis.
    counted = sorted(after for each in found for _, after in each)
    assert min(b - a for a, b in pairwise(counted)) >= 1e6 / rate
    # at the server up to 10 % more, because of the way from Redis to there
    instants = [instant for each in found for instant, _ in each]
    assert most_in_window(instants, 2) <= 1.1 * (2 * rate + burst)
    # none has less than half its share, however many requests each has
    counts = [len(each) for each in found]
    assert min(counts) >= sum(counts) / 6, counts
    # since they take turns; if the first to ask were admitted, a third would be admitted after another of the same process
    turns = [number for _, number in sorted((after, number) for number, each in enumerate(found) for _, after in each)]
    assert sum(one == other for one, other in pairwise(turns)) < len(turns) / 6
    assert sum(counts) > rate * seconds / 8, counts


async def test_slots_of_a_killed_process_come_back(
    start_worker: Start, scripted: ScriptedServer, throttling: Throttling, shared: RedisLimits
) -> None:
    gate = Gate()
    scripted.always(Script().hold(gate).send(response(b"ok")))
    process = start_worker("-", 1, 2, 3, 60, 5)
    begin([process])
    await scripted.until(requests=2)
    async with throttling(Throttle(concurrency=2, shared=shared)) as client:
        waiting = asyncio.ensure_future(client.get(scripted.url("/mine")))
        await asyncio.sleep(4)  # longer than a lease: it is renewed
        assert (len(scripted.requests), waiting.done()) == (2, False)
        process.kill()
        await scripted.until(requests=3, timeout=15)
        gate.open()
        assert (await waiting).throttled > 3.9


async def test_killed_process_that_waits_does_not_hold_up_the_others(
    start_worker: Start, scripted: ScriptedServer, throttling: Throttling, shared: RedisLimits
) -> None:
    scripted.always(response(b"ok"))
    process = start_worker("2/s", 1, "-", 1, 60, 5)
    begin([process])
    await scripted.until(requests=1)
    await asyncio.sleep(0.2)
    process.kill()
    async with throttling(Throttle("2/s", shared=shared)) as client:
        async with asyncio.timeout(15):
            for _ in range(3):
                assert (await client.get(scripted.url())).status_code == 200


async def test_waiting_asks_seldom(
    throttling: Throttling, shared: RedisLimits, scripted: ScriptedServer, redis: Any
) -> None:
    async def calls() -> int:
        stats = await redis.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "blpop"))

    gate = Gate()
    scripted.always(Script().hold(gate).send(response(b"ok")))
    async with throttling(Throttle("1000/s", burst=100, concurrency=1, shared=shared)) as client:
        tasks = [asyncio.ensure_future(client.get(scripted.url())) for _ in range(30)]
        await scripted.until(requests=1)
        before = await calls()
        await asyncio.sleep(2)
        assert await calls() - before <= 20  # messages and renewals; other tests may use this Redis too
        gate.open()
        found = await asyncio.gather(*tasks)
    assert {each.status_code for each in found} == {200}


async def test_two_clients_take_turns_in_order(
    throttling: Throttling, shared: RedisLimits, scripted: ScriptedServer, admissions: Admissions
) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle("50/s", shared=shared)
    async with throttling(throttle) as one, throttling(throttle) as two:
        first = [one.get(scripted.url(f"/one{number}")) for number in range(8)]
        second = [two.get(scripted.url(f"/two{number}")) for number in range(8)]
        await asyncio.gather(*first, *second)
    ones = [target for target in admissions.targets if "one" in target]
    assert ones == [f"/one{number}" for number in range(8)]
    half = admissions.targets[:8]
    assert 2 <= sum("one" in target for target in half) <= 6


@pytest.mark.parametrize("how", ["cancel", "close", "deadline"])
@pytest.mark.parametrize("limit", ["rate", "slots"])
async def test_wait_ends(
    throttling: Throttling, shared: RedisLimits, scripted: ScriptedServer, redis: Any, how: str, limit: str, prefix: str
) -> None:
    scripted.always(response(b"ok" * 100_000))
    throttle = Throttle("1/h" if limit == "rate" else None, concurrency=1, shared=shared)
    async with throttling(throttle) as client:
        held = await client.get(scripted.url(), stream=True)
        timeout = 0.3 if how == "deadline" else 20
        tasks = [asyncio.ensure_future(client.get(scripted.url(), timeout=timeout)) for _ in range(3)]
        await asyncio.sleep(0.1)
        if how == "close":
            await client.close()
        elif how == "cancel":
            for task in tasks:
                task.cancel()
        async with asyncio.timeout(10):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        expected = {"cancel": asyncio.CancelledError, "close": ClientClosed, "deadline": HttpTimeout}[how]
        assert {type(each) for each in outcomes} == {expected}
        await held.close()
    (key,) = [name for name in await redis.keys(f"{prefix}*") if name.endswith(b"}")]
    assert (await redis.zcard(key + b":s"), await redis.zcard(key + b":q")) == (0, 0)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("cut", range(0, 30, 3))
async def test_cancellation_at_any_await_frees_what_was_taken(
    throttling: Throttling, shared: RedisLimits, scripted: ScriptedServer, cut: int
) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle(concurrency=1, shared=shared)) as client:
        task = asyncio.ensure_future(client.get(scripted.url()))
        for _ in range(cut):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await client.get(scripted.url(), timeout=10)).status_code == 200


async def test_what_a_server_asks_for_holds_for_all(
    throttling: Throttling, shared: RedisLimits, scripted: ScriptedServer, redis: Any, prefix: str
) -> None:
    scripted.answer(response(b"busy", 429, [("Retry-After", "3600")]))
    throttle = Throttle(shared=shared)
    async with throttling(throttle) as one, throttling(Throttle(shared=shared)) as two:
        await one.get(scripted.url())
        (key,) = await redis.keys(f"{prefix}*")
        async with asyncio.timeout(5):
            while not await redis.hget(key, "held"):  # noqa: ASYNC110  # it is told soon after
                await asyncio.sleep(0.01)
        for client in (one, two):
            with pytest.raises(HttpTimeout):
                await client.get(scripted.url(), timeout=0.2)


async def test_request_that_another_plugin_answers_takes_no_token(throttling: Throttling, shared: RedisLimits) -> None:
    class Answers:
        after = ("throttle",)

        @hookimpl
        def pre_request(self, response: HttpResponse) -> HttpResponse:
            return HttpResponse.build(response.request, 200, content=b"own")

    async with throttling(Throttle("1/h", concurrency=1, shared=shared), Answers()) as client:
        for _ in range(3):
            assert (await client.get("http://a.test/")).throttled == 0


async def test_sub_requests_borrow_the_slot(
    throttling: Throttling, shared: RedisLimits, scripted: ScriptedServer
) -> None:
    class Token:
        after = ("admissions",)

        @hookimpl
        async def pre_request(self, response: HttpResponse) -> None:
            client = response.request.client
            url = scripted.url("/token")
            await client.exchange(client.new_request("GET", url, cause="token", parent=response.request))

    scripted.always(response(b"ok"))
    async with throttling(Throttle(concurrency=1, shared=shared), Token()) as client:
        async with asyncio.timeout(10):
            await asyncio.gather(*(client.get(scripted.url()) for _ in range(3)))


# -- Redis that fails


@pytest.mark.parametrize("on_failure", ["closed", "open"])
async def test_redis_that_is_down(
    throttling: Throttling, scripted: ScriptedServer, on_failure: str, prefix: str
) -> None:
    scripted.always(response(b"ok"))
    with refused_port() as port:
        shared = RedisLimits(f"redis://:secret@127.0.0.1:{port}/0", on_failure=on_failure)
        async with throttling(Throttle(concurrency=1, shared=shared)) as client:
            for _ in range(2):
                if on_failure == "open":
                    assert (await client.get(scripted.url())).status_code == 200
                else:
                    with pytest.raises(ThrottleUnavailable, match="Redis of the throttle does not answer") as caught:
                        await client.get(scripted.url())
                    assert caught.value.request.url == scripted.url()
                    assert "secret" not in str(caught.value) + repr(caught.value.__cause__)
                    assert isinstance(pickle.loads(pickle.dumps(caught.value)), ThrottleUnavailable)
    assert len(scripted.requests) == (2 if on_failure == "open" else 0)
    assert issubclass(ThrottleUnavailable, HttpRequestException)


@pytest.mark.parametrize("what", ["connections", "scripts"])
async def test_redis_that_was_started_anew(
    throttling: Throttling, shared: RedisLimits, scripted: ScriptedServer, redis: Any, what: str
) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle("1000/s", concurrency=1, shared=shared)) as client:
        for _ in range(3):
            assert (await client.get(scripted.url())).status_code == 200
            if what == "scripts":
                await redis.script_flush()
            else:
                await redis.client_kill_filter(_type="normal", skipme=True)


# -- settings


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"on_failure": "ajar"}, ValueError, "on_failure= takes 'closed' or 'open', not 'ajar'"),
        ({"lease": 0}, ValueError, "lease= takes seconds from 0.5 to 3600, not 0"),
        ({"lease": "10"}, TypeError, "lease= takes seconds, not str"),
        ({"url": "http://127.0.0.1"}, ValueError, "(?i)redis"),
    ],
    ids=["on_failure", "lease", "lease-type", "url"],
)
def test_wrong_settings(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        RedisLimits(**{"url": "redis://127.0.0.1/0", **settings})


def test_secrets_are_not_shown() -> None:
    shared = RedisLimits("redis://:secret@127.0.0.1/0")
    assert "secret" not in repr(shared) + repr(Throttle("1/s", shared=shared))
    with pytest.raises(TypeError, match="make one for the same url"):
        pickle.dumps(shared)


async def test_keys_are_what_every_process_writes_alike(shared: RedisLimits) -> None:
    for key in (object(), 1.5, ("a", object())):
        throttle = Throttle("1/s", shared=shared, per=lambda request, key=key: key)
        async with HttpClient(autoload=False, plugins=["throttle"], throttle=throttle) as client:
            with pytest.raises(TypeError, match="with shared= a key is text, a number, or a tuple of them"):
                await client.get("http://a.test/")


def test_loops_one_after_the_other(shared: RedisLimits, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    client = HttpClient(
        autoload=False, plugins=["throttle"], throttle=Throttle(concurrency=1, shared=shared), timeout=20
    )

    async def main() -> int:
        status: int = (await client.get(scripted.url())).status_code
        return status

    assert [asyncio.run(main()) for _ in range(2)] == [200, 200]
    client.close()
    with HttpClient(autoload=False, plugins=["throttle"], throttle=Throttle(concurrency=1, shared=shared)) as other:
        assert other.get(scripted.url(), timeout=20).status_code == 200


@pytest.mark.parametrize("answers", [0, 1_000_000], ids=["from the start", "amid commands"])
async def test_redis_that_does_not_answer_any_more(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer, redis_server: str, prefix: str, answers: int
) -> None:
    """A server between the throttle and Redis passes on what it is told to, and keeps the connections open."""
    monkeypatch.setattr("hookline_throttle.redis_link.COMMAND_SECONDS", 0.3)
    is_silent = answers == 0
    host, port = redis_server.removeprefix("redis://").partition("/")[0].split(":")
    peers: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not is_silent:
                    writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(host, int(port))
        for task in (asyncio.create_task(pass_on(reader, downstream)), asyncio.create_task(pass_on(upstream, writer))):
            peers.add(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    scripted.always(response(b"ok"))
    throttle = Throttle("1000/s", burst=100, shared=RedisLimits(url, prefix=prefix))
    async with HttpClient(autoload=False, plugins=["throttle"], throttle=throttle, timeout=20) as client:
        if not is_silent:
            assert (await client.get(scripted.url())).ok
        sent = len(scripted.requests)
        is_silent = True
        async with asyncio.timeout(5):
            with pytest.raises(ThrottleUnavailable, match="does not answer"):
                await client.get(scripted.url())
        assert len(scripted.requests) == sent
        is_silent = False
        assert (await client.get(scripted.url())).ok
    server.close()
    await server.wait_closed()
    for task in peers:
        task.cancel()
    await asyncio.gather(*peers, return_exceptions=True)
