"""What the plugins do with each form of `auth=`, whose credentials go where, and what is left out."""

from __future__ import annotations

import asyncio
import gc
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hookline
from auth.peers import parameters
from hookline import BodyNotRepeatable, HttpClient, HttpRequestException, HttpTimeout, Option, hookimpl
from hookline_auth import (
    Auth,
    AuthError,
    Basic,
    BearerAuth,
    Digest,
    HTTPBasicAuth,
    HTTPDigestAuth,
    SubRequest,
    set_field,
)
from servers.messages import chunked, head, response
from servers.script import Script
from servers.scripted import ScriptedServer

Make = Callable[..., ScriptedServer]
CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
REFUSED = response(b"who?", 401, [CHALLENGE])
ME = ("me", "p4ss")
MINE = "Basic " + b64encode(b"me:p4ss").decode()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a netrc."""
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def sent(server: ScriptedServer, name: str = "authorization") -> list[str | None]:
    return [request.header(name) for request in server.requests]


def statuses(response: Any) -> list[int]:
    return [*(earlier.status_code for earlier in response.history), response.status_code]


def moved(location: str, status: int = 307) -> bytes:
    return response(b"", status, [("Location", location)])


# -- forms


class Ticket(Auth):
    """Asks at the door, and comes back with a ticket."""

    def flow(self, request: Any) -> Any:
        request.unredirected_headers["X-Knock"] = "1"
        answer = yield request
        if answer.status_code == 401:
            set_field(request, "Authorization", f"Ticket {answer.content.decode()}")
            yield request


class Later(Auth):
    """Fetches a token from another place first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.closed = 0

    async def async_flow(self, request: Any) -> Any:
        try:
            answer = yield SubRequest("POST", self.url, (("X-Client", "1"),), b"grant")
            await asyncio.sleep(0)
            set_field(request, "Authorization", f"Token {answer.content.decode()}")
            yield request
        finally:
            self.closed += 1


def flow(request: Any) -> Any:
    answer = yield request
    if answer.status_code == 401:
        set_field(request, "Authorization", "Flow 1")
        yield request


async def later_flow(request: Any) -> Any:
    answer = yield request
    if answer.status_code == 401:
        await asyncio.sleep(0)
        set_field(request, "Authorization", "Flow 2")
        yield request


class Generates:
    def __call__(self, request: Any) -> Any:
        set_field(request, "Authorization", "Flow 3")
        yield request


def called(response: Any) -> str:
    response.request.unredirected_headers["Authorization"] = "Called 1"
    return "not looked at"


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
            assert client.auth is auth
    assert sent(scripted) == fields
    assert [request.cause for request in (*(r.request for r in got.history), got.request)] == ["call", "auth"][
        : len(fields)
    ]
    assert scripted.connections == 1


async def test_fields_of_a_flow_go_with_each_of_its_hops(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"7", 401), response())
    async with HttpClient(cookies={"a": "1"}) as client:
        got = await client.get(scripted.url(), auth=Ticket())
    assert sent(scripted, "x-knock") == ["1", "1"]
    assert sent(scripted, "cookie") == ["a=1", "a=1"]
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


async def test_field_from_a_flow_cannot_inject(scripted: ScriptedServer) -> None:
    def injecting(request: Any) -> Any:
        set_field(request, "Authorization", "x\r\nInjected: 1")
        yield request

    async with HttpClient() as client:
        with pytest.raises(hookline.LocalProtocolError):
            await client.get(scripted.url(), auth=injecting)
    assert scripted.requests == []


async def test_flow_that_yields_something_else_is_named(scripted: ScriptedServer) -> None:
    def wrong(request: Any) -> Any:
        yield 7

    async with HttpClient() as client:
        with pytest.raises(AuthError, match="yielded int"):
            await client.get(scripted.url(), auth=wrong)


