"""Timeouts, of the whole and of each part; nothing is left behind."""

import asyncio
import gc
import weakref

import pytest

from hookline import (
    ConnectTimeout,
    HttpTimeout,
    PoolTimeout,
    ReadTimeout,
    Timeout,
    WriteTimeout,
)
from hookline.messages import timeout as timeouts
from hookline.messages.timeout import MAX_KNOWN, as_timeout
from hookline_testing.server import Gate, Script, head, response
from kit.slots import is_free
from servers.addresses import black_hole

pytestmark = [pytest.mark.client(autoload=False, pool_size=1), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


@pytest.mark.parametrize(
    "script",
    [
        Script().stall(),
        Script(b"HTTP/1.1 200").stall(),
        Script(head(103)).stall(),
        Script(head(200, [("Content-Length", "9")])).stall(),
        Script(head(200)).stall(),
    ],
    ids=["silent", "head", "interim", "body", "close-delimited"],
)
@pytest.mark.parametrize(("timeout", "kind"), [(0.1, HttpTimeout), (Timeout(read=0.1), ReadTimeout)])
async def test_silent_server_ends_in_a_timeout(client, scripted, script, timeout, kind):
    scripted.answer(script)
    with pytest.raises(kind) as caught:
        await client.get(scripted.url(), timeout=timeout)
    assert type(caught.value) is kind
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.request.method == "GET"
    assert "0.1 s" in str(caught.value)
    await is_free(client, scripted)


async def test_connect_has_its_own_timeout(client):
    with black_hole() as port, pytest.raises(ConnectTimeout, match=r"connect timeout of 0\.1 s"):
        await client.get(f"http://127.0.0.1:{port}/", timeout=Timeout(connect=0.1))


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_connect_does_not_get_the_time_of_the_handshake(client, scheme):
    limits = Timeout(connect=0.1, tls=30)
    with black_hole() as port, pytest.raises(ConnectTimeout, match=r"connect timeout of 0\.1 s"):
        async with asyncio.timeout(5):
            await client.get(f"{scheme}://127.0.0.1:{port}/", timeout=limits)


async def test_total_timeout_holds_while_connecting(client):
    with black_hole() as port, pytest.raises(HttpTimeout, match="total") as caught:
        await client.get(f"http://127.0.0.1:{port}/", timeout=Timeout(0.1, connect=30))
    assert type(caught.value) is HttpTimeout


@pytest.mark.parametrize("timeout", [Timeout(connect=0.1), Timeout(tls=0.1), Timeout(connect=30, tls=0.1)], ids=repr)
async def test_handshake_has_a_timeout(client, scripted, timeout):
    scripted.greet(Script().stall())
    with pytest.raises(ConnectTimeout, match=r"0\.1 s") as caught:
        await client.get(f"https://127.0.0.1:{scripted.port}/", timeout=timeout, verify=False)
    assert caught.value.request is not None


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(("timeout", "kind"), [(Timeout(pool=0.1), PoolTimeout), (0.1, HttpTimeout)])
async def test_wait_for_the_pool_ends_in_a_timeout(client, scripted, timeout, kind):
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"first")))
    first = asyncio.create_task(client.get(scripted.url()))
    await scripted.until(heads=1)

    with pytest.raises(kind) as caught:
        await client.get(scripted.url(), timeout=timeout)

    assert type(caught.value) is kind
    gate.open()
    assert (await first).content == b"first"
    await is_free(client, scripted)


async def test_pool_timeout_does_not_end_what_follows(client, scripted):
    scripted.answer(Script().pause(0.25).send(response(b"slow")))
    answer = await client.get(scripted.url(), timeout=Timeout(pool=0.05, connect=0.2, write=0.05))
    assert answer.content == b"slow"


@pytest.mark.parametrize("kind", ["bytes", "generator"])
async def test_write_that_the_peer_does_not_take_ends_in_a_timeout(client, make_scripted, kind):
    server = make_scripted(receive_buffer=4096, strict=False)
    server.answer(Script().refuse_to_read())
    block = b"x" * (1024 * 1024)

    async def chunks():
        for _ in range(64):
            yield block

    body = block * 64 if kind == "bytes" else chunks()
    with pytest.raises(WriteTimeout, match=r"write timeout of 0\.2 s"):
        await client.post(server.url(), data=body, timeout=Timeout(write=0.2, read=0.1))
    await is_free(client, server)


