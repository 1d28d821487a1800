"""Requests and responses as a user sees them."""

import pytest
from multidict import MultiDict

from hookline import HttpClient, HttpRequestException, StreamConsumedError
from hookline_testing.server import Script, chunked, head, response
from kit.ids import words

pytestmark = [pytest.mark.client(autoload=False), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]

cuts = pytest.mark.parametrize("cut", ["whole", "bytes", 11])


@pytest.mark.protocols("HTTP/1.1")
@cuts
async def test_get_returns_the_response(client, scripted, cut):
    scripted.answer(response(b'{"a": [1]}', 201, [("X-One", "1"), ("Content-Type", "application/json")]), cut=cut)

    answer = await client.get(scripted.url("/path?q=1#part"))

    assert (answer.status_code, answer.reason, answer.version, answer.ok) == (201, "Created", "HTTP/1.1", True)
    assert answer.headers["x-one"] == "1"
    assert answer.content == b'{"a": [1]}'
    assert answer.text == answer.text() == '{"a": [1]}'
    assert answer.json() == {"a": [1]}
    assert answer.history == []
    assert answer.url == scripted.url("/path?q=1#part")
    assert answer.request.method == "GET"
    assert repr(answer) == "<Response [201]>"
    assert scripted.requests[0].target == "/path?q=1"


@pytest.mark.parametrize("method", ["get", "options", "head", "post", "put", "patch", "delete"])
async def test_method_goes_out_by_its_name(client, scripted, method):
    scripted.answer(head(204))
    assert (await getattr(client, method)(scripted.url())).status_code == 204
    assert scripted.requests[0].method == method.upper()


