"""Framing fields are sent once, and no value that a handler sets can begin another line."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from hookline import LocalProtocolError
from hookline_testing.server import ScriptedServer, response
from kit.recorder import client_with, on

FOUR = {"method": "POST", "data": b"four"}
STREAM = {"method": "POST", "data": [b"fo", b"ur"]}


@pytest.mark.parametrize("place", ["pairs", "keys", "hop", "hop-alone", "handler"])
@pytest.mark.parametrize(
    ("name", "values", "call"),
    [
        pytest.param("Content-Length", ("4", "4"), FOUR, id="equal-lengths"),
        pytest.param("Content-Length", ("4", "5"), FOUR, id="lengths-that-differ"),
        pytest.param("Content-Length", ("4", "40"), STREAM, id="lengths-of-a-stream"),
        pytest.param("Content-Length", ("0", "0"), {"method": "GET"}, id="lengths-of-nothing"),
        pytest.param("Transfer-Encoding", ("chunked", "chunked"), STREAM, id="codings"),
        pytest.param("Transfer-Encoding", ("gzip", "chunked"), STREAM, id="codings-in-a-row"),
        pytest.param("Host", ("a.test", "b.test"), {"method": "GET"}, id="hosts"),
    ],
)
async def test_framing_field_that_is_given_twice_is_refused(
    scripted: ScriptedServer, place: str, name: str, values: tuple[str, str], call: dict[str, Any]
) -> None:
    scripted.always(response(b"x"))
    first, second = values

    def add(self: Any, response: Any) -> None:
        request = response.request
        if place == "handler":
            request.headers.add(name, first)
            request.headers.add(name.lower(), second)
        elif place.startswith("hop"):
            request.unredirected_headers.add(name, first)
            request.unredirected_headers.add(name.lower(), second)

    given: Any = {"pairs": [(name, first), (name, second)], "keys": {name: first, name.lower(): second}}.get(place)
    async with client_with(on("pre_request", add)) as client:
        with pytest.raises(LocalProtocolError, match=name):
            await client.request(url=scripted.url(), headers=given or {"X": "1"}, **call)
    await scripted.until(connections=1, closed=1)
    assert scripted.requests == []


@pytest.mark.parametrize(
    ("fields", "call"),
    [
        pytest.param([("Content-Length", "5")], FOUR, id="length-that-does-not-fit"),
        pytest.param([("Content-Length", "4")], {"method": "GET"}, id="length-without-a-body"),
        pytest.param([("Content-Length", "4"), ("Transfer-Encoding", "chunked")], STREAM, id="both"),
        pytest.param([("Transfer-Encoding", "chunked")], FOUR, id="chunked-bytes"),
        pytest.param([("Transfer-Encoding", "chunked")], STREAM | {"version": "HTTP/1.0"}, id="chunked-in-1.0"),
        pytest.param([("Content-Length", "9" * 5000)], STREAM, id="length-without-end"),
        pytest.param([("Content-Length", "+4")], FOUR, id="sign"),
    ],
)
@pytest.mark.parametrize("place", ["call", "hop"])
async def test_framing_of_one_hop_is_checked_as_that_of_the_call(
    scripted: ScriptedServer, place: str, fields: list[tuple[str, str]], call: dict[str, Any]
) -> None:
    scripted.always(response(b"x"))

    def add(self: Any, response: Any) -> None:
        if place == "hop":
            response.request.unredirected_headers.extend(fields)

    async with client_with(on("pre_request", add)) as client:
        with pytest.raises(LocalProtocolError):
            await client.request(url=scripted.url(), headers=fields if place == "call" else None, **call)
    await scripted.until(connections=1, closed=1)
    assert scripted.requests == []


async def test_length_of_one_hop_is_what_the_stream_is_held_to(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))

    def add(self: Any, response: Any) -> None:
        response.request.unredirected_headers["Content-Length"] = response.request.url[-1]

    async with client_with(on("pre_request", add)) as client:
        await client.post(scripted.url("/4"), data=[b"fo", b"ur"])
        with pytest.raises(LocalProtocolError, match="announced"):
            await client.post(scripted.url("/9"), data=[b"fo", b"ur"])
    assert (scripted.requests[0].header("transfer-encoding"), scripted.requests[0].body) == (None, b"four")


LINE = "x\r\nEvil: 1"


@pytest.mark.parametrize("body", [None, b"bytes", [b"a stream"]], ids=["none", "bytes", "stream"])
@pytest.mark.parametrize("more", ["plain", "field", "hop", "head"])
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("method", "GET / HTTP/1.1\r\nEvil: 1\r\n\r\nGET"),
        ("method", "GE T"),
        ("method", ""),
        ("version", "HTTP/1.1\r\nEvil: 1"),
        ("version", "HTTP/2.0"),
        ("version", ""),
        ("content_type", LINE),
        ("content_type", "text/plain\n"),
        ("content_type", "a\0"),
    ],
    ids=["method-line", "method-space", "method-empty", "version-line", "version-other", "version-empty", "type-line",
         "type-end", "type-nul"],
)  # fmt: skip
async def test_attribute_that_a_handler_sets_cannot_begin_another_line(
    scripted: ScriptedServer, attribute: str, value: str, more: str, body: Any
) -> None:
    is_sent = attribute != "content_type" or body is not None or more in ("hop", "head")
    scripted.always(response(b"x"))

    def spoil(self: Any, response: Any) -> None:
        request = response.request
        setattr(request, attribute, value)
        if more == "hop":
            request.unredirected_headers["X-Hop"] = "1"
        elif more == "head":
            request.headers["X-Head"] = "1"

    async with client_with(on("pre_request", spoil)) as client:
        for _ in range(2):  # nothing of it is remembered
            with pytest.raises(LocalProtocolError) if is_sent else contextlib.nullcontext():
                await client.post(scripted.url(), data=body, headers={"X-Field": "1"} if more == "field" else None)
    if is_sent:
        await scripted.until(connections=2, closed=2)
    assert len(scripted.requests) == (0 if is_sent else 2)
    assert all(seen.header("evil") is None for seen in scripted.requests)


async def test_method_and_type_that_a_handler_sets_are_sent(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))

    def change(self: Any, response: Any) -> None:
        response.request.method = "M-SEARCH"
        response.request.version = "HTTP/1.0"
        response.request.content_type = "text/x-own"

    async with client_with(on("pre_request", change)) as client:
        await client.post(scripted.url(), data=b"body")
    seen = scripted.requests[0]
    assert (seen.method, seen.version, seen.header("content-type")) == ("M-SEARCH", "1.0", "text/x-own")


async def test_none_that_a_handler_sets_is_no_field(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))

    def change(self: Any, response: Any) -> None:
        response.request.headers["Accept"] = None
        response.request.headers["Content-Length"] = 4

    async with client_with(on("pre_request", change)) as client:
        await client.post(scripted.url(), data=b"body")
    assert (scripted.requests[0].header("accept"), scripted.requests[0].body) == (None, b"body")
