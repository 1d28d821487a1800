"""Token endpoints that answer badly, late or not at all, and what applies to requests for tokens."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hookline import BodyTooLarge, HttpClient, HttpTimeout, hookimpl
from hookline_oauth import OAuth2, TokenRefused
from hookline_testing.server import Script, ScriptedServer, SeenRequest, head, response

pytestmark = pytest.mark.usefixtures("insecure")
Make = Callable[..., ScriptedServer]
GOOD = b'{"access_token": "new-access", "token_type": "bearer", "expires_in": "3600"}'


def oauth2(server: ScriptedServer, **options: Any) -> OAuth2:
    token = {"access_token": "old-access", "refresh_token": "old-refresh", **options.pop("token", {})}
    return OAuth2("id", token=token, token_url=server.url("/token"), **options)


def json_answer(body: bytes, status: int = 200) -> bytes:
    return response(body, status, [("Content-Type", "application/json")])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (json_answer(b"[]"), "not a JSON object"),
        (json_answer(b"null"), "not a JSON object"),
        (json_answer(b""), "not a JSON object"),
        (json_answer(b"\xff\xfe{"), "not a JSON object"),
        (json_answer(b"[" * 100_000), "not a JSON object"),
        (json_answer(b'{"expires_in": ' + b"9" * 5000 + b"}"), "not a JSON object"),
        (json_answer(b"{}"), "no 'access_token'"),
        (json_answer(b'{"access_token": 7}'), "no 'access_token'"),
        (json_answer(b'{"access_token": "a\\r\\nX-Evil: 1"}'), "no 'access_token'"),
        (json_answer(b'{"access_token": "a", "token_type": "mac"}'), "not Bearer"),
        (json_answer(b'{"access_token": "a", "token_type": {"x": 1}}'), "not Bearer"),
        (json_answer(b'{"error": "invalid_scope"}'), "200 OK: invalid_scope"),
        (json_answer(b'{"error": {"a": ["\\u0007"]}, "error_description": [1]}', 400), "400 Bad Request"),
        (response(b"<h1>down</h1>", 503), "503 Service Unavailable: and its answer does not say why"),
        (response(b"", 304), "are not sent after a redirect"),
    ],
)
async def test_answer_that_is_no_token(scripted: ScriptedServer, answer: bytes, message: str) -> None:
    scripted.answer(answer)
    auth = oauth2(scripted)
    async with HttpClient(timeout=10) as client:
        with pytest.raises(TokenRefused, match=message) as caught:
            await auth.refresh(client)
    assert "\a" not in str(caught.value)
    assert "Evil" not in str(caught.value)
    assert caught.value.response.request.cause == "token"
    assert auth.token["access_token"] == "old-access"


@pytest.mark.parametrize(
    ("members", "end"),
    [
        (b'"expires_in": "60"', 60),
        (b'"expires_in": 60.5', 60.5),
        (b'"expires_in": 1e999', None),
        (b'"expires_in": NaN', None),
        (b'"expires_in": "soon"', None),
        (b'"expires_in": null', None),
        (b'"expires_in": {}', None),
    ],
)
async def test_lifetime_is_read_with_care(scripted: ScriptedServer, members: bytes, end: Any) -> None:
    import time

    scripted.answer(json_answer(b'{"access_token": "a", ' + members + b"}"))
    auth = oauth2(scripted)
    async with HttpClient(timeout=10) as client:
        token = await auth.refresh(client)
    assert token.get("expires_at") == (None if end is None else pytest.approx(time.time() + end, abs=5))
    assert token["refresh_token"] == "old-refresh"


@pytest.mark.parametrize(
    "kind", [b"", b'"token_type": "", ', b'"token_type": null, ', b'"token_type": "BearerToken", ']
)
async def test_token_type_may_be_left_out_or_spelled_otherwise(scripted: ScriptedServer, kind: bytes) -> None:
    scripted.answer(json_answer(b"{" + kind + b'"access_token": "a"}'))
    async with HttpClient(timeout=10) as client:
        assert (await oauth2(scripted).refresh(client))["access_token"] == "a"


async def test_form_as_answer_is_taken(scripted: ScriptedServer) -> None:
    form = b"access_token=a%2Db&token_type=bearer&expires_in=60"
    scripted.answer(response(form, 200, [("Content-Type", "application/x-www-form-urlencoded")]))
    async with HttpClient(timeout=10) as client:
        assert (await oauth2(scripted).refresh(client))["access_token"] == "a-b"


async def test_grant_of_a_client_of_oauthlib(scripted: ScriptedServer) -> None:
    from oauthlib.oauth2 import LegacyApplicationClient

    scripted.answer(json_answer(b'{"error": "x", "error_description": "bad pass-w0rd"}', 400), json_answer(GOOD))
    auth = OAuth2(client=LegacyApplicationClient("id"), token_url=scripted.url("/token"), scope=["a", "b"])
    async with HttpClient(timeout=10) as client:
        with pytest.raises(TokenRefused, match="x: bad …"):
            await auth.fetch_token(client, username="me", password="pass-w0rd")
        await auth.fetch_token(client, username="me", password="pass-w0rd", scope="c")
    assert b"&scope=a+b&" in scripted.requests[0].body
    assert scripted.requests[1].body == b"grant_type=password&username=me&password=pass-w0rd&scope=c&client_id=id"


async def test_token_of_a_client_of_oauthlib(scripted: ScriptedServer) -> None:
    from oauthlib.oauth2 import WebApplicationClient

    scripted.always(response())
    given = {"access_token": "a", "refresh_token": "r", "expires_in": 3600}
    auth = OAuth2(client=WebApplicationClient("id", token=given))
    async with HttpClient(timeout=10) as client:
        await client.get(scripted.url(), auth=auth)
        await client.get(scripted.url(), auth=OAuth2("id", access_token="b"))
    assert [request.header("authorization") for request in scripted.requests] == ["Bearer a", "Bearer b"]
    assert (auth.token or {})["refresh_token"] == "r"


async def test_answer_of_any_size_is_not_taken(scripted: ScriptedServer) -> None:
    scripted.answer(json_answer(b" " * 1_000_000))
    async with HttpClient(timeout=10) as client:
        with pytest.raises(BodyTooLarge):
            await oauth2(scripted).refresh(client)


async def test_timeout_of_the_client_applies(make_scripted: Make) -> None:
    server = make_scripted()
    server.answer(Script(head(200)).stall())
    auth = oauth2(server)
    async with HttpClient(timeout=0.3) as client:
        with pytest.raises(HttpTimeout):
            await auth.refresh(client)
        server.answer(json_answer(GOOD))
        assert (await auth.refresh(client))["access_token"] == "new-access"


async def test_request_for_a_token_reaches_those_who_name_cause(scripted: ScriptedServer) -> None:
    seen: list[tuple[str, Any]] = []

    class Proxy:
        @hookimpl
        def pre_request(self, response: Any, cause: str) -> None:
            parent = response.request.parent
            seen.append((cause, None if parent is None else parent.url))

    class Other:
        @hookimpl
        def pre_request(self, response: Any) -> None:
            assert response.request.cause != "token"

    def answer(request: SeenRequest) -> bytes:
        if request.path == "/token":
            return json_answer(GOOD)
        return response(b"", 200 if request.header("authorization") == "Bearer new-access" else 401)

    scripted.respond(answer)
    async with HttpClient(plugins=[Proxy(), Other()], timeout=10) as client:
        assert (await client.get(scripted.url("/api"), auth=oauth2(scripted), stream=True)).status_code == 200
    assert seen == [("call", None), ("token", scripted.url("/api")), ("auth", None)]
    sent = scripted.requests[1]
    assert sent.header("accept") == "application/json"
    assert sent.header("accept-encoding") == "identity"
    assert sent.body == b"grant_type=refresh_token&refresh_token=old-refresh&client_id=id"


def test_renewal_that_outlives_its_call_in_synchronous_mode(make_scripted: Make) -> None:
    server = make_scripted()
    server.respond(lambda request: Script().stall() if request.path == "/token" else response(b"ok"))
    auth = oauth2(server, token={"expires_at": 1})
    with HttpClient() as client:
        with pytest.raises(HttpTimeout):
            client.get(server.url("/api"), auth=auth, timeout=0.2)
        with pytest.raises(HttpTimeout):
            client.get(server.url("/api"), auth=auth, timeout=0.2)
    assert [request.path for request in server.requests] == ["/token"]
    server.respond(lambda request: json_answer(GOOD) if request.path == "/token" else response(b"ok"))
    with HttpClient(timeout=10) as other:
        assert other.get(server.url("/api"), auth=auth).content == b"ok"


async def test_client_that_is_closed_does_not_harm_another(make_scripted: Make) -> None:
    server = make_scripted()

    def answer(request: SeenRequest) -> Any:
        if request.path != "/token":
            return response(b"ok")
        return Script().stall() if len(server.requests) == 1 else json_answer(GOOD)

    server.respond(answer)
    auth = OAuth2(
        "id", token={"access_token": "x", "refresh_token": "y", "expires_at": 1}, token_url=server.url("/token")
    )
    one, two = HttpClient(timeout=10), HttpClient(timeout=10)
    first = asyncio.ensure_future(one.get(server.url("/api"), auth=auth))
    async with asyncio.timeout(5):
        while not server.requests:  # noqa: ASYNC110  # the server runs in a thread
            await asyncio.sleep(0.01)
    second = asyncio.ensure_future(two.get(server.url("/api"), auth=auth))
    await asyncio.sleep(0)
    await one.close()
    assert (await second).content == b"ok"
    assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], ConnectionError)
    await two.close()