@pytest.mark.parametrize("size", [0, 1, 1000, 128 * 1024, 128 * 1024 + 1, 1024 * 1024])
async def test_post_sends_bytes_with_their_length(client, scripted, size):
    body = bytes(range(256)) * (size // 256 + 1)
    scripted.answer(response(b"thanks"))

    answer = await client.post(scripted.url(), data=body[:size])

    assert answer.content == b"thanks"
    seen = scripted.requests[0]
    assert seen.body == body[:size]
    assert seen.header_values("content-length") == [str(size)]


async def test_post_without_a_body_sends_content_length_0(client, scripted):
    scripted.answer(response(b""))
    await client.post(scripted.url())
    assert scripted.requests[0].header("content-length") == "0"


@pytest.mark.parametrize(
    ("given", "body", "content_type"),
    [
        ({"data": "grün"}, "grün".encode(), None),
        ({"data": {"a": "1 2", "b": ["x", "y"]}}, b"a=1+2&b=x&b=y", "application/x-www-form-urlencoded"),
        ({"data": [("a", "&"), ("a", "=")]}, b"a=%26&a=%3D", "application/x-www-form-urlencoded"),
        ({"json": {"a": None}}, b'{"a":null}', "application/json"),
        ({"json": {}}, b"{}", "application/json"),
        ({"json": []}, b"[]", "application/json"),
        ({"json": ""}, b'""', "application/json"),
        ({"json": 0}, b"0", "application/json"),
        ({"json": False}, b"false", "application/json"),
        ({"json": None}, b"", None),
        ({"json": "\ud800"}, b'"\\ud800"', "application/json"),
        ({"json": {"a": "ü"}, "data": None}, '{"a":"ü"}'.encode(), "application/json"),
        ({"data": {"n": 1, "f": 1.5, "t": True, "z": None}}, b"n=1&f=1.5&t=true", "application/x-www-form-urlencoded"),
        ({"data": {"raw": b"\xff\x00"}}, b"raw=%FF%00", "application/x-www-form-urlencoded"),
        ({"data": MultiDict([("a", "1"), ("a", "2")])}, b"a=1&a=2", "application/x-www-form-urlencoded"),
        ({"data": {"a": "1"}.items()}, b"a=1", "application/x-www-form-urlencoded"),
        ({"data": bytearray(b"xyz")}, b"xyz", None),
        ({"data": memoryview(b"xyz")[1:]}, b"yz", None),
        ({"data": {}}, b"", None),
        ({"data": []}, b"", None),
        ({"data": {}, "json": None}, b"", None),
        ({"data": [b"one", b"two"]}, b"onetwo", None),
        ({"data": ("one", b"two")}, b"onetwo", None),
    ],
    ids=words,
)
async def test_body_is_encoded_by_its_kind(client, scripted, given, body, content_type):
    scripted.answer(response(b""))
    await client.post(scripted.url(), **given)
    assert scripted.requests[0].body == body
    assert scripted.requests[0].header("content-type") == content_type


@pytest.mark.protocols("HTTP/1.1")
async def test_default_fields_go_out_once(client, scripted):
    scripted.always(response(b""))
    await client.get(scripted.url())
    await client.get(scripted.url(), headers={"user-agent": "mine", "Accept": None, "X-A": "b"})
    names = [[name.decode().lower() for name, _ in request.headers] for request in scripted.requests]
    assert sorted(names[0]) == ["accept", "connection", "host", "user-agent"]
    assert sorted(names[1]) == ["connection", "host", "user-agent", "x-a"]
    assert scripted.requests[1].header("user-agent") == "mine"


@pytest.mark.protocols("HTTP/1.1")
async def test_given_fields_go_out_as_this_call_gave_them(client, scripted):
    given = [
        {"X-A": "1", "X-B": "2"},
        {"X-B": "2", "X-A": "1"},
        {"X-B": "2"},
        {"X-B": "3"},
        {"X-A": "3"},
        {},
        {"X-A": "3"},
        [("X-A", "3"), ("X-A", "4")],
    ]
    for headers in given:
        scripted.answer(response())
        await client.get(scripted.url(), headers=headers)
        pairs = list(headers.items()) if isinstance(headers, dict) else headers
        sent = [(name.decode(), value.decode()) for name, value in scripted.requests[-1].headers]
        assert [field for field in sent if field[0].startswith("X-")] == pairs
        if isinstance(headers, dict):
            headers["X-A"] = "changed afterwards"


async def test_each_body_has_its_own_length_method_and_fields(client, scripted):
    calls = [
        ("POST", b"abc", {}, None),
        ("POST", b"xyz", {}, None),
        ("POST", b"longer", {}, None),
        ("PUT", b"longer", {}, None),
        ("PUT", b"longer", {"X-A": "1"}, None),
        ("PUT", b"longer", {"Content-Type": "text/css"}, "text/css"),
        ("PUT", "longer", {}, None),
        ("PUT", {"a": "long"}, {}, "application/x-www-form-urlencoded"),
        ("PUT", b"longer", {}, None),
        ("PUT", b"", {}, None),
        ("DELETE", None, {}, None),
        ("PUT", b"longer", {}, None),
    ]
    for method, data, headers, content_type in calls:
        scripted.answer(response())
        await client.request(method, scripted.url(), data=data, headers=headers)
        seen = scripted.requests[-1]
        body = b"a=long" if isinstance(data, dict) else data.encode() if isinstance(data, str) else data or b""
        assert (seen.method, seen.body) == (method, body)
        assert seen.header("content-length") == (None if data is None else str(len(body)))
        assert seen.header("content-type") == content_type
        assert seen.header("x-a") == headers.get("X-A")
    assert scripted.connections == 1


async def test_value_that_is_no_text_is_refused_whatever_went_out_before(client, scripted):
    class Vector:
        __hash__ = None

        def __eq__(self, other):
            raise ValueError("the truth value of a vector is ambiguous")

    scripted.answer(response())
    await client.get(scripted.url(), headers={"X-A": "1"})
    for value in (True, Vector()):
        with pytest.raises(TypeError, match="X-A"):
            await client.get(scripted.url(), headers={"X-A": value})


@cuts
async def test_chunked_response_is_joined_and_has_trailers(client, scripted, cut):
    scripted.answer(chunked(b"one", b"two", trailers=[("X-Sum", "6")]), cut=cut)
    answer = await client.get(scripted.url())
    assert answer.content == b"onetwo"
    assert answer.trailers["x-sum"] == "6"
    assert "x-sum" not in answer.headers


@cuts
async def test_response_without_framing_ends_with_the_connection(client, scripted, cut):
    scripted.answer(Script(head(200) + b"until the end", cut=cut).close())
    assert (await client.get(scripted.url())).content == b"until the end"


async def test_exchanges_share_one_connection(client, scripted):
    scripted.respond(lambda request: head(204) if request.target == "/3" else response(request.target.encode()))
    for number in range(6):
        await client.get(scripted.url(f"/{number}"))
    assert scripted.connections == 1


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    "first",
    [
        response(b"one", headers=[("Connection", "close")]),
        response(b"", headers=[("Connection", "close")]),
        response(b"one") + b"surplus",
        response(b"one") + response(b"two"),
        chunked(b"one") + response(b"two"),
        head(204) + response(b"two"),
    ],
)
async def test_connection_that_cannot_serve_another_is_not_used(client, scripted, first):
    scripted.answer(first, response(b"second"))
    await client.get(scripted.url())
    assert (await client.get(scripted.url())).content == b"second"
    assert scripted.connections == 2


