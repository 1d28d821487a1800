"""What is given and empty is sent as empty, and what is there and empty is not taken for what is not there."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from hookline import HttpClient, Option, hookimpl
from hookline_testing.server import ScriptedServer, response
from hookline_websocket import HandshakeError
from hookline_websocket.handshake import chosen_subprotocol
from kit.recorder import client_with, plugin


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    scripted.always(response(b"x"))
    return scripted


@pytest.mark.parametrize(
    ("fields", "written"),
    [({"a": ""}, "a="), ({"": ""}, "="), ({"a": None}, ""), ({"a": ["", None]}, "a="), ({"a": b""}, "a=")],
    ids=["value", "name", "none", "list", "bytes"],
)  # fmt: skip
async def test_field_of_a_form_and_parameter_may_be_empty(server: ScriptedServer, fields: Any, written: str) -> None:
    async with HttpClient(params=fields) as client:
        await client.post(server.url(), data=fields)
        await client.get(server.url(), params=fields)
    query = f"?{written}" if written else ""
    assert server.requests[0].body.decode() == written
    assert [seen.target for seen in server.requests] == [f"/{query}"] * 2


async def test_part_of_a_form_may_be_empty(server: ScriptedServer) -> None:
    async with HttpClient() as client:
        await client.post(server.url(), data={"field": ""}, files={"file": ("", b"")})
    body = server.requests[0].body
    assert b'name="field"\r\n\r\n\r\n' in body
    assert b'name="file"; filename=""\r\n' in body


@pytest.mark.parametrize("place", ["client", "call"])
async def test_header_field_may_be_empty(server: ScriptedServer, place: str) -> None:
    headers = {"X-Empty": "", "Accept": ""}
    async with HttpClient(headers=headers if place == "client" else None) as client:
        await client.get(server.url(), headers=headers if place == "call" else None)
    assert [server.requests[0].header(name) for name in headers] == ["", ""]


@pytest.mark.parametrize("place", ["client", "call", "server"])
async def test_value_of_a_cookie_may_be_empty(scripted: ScriptedServer, place: str) -> None:
    scripted.answer(response(b"", headers=[("Set-Cookie", "a=; Path=/")] if place == "server" else []), response(b""))
    given: Any = {"cookies": {"a": ""}}
    async with HttpClient(**given if place == "client" else {}) as client:
        for _ in range(2):
            answer = await client.get(scripted.url(), **given if place == "call" else {})
            assert place != "server" or answer.history == []
    assert scripted.requests[1].header("cookie") == "a="


@pytest.mark.parametrize("credentials", ["", ":", ":word", "user:"], ids=["at", "colon", "word", "user"])
async def test_credentials_of_a_proxy_may_be_empty(server: ScriptedServer, credentials: str) -> None:
    async with HttpClient(proxies={"http": f"http://{credentials}@127.0.0.1:{server.port}"}) as client:
        await client.get("http://nobody.invalid/")
    expected = None if credentials in ("", ":") else "Basic " + b64encode(credentials.encode()).decode()
    assert server.requests[0].header("proxy-authorization") == expected


@pytest.mark.parametrize("offered", [(), ("chat",)], ids=["none", "one"])
def test_subprotocol_that_a_server_chose_may_not_be_empty(offered: tuple[str, ...]) -> None:
    assert chosen_subprotocol([], offered) is None
    with pytest.raises(HandshakeError, match="subprotocol"):
        chosen_subprotocol([""], offered)


@pytest.mark.parametrize("given", ["", b"", 0, False, (), {}], ids=["str", "bytes", "zero", "false", "tuple", "dict"])
async def test_option_that_is_given_empty_is_given(server: ScriptedServer, given: Any) -> None:
    options = [Option("word", "default"), Option("mine", "default", request=False)]
    seen: list[Any] = []

    def look(self: Any, response: Any) -> None:
        seen.append((response.request.word, response.request.client.mine))

    own = plugin(
        "own",
        declare=hookimpl(specname="declare")(lambda self: options),
        pre_request=hookimpl(specname="pre_request", options=("word",))(look),
    )
    async with client_with(own, word=given, mine=given) as client:
        await client.get(server.url())
    async with client_with(own) as client:
        await client.get(server.url(), word=given)
        await client.get(server.url())
        client.word = given
        await client.get(server.url())
    assert seen == [(given, given), (given, "default"), (given, "default")]
