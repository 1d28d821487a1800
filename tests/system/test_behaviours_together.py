"""What only shows when several plugins work on one call."""

from __future__ import annotations

import gzip

import pytest

from hookline import DecodingError, HttpClient
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


async def test_body_of_a_hop_is_decoded_only_when_read(scripted: ScriptedServer) -> None:
    hop = response(b"no gzip at all", 302, [("Location", "/two"), ("Content-Encoding", "gzip")])
    good = response(gzip.compress(b"moved"), 302, [("Location", "/two"), ("Content-Encoding", "gzip")])
    scripted.answer(hop, good, response(b"ok"))
    async with HttpClient(timeout=10) as client:
        got = await client.get(scripted.url())

    assert got.content == b"ok"
    assert got.history[1].content == b"moved"
    with pytest.raises(DecodingError):
        _ = got.history[0].content


async def test_a_cookie_of_a_hop_goes_to_the_next_one(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 302, [("Location", "/two"), ("Set-Cookie", "seen=1")]), response(b"ok"))
    async with HttpClient(timeout=10) as client:
        await client.get(scripted.url("/one"))

    assert scripted.requests[0].header("cookie") is None
    assert scripted.requests[1].header("cookie") == "seen=1"
