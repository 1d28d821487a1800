"""Held bodies beside the other plugins: redirects behind a body that was not sent, codings, handlers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from hookline import BodyNotRepeatable, HttpClient
from hookline_testing.server import Script, ScriptedServer, head, response
from servers.addresses import Site

pytestmark = [pytest.mark.client(timeout=10, wait_continue=30), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


def granted(answer: bytes) -> Script:
    return Script(head(100)).read_body().send(answer)


def once() -> Iterator[bytes]:
    yield b"on"
    yield b"ce"


@pytest.mark.parametrize("stream", [False, True])
async def test_generator_that_was_not_touched_follows_a_redirect(
    client: HttpClient, make_scripted: Any, stream: bool
) -> None:
    server = make_scripted(strict=False)
    server.answer(response(b"moved", 307, [("Location", "/two")]), early=True)
    server.answer(granted(response(b"ok")))
    got = await client.post(server.url("/one"), data=once(), stream=stream)
    assert (got.status_code, await got.raw.read()) == (200, b"ok")
    assert [(request.target, request.header("expect")) for request in server.requests] == [
        ("/one", "100-continue"),
        ("/two", "100-continue"),
    ]
    assert (server.requests[0].body_size, server.requests[1].body) == (0, b"once")


async def test_generator_that_was_released_cannot_follow(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(granted(response(b"moved", 307, [("Location", "/two")])))
    with pytest.raises(BodyNotRepeatable) as caught:
        await client.post(scripted.url("/one"), data=once())
    assert caught.value.response is not None
    assert caught.value.response.status_code == 307


async def test_redirect_to_get_does_not_ask(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(response(b"", 303, [("Location", "/two")]), early=True)
    server.answer(response(b"ok"))
    got = await client.post(server.url("/one"), data=once(), headers={"Expect": "100-continue"})
    assert got.content == b"ok"
    assert (server.requests[1].method, server.requests[1].header("expect")) == ("GET", None)


async def test_417_then_a_redirect_goes_on_without_the_question(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(response(b"", 417), early=True)
    server.answer(
        response(b"", 307, [("Location", "/two")]), response(gzip.compress(b"ok"), 200, [("Content-Encoding", "gzip")])
    )
    got = await client.post(server.url("/one"), data=[b"a", b"b"])
    assert got.content == b"ok"
    assert [earlier.status_code for earlier in got.history] == [417, 307]
    assert [request.header("expect") for request in server.requests] == ["100-continue", None, None]
    assert [request.cause for request in (*(earlier.request for earlier in got.history), got.request)] == [
        "call",
        "expect",
        "redirect",
    ]


async def test_nginx_redirects_before_the_body(client: HttpClient, nginx: Site) -> None:
    got = await client.post(nginx.url("/moved/303"), data=once())
    # nginx says 100 before it says 303: whether the body was begun by then is a race between the two
    assert (got.status_code, len(got.history)) == (200, 1)


async def test_handlers_of_the_call_see_the_final_head_only(client: HttpClient, scripted: ScriptedServer) -> None:
    seen: list[int] = []
    scripted.answer(granted(response(b"ok")))
    await client.post(scripted.url(), data=b"x", on_headers=lambda response, **kw: seen.append(response.status_code))
    assert seen == [200]
