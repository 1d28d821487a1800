"""Requests as given: the bytes that reach the server, and the response as it came."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hookline import HttpClient, LocalProtocolError, ReadTimeout, Timeout
from hookline_bridges.as_given import Sender, make_client
from hookline_testing.server import Gate, Script, ScriptedServer, response

FIELDS = [(b"x-b", b"1"), (b"HOST", b"own.test"), (b"X-a", b"\xff"), (b"x-B", b"2")]


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with make_client() as client:
        yield Sender(client)


async def test_head_is_sent_byte_for_byte(sender: Sender, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    for _ in range(2):
        async with await sender.send("GET", scripted.url("/"), FIELDS, target="/a/../b") as answer:
            assert await answer.raw.read() == b"ok"
    head = b"GET /a/../b HTTP/1.1\r\nx-b: 1\r\nHOST: own.test\r\nX-a: \xff\r\nx-B: 2\r\n\r\n"
    assert [request.raw for request in scripted.requests] == [head, head]
    assert sender.client.stats().reused == 1


async def chunks() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cd"


@pytest.mark.parametrize(
    ("body", "field", "sent"),
    [
        (b"abcd", (b"Content-Length", b"4"), b"abcd"),
        (chunks, (b"content-length", b"4"), b"abcd"),
        (lambda: [b"ab", b"cd"], (b"content-length", b"4"), b"abcd"),
        (chunks, (b"Transfer-Encoding", b"chunked"), b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
        (b"abcd", (b"Transfer-Encoding", b"chunked"), b"4\r\nabcd\r\n0\r\n\r\n"),
        (None, (b"Transfer-Encoding", b"chunked"), b"0\r\n\r\n"),
    ],
    ids=["bytes", "stream", "list", "chunked-stream", "chunked-bytes", "chunked-nothing"],
)
async def test_fields_decide_the_framing(
    sender: Sender, scripted: ScriptedServer, body: Any, field: tuple[bytes, bytes], sent: bytes
) -> None:
    scripted.answer(response())
    given: Any = body() if isinstance(body, Callable) else body  # type: ignore[arg-type]
    await (await sender.send("POST", scripted.url("/"), [(b"host", b"h"), field], given)).raw.read()
    raw = scripted.requests[0].raw
    assert raw == b"POST / HTTP/1.1\r\nhost: h\r\n" + b": ".join(field) + b"\r\n\r\n" + sent


async def test_body_of_another_length_is_refused(sender: Sender, scripted: ScriptedServer) -> None:
    scripted.answer(response())
    with pytest.raises(LocalProtocolError, match="Content-Length"):
        await sender.send("POST", scripted.url("/"), [(b"content-length", b"3")], chunks())


async def test_response_is_handed_out_as_it_came(scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_auth")
    pytest.importorskip("hookline_decompress")
    """A client of the user's own: none of its plugins that the library above has itself takes part."""
    coded = gzip.compress(b"text" * 100)
    fields = {"Content-Encoding": "gzip", "Location": "/next", "Set-Cookie": "a=1", "WWW-Authenticate": "Basic realm=x"}
    scripted.always(response(coded, 302, fields))
    async with HttpClient(auth=("user", "secret"), headers={"X-Own": "1"}) as client:
        sender = Sender(client)
        for _ in range(2):
            answer = await sender.send("GET", scripted.url("/"), [(b"host", b"h")])
            assert (answer.status_code, await answer.raw.read()) == (302, coded)
    assert [request.raw for request in scripted.requests] == [b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"] * 2


async def test_plugins_that_are_kept_take_part(scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_cookies")
    scripted.answer(response(headers={"Set-Cookie": "a=1"}), response())
    async with HttpClient() as client:
        sender = Sender(client, keeps=["cookies"])
        for _ in range(2):
            await (await sender.send("GET", scripted.url("/"), [])).raw.read()
    assert b"Cookie: a=1\r\n" in scripted.requests[1].raw


async def test_timeouts_are_those_of_the_call(scripted: ScriptedServer) -> None:
    async with make_client(timeout=0.001) as client:
        scripted.answer(response(b"ok"))
        assert await (await Sender(client).send("GET", scripted.url("/"), [])).raw.read() == b"ok"
        gate = Gate()
        scripted.answer(Script().hold(gate))
        with pytest.raises(ReadTimeout):
            await Sender(client).send("GET", scripted.url("/"), [], timeout=Timeout(read=0.05))
        gate.open()


async def test_plugin_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookline_bridges.as_given.entry_points", lambda group: [])
    with pytest.raises(ImportError, match="HTTP/2 needs the plugin 'http2': pip install hookline-http2"):
        make_client(http2=True)
    with pytest.raises(ImportError, match="a proxy needs the plugin 'tunnel': pip install hookline-tunnel"):
        make_client(proxies={"all": "http://127.0.0.1:1"})
