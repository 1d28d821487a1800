"""The plugin alone with core, disabled, replaced by another; its options, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import hookline
import hookline_websocket
from hookline import HttpClient, InvalidURL, Option, Scheme, hookimpl
from hookline_testing.server import ScriptedServer
from hookline_websocket import Deflate, WebSockets
from servers.websocket_peer import Peer, opening, text


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


@pytest.mark.parametrize(
    "program",
    [
        "import hookline_websocket",
        "import hookline; hookline.WS",
        "import hookline; hookline.HttpClient().plugins.explain()",
    ],
)
def test_wsproto_is_imported_at_first_use_only(program: str) -> None:
    program += "; import sys; sys.exit('wsproto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_names_are_exported() -> None:
    assert hookline.WS is hookline_websocket.WS
    assert hookline.WebSocketError is hookline_websocket.WebSocketError
    assert hookline.WebSocketClosed is hookline_websocket.WebSocketClosed


@pytest.mark.parametrize("plugin", ["websocket", WebSockets])
async def test_websocket_alone_with_core(scripted: ScriptedServer, plugin: Any) -> None:
    scripted.answer(opening(None, behind=text("hello")))
    async with HttpClient(autoload=False, plugins=[plugin if isinstance(plugin, str) else plugin()]) as client:
        assert [found.name for found in client.plugins] == ["websocket"]
        async with await client.get(url_of(scripted)) as websocket:
            assert await websocket.receive() == "hello"


async def test_entry_point_loads_websocket_for_every_client() -> None:
    async with HttpClient(require=["websocket"]) as client:
        found = next(found for found in client.plugins if found.name == "websocket")
    assert found.distribution == "hookline-websocket"
    assert found.hooks == ("pre_request", "on_headers", "post_request")
    assert found.options == (
        "websocket_handler",
        "subprotocols",
        "compression",
        "max_message_size",
        "ping_interval",
        "ping_timeout",
        "close_timeout",
        "frame_parser",
    )


async def test_websocket_disabled() -> None:
    async with HttpClient(disable=["websocket"]) as client:
        with pytest.raises(InvalidURL, match="no installed plugin serves the scheme 'ws'"):
            await client.get("ws://127.0.0.1:1/")
        with pytest.raises(TypeError, match="belongs to plugin 'websocket', which is disabled"):
            await client.get("http://127.0.0.1:1/", subprotocols=["a"])
    with pytest.raises(TypeError, match="disabled"):
        HttpClient(disable=["websocket"], ping_interval=1)
    async with HttpClient() as client:
        with pytest.raises(TypeError, match="disabled"):
            await client.get("http://127.0.0.1:1/", disable=["websocket"], subprotocols=["a"])


class Raw:
    """Gives the bare connection of any upgrade."""

    name = "raw"
    replaces = "websocket"

    @hookimpl
    def declare(self) -> list[Option | Scheme]:
        return [Scheme("ws", 80)]

    @hookimpl(schemes=("ws",))
    def pre_request(self, response: Any) -> None:
        response.request.unredirected_headers.update({"Connection": "Upgrade", "Upgrade": "websocket"})

    @hookimpl(schemes=("ws",), statuses=(101,))
    def on_headers(self, response: Any) -> Any:
        return response.detach()


async def test_websocket_replaced(scripted: ScriptedServer) -> None:
    scripted.answer(opening(None, behind=b"raw"))
    async with HttpClient(plugins=[Raw()]) as client:
        connection = await client.get(url_of(scripted))
        assert connection.leftover == b"raw"
        connection.abort()
        with pytest.raises(TypeError, match=r"replaced by .?raw"):
            await client.get(url_of(scripted), subprotocols=["a"])
        with pytest.raises(InvalidURL, match="'wss'"):
            await client.get("wss://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("subprotocols", "chat", TypeError),
        ("subprotocols", ["a b"], ValueError),
        ("subprotocols", ["a", "a"], ValueError),
        ("subprotocols", [1], ValueError),
        ("subprotocols", ["a\r\nX: y"], ValueError),
        ("compression", "deflate", TypeError),
        ("compression", 1, TypeError),
        ("max_message_size", -1, ValueError),
        ("max_message_size", 1.5, TypeError),
        ("max_message_size", True, TypeError),
        ("ping_interval", -1, ValueError),
        ("ping_interval", float("nan"), ValueError),
        ("ping_timeout", "5", TypeError),
        ("close_timeout", float("inf"), ValueError),
        ("frame_parser", "wsproto", TypeError),
    ],
)
def test_options_are_checked(option: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{option}= takes"):
        HttpClient(**{option: value})


async def test_options_of_client_and_call(scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: opening())
    deflate = Deflate(client_no_context_takeover=True)
    async with HttpClient(
        subprotocols=["chat"], compression=deflate, close_timeout=None, max_message_size=None
    ) as client:
        assert client.subprotocols == ("chat",)
        assert client.compression is deflate
        assert client.frame_parser is None
        async with await client.get(url_of(scripted)):
            pass
        async with await client.get(url_of(scripted), subprotocols=None, compression=None, ping_timeout=None):
            pass
    first, second = scripted.requests
    assert first.header("sec-websocket-protocol") == "chat"
    assert "client_no_context_takeover" in (first.header("sec-websocket-extensions") or "")
    assert second.header("sec-websocket-protocol") is None
    assert second.header("sec-websocket-extensions") is None


async def test_frame_parser_of_the_users(scripted: ScriptedServer) -> None:
    from wsproto.frame_protocol import FrameProtocol

    seen: list[Any] = []

    class Counting(FrameProtocol):
        def receive_bytes(self, data: bytes) -> None:
            seen.append(len(data))
            super().receive_bytes(data)

    def make(*, client: bool, extensions: list[Any]) -> Any:
        seen.append((client, [extension.name for extension in extensions]))
        return Counting(client, extensions)

    async def play(peer: Peer) -> None:
        await peer.send(text("hello"))
        await peer.send(b"\x88\x00")
        await peer.close_frame()

    scripted.answer(opening(play, ("Sec-WebSocket-Extensions", "permessage-deflate")))
    async with HttpClient(frame_parser=make) as client, await client.get(url_of(scripted)) as websocket:
        assert [message async for message in websocket] == ["hello"]
    assert seen[0] == (True, ["permessage-deflate"])
    assert sum(seen[1:]) == 7 + 2


async def test_http_pays_nothing_for_it(scripted: ScriptedServer) -> None:
    async with HttpClient(plugins=[WebSockets()], autoload=False) as client:
        table = client.configuration.dispatch_table("http")
        assert table.pre_request is None
        assert table.hooks_after(101, b"").on_headers is None
