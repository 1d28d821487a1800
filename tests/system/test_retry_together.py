"""Retries beside the other plugins: redirects, cookies, codings, held bodies."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from hookline import DecodingError, HttpClient
from hookline_redirects import TooManyRedirects
from hookline_retry import Retry
from hookline_testing.server import Script, ScriptedServer, head, response

pytestmark = [
    pytest.mark.client(plugins=["retry"], retry=Retry(backoff=0.01), timeout=10),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

BUSY = response(b"busy", 503)


def causes(got: Any) -> list[tuple[int, str]]:
    return [(each.status_code, each.request.cause) for each in (*got.history, got)]


async def test_hop_of_a_redirect_is_retried_where_it_is(client: HttpClient, make_scripted: Any) -> None:
    first, second = make_scripted(), make_scripted()
    first.answer(response(b"", 302, [("Location", second.url("/two"))]))
    second.answer(BUSY, response(b"ok"))
    got = await client.get(first.url("/one"), headers={"Authorization": "secret", "X-Mine": "1"})
    assert causes(got) == [(302, "call"), (503, "redirect"), (200, "retry")]
    assert [request.target for request in second.requests] == ["/two", "/two"]
    assert {request.header("authorization") for request in second.requests} == {None}
    assert {request.header("x-mine") for request in second.requests} == {"1"}


async def test_retries_count_for_the_call_and_not_for_each_hop(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(BUSY, BUSY, response(b"", 302, [("Location", "/two")]), BUSY, BUSY)
    got = await client.get(scripted.url("/one"))
    assert causes(got) == [(503, "call"), (503, "retry"), (302, "retry"), (503, "redirect"), (503, "retry")]


async def test_redirects_that_never_end_are_no_reason(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response(b"", 302, [("Location", "/again")]))
    with pytest.raises(TooManyRedirects):
        await client.get(scripted.url(), max_redirects=2)
    assert len(scripted.requests) == 3


async def test_cookie_of_a_refusal_goes_with_the_retry(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 429, [("Set-Cookie", "queue=7")]), response(b"ok"))
    await client.get(scripted.url())
    assert [request.header("cookie") for request in scripted.requests] == [None, "queue=7"]


async def test_codings_of_refusals(client: HttpClient, scripted: ScriptedServer) -> None:
    fields = [("Content-Encoding", "gzip")]
    scripted.answer(response(gzip.compress(b"busy"), 503, fields), response(gzip.compress(b"ok"), 200, fields))
    got = await client.get(scripted.url(), stream=True)
    assert await got.raw.read() == b"ok"
    assert got.history[0].content == b"busy"
    scripted.answer(response(b"no gzip", 200, fields))
    with pytest.raises(DecodingError):
        await client.get(scripted.url())
    assert len(scripted.requests) == 3


async def test_body_that_was_held_back_is_still_there(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)

    def once() -> Iterator[bytes]:
        yield b"once"

    server.answer(BUSY, early=True)
    server.answer(Script(head(100)).read_body().send(response(b"ok")))
    got = await client.put(server.url(), data=once(), wait_continue=30)
    assert causes(got) == [(503, "call"), (200, "retry")]
    assert [(request.header("expect"), request.body) for request in server.requests] == [
        ("100-continue", b""),
        ("100-continue", b"once"),
    ]
