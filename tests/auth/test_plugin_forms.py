"""Each form that `auth=` may have, run by the plugins."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import hookline
from auth.exchanges import ME, MINE, Later, Make, Ticket, answers_digest, called, flow, later_flow, sent, statuses
from hookline import HttpClient
from hookline_auth import AuthError, BearerAuth, HTTPBasicAuth, SubRequest, set_field
from hookline_testing.server import ScriptedServer, response
from kit.recorder import on

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


class Generates:
    def __call__(self, request: Any) -> Any:
        set_field(request, "Authorization", "Flow 3")
        yield request


async def called_later(response: Any) -> None:
    await asyncio.sleep(0)
    response.request.headers["Authorization"] = "Called 2"


@pytest.mark.parametrize(
    ("auth", "fields"),
    [
        (ME, [MINE]),
        (list(ME), [MINE]),
        (HTTPBasicAuth(*ME), [MINE]),
        (BearerAuth("t"), ["Bearer t"]),
        (BearerAuth(lambda: "t2"), ["Bearer t2"]),
        (Ticket(), [None, "Ticket who?"]),
        (flow, [None, "Flow 1"]),
        (later_flow, [None, "Flow 2"]),
        (Generates(), ["Flow 3"]),
        (called, ["Called 1"]),
        (called_later, ["Called 2"]),
        (None, [None]),
    ],
    ids=[
        "tuple",
        "list",
        "basic",
        "bearer",
        "bearer-function",
        "Auth",
        "flow",
        "async-flow",
        "object",
        "call",
        "async-call",
        "None",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("where", ["client", "call"])
async def test_forms_of_auth(scripted: ScriptedServer, auth: Any, fields: list[Any], stream: bool, where: str) -> None:
    scripted.respond(lambda request: response(b"in") if request.header("authorization") else response(b"who?", 401))
    both = {"auth": auth} if where == "client" else {}
    async with HttpClient(stream=stream, timeout=5, **both) as client:
        got = await client.get(scripted.url(), **({"auth": auth} if where == "call" else {}))
        assert await got.raw.read() == (b"in" if fields[-1] else b"who?")
        if where == "client":
            read = client.auth
            client.auth = read
            assert client.auth is read
    assert sent(scripted) == fields
    assert [request.cause for request in (*(r.request for r in got.history), got.request)] == ["call", "auth"][
        : len(fields)
    ]
    assert scripted.connections == 1


async def test_fields_of_a_flow_go_with_each_of_its_hops(scripted: ScriptedServer) -> None:
    stamp = on("pre_request", lambda self, response: response.request.unredirected_headers.add("X-Stamp", "1"), "stamp")
    scripted.answer(response(b"7", 401), response())
    async with HttpClient(plugins=[stamp]) as client:
        got = await client.get(scripted.url(), auth=Ticket())
    assert sent(scripted, "x-knock") == ["1", "1"]
    assert [request.header_values("x-stamp") for request in scripted.requests] == [["1"], ["1"]]
    assert sent(scripted) == [None, "Ticket 7"]
    assert got.history[0].request.get_header("Authorization") is None


async def test_token_is_fetched_by_a_sub_request(make_scripted: Make) -> None:
    service, tokens = make_scripted(), make_scripted()
    service.answer(response(b"in"), response(b"in"))
    tokens.always(response(b"t0ken"))
    auth = Later(tokens.url("/token"))
    causes: list[str] = []
    async with HttpClient(timeout=5, auth=auth, headers={"Authorization": "mine"}, stream=True) as client:
        client.event("pre_request").bind(lambda response: causes.append(response.request.cause))
        got = await client.get(service.url(), headers={"Authorization": None})
        assert await got.raw.read() == b"in"
    assert sent(service) == ["Token t0ken"]
    assert sent(tokens) == [None]
    assert (tokens.requests[0].method, tokens.requests[0].body, sent(tokens, "x-client")) == ("POST", b"grant", ["1"])
    assert sent(tokens, "accept-encoding") == ["identity"]
    assert causes == ["call"]
    assert auth.closed == 1


@pytest.mark.parametrize("value", ["user:password", 5, ("a", "b", "c"), b"x"])
async def test_other_values_are_type_errors(value: Any) -> None:
    async with HttpClient() as client:
        with pytest.raises(TypeError, match="auth="):
            await client.get("http://127.0.0.1:9/", auth=value)
    with pytest.raises(TypeError, match="auth="):
        HttpClient(auth=value)


@pytest.mark.parametrize("pair", [("a:b", "x"), ("a", "x\r\nInjected: 1"), ("a\0", "x")])
async def test_credentials_cannot_inject_fields(pair: Any) -> None:
    async with HttpClient() as client:
        with pytest.raises(ValueError, match=r"username|password") as caught:
            await client.get("http://127.0.0.1:9/", auth=pair)
    assert "Injected" not in str(caught.value)


@pytest.mark.protocols("HTTP/1.1")
async def test_field_from_a_flow_cannot_inject(scripted: ScriptedServer) -> None:
    def injecting(request: Any) -> Any:
        set_field(request, "Authorization", "x\r\nInjected: 1")
        yield request

    async with HttpClient() as client:
        with pytest.raises(hookline.LocalProtocolError):
            await client.get(scripted.url(), auth=injecting)
        await scripted.until(connections=1, closed=1)  # before the server ends, which forgets what it has just accepted
    assert scripted.requests == []


async def test_flow_that_yields_something_else_is_named(scripted: ScriptedServer) -> None:
    def wrong(request: Any) -> Any:
        yield 7

    async with HttpClient() as client:
        with pytest.raises(AuthError, match="yielded int"):
            await client.get(scripted.url(), auth=wrong)


@pytest.mark.protocols("HTTP/1.1")
async def test_flow_that_fetches_for_ever_is_stopped(scripted: ScriptedServer) -> None:
    def greedy(request: Any) -> Any:
        while True:
            yield SubRequest("GET", scripted.url("/token"))

    scripted.always(response())
    async with HttpClient() as client:
        with pytest.raises(AuthError, match="more than 100 sub-requests"):
            await client.get(scripted.url(), auth=greedy)
    assert len(scripted.requests) == 100


async def test_flow_that_fetches_behind_a_long_body_has_its_place_in_the_pool(scripted: ScriptedServer) -> None:
    def fetching(request: Any) -> Any:
        answer = yield request
        if answer.status_code == 401:
            token = yield SubRequest("GET", scripted.url("/token"))
            set_field(request, "Authorization", f"Token {token.content.decode()}")
            yield request

    scripted.answer(response(b"x" * 300_000, status=401), response(b"t"), response(b"one"))
    async with HttpClient(pool_size=1, timeout=5) as client:
        got = await client.get(scripted.url(), auth=fetching, stream=True)
        assert await got.raw.read() == b"one"
    assert scripted.requests[2].header("authorization") == "Token t"


async def test_error_of_a_flow_comes_out(scripted: ScriptedServer) -> None:
    def failing(request: Any) -> Any:
        yield request
        raise LookupError("no ticket")

    scripted.answer(response())
    async with HttpClient() as client:
        with pytest.raises(LookupError, match="no ticket") as caught:
            await client.get(scripted.url(), auth=failing)
    assert any("'basic'" in note for note in caught.value.__notes__)


async def test_objects_of_requests_as_they_are(scripted: ScriptedServer) -> None:
    requests = pytest.importorskip("requests")
    scripted.respond(answers_digest)
    async with HttpClient() as client:
        await client.get(scripted.url(), auth=requests.auth.HTTPBasicAuth(*ME))
        got = await client.get(scripted.url(), auth=requests.auth.HTTPDigestAuth(*ME))
        assert statuses(got) == [401, 200]
        assert got.request.owner("auth") == "digest"
        assert statuses(await client.get(scripted.url(), auth=requests.auth.HTTPDigestAuth(*ME))) == [200]
    assert sent(scripted)[0] == MINE


async def test_objects_of_httpx_as_they_are(scripted: ScriptedServer) -> None:
    httpx = pytest.importorskip("httpx")
    scripted.respond(answers_digest)
    async with HttpClient() as client:
        await client.get(scripted.url(), auth=httpx.BasicAuth(*ME))
        auth = httpx.DigestAuth(*ME)
        assert statuses(await client.get(scripted.url(), auth=auth)) == [401, 200]
        assert statuses(await client.get(scripted.url(), auth=auth)) == [200]
    assert sent(scripted)[0] == MINE
