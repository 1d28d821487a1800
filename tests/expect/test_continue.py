"""The body waits for 100, for a final status, or for its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline import ConnectionClosed, HttpClient, HttpTimeout, ReadTimeout, Timeout
from hookline_testing.server import Gate, Script, ScriptedServer, head, response
from kit.slots import is_free

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["expect"], pool_size=1, timeout=10),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

CONTINUE = head(100)
NEVER = 30.0  # seconds: the test ends, or its timeout does, long before


class Body:
    """A generator that says when it is touched."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.touched = 0

    def read(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.touched += 1
            yield chunk


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("kind", ["bytes", "generator", "large"])
async def test_body_goes_out_after_100_and_not_before(
    client: HttpClient, scripted: ScriptedServer, cut: Any, kind: str
) -> None:
    gate, come = Gate(), Gate()
    body = Body(b"one", b"two")
    content = b"onetwo" if kind != "large" else bytes(1_000_000)
    data: Any = body.read() if kind == "generator" else content
    scripted.answer(Script().signal(come).hold(gate).send(CONTINUE, cut).read_body().send(response(b"ok"), cut))
    call = asyncio.ensure_future(client.post(scripted.url(), data=data, wait_continue=NEVER))
    await scripted.until(heads=1)
    await come.until(5)
    await asyncio.sleep(0.05)
    assert (scripted.requests[0].body_size, body.touched) == (0, 0)
    gate.open()
    got = await call
    assert (got.status_code, got.content) == (200, b"ok")
    assert scripted.requests[0].body == content
    assert scripted.requests[0].header_values("expect") == ["100-continue"]
    await is_free(client, scripted)
    assert scripted.connections == 1


@pytest.mark.parametrize("cut", range(0, len(CONTINUE + response(b"no", 401))))
async def test_100_and_the_final_head_cut_anywhere(client: HttpClient, make_scripted: Any, cut: int) -> None:
    server = make_scripted(strict=False)
    server.answer(CONTINUE + response(b"no", 401), cut=(cut,), early=True)
    got = await client.post(server.url(), data=b"body", wait_continue=NEVER)
    assert (got.status_code, got.content) == (401, b"no")
    server.answer(response(b"next"))
    assert (await client.get(server.url())).content == b"next"


async def test_100_and_the_final_head_in_one_segment_send_no_body(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    body = Body(b"x")
    server.answer(CONTINUE + response(b"ok"), early=True)
    got = await client.post(server.url(), data=body.read(), wait_continue=NEVER)
    assert (got.content, body.touched) == (b"ok", 0)
    await server.until(given_up=1)
    assert server.requests[0].body_size == 0


@pytest.mark.parametrize("wait", [True, 0.1])
async def test_silent_server_gets_the_body_after_the_time(
    client: HttpClient, scripted: ScriptedServer, wait: Any
) -> None:
    scripted.answer(response(b"ok"))
    start = time.monotonic()
    got = await client.post(scripted.url(), data=b"body", wait_continue=wait)
    took = time.monotonic() - start
    assert (got.content, scripted.requests[0].body) == (b"ok", b"body")
    assert (0.95 if wait is True else 0.09) < took < 5
    await is_free(client, scripted)
    assert scripted.connections == 1


async def test_100_that_comes_late_changes_nothing(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(Script(head(103)).read_body().send(CONTINUE + response(b"ok")))
    got = await client.post(scripted.url(), data=b"body", wait_continue=0.05)
    assert (got.content, scripted.requests[0].body) == (b"ok", b"body")


@pytest.mark.parametrize("status", [102, 103])
async def test_other_interim_responses_do_not_release_the_body(
    client: HttpClient, scripted: ScriptedServer, status: int
) -> None:
    body = Body(b"body")
    gate = Gate()
    scripted.answer(Script(head(status)).until_read().hold(gate).send(CONTINUE).read_body().send(response(b"ok")))
    call = asyncio.ensure_future(client.post(scripted.url(), data=body.read(), wait_continue=NEVER))
    await scripted.until(heads=1)
    await asyncio.sleep(0.05)
    assert body.touched == 0
    gate.open()
    assert (await call).content == b"ok"


@pytest.mark.parametrize("status", [200, 401, 413, 500])
@pytest.mark.parametrize("stream", [False, True])
async def test_final_status_first_keeps_the_body_and_closes_the_connection(
    client: HttpClient, make_scripted: Any, status: int, stream: bool
) -> None:
    server = make_scripted(strict=False)
    body = Body(b"secret")
    server.answer(response(b"no", status), early=True)
    got = await client.post(server.url(), data=body.read(), wait_continue=NEVER, stream=stream)
    assert got.status_code == status
    assert await got.raw.read() == b"no"
    assert body.touched == 0
    await server.until(given_up=1)
    assert b"secret" not in server.requests[0].raw + b"".join(server.leftovers)
    await is_free(client, server)


async def test_final_status_while_the_body_goes_out_ends_the_sending(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False, receive_buffer=4096)

    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(65536)

    server.answer(Script(CONTINUE).until_read().pause(0.05).send(response(b"enough", 413)), early=True, close=True)
    got = await client.post(server.url(), data=endless(), wait_continue=NEVER)
    assert (got.status_code, got.content) == (413, b"enough")


async def test_connection_that_ends_while_the_body_waits_is_an_error(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    body = Body(b"x")
    server.answer(Script().close(), early=True)
    with pytest.raises(ConnectionClosed):
        await client.post(server.url(), data=body.read(), wait_continue=NEVER)
    assert body.touched == 0
    await is_free(client, server)


@pytest.mark.parametrize("how", ["cancel", "total", "endless interims"])
async def test_wait_ends_with_the_call(client: HttpClient, make_scripted: Any, how: str) -> None:
    server = make_scripted(strict=False)
    body = Body(b"x")
    flood = how == "endless interims"
    server.answer(Script().endless(head(103)) if flood else Script().stall(), early=True)
    timeout = 0.1 if how == "total" else None
    call = asyncio.ensure_future(client.post(server.url(), data=body.read(), wait_continue=NEVER, timeout=timeout))
    await server.until(heads=1)
    if how == "cancel":
        await asyncio.sleep(0.02)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    elif flood:
        with pytest.raises(ConnectionError, match="interim"):
            await call
    else:
        with pytest.raises(HttpTimeout):
            await call
    assert body.touched == 0
    await server.until(given_up=1)
    await is_free(client, server)


async def test_read_timeout_begins_behind_the_wait(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"), Script().stall())
    limits = Timeout(read=0.1)
    got = await client.post(scripted.url(), data=b"body", wait_continue=0.3, timeout=limits)
    assert got.content == b"ok"
    with pytest.raises(ReadTimeout):
        await client.post(scripted.url(), data=b"body", wait_continue=0.3, timeout=limits)


async def test_file_is_not_read_before_it_is_released(client: HttpClient, make_scripted: Any, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(b"line\n" * 100)
    server = make_scripted(strict=False)
    with open(tmp_path / "upload", "rb") as file:
        server.answer(response(b"", 403), early=True)
        got = await client.put(server.url(), data=(line for line in file), wait_continue=NEVER)
        assert (got.status_code, file.tell()) == (403, 0)
        server.answer(Script(CONTINUE).read_body().send(response(b"ok")))
        got = await client.put(server.url(), data=(line for line in file), wait_continue=NEVER)
    assert got.content == b"ok"
    assert server.requests[-1].body == b"line\n" * 100


async def test_many_at_once_each_wait_for_their_own_100(scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: Script(CONTINUE).read_body().then(echo), early=True)

    async def echo(connection: Any) -> None:
        await connection.send(response(connection.request.body))

    async with HttpClient(autoload=False, plugins=["expect"], pool_size=20, timeout=20) as client:
        bodies = [b"%d" % number * 100 for number in range(100)]
        calls = [client.post(scripted.url(), data=iter([body]), wait_continue=NEVER) for body in bodies]
        assert [got.content for got in await asyncio.gather(*calls)] == bodies


def test_synchronous_mode(scripted: ScriptedServer) -> None:
    scripted.answer(Script(CONTINUE).read_body().send(response(b"ok")), response(b"late"))
    with HttpClient(autoload=False, plugins=["expect"]) as client:
        assert client.post(scripted.url(), data=iter([b"a", b"b"]), wait_continue=True).content == b"ok"
        assert client.post(scripted.url(), data=b"body", wait_continue=0.05).content == b"late"
    assert [request.body for request in scripted.requests] == [b"ab", b"body"]


async def test_idle_connection_that_died_is_replaced(client: HttpClient, make_scripted: Callable[..., Any]) -> None:
    server = make_scripted(strict=False)
    body = Body(b"body")
    server.answer(response(b"first"))
    await client.get(server.url())
    server.answer(Script().close(), early=True, connection=1)
    server.answer(Script(CONTINUE).read_body().send(response(b"second")))
    got = await client.put(server.url(), data=body.read(), wait_continue=NEVER)
    assert (got.content, body.touched, server.connections) == (b"second", 1, 2)
