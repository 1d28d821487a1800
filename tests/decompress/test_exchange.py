"""Coded bodies over the wire."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from typing import Any

import brotli
import pytest

from decompress.bodies import EVERY, PLAIN, deflated, zstd
from hookline import BodyTooLarge, ConnectionClosed, DecodingError, HttpClient
from hookline_testing.server import Script, ScriptedServer, chunked, head, response
from servers.addresses import Site

pytestmark = [pytest.mark.client(timeout=10), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]

every = pytest.mark.parametrize(("coding", "encode"), [row[1:] for row in EVERY], ids=[row[0] for row in EVERY])
Encode = Callable[[bytes], bytes]


def coded(body: bytes, *codings: str, status: int = 200) -> bytes:
    return response(body, status, [("Content-Encoding", coding) for coding in codings])


@every
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_body_is_decoded(
    client: HttpClient, scripted: ScriptedServer, coding: str, encode: Encode, stream: bool, cut: Any
) -> None:
    plain = PLAIN if cut == "whole" else PLAIN[:500]
    fields = [("Content-Encoding", coding)]
    for answer in (response(encode(plain), 200, fields), chunked(encode(plain), headers=fields)):
        scripted.answer(answer, cut=cut)
        got = await client.get(scripted.url(), stream=stream)
        assert (await got.raw.read() if stream else got.content) == plain
    assert scripted.connections == 1


async def test_real_servers(client: HttpClient, aiohttp_server: Site, httpbin: Site, nginx: Site) -> None:
    assert (await client.get(aiohttp_server.url("/gzip"))).json() == {"gzipped": True}
    assert (await client.get(aiohttp_server.url("/deflate"))).json() == {"deflated": True}
    assert (await client.get(aiohttp_server.url("/deflate?raw=1"))).json() == {"deflated": True}
    assert (await client.get(httpbin.url("/gzip"))).json()["gzipped"] is True
    assert (await client.get(httpbin.url("/deflate"))).json()["deflated"] is True
    assert (await client.get(httpbin.url("/brotli"))).json()["brotli"] is True
    got = await client.get(nginx.url("/gzip/1m.json"))
    assert (got.headers["content-encoding"], len(got.content)) == ("gzip", 1024 * 1024)


async def test_accept_encoding_is_offered_and_can_be_replaced(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    await client.get(scripted.url())
    await client.get(scripted.url(), headers={"accept-encoding": "identity"})
    await client.get(scripted.url(), headers={"Accept-Encoding": None})
    offered = [request.header_values("accept-encoding") for request in scripted.requests]
    assert offered == [["gzip, deflate, br, zstd"], ["identity"], []]


async def test_stacked_codings_are_undone_from_the_last(client: HttpClient, scripted: ScriptedServer) -> None:
    body = gzip.compress(zstd(brotli.compress(deflated(gzip.compress(PLAIN)))))
    scripted.answer(coded(body, "gzip, deflate", "br", "zstd,  GZIP"), coded(body, "gzip, deflate, br, zstd, gzip"))
    assert (await client.get(scripted.url())).content == PLAIN
    got = await client.get(scripted.url(), stream=True)
    assert b"".join([chunk async for chunk in got.raw]) == PLAIN


async def test_six_codings_are_an_error(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(coded(b"x", "gzip, gzip, gzip", "gzip, gzip, gzip"))
    with pytest.raises(DecodingError, match="6 content codings") as caught:
        await client.get(scripted.url())
    assert caught.value.response is not None


def broken(coding: str, encode: Encode) -> dict[str, bytes]:
    body = encode(PLAIN[:5000])
    return {"truncated": body[:-4], "corrupt": b"\xff" * 50 + body, "trailing": body + b"trailing"}


@every
@pytest.mark.parametrize("fault", ["truncated", "corrupt", "trailing"])
@pytest.mark.parametrize("stream", [False, True])
async def test_broken_body_is_an_error_and_closes(
    client: HttpClient,
    scripted: ScriptedServer,
    protocol: str,
    coding: str,
    encode: Encode,
    fault: str,
    stream: bool,
) -> None:
    scripted.answer(coded(broken(coding, encode)[fault], coding))
    if stream:
        got = await client.get(scripted.url(), stream=True)
        with pytest.raises(DecodingError) as caught:
            await got.raw.read()
    else:
        with pytest.raises(DecodingError) as caught:
            await client.get(scripted.url())
    assert caught.value.response is not None
    if protocol == "HTTP/1.1":  # over HTTP/2 the stream has ended
        await scripted.until(given_up=1)


async def test_post_request_is_told_of_a_broken_body(client: HttpClient, scripted: ScriptedServer) -> None:
    told: list[Any] = []
    scripted.answer(coded(b"no gzip", "gzip"))
    with pytest.raises(DecodingError):
        await client.get(scripted.url(), post_request=lambda response, exc=None: told.append(exc))
    assert [type(exc) for exc in told] == [DecodingError]


async def test_connection_that_is_cut_is_not_blamed_on_the_coding(client: HttpClient, scripted: ScriptedServer) -> None:
    body = gzip.compress(PLAIN)
    fields = [("Content-Length", str(len(body))), ("Content-Encoding", "gzip")]
    scripted.answer(Script(head(200, fields)).send(body[:-10]).close())
    with pytest.raises(ConnectionClosed):
        await client.get(scripted.url())


@pytest.mark.parametrize("stream", [False, True])
async def test_responses_without_a_body_do_not_fail(client: HttpClient, scripted: ScriptedServer, stream: bool) -> None:
    fields = [("Content-Encoding", "gzip")]
    scripted.answer(
        head(200, [*fields, ("Content-Length", "100")]),
        head(204, fields),
        head(304, fields),
        response(b"", 200, fields),
    )
    for method in ("HEAD", "GET", "GET", "GET"):
        got = await client.request(method, scripted.url(), stream=stream)
        assert (await got.raw.read() if stream else got.content) == b""
    scripted.answer(head(200, [("Content-Encoding", "gzip, " * 6)]))
    assert (await client.head(scripted.url())).content == b""
    assert scripted.connections == 1


async def test_decompress_false_leaves_the_bytes(client: HttpClient, scripted: ScriptedServer) -> None:
    body = gzip.compress(PLAIN)
    scripted.always(coded(body, "gzip"))
    got = await client.get(scripted.url(), decompress=False)
    assert got.content == body
    with pytest.raises(UnicodeDecodeError, match="0x8b"):
        _ = got.text
    async with HttpClient(decompress=False) as other:
        assert (await other.get(scripted.url())).content == body
        assert (await other.get(scripted.url(), decompress=True)).content == PLAIN
    assert scripted.requests[0].header("accept-encoding") == "gzip, deflate, br, zstd"


async def test_unknown_coding_leaves_the_body_and_is_logged_once(
    client: HttpClient, scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    body = gzip.compress(b"x")
    scripted.always(coded(body, "gzip, s<\u00e9>dch"))
    with caplog.at_level(logging.WARNING, "hookline"):
        for _ in range(3):
            assert (await client.get(scripted.url())).content == body
    assert [record.getMessage() for record in caplog.records] == [
        "unknown content coding 's<\\xe9>dch': bodies in it are left as they come"
    ]


async def test_codings_without_end_do_not_fill_the_log(
    client: HttpClient, scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.respond(lambda request: coded(b"x", f"coding-{request.target[1:]}"))
    with caplog.at_level(logging.WARNING, "hookline"):
        for number in range(100):
            await client.get(scripted.url(f"/{number}"))
    assert len(caplog.records) == 64


async def test_stream_that_is_closed_is_never_decoded(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(coded(b"no gzip at all", "gzip"))
    async with await client.get(scripted.url(), stream=True) as got:
        assert got.status_code == 200


async def read(client: HttpClient, url: str, stream: bool) -> bytes:
    got = await client.get(url, stream=stream, max_body=1_000_000)
    return await got.raw.read()  # type: ignore[no-any-return]  # `read` is Any: it blocks without a loop


@pytest.mark.parametrize("stream", [False, True])
async def test_max_body_counts_what_comes_out(client: HttpClient, scripted: ScriptedServer, stream: bool) -> None:
    scripted.answer(coded(gzip.compress(bytes(50_000_000)), "gzip"))
    with pytest.raises(BodyTooLarge):
        await read(client, scripted.url(), stream)


async def test_recv_body_gives_decoded_bytes_as_they_come(client: HttpClient, scripted: ScriptedServer) -> None:
    taken: list[bytes] = []

    def take(response: Any, data: bytes) -> None:
        taken.append(response.recv_body())

    scripted.answer(coded(gzip.compress(PLAIN), "gzip"), cut=10_000)
    got = await client.get(scripted.url(), data_processed=take)
    assert b"".join(taken) + got.content == PLAIN
    assert len([part for part in taken if part]) > 2
