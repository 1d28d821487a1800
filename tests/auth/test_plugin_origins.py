"""Credentials on the way of a redirect: to the origin that they are for, and nowhere else."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hookline_redirects", reason="these follow redirects")

from auth.exchanges import ME, MINE, REFUSED, Make, Ticket, called, flow, moved, parameters_of, sent, statuses
from hookline import HttpClient
from hookline_auth import BearerAuth, HTTPDigestAuth
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


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
    assert got.history[-1].request.origin.host == "127.0.0.1"


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
    answers = [parameters_of(field) for field in sent(scripted) if field]
    assert [(found["uri"], found["nc"]) for found in answers] == [("/", "00000001"), ("/there", "00000002")]


async def test_answer_of_a_proxy_is_not_given_to_an_origin(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 407, [("Proxy-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]))
    async with HttpClient(auth=HTTPDigestAuth(*ME)) as client:
        assert statuses(await client.get(scripted.url())) == [407]
    assert len(scripted.requests) == 1
