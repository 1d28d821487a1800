"""Bodies and media types that plugins declare: `Body`, `MediaType`, attributes of streams, and `wrap_upload`."""

from __future__ import annotations

import pickle
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from hookline import (
    Attribute,
    Body,
    BodyNotRepeatable,
    HttpClient,
    LocalProtocolError,
    MediaType,
    Option,
    PluginError,
    Source,
    form_pairs,
    hookimpl,
)
from hookline_testing.server import Gate, Script, ScriptedServer, response
from kit.recorder import client_with

KIND = "text/reversed"


class Declares:
    """A plugin with these declarations."""

    def __init__(self, *declared: Any, name: str = "declares") -> None:
        self.name = name
        self.declared = declared

    @hookimpl
    def declare(self) -> list[Any]:
        return list(self.declared)


def reverse(request: Any, value: Any) -> tuple[bytes, str]:
    return value[::-1].encode(), KIND


reverses = Declares(Body("reversed", reverse), MediaType(KIND, lambda response: response.text[::-1]))


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    scripted.respond(lambda seen: response(seen.body, headers=[("Content-Type", seen.header("content-type") or "x/x")]))
    return scripted


async def test_keyword_of_a_plugin_is_the_body_and_its_media_type_is_decoded(server: ScriptedServer) -> None:
    async with client_with(reverses) as client:
        answer = await client.post(server.url(), reversed="abc", timeout=5)
        assert (answer.content, answer.decode_content()) == (b"cba", "abc")
        stated = await client.post(server.url(), reversed="abc", headers={"Content-Type": "text/mine"})
        assert stated.headers["content-type"] == "text/mine"
        assert (await client.post(server.url(), reversed=None)).content == b""
    assert server.requests[0].header_values("content-type") == [KIND]


async def test_plugin_of_a_call_brings_its_keyword(server: ScriptedServer) -> None:
    async with HttpClient(autoload=False) as client:
        answer = await client.post(server.url(), reversed="abc", plugins=[reverses])
        assert answer.decode_content() == "abc"
        with pytest.raises(TypeError, match="unexpected keyword 'reversed'"):
            await client.post(server.url(), reversed="abc")


async def test_copy_decodes_what_core_decodes(server: ScriptedServer) -> None:
    async with client_with(reverses) as client:
        copied = pickle.loads(pickle.dumps(await client.post(server.url(), reversed="abc")))
        as_json = pickle.loads(pickle.dumps(await client.post(server.url(), json=[1])))
    assert copied.decode_content() == "cba"
    assert as_json.decode_content() == [1]


async def test_other_encoder_takes_the_place_of_that_of_core(server: ScriptedServer) -> None:
    own = Declares(Body("json", lambda request, value: (b"own", "application/own+json")))
    async with client_with(own) as client:
        assert (await client.post(server.url(), json=1)).content == b"own"
    async with HttpClient(autoload=False) as client:
        assert (await client.post(server.url(), json=1)).content == b"1"


async def test_encoder_leaves_to_core_what_it_does_not_encode(server: ScriptedServer) -> None:
    def encode(request: Any, data: Any, lines: Any) -> Any:
        return NotImplemented if lines is None else ("\n".join(lines), None)

    async with client_with(Declares(Body(("data", "lines"), encode))) as client:
        for given, body in (
            ({"data": {"a": "b"}}, b"a=b"),
            ({"data": "text"}, b"text"),
            ({"data": iter([b"x", b"y"])}, b"xy"),
            ({"lines": ["a", "b"]}, b"a\nb"),
            ({"lines": ["a", "b"], "data": b"x"}, b"a\nb"),
        ):
            assert (await client.post(server.url(), **given)).content == body


async def test_bytes_alone_are_sent_without_an_encoder(server: ScriptedServer) -> None:
    async with client_with(Declares(Body("data", lambda request, data: (b"encoded", None)))) as client:
        for given in ({}, {"timeout": 5}, {"json": None}):
            assert (await client.post(server.url(), data=b"as it is", **given)).content == b"as it is"
        assert (await client.post(server.url(), data={"a": "b"})).content == b"encoded"


CONTENT: dict[str, Any] = {
    "bytes": lambda: b"content",
    "text": lambda: "content",
    "iterable": lambda: [b"con", b"tent"],
    "source": lambda: Source([b"con", b"tent"], 7),
    "nothing": lambda: None,
}


