"""Closing and cancelling a stream of events at any point leaves no connection, no task and no pause behind."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from hookline import ClientClosed, HttpClient
from hookline_sse import EventSource, Reconnect
from hookline_testing.server import Script, ScriptedServer, response
from kit.event_streams import ended, opened
from servers.addresses import refused_port

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["sse"], pool_size=1),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

SLOW = Reconnect(delay=60)


async def read_all(events: EventSource) -> str:
    """Read until the events end."""
    async with events:
        async for _ in events:
            pass
    return "ended"


# What the stream does when it is closed, and the answers with which it comes there.
POINTS: dict[str, list[Any]] = {
    "before the head": [Script().stall()],
    "in the first event": [opened(b"data: 1\n").stall()],
    "between two events": [opened(b"data: 1\n\n").stall()],
    "in the wait before the next attempt": [ended(b"data: 1\n\n")],
    "before the head of the next attempt": [ended(b"retry: 0\ndata: 1\n\n"), Script().stall()],
    "in the body of a refusal": [Script(response(b"x" * 100, 404)[:-50]).stall()],
}


async def reach(scripted: ScriptedServer, point: str) -> None:
    """Wait until the stream is at this point."""
    await scripted.until(requests=len(POINTS[point]))
    await asyncio.sleep(0.05)


def is_at_rest(client: HttpClient) -> bool:
    """Say whether the client holds nothing but idle connections, and no other task is left."""
    stats = client.stats()
    return (
        not client.loop_resources.is_busy
        and stats.in_use == stats.waiting == stats.streams == 0
        and asyncio.all_tasks() == {asyncio.current_task()}
    )


@pytest.mark.parametrize("point", POINTS)
async def test_cancellation(client: HttpClient, scripted: ScriptedServer, point: str) -> None:
    scripted.answer(*POINTS[point])
    task = asyncio.ensure_future(read_all(client.events(scripted.url(), reconnect=SLOW)))
    await reach(scripted, point)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_at_rest(client)


@pytest.mark.parametrize("point", POINTS)
async def test_close_in_another_task(client: HttpClient, scripted: ScriptedServer, point: str) -> None:
    scripted.answer(*POINTS[point])
    events = client.events(scripted.url(), reconnect=SLOW)
    task = asyncio.ensure_future(read_all(events))
    await reach(scripted, point)
    await events.aclose()
    assert await task == "ended"
    assert is_at_rest(client)


@pytest.mark.parametrize("point", POINTS)
async def test_close_of_the_client(client: HttpClient, scripted: ScriptedServer, point: str) -> None:
    scripted.answer(*POINTS[point])
    task = asyncio.ensure_future(read_all(client.events(scripted.url(), reconnect=SLOW)))
    await reach(scripted, point)
    await client.close()
    with pytest.raises(ClientClosed):
        await task
    assert is_at_rest(client)
    assert client.stats().connections == 0


@pytest.mark.parametrize("step", range(12))
async def test_cancellation_at_each_turn_of_the_loop(client: HttpClient, scripted: ScriptedServer, step: int) -> None:
    scripted.always(ended(b"retry: 0\ndata: 1\n\n"))
    task = asyncio.ensure_future(read_all(client.events(scripted.url())))
    for _ in range(step * 3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_at_rest(client)


async def test_end_of_the_block_closes_the_stream(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: 1\n\n").stall(), opened(b"data: 1\n\n").stall())
    async with client.events(scripted.url()) as events:
        await anext(events)
    assert is_at_rest(client)
    with pytest.raises(ZeroDivisionError):
        async with client.events(scripted.url()) as events:
            1 / len((await anext(events)).id)
    assert is_at_rest(client)
    await scripted.until(given_up=2)


async def test_client_that_was_closed_between_two_events_opens_no_new_stream(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.answer(ended(b"retry: 0\ndata: 1\n\ndata: 2\n\n"))
    async with client.events(scripted.url()) as events:
        assert (await anext(events)).data == "1"
        await client.close()
        for _ in range(2):
            with pytest.raises(ClientClosed):
                await anext(events)
    assert len(scripted.requests) == 1
    scripted.answer(ended(b"data: 3\n\n"))  # the client can be used again
    async with client.events(scripted.url()) as events:
        assert (await anext(events)).data == "3"


async def test_wait_that_was_cancelled_can_be_taken_up_again(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"id: 1\ndata: 1\n\n").stall(), ended(b"data: 2\n\n"))
    async with client.events(scripted.url()) as events:
        assert (await anext(events)).data == "1"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.05)
        assert (await anext(events)).data == "2"
    assert scripted.requests[1].header("last-event-id") == "1"
    assert is_at_rest(client)


async def test_cancelled_wait_for_the_next_attempt_does_not_shorten_it(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.answer(ended(b"data: 1\n\n"))
    async with client.events(scripted.url(), reconnect=SLOW) as events:
        assert (await anext(events)).data == "1"
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.05)
    assert len(scripted.requests) == 1


async def test_post_whose_wait_was_cancelled_is_not_sent_again(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: 1\n\n").stall())
    async with client.events(scripted.url(), method="POST", json=1) as events:
        assert (await anext(events)).data == "1"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.05)
        with pytest.raises(Exception, match="closed, or failed"):
            await anext(events)
    assert len(scripted.requests) == 1


async def test_events_that_were_not_opened_hold_nothing(client: HttpClient) -> None:
    client.events("http://127.0.0.1:1/")
    assert client.stats().connections == 0


async def test_failed_opening_holds_nothing(client: HttpClient) -> None:
    with refused_port() as port, pytest.raises(ConnectionError):
        await read_all(client.events(f"http://127.0.0.1:{port}/", reconnect=Reconnect(0, attempts=2)))
    assert is_at_rest(client)


def test_end_of_the_loop_closes_what_was_left_open(scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: 1\n\n").stall())
    left: list[EventSource] = []

    async def main() -> None:
        client = HttpClient(autoload=False, plugins=["sse"])
        events = client.events(scripted.url())
        left.append(events)
        await events.__aenter__()
        assert (await anext(events)).data == "1"

    asyncio.run(main())
    scripted.wait_for(given_up=1)
    left.clear()
    gc.collect()  # a warning would be an error


def test_synchronous_block_closes_its_stream(scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: 1\n\n").stall())
    with HttpClient(autoload=False, plugins=["sse"]) as client:
        with client.events(scripted.url()) as events:
            assert next(events).data == "1"
        scripted.wait_for(given_up=1)
        assert client.stats().in_use == client.stats().streams == 0
