"""Bodies from data= and json=: what is sent, what is refused, and which functions encode and decode JSON."""

import io
import json
import math
import pathlib

import pytest

from hookline import HttpClient
from hookline.errors import LocalProtocolError
from hookline_testing.server import response
from kit.ids import words

pytestmark = [pytest.mark.client(autoload=False), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"])
@pytest.mark.parametrize("scope", ["client", "request"])
async def test_mapping_is_json_if_the_content_type_is_json(scripted, kind, scope):
    scripted.answer(response(b""))
    headers = {"Content-Type": kind}
    async with HttpClient(autoload=False, headers=headers if scope == "client" else None) as client:
        await client.post(scripted.url(), data={"a": [1, None]}, headers=headers if scope == "request" else None)
    assert scripted.requests[0].json() == {"a": [1, None]}
    assert scripted.requests[0].header_values("content-type") == [kind]


async def test_mapping_is_a_form_under_any_other_content_type(client, scripted):
    scripted.answer(response(b""))
    await client.post(scripted.url(), data={"a": "1"}, headers={"Content-Type": "text/x-mine"})
    assert scripted.requests[0].body == b"a=1"
    assert scripted.requests[0].header_values("content-type") == ["text/x-mine"]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"data": b"x", "json": 1}, LocalProtocolError, "not both"),
        ({"data": {"a": "b"}, "headers": {"Content-Type": "multipart/mixed"}}, LocalProtocolError, "needs a plugin"),
        ({"data": io.BytesIO(b"x")}, TypeError, "BytesIO; files, paths"),
        ({"data": pathlib.Path("x")}, TypeError, "Path; files, paths"),
        ({"data": 1}, TypeError, "int"),
        ({"data": object()}, TypeError, "object"),
        ({"data": [("a", "b", "c")]}, TypeError, "pairs"),
        ({"data": {"a": {"b": "c"}}}, TypeError, "dict"),
        ({"data": {"a": iter("b")}}, TypeError, "iterator"),
        ({"json": math.nan}, ValueError, "JSON"),
        ({"json": object()}, TypeError, "JSON"),
        ({"json": 1, "json_encoder": lambda value: 5}, TypeError, "json_encoder= gave int"),
        ({"json": 1, "json_encoder": 5}, TypeError, "callable"),
    ],
    ids=words,
)
async def test_invalid_body_is_refused_before_anything_is_sent(client, scripted, given, error, words):
    with pytest.raises(error, match=words):
        await client.post(scripted.url(), **given)
    assert scripted.connections == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_method_with_a_body_sends_a_length_of_zero_without_one(client, scripted, method):
    scripted.answer(response(b""))
    await client.request(method, scripted.url())
    assert scripted.requests[0].header_values("content-length") == ["0"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_other_methods_send_no_length_without_a_body(client, scripted, method):
    scripted.answer(response(b""))
    await client.request(method, scripted.url(), data={}, json=None)
    assert scripted.requests[0].header("content-length") is None
    assert scripted.requests[0].header("transfer-encoding") is None


def write_json(value):
    return json.dumps(value, default=str).encode()


def read_json(data):
    return "read", json.loads(data)


@pytest.mark.parametrize("scope", ["client", "request"])
async def test_json_is_encoded_and_decoded_by_other_functions(scripted, scope):
    scripted.answer(response(b'{"a": 1}'))
    options = {"json_encoder": write_json, "json_decoder": read_json}
    async with HttpClient(autoload=False, **(options if scope == "client" else {})) as client:
        answer = await client.post(scripted.url(), json={"a": math}, **(options if scope == "request" else {}))
        assert answer.json() == ("read", {"a": 1})
        if scope == "client":
            assert client.json_encoder is write_json
            assert answer.request.json_decoder is read_json
    assert scripted.requests[0].json() == {"a": str(math)}


@pytest.mark.protocols("HTTP/1.1")
async def test_content_length_that_does_not_fit_bytes_is_refused(client, scripted):
    with pytest.raises(LocalProtocolError, match="Content-Length: 5"):
        await client.post(scripted.url(), data=b"four", headers={"Content-Length": "5"})
    await scripted.until(connections=1, closed=1)
    assert scripted.requests == []


async def test_content_type_of_a_body_is_sent_beside_fields_that_replace_defaults(client, scripted):
    scripted.always(response(b""))
    for headers in ({"Accept": "text/plain"}, {"Accept": None}, {"Accept": None, "Content-Type": None}):
        await client.post(scripted.url(), json=1, headers=headers)
        await client.post(scripted.url(), data={"a": "b"}, headers=headers)
    form = "application/x-www-form-urlencoded"
    kinds = [request.header("content-type") for request in scripted.requests]
    assert kinds == ["application/json", form, "application/json", form, None, None]


async def test_empty_form_beside_json_is_no_body(client, scripted):
    scripted.answer(response(b""))
    await client.post(scripted.url(), data={}, json=1)
    assert scripted.requests[0].body == b"1"
