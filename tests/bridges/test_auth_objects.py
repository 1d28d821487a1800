"""Authentication objects of requests, httpx and httpx2, and of packages for them, as `auth=` of Hookline, on real servers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from typing import Any

import httpx
import httpx2
import pytest
import requests
import requests.auth

from hookline import HttpClient
from hookline_bridges.auth import from_httpx, from_requests
from hookline_bridges.requests import HooklineAdapter
from hookline_testing.server import ScriptedServer, SeenRequest, response
from servers.addresses import Site
from servers.digest import DigestService
from servers.moto_server import REGION, MotoServer, moto_server

for name in ("hookline_auth", "hookline_redirects", "hookline_retry", "requests_oauthlib", "requests_aws4auth"):
    pytest.importorskip(name, reason=f"{name} is not installed")

ME = ("me", "hunter2")
BASIC = "Basic " + b64encode(b"me:hunter2").decode()
Make = Callable[..., ScriptedServer]


def digest_of_requests() -> Any:
    class Own(requests.auth.HTTPDigestAuth):
        """A subclass, whose hooks run; the class itself is replaced by Hookline's own."""

    return Own(*ME)


DIGESTS = {
    "requests": lambda: requests.auth.HTTPDigestAuth(*ME),
    "requests-subclass": digest_of_requests,
    "httpx": lambda: httpx.DigestAuth(*ME),
    "httpx2": lambda: httpx2.DigestAuth(*ME),
}


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("make", DIGESTS.values(), ids=DIGESTS.keys())
async def test_digest_objects(scripted: ScriptedServer, make: Callable[[], Any], algorithm: str) -> None:
    service = DigestService(*ME, algorithm=algorithm, announces_charset=False)
    scripted.respond(service)
    auth = make()
    async with HttpClient(auth=auth) as client:
        for number in range(3):
            got = await client.post(scripted.url(f"/page?n={number}"), data=b"body")
            assert (got.status_code, got.text, [r.status_code for r in got.history]) == (
                200, "in", [] if number else [401],
            )  # fmt: skip
    assert {seen.body for seen in scripted.requests[:4]} == {b"body"}


BASICS = {
    "requests": requests.auth.HTTPBasicAuth(*ME),
    "httpx": httpx.BasicAuth(*ME),
    "httpx2": httpx2.BasicAuth(*ME),
}


