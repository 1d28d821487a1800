"""Event streams beside the other plugins: redirects, content codings, retries, credentials, cookies."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from hookline import ClientClosed, DecodingError, HttpClient
from hookline_auth import HTTPDigestAuth
from hookline_redirects import TooManyRedirects
from hookline_retry import Retry
from hookline_sse import EventStreamError, Reconnect
from hookline_testing.server import Gate, Script, ScriptedServer, head, response
from kit.event_streams import FIELDS, chunk, ended, opened, whole

QUICK = Reconnect(delay=0.01, max_delay=0.1, jitter=0)
END = response(b"", 204)

pytestmark = [pytest.mark.client(timeout=10), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


async def data_of(events: Any) -> list[str]:
    async with events:
        return [event.data async for event in events]


async def test_plugin_is_loaded_when_it_is_installed_and_named_beside_the_defaults() -> None:
    async with HttpClient() as client:
        assert "sse" in [found.name for found in client.plugins]
    async with HttpClient(autoload="default") as client:
        assert "sse" not in [found.name for found in client.plugins]
    async with HttpClient(autoload="default", plugins=["sse"]) as client:
        assert "sse" in [found.name for found in client.plugins]


# -- redirects


async def test_each_attempt_follows_the_redirect(client: HttpClient, make_scripted: Any) -> None:
    first, second = make_scripted(), make_scripted()
    moved = response(b"", 307, [("Location", second.url("/news"))])
    first.answer(moved, moved, moved)
    second.answer(ended(b"id: 1\ndata: a\n\n"), ended(b"data: b\n\n"), END)
    headers = {"Authorization": "secret", "X-Mine": "1"}
    async with client.events(first.url("/"), reconnect=QUICK, headers=headers) as events:
        assert [event.data async for event in events] == ["a", "b"]
        assert events.response.url == second.url("/news")
    names = ("last-event-id", "accept", "authorization", "x-mine")
    assert [[request.header(name) for name in names] for request in second.requests] == [
        [None, "text/event-stream", None, "1"],
        ["1", "text/event-stream", None, "1"],
        ["1", "text/event-stream", None, "1"],
    ]
    assert first.connections == second.connections == 1


async def test_post_behind_a_redirect(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 308, [("Location", "/chat")]), ended(b"data: a\n\n"))
    assert await data_of(client.events(scripted.url(), method="POST", json=[1])) == ["a"]
    assert [(request.method, request.body) for request in scripted.requests] == [("POST", b"[1]")] * 2


async def test_redirects_without_end(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response(b"", 307, [("Location", "/again")]))
    with pytest.raises(TooManyRedirects):
        await data_of(client.events(scripted.url(), reconnect=QUICK, max_redirects=2))
    assert len(scripted.requests) == 3


async def test_redirect_that_is_not_followed(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 307, [("Location", "/")]))
    with pytest.raises(EventStreamError, match="status 307"):
        await data_of(client.events(scripted.url(), allow_redirects=False))


# -- content codings


def gzip_flusher() -> Callable[[bytes], bytes]:
    compressor = zlib.compressobj(wbits=31)
    return lambda data: compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


def deflate_flusher() -> Callable[[bytes], bytes]:
    compressor = zlib.compressobj()
    return lambda data: compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


def brotli_flusher() -> Callable[[bytes], bytes]:
    brotli = pytest.importorskip("brotli")
    compressor = brotli.Compressor()
    return lambda data: bytes(compressor.process(data) + compressor.flush())


def zstd_flusher() -> Callable[[bytes], bytes]:
    zstd = pytest.importorskip("backports.zstd")
    compressor = zstd.ZstdCompressor()
    return lambda data: bytes(compressor.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK))


FLUSHERS = {"gzip": gzip_flusher, "deflate": deflate_flusher, "br": brotli_flusher, "zstd": zstd_flusher}


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("coding", FLUSHERS)
async def test_event_that_is_flushed_in_a_coding_is_there_at_once(
    client: HttpClient, scripted: ScriptedServer, coding: str, cut: Any
) -> None:
    flush = FLUSHERS[coding]()
    fields = [*FIELDS, ("Content-Encoding", coding), ("Transfer-Encoding", "chunked")]
    gates = [Gate() for _ in range(3)]
    script = Script(head(200, fields))
    for number, gate in enumerate(gates):
        script.hold(gate).send(chunk(flush(b"data: %d\n\n" % number)), cut)
    scripted.answer(script.stall())
    gates[0].open()
    async with client.events(scripted.url()) as events, asyncio.timeout(5):
        for number in range(3):
            gates[number].open()
            assert (await anext(events)).data == str(number)


async def test_coding_that_is_broken_is_an_error(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"no gzip", headers=[*FIELDS, ("Content-Encoding", "gzip")]))
    with pytest.raises(DecodingError):
        await data_of(client.events(scripted.url(), reconnect=QUICK))
    assert len(scripted.requests) == 1


# -- retries, credentials, cookies


async def test_retry_plugin_repeats_an_attempt_that_was_refused(scripted: ScriptedServer) -> None:
    busy = response(b"busy", 503)
    scripted.answer(busy, busy, ended(b"id: 1\ndata: a\n\n"), busy, ended(b"data: b\n\n"), END)
    async with HttpClient(plugins=["retry"], retry=Retry(backoff=0.01), timeout=10) as client:
        assert await data_of(client.events(scripted.url(), reconnect=QUICK)) == ["a", "b"]
    assert [request.header("last-event-id") for request in scripted.requests] == [None, None, None, "1", "1", "1"]


async def test_refusal_after_the_last_retry_is_an_error(scripted: ScriptedServer) -> None:
    scripted.always(response(b"busy", 503))
    async with HttpClient(plugins=["retry"], retry=Retry(2, backoff=0.01), timeout=10) as client:
        with pytest.raises(EventStreamError, match="status 503") as caught:
            await data_of(client.events(scripted.url(), reconnect=QUICK))
    assert caught.value.response is not None
    assert caught.value.response.content == b"busy"
    assert len(scripted.requests) == 3


async def test_each_attempt_has_credentials_and_cookies(client: HttpClient, scripted: ScriptedServer) -> None:
    challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256')]
    auth = HTTPDigestAuth("user", "secret")
    kept = [*FIELDS, ("Set-Cookie", "session=7")]
    scripted.answer(response(b"who?", 401, challenge), response(b"data: a\n\n", headers=kept), END)
    assert await data_of(client.events(scripted.url(), reconnect=QUICK, auth=auth)) == ["a"]
    assert [bool(request.header("authorization")) for request in scripted.requests] == [False, True, True]
    assert scripted.requests[2].header("cookie") == "session=7"


async def test_close_of_the_client_ends_streams_of_all_kinds(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: a\n\n").stall(), whole(b"retry: 60000\ndata: a\n\n"))
    tasks = [asyncio.ensure_future(data_of(client.events(scripted.url()))) for _ in range(2)]
    await scripted.until(requests=2)
    await asyncio.sleep(0.05)
    await client.close()
    for task in tasks:
        with pytest.raises(ClientClosed):
            await task
