"""A program of a user, with types. mypy and pyright check it, and the tests run it.

`mistakes` is never called: each of its lines with `type: ignore` must be an error, since both checkers report an ignore that
is not needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, assert_type

import hookline
from hookline import (
    Event,
    HttpClient,
    HttpRequest,
    HttpRequestException,
    HttpResponse,
    Origin,
    PluginInfo,
    ResponseEvent,
    ResponseStream,
    SyncHttpClient,
    SyncHttpResponse,
    SyncResponseStream,
    Timeout,
    Timings,
)
from hookline_auth import HTTPBasicAuth
from hookline_cookies import CookieJar, CookiesClient, CookiesResponse
from hookline_redirects import RedirectsClient
from hookline_tunnel import TunnelRequest
from hookline_websocket import SyncWebSocket, WebSocket, connect


class Request(TunnelRequest, HttpRequest):
    """A request, with what the plugin `tunnel` adds."""


class Response(CookiesResponse, HttpResponse[Request]):
    """A response, with what the plugin `cookies` adds, to such a request."""


class Client(CookiesClient, RedirectsClient, HttpClient[Response]):
    """A client, with what the plugins `cookies` and `redirects` add, whose calls return such responses."""


class SyncResponse(CookiesResponse, SyncHttpResponse[Request]):
    """The same without an event loop."""


class SyncClient(CookiesClient, SyncHttpClient[SyncResponse]):
    """The same without an event loop."""


async def asynchronous(url: str) -> list[int]:
    """Use a client in an event loop."""
    async with HttpClient(timeout=Timeout(total=30), auth=HTTPBasicAuth("user", "secret"), timings=True) as client:
        assert_type(client, HttpClient)
        response = await assert_type(client.get(url), Coroutine[Any, Any, HttpResponse])
        assert_type(response, HttpResponse)
        assert_type(response.status_code, int)
        assert_type(response.request, HttpRequest)
        assert_type(response.request.origin, Origin)
        assert_type(response.history, list[HttpResponse])
        assert_type(response.timings, Timings | None)
        assert_type(response.event("post_request"), ResponseEvent)
        assert_type(client.event("on_headers"), Event)
        assert_type(list(client.plugins), list[PluginInfo])
        assert_type(client.timeout, Timeout)
        client.timeout = 5
        client.timeout = client.timeout
        client.sensitive_headers = ["X-Key"]
        assert_type(client.sensitive_headers, frozenset[str])
        assert_type((await client.request("PUT", url, data=b"x")).raise_for_status(), HttpResponse)

        task = asyncio.create_task(client.post(url, json={"a": 1}))
        assert_type(task, asyncio.Task[HttpResponse])
        async with asyncio.TaskGroup() as group:
            other = group.create_task(client.head(url))
        first, second = await asyncio.gather(client.get(url), client.options(url))
        assert_type(first, HttpResponse)
        statuses = [each.status_code for each in (await task, other.result(), first, second)]

        async with await client.get(url, stream=True) as streamed:
            assert_type(streamed.raw, ResponseStream)
            begin = await streamed.raw.read(2)
            assert_type(begin, bytes)
        async for chunk in (await client.get(url, stream=True)).raw:
            assert_type(chunk, bytes)
        closed = await client.get(url, stream=True)
        await closed.close()
        return statuses


async def built(url: str) -> int:
    """Make a request first, and send it later."""
    async with HttpClient() as client:
        request: HttpRequest = client.build_request("GET", url)
        response: HttpResponse = await client.send(request, timeout=5)
        entries = client.per_loop(list[str])
        return response.status_code + len(entries)


async def failing(url: str) -> int:
    """Use the response of an error: its attributes are of the type Any, so a program states what they are."""
    async with HttpClient() as client:
        try:
            (await client.get(url)).raise_for_status()
        except HttpRequestException as error:
            response: HttpResponse | None = error.response
            assert response is not None
            return response.status_code
    return 0


async def with_plugins(url: str) -> str:
    """Use what plugins add to requests, responses and clients."""
    client: HttpClient[Response] = HttpClient()
    async with client:
        response = await client.get(url)
        assert_type(response, Response)
        assert_type(response.cookies, dict[str, str])
        assert_type(response.request.proxy, str | None)
        assert_type(response.history, list[Response])
    async with Client(allow_redirects=False) as own:
        assert_type(await own.get(url), Response)
        assert_type(own.cookies, CookieJar)
        assert_type(own.allow_redirects, bool | None)
        own.allow_redirects = True
    async with HttpClient[Response]() as same:
        assert_type(await same.get(url), Response)
        await takes_any_client(same)
    return response.cookies["name"]


async def takes_any_client(client: HttpClient) -> None:
    """Take any client, whatever its plugins add to responses."""
    assert_type(client.stats().connections, int)


async def websocket(url: str) -> str | bytes:
    """Open a websocket."""
    async with HttpClient() as client, await connect(client, url, compression=False) as opened:
        assert_type(opened, WebSocket)
        await opened.send("hello")
        opened.write(b"more")
        message = await opened.receive()
        assert_type(message, str | bytes)
        assert_type(await opened.ping(), float)
        async for each in opened:
            assert_type(each, str | bytes)
            break
        return message


def synchronous(url: str) -> list[int]:
    """Use a client without an event loop."""
    with SyncHttpClient(timeout=30) as client:
        response = client.get(url)
        assert_type(response, SyncHttpResponse)
        assert_type(response.raise_for_status(), SyncHttpResponse)
        assert_type(response.history, list[SyncHttpResponse])
        answers = [response, client.post(url, data=b"x"), client.request("PUT", url), client.head(url)]
        with client.get(url, stream=True) as streamed:
            assert_type(streamed.raw, SyncResponseStream)
            assert_type(streamed.raw.read(2), bytes)
        for chunk in client.get(url, stream=True).raw:
            assert_type(chunk, bytes)
        takes_any_response(response)
        client.get(url, stream=True).close()
        client.close()
    return [each.status_code for each in answers]


def takes_any_response(response: HttpResponse) -> int:
    """Take any response, whatever plugins add to it."""
    return response.status_code


def synchronous_with_plugins(url: str) -> str:
    """Use what plugins add, without an event loop."""
    with SyncClient() as client:
        response = client.get(url)
        assert_type(response, SyncResponse)
        assert_type(response.request.tunnel, str | None)
        assert_type(response.raw.read(), bytes)
        assert_type(client.cookies, CookieJar)
        return response.cookies["name"]


def synchronous_websocket(url: str) -> str | bytes:
    """Open a websocket without an event loop."""
    with SyncHttpClient() as client, connect(client, url) as opened:
        assert_type(opened, SyncWebSocket)
        opened.send("hello")
        assert_type(opened.ping(), float)
        return opened.receive()


async def mistakes(client: HttpClient, sync: SyncHttpClient, own: Client) -> None:
    """Make mistakes, each of which is an error."""
    client.get("http://127.0.0.1/")  # type: ignore[unused-coroutine]
    response = await client.get("http://127.0.0.1/")
    _ = response.stauts_code  # type: ignore[attr-defined]
    _ = response.cookies  # type: ignore[attr-defined]
    _ = response.request.methd  # type: ignore[attr-defined]
    _ = response.raw.raed()  # type: ignore[attr-defined]
    _ = client.get("http://127.0.0.1/").status_code  # type: ignore[attr-defined]
    _ = client.cookeis  # type: ignore[attr-defined]
    client.timeout = "5"  # type: ignore[assignment]
    await client.get(1)  # type: ignore[arg-type]
    await client.fetch("http://127.0.0.1/")  # type: ignore[attr-defined]
    _ = sync.get("http://127.0.0.1/").stauts_code  # type: ignore[attr-defined]
    await sync.get("http://127.0.0.1/")  # type: ignore[misc]
    await sync.get("http://127.0.0.1/").raw.read()  # type: ignore[misc]
    _ = (await own.get("http://127.0.0.1/")).cokies  # type: ignore[attr-defined]
    _ = hookline.HtpClient  # type: ignore[attr-defined]
