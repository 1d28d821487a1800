"""Websockets with the other default plugins: redirects and cookies on the way to the 101."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import HttpClient, HttpConnectionError, HttpProxyError, TooManyRedirects
from hookline_testing.server import ScriptedServer, response
from servers.raw import hang_up, reset
from servers.websocket_peer import opening, text


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


async def test_redirect_to_http_stays_a_websocket_with_a_fresh_key(scripted: ScriptedServer) -> None:
    scripted.answer(
        response(b"", 302, [("Location", scripted.url("/there")), ("Set-Cookie", "seen=1; Path=/")]),
        response(b"", 307, [("Location", url_of(scripted, "/at-last"))]),
        opening(None, behind=text("hello")),
    )
    async with HttpClient() as client, await client.get(url_of(scripted, "/here")) as websocket:
        assert await websocket.receive() == "hello"
        assert [hop.status_code for hop in websocket.history] == [302, 307]
        assert websocket.url == url_of(scripted, "/at-last")
    assert [request.target for request in scripted.requests] == ["/here", "/there", "/at-last"]
    assert [request.header("cookie") for request in scripted.requests] == [None, "seen=1", "seen=1"]
    keys = {request.header("sec-websocket-key") for request in scripted.requests}
    assert len(keys) == 3
    assert None not in keys


@pytest.mark.parametrize("end", [hang_up, reset], ids=["hang_up", "reset"])
@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
async def test_proxy_that_ends_the_handshake_is_named_and_did_not_refuse(scheme: str, end: Any) -> None:
    async with await asyncio.start_server(end, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpClient(proxies={"all": f"{scheme}://127.0.0.1:{port}", "no": ""}) as client:
            with pytest.raises(HttpConnectionError, match=r"clos|reset") as caught:
                await client.get("wss://127.0.0.3/")
    assert not isinstance(caught.value, HttpProxyError)
    assert f":{port}" in "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])


async def test_redirects_without_end(scripted: ScriptedServer) -> None:
    scripted.always(response(b"", 302, [("Location", "/again")]))
    async with HttpClient(max_redirects=3) as client:
        with pytest.raises(TooManyRedirects):
            await client.get(url_of(scripted))


async def test_state_goes_with_the_handshake(scripted: ScriptedServer) -> None:
    scripted.answer(
        response(b"", headers=[("Set-Cookie", "session=1; Path=/")]),
        opening(None, ("Set-Cookie", "room=2; Path=/")),
        response(),
    )
    async with HttpClient(headers={"X-Mine": "always"}) as client:
        await client.get(scripted.url())
        async with await client.get(url_of(scripted), headers={"Cookie2": "x"}, cookies={"own": "3"}):
            pass
        await client.get(scripted.url())
    assert [request.header("cookie") for request in scripted.requests] == [
        None,
        "own=3; session=1",
        "session=1; room=2",
    ]
    assert scripted.requests[1].header("x-mine") == "always"
