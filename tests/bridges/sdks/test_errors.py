"""Errors of openai and anthropic over Hookline: statuses, the SDK's own retries, timeouts, lost connections."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import hookline
from hookline_testing.server import Script, ScriptedServer
from kit.event_streams import ended, opened
from servers import model_apis
from servers.addresses import refused_port

Sdk = Any  # of conftest.py

CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
}
SOON = [("Retry-After", "0.02")]


def raised_by(error: BaseException, kind: type[BaseException]) -> bool:
    """Say whether an exception was raised from one of this class, at however many removes."""
    cause = error.__cause__
    return cause is not None and (isinstance(cause, kind) or raised_by(cause, kind))


@pytest.mark.parametrize("status", CLASSES)
async def test_status_is_an_exception_of_the_sdk(sdk: Sdk, scripted: ScriptedServer, status: int) -> None:
    scripted.always(model_apis.answer_of(sdk.error(), status, [("request-id", "r1"), ("x-request-id", "r1")]))
    async with sdk.client(scripted) as client:
        for stream in (False, True):
            with pytest.raises(getattr(sdk.module, CLASSES[status])) as caught:
                await sdk.ask(client, stream=stream)
            assert (caught.value.status_code, caught.value.request_id) == (status, "r1")
            assert "not so" in str(caught.value.body)
            assert "secret-key" not in repr(caught.value) + str(caught.value)
    assert (len(scripted.requests), scripted.connections) == (2, 1)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_status_is_an_exception_of_a_synchronous_client(sdk: Sdk, scripted: ScriptedServer, status: int) -> None:
    scripted.always(model_apis.answer_of(sdk.error(), status))
    with sdk.sync_client(scripted) as client:
        for stream in (False, True):
            with pytest.raises(getattr(sdk.module, CLASSES[status]), match="not so"):
                sdk.ask(client, stream=stream)
    assert (len(scripted.requests), scripted.connections) == (2, 1)


async def test_sdk_retries(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(
        model_apis.answer_of(sdk.error(), 429, SOON),
        model_apis.answer_of(sdk.error(), 500, SOON),
        model_apis.answer_of(sdk.answer()),
    )
    async with sdk.client(scripted, max_retries=2) as client:
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
    assert [request.header("x-stainless-retry-count") for request in scripted.requests] == ["0", "1", "2"]
    assert len({request.body for request in scripted.requests}) == 1
    assert scripted.connections == 1


def test_synchronous_sdk_retries(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(model_apis.answer_of(sdk.error(), 429, SOON), model_apis.answer_of(sdk.answer()))
    with sdk.sync_client(scripted, max_retries=2) as client:
        assert sdk.text(sdk.ask(client)) == model_apis.TEXT
    assert len(scripted.requests) == 2


async def test_sdk_retries_a_stream_before_it_begins(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(model_apis.answer_of(sdk.error(), 500, SOON), ended(*sdk.events()))
    async with sdk.client(scripted, max_retries=1) as client:
        words = [sdk.word(event) async for event in await sdk.ask(client, stream=True)]
    assert "".join(words) == model_apis.TEXT
    assert scripted.connections == 1


async def test_sdk_gives_up_after_its_retries(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.always(model_apis.answer_of(sdk.error(), 429, SOON))
    async with sdk.client(scripted, max_retries=3) as client:
        with pytest.raises(sdk.module.RateLimitError):
            await sdk.ask(client)
    assert len(scripted.requests) == 4


async def test_sdk_waits_as_retry_after_says(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(
        model_apis.answer_of(sdk.error(), 429, [("Retry-After", "1.2")]), model_apis.answer_of(sdk.answer())
    )
    began = time.monotonic()
    async with sdk.client(scripted, max_retries=1) as client:
        await sdk.ask(client)
    assert time.monotonic() - began >= 1.1  # without the field it would wait half a second


async def test_sdk_retries_a_lost_connection(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(Script().close(), Script().reset(), model_apis.answer_of(sdk.answer()))
    async with sdk.client(scripted, max_retries=2) as client:
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
    assert len(scripted.requests) == 3


async def test_plugin_retries_below_the_sdk(sdk: Sdk, scripted: ScriptedServer) -> None:
    """The SDK sees one answer: its own retries come on top of those of the plugin."""
    retry = hookline.Retry(1, methods={"POST"}, backoff=0)
    scripted.answer(
        model_apis.answer_of(sdk.error(), 503),
        model_apis.answer_of(sdk.error(), 503, SOON),
        model_apis.answer_of(sdk.answer()),
    )
    async with sdk.client(scripted, sdk.transport(plugins=["retry"], retry=retry), max_retries=1) as client:
        assert sdk.text(await sdk.ask(client)) == model_apis.TEXT
    assert [request.header("x-stainless-retry-count") for request in scripted.requests] == ["0", "0", "1"]


@pytest.mark.parametrize("part", ["read", "connect", "pool"])
async def test_timeout(sdk: Sdk, scripted: ScriptedServer, part: str) -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    http = sdk.http
    scripted.answer(Script().stall())
    limits = http.Limits(max_connections=1)
    transport = sdk.transport(resolver=never, limits=limits)
    async with sdk.client(scripted, transport) as client:
        if part == "connect":
            client = client.with_options(base_url="http://slow.test/v1")
        first = asyncio.create_task(sdk.ask(client, timeout=http.Timeout(60))) if part == "pool" else None
        if first is not None:
            await scripted.until(requests=1)
        with pytest.raises(sdk.module.APITimeoutError) as caught:
            await sdk.ask(client, timeout=http.Timeout(60, **{part: 0.1}))
        expected = {"read": hookline.ReadTimeout, "connect": hookline.ConnectTimeout, "pool": hookline.PoolTimeout}
        assert raised_by(caught.value, expected[part])
        if first is not None:
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
    await scripted.until_closed_connections()


def test_timeout_of_a_synchronous_client(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall(), model_apis.answer_of(sdk.answer()))
    with sdk.sync_client(scripted) as client:
        with pytest.raises(sdk.module.APITimeoutError):
            sdk.ask(client, timeout=0.1)
        scripted.wait_closed_connections(1)
        assert sdk.text(sdk.ask(client)) == model_apis.TEXT


async def test_timeout_amid_a_stream(sdk: Sdk, scripted: ScriptedServer) -> None:
    http = sdk.http
    scripted.answer(opened(*sdk.events()[:2]).stall())
    async with sdk.client(scripted) as client:
        stream = await sdk.ask(client, stream=True, timeout=http.Timeout(60, read=0.1))
        with pytest.raises(sdk.error_of_streams) as caught:
            async for _ in stream:
                pass
        assert raised_by(caught.value, hookline.ReadTimeout)
        await scripted.until_closed_connections(1)


@pytest.mark.parametrize("ending", ["close", "reset", "wrong"])
async def test_stream_that_breaks(sdk: Sdk, scripted: ScriptedServer, ending: str) -> None:
    script = opened(*sdk.events()[:2])
    scripted.answer(
        {"close": script.close, "reset": script.until_read().reset, "wrong": lambda: script.send(b"no chunk\r\n")}[
            ending
        ]()
    )
    async with sdk.client(scripted) as client:
        with pytest.raises(sdk.error_of_streams) as caught:
            async for _ in await sdk.ask(client, stream=True):
                pass
        assert raised_by(caught.value, hookline.HooklineError)


def test_stream_of_a_synchronous_client_that_breaks(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(opened(*sdk.events()[:2]).close(), model_apis.answer_of(sdk.answer()))
    with sdk.sync_client(scripted) as client:
        with pytest.raises(sdk.error_of_streams):
            list(sdk.ask(client, stream=True))
        assert sdk.text(sdk.ask(client)) == model_apis.TEXT


async def test_error_amid_a_stream(sdk: Sdk, scripted: ScriptedServer) -> None:
    name = b"" if sdk.is_openai else b"event: error\n"
    error = name + b'data: {"type": "error", "error": {"type": "overloaded_error", "message": "too many"}}\n\n'
    scripted.answer(ended(*sdk.events()[:2], error))
    async with sdk.client(scripted) as client:
        with pytest.raises(sdk.module.APIError, match="too many"):
            async for _ in await sdk.ask(client, stream=True):
                pass


async def test_connection_is_refused(sdk: Sdk, scripted: ScriptedServer) -> None:
    with refused_port() as port:
        async with sdk.client(scripted, base_url=f"http://127.0.0.1:{port}/v1") as client:
            with pytest.raises(sdk.module.APIConnectionError) as caught:
                await sdk.ask(client)
    assert raised_by(caught.value, hookline.ConnectionRefused)
    assert "secret-key" not in repr(caught.value.__cause__)


def test_connection_of_a_synchronous_client_is_refused(sdk: Sdk, scripted: ScriptedServer) -> None:
    with refused_port() as port, sdk.sync_client(scripted, base_url=f"http://127.0.0.1:{port}/v1") as client:
        with pytest.raises(sdk.module.APIConnectionError) as caught:
            sdk.ask(client)
        assert raised_by(caught.value, hookline.ConnectionRefused)


@pytest.mark.parametrize(
    "answer", [b"no http\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n"], ids=["text", "lengths"]
)
async def test_answer_that_is_not_http(sdk: Sdk, scripted: ScriptedServer, answer: bytes) -> None:
    scripted.always(answer)
    async with sdk.client(scripted) as client:
        with pytest.raises(sdk.module.APIConnectionError) as caught:
            await sdk.ask(client)
    assert raised_by(caught.value, hookline.RemoteProtocolError)


async def test_limit_of_the_client_ends_an_endless_answer(sdk: Sdk, scripted: ScriptedServer) -> None:
    scripted.answer(opened(*sdk.events()[:1]).endless(b"400\r\n" + b":" * 1024 + b"\r\n"))
    async with sdk.client(scripted, sdk.transport(max_body=1_000_000)) as client:
        with pytest.raises(sdk.error_of_streams) as caught:
            async for _ in await sdk.ask(client, stream=True):
                pass
    assert raised_by(caught.value, hookline.HooklineError)
    await scripted.until_closed_connections()


def test_keyword_of_a_plugin_that_is_not_named_is_refused(sdk: Sdk) -> None:
    for kind in (sdk.transport, sdk.sync_transport):
        with pytest.raises(TypeError, match="retry"):
            kind(retry=2)
