# ruff: noqa: ASYNC110, ASYNC251  # blocking the loop is what is tried here
"""What the kernel knows of an idle connection is asked before it is used again: the loop may have been blocked meanwhile."""

from __future__ import annotations

import asyncio
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from hookline import HttpClient, HttpResponse
from hookline.network.pool import PROBE_AFTER
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, head, response
from servers.certificates import Certificates

Make = Callable[..., ScriptedServer]
LATE_TIMEOUT = response(b"too late", 408, [("Connection", "close")])
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["tcp", "tls", "unix", "unix-tls"])
def server_and_options(request, make_scripted, certificates, tmp_path) -> tuple[ScriptedServer, dict[str, Any]]:
    options: dict[str, Any] = {}
    given: dict[str, Any] = {}
    if "tls" in request.param:
        given["ssl_context"] = certificates.server_context()
        options["verify"] = certificates.ca_file
    if "unix" in request.param:
        given["unix_socket"] = options["unix_socket"] = tmp_path / "socket"
    return make_scripted(**given), options


def leave(server: ScriptedServer, client: HttpClient, how: str) -> None:
    """Do to the youngest connection what a server does, and wait until the kernel knows; the loop is blocked meanwhile."""
    (connection,) = (c for pool in client.connection_pools.values() for c in pool.connections if c.alive)
    if how.startswith("late 408"):
        server.push(LATE_TIMEOUT)
    if how != "late 408":  # in a thread: over TLS a server waits for the client's goodbye
        threading.Thread(target=server.hang_up, kwargs={"reset": how == "reset"}).start()
    assert select.select([connection.transport.get_extra_info("socket").fileno()], [], [], 5)[0]
    time.sleep(2 * PROBE_AFTER)


HOW = ["close", "reset", "late 408", "late 408 and close"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("make_loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connection_that_ended_while_the_loop_was_blocked_is_not_used_again(server_and_options, how, make_loop, method):
    server, options = server_and_options
    server.answer(response(b"one"), response(b"two"))

    async def main():
        async with HttpClient(autoload=False, **options) as client:
            url = server.url(host="127.0.0.1")
            assert (await client.get(url)).content == b"one"
            leave(server, client, how)
            answer = await client.request(method, url, data=b"x" if method == "POST" else None)
            assert (answer.status_code, answer.content) == (200, b"two")
            assert client.stats()[:3] == (1, 0, 0)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())
    assert server.connections == 2


@pytest.mark.parametrize(
    "first",
    [chunked(b"on", b"e"), response(b"one"), Script(head(200, [("Content-Length", "3")]) + b"o", b"ne")],
    ids=["chunked", "whole", "in-two-reads"],
)
async def test_connection_that_ended_while_its_body_waited_for_the_reader_is_not_used_again(scripted, first):
    scripted.answer(first, response(b"two"))
    async with HttpClient(autoload=False) as client:
        answer = await client.get(scripted.url(), stream=True)
        while answer.connection is not None and not answer.connection.complete:
            await asyncio.sleep(0.001)
        leave(scripted, client, "close")
        assert await answer.raw.read() == b"one"
        assert (await client.post(scripted.url(), data=b"x")).content == b"two"
    assert scripted.connections == 2


async def test_connection_that_ended_before_its_handlers_did_is_not_used_again(scripted):
    scripted.answer(response(b"one"), response(b"two"))

    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url(), post_request=lambda response: leave(scripted, client, "late 408"))
        assert (await client.post(scripted.url(), data=b"x")).content == b"two"
    assert scripted.connections == 2


async def test_connection_that_ended_before_its_waiter_ran_is_not_used(scripted):
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"one")), response(b"two"))

    def block_behind(answer: HttpResponse) -> None:
        asyncio.get_running_loop().call_soon(leave, scripted, client, "late 408")

    async with HttpClient(autoload=False, pool_size=1) as client:
        one = asyncio.create_task(client.get(scripted.url(), on_headers=block_behind))
        await scripted.until(heads=1)
        two = asyncio.create_task(client.post(scripted.url(), data=b"x"))
        while not client.stats().waiting:
            await asyncio.sleep(0)
        gate.open()
        await one
        assert (await two).content == b"two"
        assert client.stats()[:3] == (1, 0, 0)
    assert scripted.connections == 2


async def test_connection_that_ended_while_pre_request_held_it_is_replaced(scripted):
    scripted.answer(response(b"one"), response(b"two"))

    async def take(answer: HttpResponse) -> None:
        await answer.connect()
        leave(scripted, client, "close")

    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url())
        assert (await client.post(scripted.url(), data=b"x", pre_request=take)).content == b"two"
    assert scripted.connections == 2


async def test_connection_older_than_keep_alive_is_not_used_although_the_loop_was_blocked(scripted):
    scripted.answer(response(b"one"), response(b"two"))
    async with HttpClient(autoload=False, keep_alive=0.02) as client:
        await client.get(scripted.url())
        time.sleep(0.03)
        assert (await client.post(scripted.url(), data=b"x")).content == b"two"
    assert scripted.connections == 2


async def test_all_that_ended_are_dropped_and_those_that_live_are_used(scripted):
    scripted.respond(lambda request: Script().pause(0.02).send(response(b"body")))
    async with HttpClient(autoload=False) as client:
        await asyncio.gather(*(client.get(scripted.url()) for _ in range(4)))
        for number in (1, 2, 4):
            scripted.hang_up(connection=number)
        time.sleep(0.02)
        assert (await client.post(scripted.url(), data=b"x")).content == b"body"
        await asyncio.sleep(0.01)
        assert client.stats().connections == 1
    assert scripted.connections == 4


async def test_connection_that_lives_is_used_again_after_the_loop_was_blocked(server_and_options):
    server, options = server_and_options
    server.always(response(b"body"))
    async with HttpClient(autoload=False, **options) as client:
        for _ in range(3):
            await client.post(server.url(host="127.0.0.1"), data=b"x")
            time.sleep(0.01)
        assert client.stats().reused == 2
    assert server.connections == 1


async def test_pool_of_a_client_with_max_connections_counts_what_it_dropped(scripted):
    scripted.always(response(b"body"))
    async with HttpClient(autoload=False, max_connections=1) as client:
        for _ in range(3):
            await client.get(scripted.url())
            leave(scripted, client, "close")
        assert (await client.post(scripted.url(), data=b"x", timeout=2)).content == b"body"
    assert scripted.connections == 4


def test_synchronous_client_does_not_use_an_ended_connection(scripted):
    scripted.always(response(b"body"))
    with HttpClient(autoload=False) as client:
        for how in HOW:
            client.get(scripted.url())
            leave(scripted, client, how)
            assert client.post(scripted.url(), data=b"x").content == b"body"


@pytest.mark.parametrize("how", HOW)
async def test_tunnel_that_ended_while_the_loop_was_blocked_is_not_used_again(
    make_scripted: Make, certificates: Certificates, how: str
) -> None:
    pytest.importorskip("hookline_tunnel")
    proxy = make_scripted()
    granted = Script().start_tls(certificates.server_context(), b"HTTP/1.1 200 Connection established\r\n\r\n")
    proxy.answer(granted, response(b"one"), granted, response(b"two"))
    options = {"verify": str(certificates.ca_file), "proxies": {"all": proxy.url(), "no": ""}}
    async with HttpClient(**options) as client:
        assert (await client.get("https://127.0.0.1:1/")).content == b"one"
        leave(proxy, client, how)
        assert (await client.post("https://127.0.0.1:1/", data=b"x")).content == b"two"
    assert proxy.connections == 2
