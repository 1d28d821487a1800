"""What plugins keep open beyond its exchange is closed with the client."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import ScriptedServer, response


async def test_close_awaits_closers_side_by_side_while_connections_are_open(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"))
    client = HttpClient(autoload=False)
    await client.get(scripted.url())
    both = asyncio.Barrier(2)
    seen: list[int] = []

    async def close(number: int) -> None:
        seen.append(number)
        seen.append(scripted.open_connections)
        await both.wait()  # neither ends without the other

    client.add_closer(lambda: close(0))
    client.add_closer(lambda: close(0))
    async with asyncio.timeout(5):
        await client.close()
    assert seen == [0, 1, 0, 1]
    await scripted.until_closed_connections()


async def test_closer_is_called_once_and_not_when_it_was_removed() -> None:
    client = HttpClient(autoload=False)
    called: list[str] = []

    async def stay() -> None:
        called.append("stay")

    async def go() -> None:
        called.append("go")

    client.add_closer(stay)
    client.add_closer(go)
    client.remove_closer(go)
    await client.close()
    await client.close()
    assert called == ["stay"]


async def test_what_a_closer_raises_goes_to_the_exception_handler_and_connections_are_closed(
    scripted: ScriptedServer,
) -> None:
    scripted.answer(response(b"one"))
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    client = HttpClient(autoload=False)
    await client.get(scripted.url())

    async def fail() -> None:
        raise ValueError("no way out")

    client.add_closer(fail)
    await client.close()
    gc.collect()
    await scripted.until_closed_connections()
    assert [str(context["exception"]) for context in told] == ["no way out"]


async def test_closers_are_cancelled_with_close() -> None:
    client = HttpClient(autoload=False)
    ended = asyncio.Event()

    async def last() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    client.add_closer(last)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.loop_resources.close()
    async with asyncio.timeout(5):
        await ended.wait()


def test_closers_run_at_the_end_of_a_loop_without_close() -> None:
    called: list[str] = []

    async def close() -> None:
        called.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            called.append("cancelled")
            raise

    async def main() -> HttpClient:
        client = HttpClient(autoload=False)
        client.add_closer(close)
        return client

    asyncio.run(main())
    assert called == ["begun", "cancelled"]


def test_closers_run_in_synchronous_mode(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"))
    called: list[str] = []

    async def close() -> None:
        called.append("closed")

    with HttpClient(autoload=False) as client:
        client.get(scripted.url())
        client.add_closer(close)
    assert called == ["closed"]


def test_client_with_a_closer_is_busy() -> None:
    client = HttpClient(autoload=False)

    async def close() -> None:
        pass

    async def add() -> None:
        client.add_closer(close)

    first = asyncio.new_event_loop()
    first.run_until_complete(add())

    async def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="at work on another loop"):
            await client.get("http://127.0.0.1:1/")

    asyncio.run(elsewhere())
    first.run_until_complete(client.loop_resources.close())
    first.close()