def sign_prepared(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    assert isinstance(prepared, requests.PreparedRequest)
    prepared.headers["Authorization"] = BASIC
    return prepared


def sign_httpx(request: Any) -> Any:
    assert isinstance(request, httpx2.Request)
    request.headers["Authorization"] = BASIC
    return request


FUNCTIONS = {"requests-function": from_requests(sign_prepared), "httpx-function": from_httpx(sign_httpx)}
CREDENTIALS = {**BASICS, **FUNCTIONS}


@pytest.mark.parametrize("how", ["client", "call"])
@pytest.mark.parametrize("auth", CREDENTIALS.values(), ids=CREDENTIALS.keys())
async def test_credentials_go_to_each_hop_of_their_origin_and_to_no_other(
    make_scripted: Make, auth: Any, how: str
) -> None:
    own, other = make_scripted(), make_scripted()

    def moved(url: str) -> bytes:
        return response(b"", 302, {"Location": url})

    own.answer(moved("/same"), moved(other.url("/there")), response(b"back"))
    other.answer(moved(own.url("/back")))
    async with HttpClient(**({"auth": auth} if how == "client" else {})) as client:
        got = await client.get(own.url("/"), **({"auth": auth} if how == "call" else {}))
    assert got.text == "back"
    sent = [seen.header("authorization") for seen in (*own.requests, *other.requests)]
    assert sent == [BASIC, BASIC, None, None]  # a chain that left the origin does not get them back


def test_values_that_are_no_functions_are_returned_as_they_are() -> None:
    for value in (ME, None, BASICS["requests"]):
        assert from_requests(value) is value
    for value in (ME, None, BASICS["httpx"], BASICS["httpx2"]):
        assert from_httpx(value) is value
    assert "hunter2" not in repr(from_requests(sign_prepared)) + repr(from_httpx(sign_httpx))


async def test_flow_of_httpx_fetches_a_token_and_signs_the_body(scripted: ScriptedServer) -> None:
    class Tokens(httpx2.Auth):  # type: ignore[misc,name-defined]
        requires_request_body = True
        requires_response_body = True

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            answer = yield httpx2.Request("POST", scripted.url("/token"), content=b"grant")
            request.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            request.headers["X-Length"] = str(len(request.content))
            yield request

    def answer(seen: SeenRequest) -> bytes:
        if seen.path == "/token":
            return response(b'{"token": "t1"}', headers={"Content-Type": "application/json"})
        return response(f"{seen.header('authorization')} {seen.header('x-length')}".encode())

    scripted.respond(answer)
    async with HttpClient() as client:
        assert (await client.put(scripted.url("/x"), data=b"12345", auth=Tokens())).text == "Bearer t1 5"
    assert scripted.requests[0].body == b"grant"


# -- packages for requests


def oauth1_of_requests_oauthlib(**options: Any) -> Any:
    from requests_oauthlib import OAuth1

    from servers.oauth1_provider import CLIENT_ID, CLIENT_SECRET, USER_SECRET, USER_TOKEN

    return OAuth1(CLIENT_ID, CLIENT_SECRET, USER_TOKEN, USER_SECRET, **options)


@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY", "BODY"])
async def test_oauth1_of_requests_oauthlib(site1: Site, provider1: Any, place: str) -> None:
    auth = oauth1_of_requests_oauthlib(signature_type=place)
    async with HttpClient(timeout=20) as client:
        got = await client.post(site1.url("/x?b=2"), data={"a": "1 2"}, auth=auth)
        assert got.json()["valid"]
        redirected = await client.post(site1.url("/hop?status=307&to=/y"), data={"a": "1"}, auth=auth)
        assert (redirected.json()["valid"], len(redirected.history)) == (True, 1)
        assert len(provider1.store.nonces) == 3  # each hop is signed anew
        wrong = oauth1_of_requests_oauthlib(signature_type=place)
        wrong.client.client_secret = "another"
        assert (await client.post(site1.url("/x"), data={"a": "1"}, auth=wrong)).status_code == 401


@pytest.mark.parametrize("place", ["QUERY", "BODY"])
async def test_signature_in_a_url_or_a_body_goes_to_no_other_origin(make_scripted: Make, place: str) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(response(b"", 307, {"Location": other.url("/there")}))
    other.answer(response(b"ok"))
    async with HttpClient() as client:
        await client.post(own.url("/"), data={"a": "1"}, auth=oauth1_of_requests_oauthlib(signature_type=place))
    assert b"oauth_signature" in own.requests[0].raw
    assert b"oauth_" not in other.requests[0].raw
    assert other.requests[0].body == b"a=1"


async def test_attempt_of_the_plugin_retry_is_signed_anew(scripted: ScriptedServer) -> None:
    scripted.answer(response(status=503), response(b"ok"))
    async with HttpClient(plugins=["retry"], retry=1) as client:
        auth = oauth1_of_requests_oauthlib(signature_type="QUERY")
        assert (await client.get(scripted.url("/?b=2"), auth=auth)).text == "ok"
    assert [seen.query.count("oauth_nonce=") for seen in scripted.requests] == [1, 1]


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


async def test_signatures_of_requests_aws4auth(moto: MotoServer) -> None:
    from requests_aws4auth import AWS4Auth

    auth = AWS4Auth(moto.access_key, moto.secret_key, REGION, "s3")
    async with HttpClient(timeout=60, auth=auth) as client:
        assert (await client.put(f"{moto.url}/of-requests")).status_code == 200
        assert (await client.put(f"{moto.url}/of-requests/key", data=b"content")).status_code == 200
        assert (await client.get(f"{moto.url}/of-requests/key")).content == b"content"
        wrong = AWS4Auth(moto.access_key, moto.secret_key[::-1], REGION, "s3")
        assert (await client.get(f"{moto.url}/of-requests/key", auth=wrong)).status_code == 403


# -- in a session of requests


class Handshake(requests.auth.AuthBase):
    """Sends several requests from one hook, as NTLM does."""

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.register_hook("response", self.answer)
        return prepared

    def answer(self, got: requests.Response, **options: Any) -> requests.Response:
        for step in ("one", "two"):
            if got.status_code != 401:
                break
            got.content  # noqa: B018  # it is read, so that the connection is free
            got.raw.release_conn()
            again = got.request.copy()
            again.headers["Authorization"] = f"Steps {step}"
            got = got.connection.send(again, **options)
        return got


def test_sessions_run_their_own_authentication(scripted: ScriptedServer) -> None:
    service = DigestService(*ME, announces_charset=False)
    session = requests.Session()
    session.mount("http://", HooklineAdapter())
    with session:
        scripted.respond(service)
        assert session.get(scripted.url(), auth=requests.auth.HTTPDigestAuth(*ME)).text == "in"
        scripted.respond(
            lambda seen: response(b"in") if seen.header("authorization") == "Steps two" else response(b"out", 401)
        )
        assert session.get(scripted.url(), auth=Handshake()).text == "in"
    assert scripted.connections == 1
