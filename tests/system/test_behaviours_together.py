"""What only shows when several plugins work on one call."""

from __future__ import annotations

import gzip

import pytest

from hookline import DecodingError, HttpClient
from servers.messages import response
from servers.scripted import ScriptedServer


def hop(body: bytes, location: str = "/two") -> bytes:
    return response(body, 302, [("Location", location), ("Content-Encoding", "gzip")])


async def test_redirect_is_followed_whatever_its_body_is(scripted: ScriptedServer) -> None:
    scripted.answer(hop(b"no gzip at all"), hop(gzip.compress(b"moved")), response(b"ok"))
    told: list[BaseException | None] = []
    async with HttpClient(timeout=10) as client:
        got = await client.get(scripted.url(), post_request=lambda response, exc: told.append(exc))

    assert got.content == b"ok"
    assert got.history[1].content == b"moved"
    with pytest.raises(DecodingError):
        _ = got.history[0].content
    assert [type(exc) for exc in told] == [DecodingError, type(None), type(None)]


@pytest.mark.parametrize("way", ["stopped", "no location"])
@pytest.mark.parametrize("stream", [False, True])
async def test_post_request_is_told_of_a_redirect_that_ends_in_a_broken_body(
    scripted: ScriptedServer, way: str, stream: bool
) -> None:
    scripted.answer(hop(b"no gzip at all", "" if way == "no location" else "/two"), response(b"next"))
    told: list[BaseException | None] = []
    options = {"follow_redirect": lambda response, request: None} if way == "stopped" else {}
    async with HttpClient(timeout=10) as client:
        with pytest.raises(DecodingError) as caught:
            await client.get(
                scripted.url(), stream=stream, post_request=lambda response, exc: told.append(exc), **options
            )
        assert told == [caught.value]
        assert caught.value.response is not None
        with pytest.raises(DecodingError):
            _ = caught.value.response.content
        assert (await client.get(scripted.url())).content == b"next"


async def test_a_cookie_of_a_hop_goes_to_the_next_one(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 302, [("Location", "/two"), ("Set-Cookie", "seen=1")]), response(b"ok"))
    async with HttpClient(timeout=10) as client:
        await client.get(scripted.url("/one"))

    assert scripted.requests[0].header("cookie") is None
    assert scripted.requests[1].header("cookie") == "seen=1"