@pytest.mark.parametrize("make", CONTENT.values(), ids=CONTENT)
async def test_encoder_returns_any_kind_of_content(server: ScriptedServer, make: Any) -> None:
    async with client_with(Declares(Body("own", lambda request, value: (make(), None)))) as client:
        answer = await client.post(server.url(), own=1)
    assert answer.content == (b"" if make() is None else b"content")
    seen = server.requests[0]
    assert seen.header("transfer-encoding") == ("chunked" if isinstance(make(), list) else None)


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (b"ab", PluginError, "own= returned bytes, not"),
        (None, PluginError, "own= returned NoneType"),
        (NotImplemented, PluginError, "own= returned NotImplemented for what core cannot encode"),
        ((5, None), TypeError, "own= takes bytes, str or an iterable of bytes, not int"),
        ((b"x", "a\r\nb"), LocalProtocolError, "Content-Type has a CR, LF or NUL"),
    ],
    ids=["bytes", "none", "not_implemented", "content", "content_type"],
)
async def test_wrong_answer_of_an_encoder_is_an_error(
    server: ScriptedServer, returned: Any, error: type[Exception], words: str
) -> None:
    async with client_with(Declares(Body("own", lambda request, value: returned))) as client:
        with pytest.raises(error, match=words):
            await client.post(server.url(), own=1)
    assert server.requests == []


async def test_two_bodies_in_one_call_are_an_error(server: ScriptedServer) -> None:
    async with client_with(reverses) as client:
        for given in ({"data": b"x", "json": 1}, {"json": 1, "reversed": "a"}, {"data": {"a": "b"}, "reversed": "a"}):
            with pytest.raises(LocalProtocolError, match=r"give \w+=, or \w+=, but not both"):
                await client.post(server.url(), **given)
    assert server.requests == []


def declares(*declared: Any, name: str = "b") -> Declares:
    return Declares(*declared, name=name)


@pytest.mark.parametrize(
    ("plugins", "words"),
    [
        ([declares(Body("a", reverse), name="a"), declares(Body(("b", "a"), reverse))],
         "plugin 'a' and plugin 'b' both declare the keyword 'a'; disable one of them"),
        ([declares(Body("json", reverse), name="a"), declares(Body("json", reverse))],
         "plugin 'a' and plugin 'b' both declare the keyword 'json'"),
        ([declares(Option("a"), name="a"), declares(Body("a", reverse))], "plugin 'b' declares a body with the keyword 'a'"),
        ([declares(Body("timeout", reverse))], "the keyword 'timeout', a name that core or an option has"),
        ([declares(Body("headers", reverse))], "the keyword 'headers'"),
        ([declares(Body("on_headers", reverse))], "the keyword 'on_headers'"),
        ([declares(Body("url", reverse))], "the keyword 'url'"),
        ([declares(Body("two words", reverse))], "no identifier"),
        ([declares(Option("json"))], "the option 'json', a name that core has"),
        ([declares(MediaType("a/b", len), name="a"), declares(MediaType(("c/d", "a/b"), len))],
         "plugin 'a' and plugin 'b' both declare the media type 'a/b'"),
        ([declares(Attribute("read", len, of="stream"))], "the attribute 'read' of 'stream', which is taken"),
    ],
    ids=lambda found: found[:60] if isinstance(found, str) else "",
)  # fmt: skip
def test_declarations_that_do_not_fit_are_an_error(plugins: list[Any], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        HttpClient(autoload=False, plugins=plugins)._make_request("GET", "http://127.0.0.1/", None, None, {}, "get")


async def test_unknown_keyword_names_the_body_that_is_near_or_does_not_run() -> None:
    async with client_with(reverses) as client:
        with pytest.raises(TypeError, match="Did you mean 'reversed'"):
            await client.post("http://127.0.0.1:1/", reverse="a")
        with pytest.raises(TypeError, match="Did you mean 'json'"):
            await client.post("http://127.0.0.1:1/", jsn="a")
        with pytest.raises(TypeError, match=r"'reversed'.*'declares'.*disabled"):
            await client.post("http://127.0.0.1:1/", reversed="a", disable=["declares"])
        assert client.plugins["declares"].bodies == ("reversed",)
        assert client.plugins["declares"].media_types == (KIND,)
    with pytest.raises(TypeError, match="'json': it is the body of a request"):
        HttpClient(autoload=False, json=1)


async def test_sub_requests_take_the_keywords(server: ScriptedServer) -> None:
    async with client_with(reverses) as client:
        request = client.new_request("POST", server.url(), cause="token", reversed="abc")
        assert (request.body, request.content_type) == (b"cba", KIND)
        assert (await client.exchange(request)).content == b"cba"


class Again:
    """Sends the same request once more after a 307."""

    name = "again"

    @hookimpl
    def post_request(self, response: Any) -> Any:
        return response.request.copy(cause="again") if response.status_code == 307 else None


async def test_follow_up_sends_the_same_body_which_is_encoded_once(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 307), response(b""))
    calls: list[Any] = []

    def encode(request: Any, value: Any) -> tuple[Any, str]:
        calls.append(value)
        return [b"a", b"b"], KIND

    async with client_with(Declares(Body("own", encode)), Again()) as client:
        await client.post(scripted.url(), own=1)
    assert [(seen.body, seen.header("content-type")) for seen in scripted.requests] == [(b"ab", KIND)] * 2
    assert calls == [1]


