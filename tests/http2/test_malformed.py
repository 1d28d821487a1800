"""Responses that RFC 9113, section 8 calls malformed end their own exchange, and no other."""

from __future__ import annotations

import asyncio

import pytest

from hookline import RemoteProtocolError

OK = (":status", "200")
HEADS = {
    "no field": [],
    "no status": [("a", "b")],
    "two statuses": [OK, OK],
    "status behind a field": [("a", "b"), OK],
    "status of two digits": [(":status", "42")],
    "status that is no number": [(":status", "abc")],
    "status 101": [(":status", "101")],
    "another pseudo-field": [OK, (":path", "/")],
    "name in upper case": [OK, ("X-A", "b")],
    "empty name": [OK, ("", "b")],
    "space in a name": [OK, ("x y", "b")],
    "line end in a value": [OK, ("a", "b\r\nset-cookie: c=d")],
    "NUL in a value": [OK, ("a", "b\0c")],
    "control character in a value": [OK, ("a", "b\x01c")],
    "space before a value": [OK, ("a", " b")],
    "space behind a value": [OK, ("a", "b ")],
    "connection": [OK, ("connection", "close")],
    "transfer-encoding": [OK, ("transfer-encoding", "chunked")],
    "keep-alive": [OK, ("keep-alive", "1")],
    "upgrade": [OK, ("upgrade", "h3")],
    "te": [OK, ("te", "gzip")],
    "length that is no number": [OK, ("content-length", "x")],
    "length with a sign": [OK, ("content-length", "-1")],
    "two lengths": [OK, ("content-length", "1"), ("content-length", "2")],
    "length without a body": [OK, ("content-length", "5")],
}


@pytest.mark.parametrize("fields", HEADS.values(), ids=HEADS)
async def test_malformed_head(client, server, fields):
    async def answer(session, request):
        session.frame(1, 5, request.stream, session.fields(fields))

    server.answers["/x"] = answer
    await assert_ends_alone(client, server)


TRAILERS = {
    "pseudo-field": [OK],
    "name in upper case": [("X-A", "b")],
    "connection field": [("connection", "close")],
    "line end": [("a", "b\nc")],
}


@pytest.mark.parametrize("fields", TRAILERS.values(), ids=TRAILERS)
async def test_malformed_trailers(client, server, fields):
    async def answer(session, request):
        session.head(request.stream)
        session.data(request.stream, b"abc")
        session.trailers(request.stream, *fields)

    server.answers["/x"] = answer
    await assert_ends_alone(client, server)


BODIES = {
    "shorter than its length": (200, "5", b"abc"),
    "longer than its length": (200, "2", b"abc"),
    "with 204": (204, None, b"abc"),
    "with 304": (304, "3", b"abc"),
}


@pytest.mark.parametrize(("status", "length", "content"), BODIES.values(), ids=BODIES)
async def test_malformed_body(client, server, status, length, content):
    async def answer(session, request):
        session.head(request.stream, status, *([("content-length", length)] if length else []))
        session.data(request.stream, content, ends=True)

    server.answers["/x"] = answer
    await assert_ends_alone(client, server)


async def test_interim_response_that_ends_the_stream(client, server):
    async def answer(session, request):
        session.head(request.stream, 103, ends=True)

    server.answers["/x"] = answer
    await assert_ends_alone(client, server)


async def test_body_for_head_is_refused(client, server):
    async def answer(session, request):
        session.head(request.stream)
        session.data(request.stream, b"abc", ends=True)

    server.answers["/x"] = answer
    await assert_ends_alone(client, server, "HEAD")


async def assert_ends_alone(client, server, method="GET"):
    """Request /x: it ends with an error, another exchange goes on, and the connection serves more."""
    other = asyncio.create_task(client.get(server.url("/wait")))
    await server.until(requests=1)
    with pytest.raises(RemoteProtocolError) as caught:
        await client.request(method, server.url("/x"))
    assert "set-cookie" not in str(caught.value)
    server.gate.set()
    assert (await other).ok
    assert (await client.get(server.url())).ok
    assert server.resets in ([(3, 1)], [])  # one that has ended in both directions need not be reset
    assert (server.connections, client.stats().streams) == (1, 0)


async def test_bytes_outside_ascii_are_kept(client, server):
    async def answer(session, request):
        session.frame(1, 5, request.stream, session.fields([OK, ("x-utf8", "é".encode()), ("x-latin1", b"\xe9")]))

    server.answers["/x"] = answer
    response = await client.get(server.url("/x"))
    assert (response.headers["x-utf8"], response.headers["x-latin1"]) == ("é", "\xe9")
