"""The opening handshake: what is asked, and which answers open a websocket."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from hookline import HttpClient, HttpRequestException, LocalProtocolError, RemoteProtocolError, hookimpl
from hookline_testing.server import Script, ScriptedServer, head, response
from hookline_websocket import Deflate, HandshakeError, WebSocketError, WebSockets
from hookline_websocket.handshake import (
    accept_for,
    agreed_compression,
    check_upgrade,
    chosen_subprotocol,
    extensions_in,
    has_token,
)
from servers.websocket_peer import Peer, agreement, opening, text
from servers.websocket_peer import accept_for as peers_accept


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


def test_accept_of_the_rfc() -> None:
    assert accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3


async def test_request_asks_as_the_rfc_says(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: opening())
    keys = set()
    for _ in range(3):
        async with await client.get(
            url_of(scripted, "/chat?room=1"), subprotocols=["chat", "superchat"], headers={"Origin": "http://here.test"}
        ):
            request = scripted.requests[-1]
        assert request.method == "GET"
        assert request.version == "1.1"
        assert request.target == "/chat?room=1"
        assert request.header("host") == f"127.0.0.1:{scripted.port}"
        assert request.header_values("upgrade") == ["websocket"]
        assert request.header_values("connection") == ["Upgrade"]
        assert request.header_values("sec-websocket-version") == ["13"]
        assert request.header_values("sec-websocket-protocol") == ["chat, superchat"]
        assert request.header_values("sec-websocket-extensions") == ["permessage-deflate; client_max_window_bits"]
        assert request.header("origin") == "http://here.test"
        keys.add(request.header("sec-websocket-key"))
    assert len(keys) == 3
    assert {len(base64.b64decode(key or "", validate=True)) for key in keys} == {16}


async def test_websocket_has_what_the_handshake_gave(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening(None, ("Sec-WebSocket-Protocol", "superchat"), ("X-Room", "blue")))
    websocket = await client.get(url_of(scripted), subprotocols=["chat", "superchat"])
    assert websocket.status_code == 101
    assert websocket.subprotocol == "superchat"
    assert websocket.headers["x-room"] == "blue"
    assert websocket.request.url == websocket.url == url_of(scripted)
    assert websocket.handshake.status_code == 101
    assert websocket.history == []
    assert websocket.raise_for_status() is websocket
    assert websocket.connection.alive
    assert websocket.close_reason is None
    await websocket.close()
    assert not websocket.connection.alive


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "AAAA")], "Accept"),
        ([("Upgrade", "websocket"), ("Connection", "Upgrade")], "Sec-WebSocket-Accept .*: it is missing"),
        ([("Upgrade", "websocket"), ("Connection", "Upgrade"), *2 * [("Sec-WebSocket-Accept", "right")]], "Accept"),
        ([("Upgrade", "websockets"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "right")], "'websockets'"),
        ([("Upgrade", "h2c"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "right")], "'h2c'"),
    ],
)
async def test_wrong_agreement_is_refused(
    client: HttpClient, scripted: ScriptedServer, fields: list[tuple[str, str]], message: str
) -> None:
    def answer(request: Any) -> Script:
        own = [(name, peers_accept(request) if value == "right" else value) for name, value in fields]
        return Script(head(101, own) + text("never seen")).stall()

    scripted.respond(answer)
    with pytest.raises(HandshakeError, match=message) as caught:
        await client.get(url_of(scripted))
    assert isinstance(caught.value, (WebSocketError, RemoteProtocolError))
    assert caught.value.response.status_code == 101
    await scripted.until_closed_connections()


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize(
    "fields",
    [
        [("Connection", "Upgrade")],
        [("Upgrade", "websocket")],
        [("Upgrade", "websocket"), ("Connection", "keep-alive")],
        [("Upgrade", "websocket"), ("Connection", "x-Upgrade")],
    ],
)
async def test_101_that_is_no_upgrade_is_refused(
    client: HttpClient, scripted: ScriptedServer, fields: list[tuple[str, str]], cut: Any
) -> None:
    def answer(request: Any) -> Script:
        return Script(head(101, [*fields, ("Sec-WebSocket-Accept", peers_accept(request))]), cut=cut).stall()

    scripted.respond(answer)
    with pytest.raises(RemoteProtocolError, match="a 101 without Upgrade, or without a Connection that names it"):
        await client.get(url_of(scripted))
    await scripted.until_closed_connections()


def test_check_upgrade_needs_both_names() -> None:
    accept = [accept_for("key")]
    check_upgrade(["websocket"], ["upgrade"], accept, "key")
    with pytest.raises(HandshakeError, match="Upgrade that does not contain websocket: it is missing"):
        check_upgrade([], ["upgrade"], accept, "key")
    with pytest.raises(HandshakeError, match="Connection that does not contain upgrade: 'x-upgrade'"):
        check_upgrade(["websocket"], ["x-upgrade"], accept, "key")


async def test_tokens_stand_in_lists_in_any_case(client: HttpClient, scripted: ScriptedServer) -> None:
    def answer(request: Any) -> Any:
        async def handler(reader: Any, writer: Any, request: Any) -> None:
            fields = [("upgrade", "foo, WebSocket"), ("connection", "keep-alive"), ("CONNECTION", "x, UPGRADE")]
            writer.write(head(101, [*fields, ("sec-websocket-accept", f"  {peers_accept(request)}  ")]) + text("here"))
            await Peer(reader, writer, request).close_frame()
            writer.close()

        return handler

    scripted.respond(answer)
    async with await client.get(url_of(scripted)) as websocket:
        assert await websocket.receive() == "here"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sec-WebSocket-Protocol", "chat"),
        ("Sec-WebSocket-Extensions", "x-unknown"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; unknown"),
        ("Sec-WebSocket-Extensions", "permessage-deflate, permessage-deflate"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=16"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover=1"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=15; server_max_window_bits=15"),
        ("Sec-WebSocket-Extensions", 'permessage-deflate; server_max_window_bits="15'),
        ("Sec-WebSocket-Extensions", "permessage-deflate; =15"),
    ],
)
async def test_what_was_not_offered_is_refused(
    client: HttpClient, scripted: ScriptedServer, name: str, value: str
) -> None:
    scripted.answer(opening(None, (name, value)))
    with pytest.raises(HandshakeError):
        await client.get(url_of(scripted))
    await scripted.until_closed_connections()


async def test_compression_that_was_not_offered_is_refused(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening(None, ("Sec-WebSocket-Extensions", "permessage-deflate")))
    with pytest.raises(HandshakeError, match="not offered"):
        await client.get(url_of(scripted), compression=False)
    assert scripted.requests[0].header("sec-websocket-extensions") is None


@pytest.mark.parametrize("cut", ["whole", "bytes", 7])
async def test_handshake_comes_in_pieces_and_bytes_behind_it_are_kept(
    client: HttpClient, scripted: ScriptedServer, cut: Any
) -> None:
    scripted.answer(opening(None, behind=text("first") + text("second"), cut=cut))
    async with await client.get(url_of(scripted)) as websocket:
        assert await websocket.receive() == "first"
        assert await websocket.receive() == "second"


async def test_every_cut_of_the_101_and_what_follows(client: HttpClient, scripted: ScriptedServer) -> None:
    size = len(agreement_size(text("hello")))
    for at in range(1, size):
        scripted.answer(opening(None, behind=text("hello"), cut=(at,)))
        async with await client.get(url_of(scripted)) as websocket:
            assert await websocket.receive() == "hello"


def agreement_size(behind: bytes) -> bytes:
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "x" * 28)]
    return head(101, fields) + behind


async def test_bytes_behind_the_101_are_kept_where_handlers_are_slow(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    class Slow:
        @hookimpl
        async def on_headers(self, response: Any) -> None:
            await asyncio.sleep(0.05)

    async def play(peer: Peer) -> None:
        await peer.send(text("second"))
        await peer.send(b"\x88\x02\x03\xe8")

    scripted.answer(opening(play, behind=text("first")))
    heard: list[bytes] = []
    websocket = await client.get(
        url_of(scripted), plugins=[Slow()], data_received=lambda response, data: heard.append(data)
    )
    assert [message async for message in websocket] == ["first", "second"]
    assert websocket.close_reason == (1000, "")
    assert heard


async def test_server_that_refuses_gives_its_response(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"not here", 403, [("X-Why", "closed")]))
    refused = await client.get(url_of(scripted))
    assert (refused.status_code, refused.content, refused.headers["x-why"]) == (403, b"not here", "closed")
    with pytest.raises(HttpRequestException, match="403"):
        refused.raise_for_status()
    scripted.answer(response(b"a page"))
    assert (await client.get(url_of(scripted))).status_code == 200
    assert scripted.connections == 1  # it was kept


@pytest.mark.parametrize("method", ["post", "put", "head", "options"])
async def test_other_methods_are_refused(client: HttpClient, method: str) -> None:
    with pytest.raises(LocalProtocolError, match=r"client\.get"):
        await getattr(client, method)("ws://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": b"x"}, "without a body"),
        ({"version": "HTTP/1.0"}, "needs HTTP/1.1"),
        ({"headers": {"Sec-WebSocket-Protocol": "chat"}}, "subprotocols="),
        ({"headers": {"sec-websocket-extensions": "x"}}, "compression="),
    ],
)
async def test_requests_that_open_no_websocket_are_refused(
    client: HttpClient, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        await client.request("GET", "ws://127.0.0.1:1/", **options)


async def test_an_idle_connection_that_died_is_replaced(client: HttpClient, scripted: ScriptedServer) -> None:
    async def drop(reader: Any, writer: Any, request: Any) -> None:
        writer.close()

    scripted.answer(response(b"one"), drop, opening(None, behind=text("hello")))
    await client.get(scripted.url())
    async with await client.get(url_of(scripted)) as websocket:
        assert await websocket.receive() == "hello"
    assert len(scripted.requests) == 3


def test_has_token() -> None:
    assert has_token(["keep-alive, Upgrade"], "upgrade")
    assert has_token(["a", "\tUPGRADE "], "upgrade")
    assert not has_token(["upgrades", "up grade"], "upgrade")
    assert not has_token([], "upgrade")


def test_extensions_in() -> None:
    found = list(extensions_in(['foo; Bar=1 ; baz = "two", qux', "last;x"]))
    assert found == [("foo", [("bar", "1"), ("baz", "two")]), ("qux", []), ("last", [("x", None)])]


@pytest.mark.parametrize("value", ["foo;", "foo bar", "foo; a=", "foo; a=b c", 'foo; a="b c"', "@"])
def test_malformed_extensions_are_refused(value: str) -> None:
    with pytest.raises(HandshakeError, match="malformed"):
        list(extensions_in([value]))


def test_hostile_extension_field_is_judged_at_once() -> None:
    for value in (";" * 200_000, "a" * 200_000 + "@", "a" + " " * 200_000 + "@", "a;b=" * 50_000):
        with pytest.raises(HandshakeError) as caught:
            list(extensions_in([value]))
        assert len(str(caught.value)) < 200


def test_chosen_subprotocol() -> None:
    assert chosen_subprotocol([], ["a"]) is None
    assert chosen_subprotocol(["a"], ["a", "b"]) == "a"
    for values in (["c"], ["A"], ["a", "b"], ["a, b"], [""]):
        with pytest.raises(HandshakeError):
            chosen_subprotocol(values, ["a", "b"])


def test_agreed_compression() -> None:
    assert agreed_compression([], Deflate()) is None
    assert agreed_compression(["permessage-deflate"], Deflate(level=9)) == Deflate(level=9)
    every = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"
    assert agreed_compression([f"{every}; client_max_window_bits=8"], Deflate()) == Deflate(True, True, 9, 8)


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        (Deflate(server_no_context_takeover=True), "permessage-deflate"),
        (Deflate(server_max_window_bits=10), "permessage-deflate"),
        (Deflate(server_max_window_bits=10), "permessage-deflate; server_max_window_bits=11"),
        (Deflate(client_max_window_bits=10), "permessage-deflate; client_max_window_bits=11"),
        (Deflate(), "permessage-deflate; server_max_window_bits=09"),
        (Deflate(), "permessage-deflate; server_max_window_bits=7"),
    ],
)
def test_parameters_that_do_not_fit_the_offer(offered: Deflate, answer: str) -> None:
    with pytest.raises(HandshakeError, match="does not fit"):
        agreed_compression([answer], offered)


def test_parameters_that_stay_as_offered() -> None:
    offered = Deflate(client_no_context_takeover=True, client_max_window_bits=10)
    assert offered.offer() == "permessage-deflate; client_no_context_takeover; client_max_window_bits=10"
    assert agreed_compression(["permessage-deflate"], offered) == offered


@pytest.mark.parametrize("value", [{"server_max_window_bits": 7}, {"client_max_window_bits": 16}, {"level": 10}])
def test_parameters_that_nobody_can_have(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is 8 to 15|level is"):
        Deflate(**value)


async def test_101_in_answer_to_http_opens_nothing(scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: Script(agreement(request)).stall())
    async with HttpClient(plugins=[WebSockets()], autoload=False) as client:
        assert (await client.get(scripted.url())).status_code == 101
