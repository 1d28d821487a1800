"""Digest challenges: answered once, with nonces that belong to the client, and bodies sent again."""

from __future__ import annotations

from typing import Any

import pytest

import hookline
from auth.exchanges import CHALLENGE, ME, REFUSED, Make, parameters_of, sent, statuses
from hookline import BodyNotRepeatable, HttpClient
from hookline_auth import AuthError, HTTPDigestAuth
from hookline_testing.server import Script, ScriptedServer, chunked, head, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


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
    never = {"wait_continue": False} if has_expect() else {}
    async with HttpClient(timeout=5) as client:
        with pytest.raises(BodyNotRepeatable, match="can be read once only") as caught:
            await client.post(scripted.url(), data=body(), auth=HTTPDigestAuth(*ME), **never)
        assert caught.value.response is not None
        assert caught.value.response.status_code == 401
        assert (await client.post(scripted.url(), data=body(), auth=ME)).content == b"in"


def has_expect() -> bool:
    client = HttpClient()
    return "expect" in [found.name for found in client.plugins]


async def test_body_that_can_be_sent_once_waits_for_the_challenge(scripted: ScriptedServer) -> None:
    if not has_expect():
        pytest.skip("the plugin for Expect is not installed")

    refused = Script(response(b"", 401, [CHALLENGE, ("Connection", "close")])).close()
    granted = Script(head(100)).read_body().send(response(b"in"))
    scripted.respond(lambda request: granted if request.header("authorization") else refused, early=True)
    async with HttpClient(timeout=5) as client:
        got = await client.post(scripted.url(), data=body(), auth=HTTPDigestAuth(*ME))
    assert (statuses(got), got.content) == ([401, 200], b"in")
    assert [request.body for request in scripted.requests] == [b"", b"onetwo"]
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
    answers = [parameters_of(field) for field in sent(scripted) if field]
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
    answer = parameters_of(sent(scripted)[1])
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