async def test_flow_that_fetches_for_ever_is_stopped(scripted: ScriptedServer) -> None:
    def greedy(request: Any) -> Any:
        while True:
            yield SubRequest("GET", scripted.url("/token"))

    scripted.always(response())
    async with HttpClient() as client:
        with pytest.raises(AuthError, match="more than 100 sub-requests"):
            await client.get(scripted.url(), auth=greedy)
    assert len(scripted.requests) == 100


async def test_error_of_a_flow_comes_out(scripted: ScriptedServer) -> None:
    def failing(request: Any) -> Any:
        yield request
        raise LookupError("no ticket")

    scripted.answer(response())
    async with HttpClient() as client:
        with pytest.raises(LookupError, match="no ticket") as caught:
            await client.get(scripted.url(), auth=failing)
    assert any("'basic'" in note for note in caught.value.__notes__)


# -- whose credentials


async def test_none_switches_the_clients_default_off(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(auth=ME) as client:
        await client.get(scripted.url(), auth=None)
        await client.get(scripted.url())
        client.auth = None
        await client.get(scripted.url())
    assert sent(scripted) == [None, MINE, None]


async def test_own_field_goes_before_the_clients_default_and_behind_the_calls(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(auth=ME) as client:
        await client.get(scripted.url(), headers={"Authorization": "own"})
        await client.get(scripted.url(), headers={"Authorization": "own"}, auth=ME)
    assert sent(scripted) == ["own", MINE]
    assert len(scripted.requests[1].header_values("authorization")) == 1


async def test_userinfo_of_the_url_is_sent(scripted: ScriptedServer) -> None:
    scripted.answer(moved("/there"), response(), response(), response())
    url = scripted.url().replace("//", "//m%65:p%34ss@")
    async with HttpClient() as client:
        got = await client.get(url)
        await client.get(url, auth=("explicit", "x"))
        await client.get(url, headers={"Authorization": "own"})
    explicit = "Basic " + b64encode(b"explicit:x").decode()
    assert sent(scripted) == [MINE, MINE, explicit, "own"]
    assert "p4ss" not in got.url + repr(got.request)


async def test_userinfo_that_cannot_be_sent_is_an_error_that_does_not_show_it() -> None:
    async with HttpClient() as client:
        with pytest.raises(AuthError, match="control characters") as caught:
            await client.get("http://user:s3cret%0d%0a@127.0.0.1:9/")
    assert "s3cret" not in str(caught.value)


async def test_netrc_is_looked_up_for_each_hop(make_scripted: Make, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me password p4ss\nmachine localhost login other password x\n")
    one, two = make_scripted(), make_scripted()
    one.answer(moved("/same"), moved(two.url(host="localhost")), response(), response(), response())
    two.answer(response())
    async with HttpClient() as client:
        await client.get(one.url())
        await client.get(one.url(), auth=("explicit", "x"))
        await client.get(one.url(), auth=None)
        await client.get(one.url(), headers={"Authorization": "own"})
    explicit = "Basic " + b64encode(b"explicit:x").decode()
    assert sent(one) == [MINE, MINE, explicit, None, "own"]
    assert sent(two) == ["Basic " + b64encode(b"other:x").decode()]


async def test_netrc_of_another_origin_is_its_own_when_something_was_given_for_the_first(
    make_scripted: Make, home: Path
) -> None:
    (home / ".netrc").write_text("machine localhost login me password p4ss\n")
    one, two = make_scripted(), make_scripted()
    one.answer(moved(two.url(host="localhost")), moved(two.url(host="localhost")))
    two.answer(response(), response())
    async with HttpClient() as client:
        await client.get(one.url(), auth=("explicit", "x"))
        await client.get(one.url(), auth=None)
    assert sent(two) == [MINE, None]


async def test_netrc_is_not_read_without_trust_env(scripted: ScriptedServer, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me password p4ss\n")
    scripted.always(response())
    async with HttpClient(trust_env=False) as client:
        await client.get(scripted.url())
        client.trust_env = True
        await client.get(scripted.url())
        client.trust_env = False
        await client.get(scripted.url())
    assert sent(scripted) == [None, MINE, None]


async def test_netrc_entry_is_not_chosen_by_the_userinfo(scripted: ScriptedServer, home: Path) -> None:
    (home / ".netrc").write_text("machine known.example login me password p4ss\n")
    scripted.always(response())
    async with HttpClient() as client:
        await client.get(f"http://known.example:@127.0.0.1:{scripted.port}/")
    assert sent(scripted) == ["Basic " + b64encode(b"known.example:").decode()]


# -- origins


def given() -> list[Any]:
    return [ME, BearerAuth("t"), HTTPDigestAuth(*ME), flow, Ticket(), called]


@pytest.mark.parametrize("auth", given(), ids=["basic", "bearer", "digest", "flow", "Auth", "call"])
@pytest.mark.parametrize("where", ["client", "call"])
@pytest.mark.parametrize("status", [302, 307])
async def test_credentials_do_not_cross_to_another_origin_nor_come_back(
    make_scripted: Make, auth: Any, where: str, status: int
) -> None:
    own, other = make_scripted(), make_scripted()

    def at_home(request: Any) -> bytes:
        if request.target == "/back":
            return REFUSED
        return moved(other.url(), status) if request.header("authorization") else REFUSED

    own.respond(at_home)
    other.answer(moved(own.url("/back"), status))
    both = {"auth": auth} if where == "client" else {}
    async with HttpClient(timeout=5, **both) as client:
        got = await client.get(own.url(), **({"auth": auth} if where == "call" else {}))
    assert sent(other) == [None]
    assert sent(own)[-1] is None
    assert got.status_code == 401
    assert got.history[-1].request.host == "127.0.0.1"


async def test_challenge_from_another_origin_is_never_answered(make_scripted: Make) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(REFUSED, response(b"in"), moved(other.url()))
    other.always(REFUSED)
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        assert statuses(await client.get(own.url())) == [401, 200]
        assert statuses(await client.get(own.url())) == [307, 401]
    assert sent(other) == [None]


async def test_redirect_to_the_same_origin_is_answered_with_the_nonce(scripted: ScriptedServer) -> None:
    def answer(request: Any) -> bytes:
        if not request.header("authorization"):
            return REFUSED
        return moved("/there") if request.target == "/" else response(b"in")

    scripted.respond(answer)
    async with HttpClient() as client:
        got = await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))
    assert statuses(got) == [401, 307, 200]
    answers = [parameters(field) for field in sent(scripted) if field]
    assert [(found["uri"], found["nc"]) for found in answers] == [("/", "00000001"), ("/there", "00000002")]


async def test_answer_of_a_proxy_is_not_given_to_an_origin(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 407, [("Proxy-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]))
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        assert statuses(await client.get(scripted.url())) == [407]
    assert len(scripted.requests) == 1


# -- Digest


def answers_digest(request: Any) -> bytes:
    return response(b"in") if request.header("authorization") else REFUSED


async def test_equal_objects_share_nonces_and_clients_do_not(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    shared = HTTPDigestAuth(*ME)
    async with HttpClient() as client, HttpClient() as other:
        assert statuses(await client.get(scripted.url(), auth=shared)) == [401, 200]
        assert statuses(await client.get(scripted.url(), auth=shared)) == [200]
        assert statuses(await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))) == [200]
        client.auth = HTTPDigestAuth(*ME)
        client.event("post_request").bind(lambda response: None)
        assert statuses(await client.get(scripted.url())) == [200]
        assert statuses(await client.get(scripted.url(), auth=HTTPDigestAuth("me", "other"))) == [401, 200]
        assert statuses(await other.get(scripted.url(), auth=shared)) == [401, 200]


@pytest.mark.parametrize("length", [10, 1_000_000])
async def test_bodies_are_sent_again(scripted: ScriptedServer, length: int) -> None:
    scripted.respond(answers_digest)
    async with HttpClient(timeout=5) as client:
        for data in (b"x" * length, [b"x" * length]):
            got = await client.post(scripted.url(), data=data, auth=HTTPDigestAuth(*ME, encoding="latin-1"))
            assert got.status_code == 200
    assert {request.body_size for request in scripted.requests} == {length}


async def body() -> Any:
    yield b"one"
    yield b"two"


async def test_body_that_is_gone_is_an_error(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    async with HttpClient(timeout=5, disable=["expect"] if has_expect() else []) as client:
        with pytest.raises(BodyNotRepeatable, match="can be read once only") as caught:
            await client.post(scripted.url(), data=body(), auth=HTTPDigestAuth(*ME))
        assert caught.value.response is not None
        assert caught.value.response.status_code == 401
        assert (await client.post(scripted.url(), data=body(), auth=ME)).content == b"in"


def has_expect() -> bool:
    client = HttpClient()
    return "expect" in [found.name for found in client.plugins]


async def test_body_that_can_be_sent_once_waits_for_the_challenge(scripted: ScriptedServer) -> None:
    if not has_expect():
        pytest.skip("the plugin for Expect is not installed")

    async def answer(reader: Any, writer: Any, request: Any) -> None:
        if request.header("authorization"):
            writer.write(head(100))
            await request.read_body()
            writer.write(response(request.body))
        else:
            writer.write(response(b"", 401, [CHALLENGE, ("Connection", "close")]))
            writer.close()

    scripted.respond(lambda request: answer, early=True)
    async with HttpClient(timeout=5) as client:
        got = await client.post(scripted.url(), data=body(), auth=HTTPDigestAuth(*ME))
    assert (statuses(got), got.content) == ([401, 200], b"onetwo")
    assert sent(scripted, "expect") == ["100-continue", "100-continue"]


async def test_auth_int_over_a_stream_is_an_error(scripted: ScriptedServer) -> None:
    scripted.always(response(b"", 401, [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth-int"')]))
    async with HttpClient(timeout=5) as client:
        with pytest.raises(AuthError, match="auth-int"):
            await client.post(scripted.url(), data=[b"x"], auth=HTTPDigestAuth(*ME))


async def test_nextnonce_is_used(scripted: ScriptedServer) -> None:
    scripted.answer(REFUSED, response(b"", 200, [("Authentication-Info", 'nextnonce="second"')]), response())
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        await client.get(scripted.url())
        assert statuses(await client.get(scripted.url())) == [200]
    answers = [parameters(field) for field in sent(scripted) if field]
    assert [(found["nonce"], found["nc"]) for found in answers] == [("n", "00000001"), ("second", "00000001")]


async def test_strongest_of_several_challenges_is_answered(scripted: ScriptedServer) -> None:
    fields = [
        ("WWW-Authenticate", 'Basic realm="a, b=\\"c\\"", Digest realm="r", nonce="weak", qop="auth"'),
        ("WWW-Authenticate", 'Digest realm="r", nonce="strong", algorithm=SHA-256, qop="auth,auth-int", Bearer'),
        ("WWW-Authenticate", 'Digest realm="r", nonce="unknown", algorithm=NEW-1, qop="auth"'),
    ]
    scripted.answer(response(b"", 401, fields), response())
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        await client.get(scripted.url())
    answer = parameters(sent(scripted)[1] or "")
    assert (answer["nonce"], answer["algorithm"], answer["qop"]) == ("strong", "SHA-256", "auth")


@pytest.mark.parametrize("stale", ["", ", stale=true"])
async def test_server_that_always_asks_does_not_keep_the_client(scripted: ScriptedServer, stale: str) -> None:
    numbers = iter(range(100))

    def again(request: Any) -> bytes:
        return response(
            b"", 401, [("WWW-Authenticate", f'Digest realm="r", nonce="{next(numbers)}", qop="auth"{stale}')]
        )

    scripted.respond(again)
    async with HttpClient(auth=HTTPDigestAuth(*ME), timeout=5) as client:
        assert (await client.get(scripted.url())).status_code == 401
    assert len(scripted.requests) <= 3


@pytest.mark.parametrize("stream", [False, True])
async def test_endless_body_behind_a_challenge_is_not_read_to_its_end(scripted: ScriptedServer, stream: bool) -> None:
    endless = Script(head(401, [CHALLENGE, ("Content-Length", str(10**12))])).endless(b"x" * 65536)
    scripted.respond(lambda request: response(b"in") if request.header("authorization") else endless)
    async with HttpClient(auth=HTTPDigestAuth(*ME), timeout=3) as client:
        client.max_body = 0 if stream else 1_000_000
        if stream:  # what is buffered of a stream has a limit of its own
            got = await client.get(scripted.url(), stream=True)
            assert await got.raw.read() == b"in"
        else:
            with pytest.raises(hookline.BodyTooLarge):
                await client.get(scripted.url())


@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_challenge_cut_anywhere(make_scripted: Make, cut: Any) -> None:
    server = make_scripted(cut=cut)
    server.answer(chunked(b"who", b"?", status=401, headers=[CHALLENGE]), response(b"in"))
    async with HttpClient(auth=HTTPDigestAuth(*ME), timeout=5) as client:
        got = await client.get(server.url())
    assert (got.content, got.history[0].content, server.connections) == (b"in", b"who?", 1)


async def test_cancelled_between_challenge_and_answer(scripted: ScriptedServer) -> None:
    scripted.answer(REFUSED, Script().stall(), response(b"in"))
    auth = Later(scripted.url())
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        task = asyncio.create_task(client.get(scripted.url()))
        await scripted.until(heads=2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.get(scripted.url())).content == b"in"
    answers = [parameters(field)["nc"] for field in sent(scripted) if field]
    assert answers == ["00000001", "00000002"]
    assert auth.closed == 0


async def test_flow_is_closed_when_its_sub_request_is_cancelled_or_late(scripted: ScriptedServer) -> None:
    scripted.always(Script().stall())
    auth = Later(scripted.url("/token"))
    async with HttpClient(auth=auth) as client:
        task = asyncio.create_task(client.get(scripted.url()))
        await scripted.until(heads=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert auth.closed == 1
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url(), timeout=0.2)
        assert auth.closed == 2
    assert {request.target for request in scripted.requests} == {"/token"}


async def test_flow_is_closed_when_its_exchange_fails(scripted: ScriptedServer) -> None:
    closed = []

    def closing(request: Any) -> Any:
        try:
            yield request
        finally:
            closed.append(1)

    scripted.always(Script().close())
    async with HttpClient(auth=closing) as client:
        for stream in (False, True):
            with pytest.raises(HttpRequestException):
                await client.get(scripted.url(), stream=stream)
    assert closed == [1, 1]


async def test_nothing_is_kept_of_what_is_over(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    mine = [Basic(), Digest()]
    async with HttpClient(autoload=False, plugins=mine) as client:
        for number in range(300):
            await client.get(scripted.url(), auth=HTTPDigestAuth(str(number), "x"))
            await client.get(scripted.url(), auth=flow)
        gc.collect()
        assert [len(found._flows._next) for found in mine] == [0, 0]
        assert len(mine[1]._known) == 256


async def test_secrets_are_shown_nowhere(scripted: ScriptedServer) -> None:
    scripted.always(REFUSED)
    async with HttpClient() as client:
        for auth in (("us3r", "s3cret"), HTTPDigestAuth("us3r", "s3cret"), BearerAuth("s3cret")):
            got = await client.get(scripted.url(), auth=auth)
            with pytest.raises(HttpRequestException) as caught:
                got.raise_for_status()
            text = f"{caught.value!r} {caught.value} {got!r} {got.request!r} {got.request.auth!r} {client!r}"
            assert "s3cret" not in text
            assert "us3r" not in text


# -- foreign objects


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


# -- loading


@pytest.mark.parametrize("by_name", [True, False])
async def test_auth_alone_with_core(scripted: ScriptedServer, by_name: bool) -> None:
    scripted.respond(answers_digest)
    plugins: list[Any] = ["basic", "digest"] if by_name else [Basic(), Digest()]
    async with HttpClient(autoload=False, plugins=plugins) as client:
        assert [found.name for found in client.plugins] == ["basic", "digest"]
        assert statuses(await client.get(scripted.url(), auth=ME)) == [200]
        assert statuses(await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))) == [401, 200]


async def test_each_of_the_two_alone(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    async with HttpClient(autoload=False, plugins=[Basic()]) as client:
        assert statuses(await client.get(scripted.url(), auth=ME)) == [200]
        with pytest.raises(TypeError, match="'digest' takes"):
            await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))
    async with HttpClient(autoload=False, plugins=[Digest()]) as client:
        assert statuses(await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))) == [401, 200]
        with pytest.raises(TypeError, match="'basic' takes the rest"):
            await client.get(scripted.url(), auth=ME)


async def test_auth_disabled(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(disable=["auth"]) as client:
        assert {"basic", "digest"}.isdisjoint(found.name for found in client.plugins)
        with pytest.raises(TypeError, match="disabled"):
            await client.get(scripted.url(), auth=ME)
        await client.get(scripted.url().replace("//", "//me:p4ss@"))
    async with HttpClient(auth=ME) as client:
        await client.get(scripted.url(), disable=["auth"])
        await client.get(scripted.url())
        with pytest.raises(TypeError):
            await client.get(scripted.url(), disable=["auth"], auth=ME)
    assert sent(scripted) == [None, None, MINE]


async def test_digest_disabled(scripted: ScriptedServer) -> None:
    scripted.respond(answers_digest)
    async with HttpClient(disable=["digest"]) as client:
        assert statuses(await client.get(scripted.url(), auth=ME)) == [200]
        with pytest.raises(TypeError, match="'digest' takes, and that is not there"):
            await client.get(scripted.url(), auth=HTTPDigestAuth(*ME))
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        assert statuses(await client.get(scripted.url(), disable=["digest"])) == [401]
        assert statuses(await client.get(scripted.url())) == [401, 200]


class Keyed:
    """Sends a key, and knows nothing else."""

    name = "keyed"
    replaces = ("basic", "digest")

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("auth", None, convert=str, doc="a key")]

    @hookimpl(trylast=True)
    def pre_request(self, response: Any) -> None:
        if response.request.auth is not None:
            response.request.unredirected_headers["Authorization"] = f"Key {response.request.auth}"


async def test_auth_replaced(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(plugins=[Keyed()], auth="abc") as client:
        assert {"basic", "digest"}.isdisjoint(found.name for found in client.plugins)
        await client.get(scripted.url())
    assert sent(scripted) == ["Key abc"]


class Stamp:
    """What another plugin takes as `auth=`."""

    def __call__(self, response: Any) -> None:
        raise AssertionError("the other plugin's")


class Stamps:
    name = "stamps"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("auth", None, accepts=(Stamp,), doc="a stamp")]

    @hookimpl(trylast=True)
    def pre_request(self, response: Any) -> None:
        if response.request.owner("auth") == self.name:
            response.request.unredirected_headers["Authorization"] = "Stamp"


async def test_name_is_shared_with_another_plugin(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(plugins=[Stamps()]) as client:
        for auth in (Stamp(), ME, called, HTTPDigestAuth(*ME)):
            await client.get(scripted.url(), auth=auth)
    assert sent(scripted) == ["Stamp", MINE, "Called 1", None]


def test_entries_and_exported_names() -> None:
    with HttpClient() as client:
        found = {plugin.name: plugin for plugin in client.plugins}
    assert found["basic"].distribution == found["digest"].distribution == "hookline-auth"
    assert hookline.HTTPDigestAuth is HTTPDigestAuth
    assert hookline.HTTPBasicAuth is HTTPBasicAuth
    assert hookline.BearerAuth is BearerAuth
    assert hookline.AuthError is AuthError


def test_signing_comes_last_whatever_is_installed() -> None:
    with HttpClient() as client:
        lines = client.plugins.explain().split("on_headers")[0]
    assert lines.index("cookies") < lines.index("basic") < lines.index("digest")
