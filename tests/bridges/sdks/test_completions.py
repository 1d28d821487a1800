"""Completions of openai and anthropic over Hookline: whole and streamed, one and many, HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pydantic
import pytest
from anthropic.types import Message, RawMessageStreamEvent

try:
    from anthropic.types.beta import BetaFileMetadata
except ImportError:  # before the releases that use httpx2
    from anthropic.types.beta import FileMetadata as BetaFileMetadata
from openai.types import FileObject
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from kit.event_streams import chunk, ended
from servers import model_apis
from servers.certificates import Certificates

Sdk = Any  # of conftest.py


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ChatCompletion, [model_apis.chat_completion()]),
        (ChatCompletionChunk, model_apis.chat_chunks()),
        (Response, [model_apis.response_of_responses()]),
        (ResponseStreamEvent, model_apis.response_events()),
        (FileObject, [model_apis.file_object(1)]),
        (Message, [model_apis.message()]),
        (RawMessageStreamEvent, model_apis.message_events()),
        (BetaFileMetadata, [model_apis.file_object(1)]),
    ],
    ids=["chat", "chunks", "response", "response-events", "file", "message", "message-events", "file-metadata"],
)
def test_answers_of_the_server_are_those_of_the_api(kind: Any, values: list[dict[str, Any]]) -> None:
    """The SDKs take anything that comes, so the tests check their server against the types of the packages."""
    parser: Any = pydantic.TypeAdapter(kind)
    for value in values:
        parser.validate_python(value)
        with pytest.raises(pydantic.ValidationError):
            parser.validate_python(
                {name: part for name, part in value.items() if name not in ("type", "id")} or {"": 1}
            )


async def test_completion(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    async with sdk.client(scripted) as client:
        for _ in range(3):
            assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
    assert scripted.connections == 1
    await scripted.until_closed_connections(1)


def test_completion_of_a_synchronous_client(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    with sdk.sync_client(scripted) as client:
        for _ in range(3):
            assert sdk.text(sdk.ask(client)) == model_apis.TEXT
    assert scripted.connections == 1
    scripted.wait_closed_connections(1)


async def test_request_is_the_one_that_the_sdk_sends_by_itself(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    async with sdk.client(scripted) as ours, sdk.client(scripted, sdk.http.AsyncHTTPTransport()) as theirs:
        for client in (ours, theirs):
            for stream in (False, True):
                answer = await sdk.ask(client, stream=stream)
                if stream:
                    await answer.close()
    whole, streamed, whole_of_theirs, streamed_of_theirs = [request.raw for request in scripted.requests]
    assert (whole, streamed) == (whole_of_theirs, streamed_of_theirs)


async def test_streamed_completion(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    async with sdk.client(scripted) as client:
        for _ in range(3):
            words = [word async for event in await sdk.ask(client, stream=True) if (word := sdk.word(event))]
            assert tuple(words) == model_apis.WORDS
    assert scripted.connections == 1  # what follows the last event was read, so the connection was reused


def test_streamed_completion_of_a_synchronous_client(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    with sdk.sync_client(scripted) as client:
        for _ in range(3):
            words = [word for event in sdk.ask(client, stream=True) if (word := sdk.word(event))]
            assert tuple(words) == model_apis.WORDS


async def test_events_come_as_they_are_sent(sdk: Sdk, scripted: ScriptedServer) -> None:
    """The second word is sent when the first was received."""
    received = asyncio.Event()
    loop = asyncio.get_running_loop()
    seen_by_server = threading.Event()
    first, rest = split(sdk)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(chunk(first))
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(received.wait(), loop))
        seen_by_server.set()
        writer.write(chunk(rest) + b"0\r\n\r\n")

    scripted.answer(talk)
    words = []
    async with sdk.client(scripted) as client, await sdk.ask(client, stream=True) as stream:
        async for event in stream:
            words += [sdk.word(event)]
            if words[-1] == model_apis.WORDS[0]:
                assert not seen_by_server.is_set()
                received.set()
    assert "".join(words) == model_apis.TEXT


async def test_event_may_be_cut_anywhere(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(ended(*sdk.events()), cut=1)
    async with sdk.client(scripted) as client:
        words = [sdk.word(event) async for event in await sdk.ask(client, stream=True)]
    assert "".join(words) == model_apis.TEXT


async def test_accumulating_stream(sdk: Sdk, scripted: ScriptedServer) -> None:
    """The helpers that put events together: `chat.completions.stream` and `messages.stream`."""
    scripted.respond(model_apis.model_answer)
    question = [{"role": "user", "content": "Who are you?"}]
    async with sdk.client(scripted) as client:
        if sdk.is_openai:
            async with client.chat.completions.stream(model="small", messages=question) as stream:
                assert sdk.text(await stream.get_final_completion()) == model_apis.TEXT
        else:
            async with client.messages.stream(model="small", max_tokens=9, messages=question) as stream:
                assert "".join([text async for text in stream.text_stream]) == model_apis.TEXT
                assert sdk.text(await stream.get_final_message()) == model_apis.TEXT


@pytest.mark.parametrize("sdk", ["openai"], indirect=True)
async def test_responses_of_openai(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    async with sdk.client(scripted) as client:
        assert (await client.responses.create(model="small", input="Hello")).output_text == model_apis.TEXT
        kinds = []
        async for event in await client.responses.create(model="small", input="Hello", stream=True):
            kinds += [event.type]
    assert kinds == [*["response.output_text.delta"] * 3, "response.completed"]


async def test_many_calls_share_a_client(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)

    async def stream(client: Any) -> str:
        return "".join([sdk.word(event) async for event in await sdk.ask(client, stream=True)])

    limits = sdk.http.Limits(max_connections=8)
    async with sdk.client(scripted, sdk.transport(limits=limits)) as client:
        texts = await asyncio.gather(*(stream(client) for _ in range(60)))
        completions = await asyncio.gather(*(sdk.ask(client) for _ in range(60)))
    assert set(texts) | set(map(sdk.text, completions)) == {model_apis.TEXT}
    assert len(scripted.requests) == 120
    assert scripted.connections <= 8


def test_threads_share_a_synchronous_client(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    with sdk.sync_client(scripted) as client, ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(lambda _: sdk.text(sdk.ask(client)), range(60)))
        events = list(pool.map(lambda _: "".join(map(sdk.word, sdk.ask(client, stream=True))), range(60)))
    assert set(texts) | set(events) == {model_apis.TEXT}
    assert len(scripted.requests) == 120


@pytest.mark.parametrize("is_synchronous", [False, True], ids=["async", "sync"])
async def test_http2_has_one_connection(
    sdk: Sdk, make_scripted: Callable[..., ScriptedServer], certificates: Certificates, is_synchronous: bool
) -> None:
    server = make_scripted(ssl_context=certificates.server_context(alpn=("h2",)))
    server.respond(model_apis.model_answer)
    settings: dict[str, Any] = {"http2": True, "verify": certificates.client_context()}
    if is_synchronous:

        def call() -> list[str]:
            with sdk.sync_client(server, sdk.sync_transport(**settings)) as client, ThreadPoolExecutor(4) as pool:
                first = sdk.text(sdk.ask(client))
                streams = pool.map(lambda _: "".join(map(sdk.word, sdk.ask(client, stream=True))), range(20))
                return [first, *streams]

        texts = await asyncio.to_thread(call)
    else:

        async def stream(client: Any) -> str:
            return "".join([sdk.word(event) async for event in await sdk.ask(client, stream=True)])

        async with sdk.client(server, sdk.transport(**settings)) as client:
            texts = [sdk.text(await sdk.ask(client)), *await asyncio.gather(*(stream(client) for _ in range(20)))]
    assert texts == [model_apis.TEXT] * 21
    assert server.connections == 1
    assert {request.version for request in server.requests} == {"2"}


async def test_client_of_the_user_is_shared_with_its_own_requests(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.respond(model_apis.model_answer)
    async with HttpClient(plugins=["throttle"], trust_env=False) as own:
        async with sdk.client(scripted, sdk.transport(own)) as client:
            assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
        answer = await own.post(scripted.url("/v1/messages"), json={})
        assert answer.json()["content"][0]["text"] == model_apis.TEXT
    assert scripted.connections == 1


def split(sdk: Sdk) -> tuple[bytes, bytes]:
    """Return the events of a stream up to that of the first word, and the others."""
    events = sdk.events()
    count = next(place for place, event in enumerate(events) if model_apis.WORDS[0].encode() in event) + 1
    return b"".join(events[:count]), b"".join(events[count:])
