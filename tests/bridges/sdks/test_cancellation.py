"""Calls and streams of openai and anthropic that are given up: the server sees their end, and the client goes on."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from hookline_testing.server import Script, ScriptedServer
from kit.event_streams import ended, opened
from servers import model_apis
from servers.certificates import Certificates

Sdk = Any  # of conftest.py


async def read_one(sdk: Sdk, stream: Any) -> None:
    """Read a stream up to its first word."""
    async for event in stream:
        if sdk.word(event):
            return


async def test_call_is_cancelled(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall(), model_apis.answer_of(sdk.answer()))
    async with sdk.client(scripted, max_retries=2) as client:
        call = asyncio.create_task(sdk.ask(client))
        await scripted.until(requests=1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await scripted.until_closed_connections(1)
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
    assert len(scripted.requests) == 2


async def test_call_is_ended_by_a_timeout_of_asyncio(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall(), model_apis.answer_of(sdk.answer()))
    async with sdk.client(scripted, max_retries=2) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await sdk.ask(client)
        await scripted.until_closed_connections(1)
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT


async def test_task_is_cancelled_amid_a_stream(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(opened(*sdk.events()[:4]).stall(), model_apis.answer_of(sdk.answer()))
    begun = asyncio.Event()

    async def consume(client: Any) -> None:
        async for event in await sdk.ask(client, stream=True):
            if sdk.word(event):
                begun.set()

    async with sdk.client(scripted) as client:
        task = asyncio.create_task(consume(client))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await scripted.until_closed_connections(1)
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT


@pytest.mark.parametrize("way", ["close", "with"])
async def test_stream_is_given_up(sdk: Sdk, scripted: ScriptedServer, way: str) -> None:
    scripted.answer(opened(*sdk.events()[:4]).stall(), model_apis.answer_of(sdk.answer()))
    async with sdk.client(scripted) as client:
        stream = await sdk.ask(client, stream=True)
        if way == "with":
            async with stream:
                await read_one(sdk, stream)
        else:
            await read_one(sdk, stream)
            await stream.close()
            await stream.close()
        await scripted.until_closed_connections(1)
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT


@pytest.mark.parametrize("way", ["close", "with"])
def test_stream_of_a_synchronous_client_is_given_up(sdk: Sdk, scripted: ScriptedServer, way: str) -> None:
    scripted.answer(opened(*sdk.events()[:4]).stall(), model_apis.answer_of(sdk.answer()))
    with sdk.sync_client(scripted) as client:
        stream = sdk.ask(client, stream=True)
        if way == "with":
            with stream:
                next(stream)
        else:
            next(stream)
            stream.close()
            stream.close()
        scripted.wait_closed_connections(1)
        assert sdk.text(sdk.ask(client)) == model_apis.TEXT


@pytest.mark.filterwarnings("ignore:the stream of:ResourceWarning")  # it was not closed, which Hookline says
async def test_stream_that_is_dropped_is_given_up(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(opened(*sdk.events()[:4]).stall(), model_apis.answer_of(sdk.answer()))
    async with sdk.client(scripted) as client:
        await read_one(sdk, await sdk.ask(client, stream=True))
        async with asyncio.timeout(20):
            while (
                not scripted.closed_connections
            ):  # the stream of openai is a cycle of generators, each of which is collected
                gc.collect()
                await asyncio.sleep(0.01)
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT


@pytest.mark.filterwarnings("ignore:the stream of:ResourceWarning")
def test_stream_of_a_synchronous_client_that_is_dropped_is_given_up(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(opened(*sdk.events()[:4]).stall(), model_apis.answer_of(sdk.answer()))
    with sdk.sync_client(scripted) as client:
        next(sdk.ask(client, stream=True))
        gc.collect()
        scripted.wait_closed_connections(1)
        assert sdk.text(sdk.ask(client)) == model_apis.TEXT


async def test_stream_that_goes_on_after_its_last_event_is_given_up(sdk: Sdk, scripted: ScriptedServer) -> None:
    """The SDK ends with the last event; what the server does then keeps it waiting for a tenth of a second at most."""
    if not sdk.is_openai:  # its last event has no meaning of its own: the stream ends when the body ends
        scripted.answer(ended(*sdk.events()))
    else:
        scripted.answer(opened(*sdk.events()).stall())
    async with sdk.client(scripted) as client:
        words = [sdk.word(event) async for event in await sdk.ask(client, stream=True)]
        assert "".join(words) == model_apis.TEXT
        if sdk.is_openai:
            await scripted.until_closed_connections(1)
        assert client.is_closed() is False


async def test_many_streams_are_given_up_at_random_points(sdk: Sdk, scripted: ScriptedServer) -> None:
    """Tasks are cancelled after so many turns of the loop; afterwards nothing is left, and the client goes on."""

    async def consume(client: Any) -> str:
        return "".join([sdk.word(event) async for event in await sdk.ask(client, stream=True)])

    scripted.always(ended(*sdk.events()))
    outcomes = []
    http = sdk.http
    async with sdk.client(scripted, sdk.transport(limits=http.Limits(max_connections=2))) as client:
        for turns in range(0, 60, 2):
            task = asyncio.create_task(consume(client))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            outcomes += await asyncio.gather(task, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) or outcome == model_apis.TEXT for outcome in outcomes)
        assert await asyncio.gather(consume(client), consume(client)) == [model_apis.TEXT] * 2
    await scripted.until_closed_connections()


async def test_stream_of_http2_is_given_up_alone(
    sdk: Sdk, make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.server_context(alpn=("h2",)))
    server.answer(opened(*sdk.events()[:4]).stall(), opened(*sdk.events()[:4]).stall())
    server.respond(model_apis.model_answer)
    transport = sdk.transport(http2=True, verify=certificates.client_context())
    async with sdk.client(server, transport) as client:
        stream = await sdk.ask(client, stream=True)
        await read_one(sdk, stream)
        await stream.close()
        await server.until(given_up=1)
        task = asyncio.create_task(sdk.ask(client, stream=True))
        other = await task
        reading = asyncio.create_task(anext(aiter_of_the_rest(sdk, other)))
        await server.until(requests=2)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await other.close()
        await server.until(given_up=2)
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
    assert server.connections == 1


async def aiter_of_the_rest(sdk: Sdk, stream: Any) -> Any:
    """Read a stream that never ends; yields nothing."""
    async for event in stream:
        if event is None:
            yield event
