"""Event streams of sse-starlette under uvicorn, and chat completions in the form of language-model services."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import HttpClient, ReadTimeout, Timeout
from hookline_sse import EventStreamError, Reconnect, ServerSentEvent
from servers.addresses import Site

pytestmark = pytest.mark.client(autoload=False, plugins=["sse"], pool_size=1, timeout=10)

COMPLETION = "Hello wide \u2028 wörld\n!"
KEY = {"Authorization": "Bearer key-1"}
QUESTION = {"model": "small", "stream": True, "messages": [{"role": "user", "content": "Greet!"}]}


@pytest.mark.parametrize("separator", ["lf", "cr", "crlf"])
async def test_news_in_several_connections(client: HttpClient, event_streams: Site, separator: str) -> None:
    async with client.events(event_streams.url(f"/news?count=5&sep={separator}")) as events:
        assert [event async for event in events] == [
            ServerSentEvent(f"number\n{number}", "news", str(number), 20) for number in range(1, 6)
        ]
    assert events.response.status_code == 204


async def test_news_of_one_response(client: HttpClient, event_streams: Site) -> None:
    for stream in (True, False):
        async with await client.get(event_streams.url("/news?count=5"), stream=stream) as response:
            assert [event.id async for event in response.events()] == ["1", "2"]


def test_news_without_a_running_loop(event_streams: Site) -> None:
    with (
        HttpClient(autoload=False, plugins=["sse"]) as client,
        client.events(event_streams.url("/news?count=3")) as events,
    ):
        assert [event.id for event in events] == ["1", "2", "3"]


async def test_pings_keep_the_stream_alive(client: HttpClient, event_streams: Site) -> None:
    async with client.events(event_streams.url("/pings"), timeout=Timeout(read=0.3)) as events:
        assert (await anext(events)).data == "here"


async def test_silence(client: HttpClient, event_streams: Site) -> None:
    options: dict[str, Any] = {"timeout": Timeout(read=0.2)}
    async with client.events(event_streams.url("/silent"), reconnect=Reconnect(0), **options) as events:
        assert [(await anext(events)).data for _ in range(3)] == ["one"] * 3
    async with client.events(event_streams.url("/silent"), reconnect=False, **options) as events:
        assert (await anext(events)).data == "one"
        with pytest.raises(ReadTimeout):
            await anext(events)


async def test_many_streams_at_the_same_time(event_streams: Site) -> None:
    async def ids(client: HttpClient) -> list[str]:
        async with client.events(event_streams.url("/news?count=6")) as events:
            return [event.id async for event in events]

    async with HttpClient(autoload=False, plugins=["sse"], pool_size=20) as client:
        assert await asyncio.gather(*(ids(client) for _ in range(20))) == [list("123456")] * 20
        assert client.stats().in_use == 0


# -- chat completions


async def test_chat_completion(client: HttpClient, event_streams: Site) -> None:
    words = []
    url = event_streams.url("/v1/chat/completions")
    async with client.events(url, method="POST", headers=KEY, json=QUESTION) as events:
        async for event in events:
            if event.data == "[DONE]":
                break
            words.append(event.json()["choices"][0]["delta"].get("content", ""))
    assert "".join(words) == COMPLETION


async def test_chat_completion_read_to_its_end_keeps_the_connection(client: HttpClient, event_streams: Site) -> None:
    url = event_streams.url("/v1/chat/completions")
    for _ in range(2):
        async with await client.post(url, headers=KEY, json=QUESTION, stream=True) as response:
            *chunks, done = [event async for event in response.events()]
        assert done.data == "[DONE]"
        assert "".join(chunk.json()["choices"][0]["delta"].get("content", "") for chunk in chunks) == COMPLETION
    assert client.stats().reused == 1


def test_chat_completion_without_a_running_loop(event_streams: Site) -> None:
    with HttpClient(autoload=False, plugins=["sse"], headers=KEY) as client:
        url = event_streams.url("/v1/chat/completions")
        with client.events(url, method="POST", json=QUESTION) as events:
            assert [event.data for event in events][-1] == "[DONE]"


async def test_chat_completion_that_is_refused_says_why(client: HttpClient, event_streams: Site) -> None:
    url = event_streams.url("/v1/chat/completions")
    with pytest.raises(EventStreamError, match="status 401 and the Content-Type 'application/json'") as caught:
        await client.events(url, method="POST", json=QUESTION).__aenter__()
    assert caught.value.response is not None
    assert caught.value.response.json()["error"]["code"] == "invalid_api_key"