async def test_follow_up_of_a_body_that_is_read_once_is_an_error(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 307))
    async with client_with(Declares(Body("own", lambda request, value: (iter([b"a"]), None))), Again()) as client:
        with pytest.raises(BodyNotRepeatable):
            await client.post(scripted.url(), own=1)


@pytest.mark.parametrize(
    ("content_type", "decoded"),
    [
        ("application/x+json; a=b", "whole"),
        ("application/y+json", "suffix"),
        ("text/plain", "wildcard"),
        ("text/z+json", "suffix"),
        ("application/other", b"{}"),
        ("", b"{}"),
    ],
)
async def test_whole_type_is_decoded_before_suffix_and_wildcard(
    scripted: ScriptedServer, content_type: str, decoded: Any
) -> None:
    plugin = Declares(
        MediaType("text/*", lambda response: "wildcard"),
        MediaType(("application/x+json", "application/x"), lambda response: "whole"),
        MediaType("+json", lambda response: "suffix"),
    )
    scripted.answer(response(b"{}", headers=[("Content-Type", content_type)]))
    async with client_with(plugin) as client:
        assert (await client.get(scripted.url())).decode_content() == decoded


async def test_attribute_of_a_stream(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"body"))
    shout = Attribute("shout", lambda stream: stream.response.content.upper(), of="stream")
    async with client_with(Declares(shout)) as client:
        assert (await client.get(scripted.url())).raw.shout == b"BODY"


async def test_fail_ends_the_exchange_of_a_stream(make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(response(b"x" * 1_000_000))
    seen: list[Any] = []
    async with HttpClient(autoload=False) as client:
        answer = await client.get(server.url(), stream=True, post_request=lambda r, exc: seen.append(exc))
        error = ValueError("mine")
        await answer.fail(error)
        assert seen == [error]
        assert not answer.is_open
        await answer.fail(error)
        assert seen == [error]


def wrapping(*wrappers: Any) -> Any:
    def pre_request(response: Any, **_: Any) -> None:
        for wrap in wrappers:
            response.wrap_upload(wrap)

    return pre_request


async def test_uploads_pass_through_all_wrappers_in_their_order(server: ScriptedServer) -> None:
    lengths = []

    async def upper(chunks: AsyncGenerator[bytes, None], length: int | None) -> AsyncGenerator[bytes, None]:
        lengths.append(length)
        async for chunk in chunks:
            yield chunk.upper()

    async def replace(chunks: AsyncGenerator[bytes, None], length: int | None) -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            yield chunk.replace(b"A", b"B")

    async with HttpClient(autoload=False) as client:
        for data in (b"abc", iter([b"a", b"bc"])):
            answer = await client.post(server.url(), data=data, pre_request=wrapping(upper, replace))
            assert answer.content == b"BBC"
        assert (await client.get(server.url(), pre_request=wrapping(upper))).content == b""
    assert lengths == [3, None]


async def test_wrapper_is_closed_when_the_upload_ends_early(make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    begun, ended = Gate(), []
    server.answer(Script().hold(begun).send(response(b"no", 403)), early=True)

    async def watch(chunks: AsyncGenerator[bytes, None], length: int | None) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            ended.append("wrapper")

    async def endless() -> AsyncGenerator[bytes, None]:
        begun.open()
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ended.append("source")

    async with HttpClient(autoload=False) as client:
        answer = await client.post(server.url(), data=endless(), pre_request=wrapping(watch))
        assert answer.status_code == 403
    assert ended == ["wrapper", "source"]


@pytest.mark.parametrize("change", [b"", b"xx"], ids=["shorter", "longer"])
async def test_wrapper_that_changes_the_stated_length_is_an_error(make_scripted: Any, change: bytes) -> None:
    server = make_scripted(strict=False)
    server.always(response(b""))

    async def changes(chunks: AsyncGenerator[bytes, None], length: int | None) -> AsyncGenerator[bytes, None]:
        async for _ in chunks:
            yield change

    async with HttpClient(autoload=False) as client:
        with pytest.raises(LocalProtocolError, match="Content-Length"):
            await client.post(server.url(), data=b"x", pre_request=wrapping(changes))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"a": ["b", 1], "c": None}, [("a", "b"), ("a", "1")]),
        ([("a", b"b")], [("a", "b")]),
        ({"a": "b"}.items(), [("a", "b")]),
        ([b"a"], None),
        ("ab", None),
        (b"", None),
    ],
    ids=["mapping", "pairs", "items", "list", "text", "bytes"],
)
def test_form_pairs_are_those_that_core_sends(data: Any, found: Any) -> None:
    assert form_pairs(data) == found
