"""Each hop is signed anew, and no credential reaches another origin by way of a redirect."""

from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient
from hookline_oauth import OAuth1
from hookline_testing.server import ScriptedServer, response
from kit.oauth import holds_secret, moved, oauth1, oauth2
from servers.addresses import Site
from servers.oauth1_provider import CLIENT_ID, USER_SECRET, USER_TOKEN, OAuth1Provider
from servers.oauth1_provider import CLIENT_SECRET as REAL_SECRET

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

pytest.importorskip("hookline_redirects", reason="these follow redirects")

Make = Callable[..., ScriptedServer]


def user(**options: Any) -> OAuth1:
    return OAuth1(
        CLIENT_ID,
        client_secret=REAL_SECRET,
        resource_owner_key=USER_TOKEN,
        resource_owner_secret=USER_SECRET,
        **options,
    )


@pytest.mark.parametrize(
    ("place", "status"), [("AUTH_HEADER", 302), ("AUTH_HEADER", 307), ("QUERY", 302), ("QUERY", 307), ("BODY", 307)]
)
async def test_each_hop_is_signed_anew(site1: Site, provider1: OAuth1Provider, place: str, status: int) -> None:
    data = {"a": "1"} if place == "BODY" else None
    method = "POST" if data else "GET"
    async with HttpClient(timeout=20) as client:
        answer = await client.request(
            method, site1.url(f"/hop?status={status}&to=/x%3Fb=2"), data=data, auth=user(signature_type=place)
        )
    assert answer.json()["valid"]
    assert len(provider1.store.nonces) == 2


@pytest.mark.usefixtures("insecure")
@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize(
    "auth",
    [oauth1(), oauth1("QUERY"), oauth1("BODY"), oauth2(), oauth2(token_url="http://127.0.0.1:1/")],
    ids=["header", "query", "body", "bearer", "renewable"],
)
@pytest.mark.parametrize("how", ["client", "call", "bound", "handler"])
async def test_redirect_to_another_origin_gets_none(make_scripted: Make, auth: Any, status: int, how: str) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved("/same?a=1", status), moved(other.url("/there"), status), response(b"back"))
    other.answer(moved(own.url("/back"), status))
    async with HttpClient(**({"auth": auth} if how == "client" else {})) as client:
        given = {"call": {"auth": auth}, "handler": {"pre_request": auth}}.get(how, {})
        if how == "bound":
            client.event("pre_request").bind(auth)
        answer = await client.post(own.url("/"), data={"a": "1"}, **given)
    assert answer.content == b"back"
    assert holds_secret(own.requests[0].raw)
    assert holds_secret(own.requests[1].raw)
    assert not holds_secret(other.requests[0].raw)
    assert not holds_secret(own.requests[2].raw), "a chain that left the origin does not get them back"
    if status == 307:
        assert other.requests[0].body == b"a=1"


@pytest.mark.usefixtures("insecure")
async def test_401_of_another_origin_renews_nothing(make_scripted: Make) -> None:
    own, other, tokens = make_scripted(), make_scripted(), make_scripted()
    own.answer(moved(other.url("/")))
    other.answer(response(b"", 401, [("WWW-Authenticate", "Bearer")]))
    async with HttpClient() as client:
        answer = await client.get(own.url("/"), auth=oauth2(token_url=tokens.url("/")))
    assert answer.status_code == 401
    assert not tokens.requests
    assert len(other.requests) == 1
