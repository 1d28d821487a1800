"""`close()`: the exchanges in flight end with an error, wherever they are, and closers run behind the last post_request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from hookline import ClientClosed, HttpClient, HttpRequest, HttpResponse, hookimpl
from hookline.network import loop_resources
from hookline_testing.server import Script, ScriptedServer, head, response

STALLED = Script(head(200, [("Content-Length", "100")]) + b"some").stall()
Call = Callable[[HttpClient, ScriptedServer], Awaitable[Any]]


async def slow_post_request(answer: HttpResponse, exc: BaseException | None = None) -> None:
    await asyncio.sleep(0.02)
    told.append("post_request")


told: list[str] = []


@pytest.fixture(autouse=True)
def _told_anew() -> None:
    told.clear()


async def waits_for_the_head(client: HttpClient, server: ScriptedServer) -> None:
    server.answer(Script().stall())
    await client.get(server.url(), post_request=slow_post_request)


async def waits_for_the_body(client: HttpClient, server: ScriptedServer) -> None:
    server.answer(STALLED)
    await client.get(server.url(), post_request=slow_post_request)


async def reads_a_stream(client: HttpClient, server: ScriptedServer) -> None:
    server.answer(STALLED)
    answer = await client.get(server.url(), stream=True, post_request=slow_post_request)
    async for _ in answer.raw:
        pass


async def uploads(client: HttpClient, server: ScriptedServer) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            told.append("source")

    server.answer(Script().read_body())
    await client.post(server.url(), data=chunks(), post_request=slow_post_request)


async def is_in_a_handler(client: HttpClient, server: ScriptedServer) -> None:
    async def wait(answer: HttpResponse) -> None:
        await asyncio.sleep(0.05)

    server.answer(response())
    await client.get(server.url(), on_headers=wait, post_request=slow_post_request)


async def is_in_a_pause(client: HttpClient, server: ScriptedServer) -> None:
    async def wait(answer: HttpResponse) -> None:
        await client.pause(60)

    server.answer(response())
    await client.get(server.url(), on_headers=wait, post_request=slow_post_request)


async def shakes_hands(client: HttpClient, server: ScriptedServer) -> None:
    server.greet(Script().stall())
    await client.get(server.url().replace("http:", "https:"), post_request=slow_post_request)


async def stands_in_line(client: HttpClient, server: ScriptedServer) -> None:
    server.answer(Script().stall())
    first = asyncio.ensure_future(client.get(server.url()))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(client.get(server.url(), post_request=slow_post_request))
    await asyncio.wait([first, second])
    assert isinstance(first.exception(), ClientClosed)
    await second


CALLS = [
    waits_for_the_head,
    waits_for_the_body,
    reads_a_stream,
    uploads,
    is_in_a_handler,
    is_in_a_pause,
    shakes_hands,
    stands_in_line,
]


@pytest.mark.parametrize("call", CALLS)
async def test_closers_run_after_the_last_post_request(
    make_scripted: Callable[..., ScriptedServer], call: Call
) -> None:
    server = make_scripted(strict=False)
    client = HttpClient(autoload=False, pool_size=1)

    async def closer() -> None:
        told.append("closer")

    task = asyncio.ensure_future(call(client, server))
    await server.until(connections=1)
    await asyncio.sleep(0.02)
    client.add_closer(closer)
    async with asyncio.timeout(3):
        await client.close()
    assert [what for what in told if what != "source"] == ["post_request", "closer"]
    ended = contextlib.nullcontext() if call is is_in_a_handler else pytest.raises(ClientClosed)
    with ended:
        await task


async def test_exchange_that_a_handler_sends_again_ends_before_closers_run(scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: response() if request.target == "/last" else Script().stall())

    class Again:
        name = "again"

        @hookimpl
        def post_request(self, response: HttpResponse) -> HttpRequest | None:
            told.append("post_request")
            return response.request.copy() if len(told) < 4 else None

    client = HttpClient(autoload=False, plugins=[Again()])

    async def closer() -> None:
        told.append("closer")

    task = asyncio.ensure_future(client.get(scripted.url()))
    await scripted.until(heads=1)
    client.add_closer(closer)
    await client.close()
    assert told[-1] == "closer"
    assert told.count("closer") == 1
    with pytest.raises(ClientClosed):
        await task
    assert told[-1] == "closer"
    async with HttpClient(autoload=False) as last:  # behind which the server has accepted all that were opened
        await last.get(scripted.url("/last"))
    await scripted.until_closed_connections()


async def test_close_in_a_handler_does_not_wait_for_that_handler(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"body"))
    client = HttpClient(autoload=False)

    async def close(answer: HttpResponse) -> None:
        await client.close()
        told.append("closed")

    async with asyncio.timeout(2):
        await client.get(scripted.url(), post_request=close)
    assert told == ["closed"]


async def test_handler_that_does_not_end_delays_close_for_a_while_only(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_resources, "HANDLER_SECONDS", 0.05)
    scripted.answer(response(b"body"))
    client = HttpClient(autoload=False)
    begun, gate = asyncio.Event(), asyncio.Event()

    async def wait(answer: HttpResponse) -> None:
        begun.set()
        await gate.wait()

    task = asyncio.ensure_future(client.get(scripted.url(), post_request=wait))
    await begun.wait()
    async with asyncio.timeout(2):
        await client.close()
    gate.set()
    assert (await task).content == b"body"


def test_stream_of_synchronous_mode_does_not_hold_up_close(scripted: ScriptedServer) -> None:
    scripted.answer(STALLED)
    client = HttpClient(autoload=False)
    answer = client.get(scripted.url(), stream=True)

    async def closer() -> None:
        told.append("closer")

    client.add_closer(closer)
    client.close()
    assert told == ["closer"]
    with pytest.raises(ClientClosed):
        answer.raw.read()
    client.close()