async def test_unsolicited_bytes_never_answer_a_request(client, scripted):
    scripted.always(response(b"asked"))
    await client.get(scripted.url())

    scripted.push(response(b"poison"))
    await scripted.until_closed_connections(1)

    assert (await client.get(scripted.url())).content == b"asked"
    assert scripted.connections == 2


async def test_text_is_decoded_strictly(client, scripted):
    scripted.answer(
        response(b"\xe4", headers=[("Content-Type", "text/plain; charset=latin-1")]),
        response(b"\xe4"),
        response(b"\xe4", headers=[("Content-Type", 'text/plain; charset="no-such"')]),
    )
    assert (await client.get(scripted.url())).text() == "ä"
    with pytest.raises(UnicodeDecodeError):
        _ = (await client.get(scripted.url())).text
    with pytest.raises(UnicodeDecodeError):
        _ = (await client.get(scripted.url())).text


@pytest.mark.protocols("HTTP/1.1")
async def test_raise_for_status_raises_for_errors_only(client, scripted):
    scripted.answer(response(b"", 304), response(b"body", 404))
    assert (await client.get(scripted.url())).raise_for_status().status_code == 304
    answer = await client.get(scripted.url("/secret?token=x"))
    with pytest.raises(HttpRequestException, match="404 Not Found for GET") as caught:
        answer.raise_for_status()
    assert caught.value.response is answer
    assert caught.value.request is answer.request
    assert "token" not in str(caught.value)


async def test_raw_of_a_whole_body_is_read_once(client, scripted):
    scripted.always(response(b"body"))
    answer = await client.get(scripted.url())
    assert [chunk async for chunk in answer.raw] == [b"body"]
    with pytest.raises(StreamConsumedError):
        answer.raw.__aiter__()
    assert answer.content == b"body"
    assert await (await client.get(scripted.url())).raw.read() == b"body"


@pytest.mark.protocols("HTTP/1.1")
async def test_http_1_0_goes_out_as_such(scripted):
    scripted.answer(response(b"old"))
    async with HttpClient(autoload=False, version="HTTP/1.0") as client:
        await client.get(scripted.url())
    assert scripted.requests[0].version == "1.0"


async def test_max_body_ends_the_exchange(client, scripted):
    scripted.always(response(b"x" * 1000))
    with pytest.raises(HttpRequestException, match="max_body=999") as caught:
        await client.get(scripted.url(), max_body=999)
    assert caught.value.response.status_code == 200
    assert len((await client.get(scripted.url(), max_body=1000)).content) == 1000
