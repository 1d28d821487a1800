"""The body as bytes, text and JSON; and the methods that http.cookiejar calls on a response."""

import time

import pytest

from hookline import StreamConsumedError
from hookline_testing.server import chunked, head, response

pytestmark = [pytest.mark.client(autoload=False, pool_size=1), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("content_type", "body", "decoded"),
    [
        ("application/json", b'{"a": [1, null]}', {"a": [1, None]}),
        ("Application/JSON; Charset=UTF-8", '"ü"'.encode(), "ü"),
        ("application/problem+json", b"{}", {}),
        ("application/json; charset=latin-1", b'"\xfc"', "ü"),
        ("application/json", '"ü"'.encode("utf-16"), "ü"),  # as RFC 4627 allowed it
        ("text/plain", "größer".encode(), "größer"),
        ("text/html; charset=iso-8859-1", b"\xfc", "ü"),
        ("text/plain", b"", ""),
        ("application/x-www-form-urlencoded", b"a=1&a=2&b=&c=x%20y+z&d=%C3%BC", None),
        ("application/octet-stream", b"\xff\x00", b"\xff\x00"),
        ("image/png", b"", b""),
        (None, b"text", b"text"),
    ],
)
async def test_decode_content_goes_by_the_media_type(client, scripted, content_type, body, decoded, stream):
    if content_type == "application/x-www-form-urlencoded":
        decoded = [("a", "1"), ("a", "2"), ("b", ""), ("c", "x y z"), ("d", "ü")]
    scripted.answer(response(body, headers=[("Content-Type", content_type)] if content_type else []))
    answer = await client.get(scripted.url(), stream=stream)
    if stream:
        await answer.raw.read()
    assert answer.decode_content() == decoded


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json", b"{", ValueError),
        ("text/plain", b"\xff", UnicodeDecodeError),
        ("application/x-www-form-urlencoded", b"a=%ff", UnicodeDecodeError),
        ("text/plain; charset=nonsense", b"\xfc", UnicodeDecodeError),  # as if there were none
    ],
)
async def test_decode_content_is_strict(client, scripted, content_type, body, error):
    scripted.answer(response(body, headers=[("Content-Type", content_type)]))
    answer = await client.get(scripted.url())
    with pytest.raises(error):
        answer.decode_content()
    assert answer.content == body


async def test_encoding_that_is_set_goes_before_the_servers(client, scripted):
    scripted.always(response("ü\n".encode("latin-1"), headers=[("Content-Type", "text/plain; charset=utf-8")]))
    answer = await client.get(scripted.url())
    with pytest.raises(UnicodeDecodeError):
        _ = answer.text
    answer.encoding = "latin-1"
    assert (answer.encoding, answer.text, answer.decode_content()) == ("latin-1", "ü\n", "ü\n")
    answer.encoding = None
    assert answer.encoding == "utf-8"


async def test_body_that_was_read_whole_is_content_text_and_json(client, scripted):
    scripted.answer(chunked(b'{"a": ', b"1}"))
    answer = await client.get(scripted.url(), stream=True)
    assert await answer.raw.read() == b'{"a": 1}'
    assert (answer.content, answer.text, answer.json()) == (b'{"a": 1}', '{"a": 1}', {"a": 1})


async def test_body_that_was_read_in_steps_is_not_kept(client, scripted):
    scripted.answer(response(b"0123456789"))
    answer = await client.get(scripted.url(), stream=True)
    assert await answer.raw.read(0) == b""
    assert await answer.raw.read(4) == b"0123"
    assert await answer.raw.read(None) == b"456789"
    with pytest.raises(StreamConsumedError):
        _ = answer.text


async def test_small_reads_of_a_large_body_take_time_in_proportion(client, scripted):
    size = 200_000
    scripted.answer(response(b"x" * size))
    answer = await client.get(scripted.url(), stream=True)
    start = time.perf_counter()
    total = 0
    while data := await answer.raw.read(1):
        total += len(data)
    assert total == size
    assert time.perf_counter() - start < 5  # each as long as the first: 0.3 s; 10 s if each copied what is left


@pytest.mark.protocols("HTTP/1.1")
async def test_head_tells_version_reason_and_ok(client, scripted):
    scripted.answer(
        head(299, [("Content-Length", "0")]).replace(b"299", b"299 Just so", 1),
        b"HTTP/1.0 404 \r\nContent-Length: 0\r\n\r\n",
    )
    answer = await client.get(scripted.url())
    assert (answer.version, answer.ok, answer.reason.startswith("Just so")) == ("HTTP/1.1", True, True)
    answer = await client.get(scripted.url())
    assert (answer.version, answer.ok, answer.reason) == ("HTTP/1.0", False, "")


async def test_info_returns_the_fields_for_the_jar_of_the_standard_library(client, scripted):
    scripted.answer(response(headers=[("Set-Cookie", "a=1"), ("set-cookie", "b=2; Path=/x")]))
    answer = await client.get(scripted.url())
    assert answer.info().get_all("set-cookie") == ["a=1", "b=2; Path=/x"]
    assert answer.info().get_all("missing", ["nothing"]) == ["nothing"]