async def test_total_timeout_holds_while_the_source_gives_nothing(client, scripted):
    scripted.answer(Script().read_body().stall())

    async def chunks():
        yield b"some"
        await asyncio.sleep(30)

    with pytest.raises(HttpTimeout, match="total"):
        await client.post(scripted.url(), data=chunks(), timeout=0.2)


async def test_slow_source_is_no_read_timeout(client, scripted):
    scripted.answer(response(b"fine"))

    async def chunks():
        for _ in range(3):
            yield b"some"
            await asyncio.sleep(0.1)

    answer = await client.post(scripted.url(), data=chunks(), timeout=Timeout(read=0.15))
    assert answer.content == b"fine"


@pytest.mark.parametrize("timeout", [None, 0, 30, Timeout(30, read=10, pool=10, connect=10, write=10)], ids=repr)
async def test_timeouts_leave_nothing_behind(client, scripted, timeout):
    scripted.always(response(b"x" * 10))
    answers = []
    for _ in range(3):
        answer = await client.get(scripted.url(), timeout=timeout)
        answers.append(weakref.ref(answer))
        del answer
    await client.post(scripted.url(), data=iter([b"x"]), timeout=timeout)
    gc.collect()
    assert [answer() for answer in answers] == [None] * 3


async def test_read_timeout_that_a_hook_takes_away_leaves_nothing_behind(client, scripted):
    def take_away(response):
        response.request.timeout = Timeout()

    scripted.always(response(b"x" * 10))
    answer = weakref.ref(await client.get(scripted.url(), timeout=Timeout(read=30), pre_request=take_away))
    gc.collect()
    assert answer() is None


async def test_timeouts_of_exchanges_are_watched_by_one_timer(client, scripted, monkeypatch):
    scripted.always(response(b"x" * 10))
    loop, due = asyncio.get_running_loop(), []
    call_at = loop.call_at

    def note(when, *args, **keywords):
        due.append(when)
        return call_at(when, *args, **keywords)

    await client.get(scripted.url())
    monkeypatch.setattr(loop, "call_at", note)
    for _ in range(20):
        await client.get(scripted.url(), timeout=Timeout(read=10))
        await client.get(scripted.url(), timeout=8)
    assert len(due) <= 2  # for the first of each


async def test_read_timeout_begins_anew_with_each_exchange(client, scripted):
    for _ in range(3):
        scripted.answer(Script().pause(0.2).send(response(b"late")))
    scripted.answer(Script().stall())
    for _ in range(3):
        assert (await client.get(scripted.url(), timeout=Timeout(read=5))).content == b"late"
    began = asyncio.get_running_loop().time()
    with pytest.raises(ReadTimeout, match=r"read timeout of 0.3 s"):
        await client.get(scripted.url(), timeout=Timeout(read=0.3))
    assert asyncio.get_running_loop().time() - began >= 0.29


async def test_response_that_timed_out_is_not_kept(client, scripted):
    scripted.answer(Script().stall())
    with pytest.raises(HttpTimeout) as caught:
        await client.get(scripted.url(), timeout=0.05)
    request = weakref.ref(caught.value.request)
    del caught
    await is_free(client, scripted)
    gc.collect()
    assert request() is None


@pytest.mark.parametrize("value", ["1", True, -1, float("nan"), float("inf"), [1]])
def test_timeout_refuses_what_is_no_number_of_seconds(value):
    with pytest.raises((TypeError, ValueError), match="timeout"):
        Timeout(value)


@pytest.mark.parametrize("value", [1, 1.5, 0])
def test_number_of_seconds_is_converted_once(value):
    assert as_timeout(value) == Timeout(value)
    assert as_timeout(value) is as_timeout(value)
    with pytest.raises(TypeError, match="timeout total"):
        as_timeout(True)  # which equals 1


def test_remembered_numbers_of_seconds_are_bounded():
    for number in range(2 * MAX_KNOWN):
        assert as_timeout(number / 7).total == number / 7
    assert len(timeouts._known) <= MAX_KNOWN


def test_timeouts_compare_by_value():
    assert Timeout(1, read=2) == Timeout(1.0, read=2.0)
    assert hash(Timeout(1)) == hash(Timeout(1.0))
    assert Timeout(1) != Timeout(2)
    assert repr(Timeout(1, read=2)) == "Timeout(total=1.0, read=2.0)"
