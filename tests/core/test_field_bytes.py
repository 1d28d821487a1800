"""Field values as bytes: they go out as they were given, and what comes in can be printed, sent on, and had exactly."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, field_octets
from hookline_testing.server import ScriptedServer, response
from kit.recorder import client_with, on

VALUES = [
    pytest.param(b"\xe5\x90\x8d", "名", id="utf-8"),
    pytest.param(b"\xe4\xff", "äÿ", id="latin-1"),
    pytest.param(b"\x80\xa0 x", "\x80\xa0 x", id="c1"),
    pytest.param(b"plain", "plain", id="ascii"),
]


@pytest.mark.parametrize(("value", "_text"), VALUES)
@pytest.mark.parametrize("place", ["client", "call", "handler", "hop"])
async def test_bytes_of_a_value_go_out_as_given(scripted: ScriptedServer, place: str, value: bytes, _text: str) -> None:
    scripted.always(response(b"x"))

    def put(self: Any, response: Any) -> None:
        if place == "handler":
            response.request.headers["X"] = value
        elif place == "hop":
            response.request.unredirected_headers["X"] = value

    headers = {"X": value}
    async with client_with(on("pre_request", put), headers=headers if place == "client" else None) as client:
        for data in (None, b"body", [b"stream"]):
            await client.post(scripted.url(), data=data, headers=headers if place == "call" else None)
    for seen in scripted.requests:
        assert [octets for name, octets in seen.headers if name == b"X"] == [value]


@pytest.mark.parametrize(("value", "text"), VALUES)
async def test_value_that_came_can_be_printed_and_encoded(scripted: ScriptedServer, value: bytes, text: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Before: \xc3\xbc\r\nX: " + value
    scripted.always(head + b"\r\n\r\n1\r\nx\r\n0\r\nX-Last: " + value + b"\r\n\r\n")
    async with HttpClient(autoload=False) as client:
        answer = await client.get(scripted.url())
    for found in (answer.headers["X"], answer.trailers["X-Last"], answer.info()["X"]):
        assert found == text
        assert found.encode().decode() == json.loads(json.dumps(found)) == str(found) == text
        assert field_octets(found) == field_octets(copy.deepcopy(found)) == value
    assert answer.headers["X-Before"] == "ü"  # each value by itself
    assert b"\r\nX: " + value + b"\r\n" in answer.raw_head


@pytest.mark.parametrize(("value", "_text"), VALUES)
async def test_value_that_came_is_sent_on_byte_for_byte(scripted: ScriptedServer, value: bytes, _text: str) -> None:
    scripted.always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: " + value + b"\r\n\r\n")
    async with HttpClient(autoload=False) as client:
        answer = await client.get(scripted.url())
        for tag in (str(answer.headers["ETag"]), answer.headers["ETag"]):  # equal, and in other bytes
            await client.get(scripted.url(), headers={"If-None-Match": tag})
        client.headers["X-Tag"] = answer.headers["ETag"]
        await client.get(scripted.url())
    assert dict(scripted.requests[1].headers)[b"If-None-Match"] == str(answer.headers["ETag"]).encode()
    assert dict(scripted.requests[2].headers)[b"If-None-Match"] == value
    assert dict(scripted.requests[3].headers)[b"X-Tag"] == value


@pytest.mark.parametrize(("value", "text"), VALUES)
async def test_response_that_is_built_has_the_bytes_that_it_was_given(value: bytes, text: str) -> None:
    def answer(self: Any, response: Any) -> HttpResponse:
        return HttpResponse.build(response.request, 200, headers={"X": value})

    async with client_with(on("pre_request", answer)) as client:
        found = await client.get("http://nobody.invalid/")
    assert found.headers["X"] == text
    assert field_octets(found.headers["X"]) == value
