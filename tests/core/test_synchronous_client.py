"""SyncHttpClient: an HttpClient that refuses to return coroutines to a program that expects responses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, SyncHttpClient
from hookline_testing.server import ScriptedServer, response

Use = Callable[[SyncHttpClient, HttpResponse], object]
USES: dict[str, Use] = {
    "get": lambda client, answer: client.get(answer.url),
    "request": lambda client, answer: client.request("GET", answer.url),
    "read": lambda client, answer: answer.raw.read(),
}


def test_calls_return_responses(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    with SyncHttpClient(autoload=False) as client:
        assert isinstance(client, HttpClient)
        assert client.get(scripted.url()).content == b"body"
        assert client.get(scripted.url(), stream=True).raw.read() == b"body"
    assert scripted.connections == 1


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "used"])
def test_running_loop_is_refused(scripted: ScriptedServer, use: Use, is_new: bool) -> None:
    scripted.always(response(b"body"))
    client = SyncHttpClient(autoload=False)
    with SyncHttpClient(autoload=False) as other:
        answer = (other if is_new else client).get(scripted.url())
        answer.request.configuration.client = client

        async def main() -> None:
            with pytest.raises(RuntimeError, match="use an HttpClient"):
                use(client, answer)

        asyncio.run(main())
        assert client.get(scripted.url()).content == b"body"
        client.close()


def test_running_loop_of_the_program_is_refused(scripted: ScriptedServer) -> None:
    loop = asyncio.new_event_loop()
    scripted.always(response(b"body"))
    with SyncHttpClient(autoload=False, loop=loop) as client:

        async def main() -> None:
            with pytest.raises(RuntimeError, match="use an HttpClient"):
                client.get(scripted.url())

        loop.run_until_complete(main())
        assert client.get(scripted.url()).content == b"body"
    loop.close()


def test_handlers_await_calls(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    bodies = []

    async def on_headers(response: HttpResponse, exc: None = None) -> None:
        other: Any = response.request.client.get(scripted.url())
        bodies.append((await other).content)

    with SyncHttpClient(autoload=False) as client:
        assert client.get(scripted.url(), on_headers=on_headers).content == b"body"
    assert bodies == [b"body"]
