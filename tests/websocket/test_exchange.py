"""The websocket among the other behaviours: events, the pool, timeouts, TLS, state, and calls that go wrong late."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from hookline import (
    ConnectTimeout,
    HttpClient,
    HttpRequestException,
    HttpTimeout,
    PluginError,
    SSLError,
    Timeout,
    hookimpl,
)
from hookline_testing.server import Script, ScriptedServer, response
from hookline_websocket import WS, WebSocket, connect
from servers.certificates import Certificates
from servers.websocket_peer import Peer, close, opening, text


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


async def test_upgrade_frees_the_slot_of_the_pool(scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: opening() if request.target == "/ws" else response(b"page"))
    async with HttpClient(pool_size=1, timeout=5) as client:
        websockets = [await client.get(url_of(scripted, "/ws")) for _ in range(5)]
        assert (await client.get(scripted.url())).content == b"page"
        (pool,) = client.connection_pools.values()
        assert (pool.opened, len(pool.idle)) == (1, 1)
        for websocket in websockets:
            await websocket.close()
        assert (pool.opened, len(pool.idle)) == (1, 1)
        websocket = await client.get(url_of(scripted, "/ws"))  # over the idle one
        assert scripted.connections == 6
        await websocket.close()
    assert (pool.opened, len(pool.idle)) == (0, 0)


async def test_timeout_covers_the_handshake_only(scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await asyncio.sleep(0.4)
        await peer.send(text("late"))
        await peer.until_close()
        await peer.send(close())

    scripted.answer(opening(play), Script().stall())
    async with HttpClient(timeout=0.2) as client:
        async with await client.get(url_of(scripted)) as websocket:
            assert await websocket.receive() == "late"
        begin = time.monotonic()
        with pytest.raises(HttpTimeout):
            await client.get(url_of(scripted))
        assert time.monotonic() - begin < 1


async def test_events_of_the_handshake(scripted: ScriptedServer) -> None:
    log: list[Any] = []
    scripted.answer(opening(None, behind=text("hello")))
    async with HttpClient() as client:
        for name in ("pre_request", "on_headers", "post_request"):
            client.event(name).bind(lambda response, exc=None, name=name: log.append((name, response.status_code, exc)))
        async with await client.get(
            url_of(scripted), data_received=lambda response, data: log.append("data")
        ) as websocket:
            log.append("returned")
            assert await websocket.receive() == "hello"
            assert isinstance(websocket, WebSocket)
        assert log == [
            ("pre_request", 0, None),
            "data",
            ("on_headers", 101, None),
            ("post_request", 101, None),
            "returned",
        ]


@pytest.mark.parametrize("event", ["on_headers", "post_request"])
@pytest.mark.parametrize("with_handler", [False, True])
async def test_websocket_of_a_call_that_fails_late_is_closed(
    scripted: ScriptedServer, event: str, with_handler: bool
) -> None:
    closed: list[Any] = []

    class Handler(WS):
        def on_close(self, websocket: Any) -> None:
            closed.append(websocket)

    def fail(response: Any, exc: BaseException | None = None) -> None:
        if exc is None:
            raise ValueError("not this one")

    scripted.respond(lambda request: opening())
    async with HttpClient(close_timeout=1) as client:
        options: dict[str, Any] = {event: fail}
        if with_handler:
            options["websocket_handler"] = Handler()
        with pytest.raises(ValueError, match="not this one"):
            await client.get(url_of(scripted), **options)
        await scripted.until_closed_connections()
        await asyncio.sleep(0.01)
        assert len(closed) == with_handler


async def test_call_that_is_cancelled_in_post_request_closes_its_websocket(scripted: ScriptedServer) -> None:
    begun = asyncio.Event()

    async def wait(response: Any, exc: BaseException | None = None) -> None:
        begun.set()
        await asyncio.sleep(0 if exc else 60)

    scripted.answer(opening())
    async with HttpClient(close_timeout=1) as client:
        call = asyncio.ensure_future(client.get(url_of(scripted), post_request=wait))
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await scripted.until_closed_connections()


async def test_another_answer_to_the_101_is_an_error_and_closes(scripted: ScriptedServer) -> None:
    class Other:
        @hookimpl
        def on_headers(self, response: Any) -> Any:
            return type(response).build(response.request, 200)

    scripted.answer(opening())
    async with HttpClient(plugins=[Other()], close_timeout=1) as client:
        with pytest.raises(PluginError, match="two different answers"):
            await client.get(url_of(scripted))
        await scripted.until_closed_connections()


async def test_cancelled_handshake_closes(scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall())
    async with HttpClient() as client:
        call = asyncio.ensure_future(client.get(url_of(scripted)))
        await scripted.until(requests=1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await scripted.until_closed_connections()


async def test_challenge_is_answered_with_a_new_handshake(scripted: ScriptedServer) -> None:
    class Auth:
        @hookimpl(statuses=(401,))
        def post_request(self, response: Any, exc: Any) -> Any:
            if exc is None and not response.history:
                request = response.request.copy(cause="auth")
                request.headers["Authorization"] = "Basic eDp5"
                return request
            return None

    scripted.answer(response(b"who?", 401), opening(None, behind=text("you")))
    async with HttpClient(plugins=[Auth()]) as client, await client.get(url_of(scripted)) as websocket:
        assert await websocket.receive() == "you"
        assert [hop.status_code for hop in websocket.history] == [401]
    first, second = scripted.requests
    assert second.header("authorization") == "Basic eDp5"
    assert first.header("sec-websocket-key") != second.header("sec-websocket-key")
    assert second.header("upgrade") == "websocket"


async def test_tls_is_checked(websockets_tls_server: Any, certificates: Certificates) -> None:
    async with HttpClient() as client:
        with pytest.raises(SSLError, match="not trusted"):
            await client.get(url_of(websockets_tls_server))
    url = url_of(websockets_tls_server, "/echo")
    async with HttpClient(verify=str(certificates.ca_file)) as client, await client.get(url) as websocket:
        assert websocket.url.startswith("wss://")
        await websocket.send("hello")
        assert await websocket.receive() == "hello"


async def test_tls_peer_that_drops_without_goodbye(make_scripted: Any, certificates: Certificates) -> None:
    server = make_scripted(ssl_context=certificates.server_context())

    async def play(peer: Peer) -> None:
        await peer.send(text("last"))
        await peer.message()
        peer.writer.transport.abort()

    server.answer(opening(play))
    async with HttpClient(verify=str(certificates.ca_file)) as client:
        websocket = await client.get(url_of(server))
        assert await websocket.receive() == "last"
        websocket.write("go")
        assert [message async for message in websocket] == []
        assert websocket.close_reason == (1006, "")


async def test_tls_back_pressure(make_scripted: Any, certificates: Certificates) -> None:
    server = make_scripted(ssl_context=certificates.server_context())
    sent = 0
    total = 32 * 1024 * 1024

    async def play(peer: Peer) -> None:
        nonlocal sent
        while sent < total:
            await peer.send(b"\x82\x7f" + (65536).to_bytes(8, "big") + bytes(65536))
            sent += 65536
        await peer.send(close())
        await peer.until_close()

    server.answer(opening(play))
    async with HttpClient(verify=str(certificates.ca_file)) as client:
        websocket = await client.get(url_of(server))
        await asyncio.sleep(0.3)
        assert sent < total // 2
        assert sum([len(message) async for message in websocket]) == total


async def test_ports_of_the_schemes() -> None:
    async with HttpClient(timeout=1) as client:
        for url, port in (("ws://localhost/", 80), ("wss://localhost/", 443), ("ws://localhost:81/", 81)):
            assert client.configuration.destination_of(url).origin.port == port
            assert client.configuration.destination_of(url).origin.tls == url.startswith("wss")


async def test_connect_timeout_is_that_of_http(scripted: ScriptedServer) -> None:
    scripted.greet(Script().stall())
    async with HttpClient(timeout=Timeout(connect=0.1)) as client:
        with pytest.raises(ConnectTimeout):
            await client.get("wss" + scripted.url().removeprefix("http"))


async def test_connect_returns_the_websocket(scripted: ScriptedServer) -> None:
    scripted.answer(opening(None, behind=text("hello")))
    async with HttpClient() as client, await connect(client, url_of(scripted), subprotocols=()) as websocket:
        assert isinstance(websocket, WebSocket)
        assert await websocket.receive() == "hello"


@pytest.mark.parametrize("status", [200, 404])
async def test_connect_raises_if_no_websocket_is_opened(scripted: ScriptedServer, status: int) -> None:
    scripted.answer(response(b"page", status))
    async with HttpClient() as client:
        with pytest.raises(HttpRequestException, match=str(status)) as caught:
            await connect(client, url_of(scripted, "/?secret"))
    assert caught.value.response.content == b"page"
    assert "secret" not in str(caught.value)
