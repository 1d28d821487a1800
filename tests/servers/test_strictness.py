"""The scripted server reports errors of the client and of the test, and says what was missing when a wait times out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from hookline_testing.server import MalformedRequest, ScriptedServer, SeenRequest, response
from servers.raw import connect

GET = b"GET /path?q=1 HTTP/1.1\r\nHost: here\r\n\r\n"
MakeScripted = Callable[..., ScriptedServer]


def ask(server: ScriptedServer, request: bytes = GET) -> bytes:
    """Send one request on a new connection; return the result of one read."""
    with connect(server) as client:
        client.sendall(request)
        return client.recv(1000)


def test_scripted_raises_the_first_error_at_the_end() -> None:
    async def fails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: SeenRequest) -> None:
        raise KeyError("the test's own mistake")

    with ScriptedServer(strict=False) as lenient:
        assert ask(lenient).startswith(b"HTTP/1.1 500 ")
        lenient.answer(fails)
        assert ask(lenient) == b""
    unanswered, failed = lenient.errors
    assert str(unanswered) == "No answer left for GET /path?q=1"
    assert isinstance(failed, KeyError)
    strict = ScriptedServer()
    with pytest.raises(AssertionError, match="No answer left") as raised, strict:
        ask(strict)
    assert raised.value is strict.errors[0]


@pytest.mark.parametrize(
    "wrong",
    [
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
def test_scripted_refuses_malformed_requests(wrong: bytes) -> None:
    with ScriptedServer(strict=False) as server:
        assert ask(server, wrong).startswith(b"HTTP/1.1 400 ")
    assert [type(error) for error in server.errors] == [MalformedRequest]


def test_scripted_counts_body_bytes_beyond_keep(make_scripted: MakeScripted) -> None:
    server = make_scripted(keep=10)
    server.answer(response())
    with connect(server) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
        client.recv(1000)
    assert (server.requests[0].body, server.requests[0].body_size) == (b"x" * 10, 100_000)


def test_scripted_wait_that_times_out_says_what_is_missing(scripted: ScriptedServer) -> None:
    with pytest.raises(AssertionError, match="Only 0 complete requests of 0 begun"):
        scripted.wait_for(requests=1, timeout=0.01)

    async def wait() -> None:
        with pytest.raises(AssertionError, match="0 connections"):
            await scripted.until(connections=1, timeout=0.01)
        with pytest.raises(RuntimeError, match=r"await until\(\)"):
            scripted.wait_for(requests=1)

    asyncio.run(wait())


def test_scripted_leaves_no_thread_behind() -> None:
    with ScriptedServer():
        assert any(thread.name == "a scripted server" for thread in threading.enumerate())
    assert not any(thread.name == "a scripted server" for thread in threading.enumerate())
