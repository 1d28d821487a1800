"""Copies and pickles of responses and requests: what is in them, what is left out, and what cannot be copied."""

from __future__ import annotations

import copy
import enum
import pickle
from collections import OrderedDict, namedtuple
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from multidict import CIMultiDict

from hookline import (
    Attribute,
    Credential,
    HttpClient,
    HttpRequest,
    HttpResponse,
    Option,
    StreamConsumedError,
    Timeout,
    hookimpl,
)
from hookline_testing.server import ScriptedServer, chunked, head, response
from kit.copies import WAYS, assert_same_request, assert_same_response
from kit.recorder import client_with, on, plugin

Copy = Callable[[Any], Any]
each_way = pytest.mark.parametrize("copied", WAYS.values(), ids=WAYS)


def followed(self: Any, response: HttpResponse) -> HttpRequest | None:
    return response.request.follow(response.headers["location"], cause="test") if response.has("location") else None


FOLLOWS = on("post_request", followed, "follows")
ANSWERS: dict[str, bytes] = {
    "text": response(b"hello", headers=[("Content-Type", "text/plain"), ("Link", "</2>; rel=next")]),
    "json": response(b'{"a": [1]}', headers=[("Content-Type", "application/json")]),
    "charset": response("naïve".encode("latin-1"), headers=[("Content-Type", "text/plain; charset=latin-1")]),
    "broken-text": response(b"\xff", headers=[("Content-Type", "text/plain")]),
    "bytes-in-fields": response(b"x", headers=[("X-Raw", "\xe5\x90\x8d")]),
    "empty": response(b""),
    "204": head(204),
    "trailers": chunked(b"a", b"b", trailers=[("X-Sum", "1")]),
    "http10": b"HTTP/1.0 200 Fine\r\n\r\nto the end",
    "404": response(b"missing", 404, reason="Not  Here"),
    "large": response(b"x" * 300_000),
}


@each_way
@pytest.mark.parametrize("raw", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("looks", [False, True], ids=["untouched", "looked-at"])
async def test_response_is_the_same_as_a_copy(scripted: ScriptedServer, raw: bytes, looks: bool, copied: Copy) -> None:
    scripted.always(raw, close=raw.startswith(b"HTTP/1.0"))
    async with client_with(timeout=Timeout(5, read=3)) as client:
        found = await client.post(scripted.url("/a?b=c#d"), data=b"sent", headers={"X-A": "1"}, timings=looks)
        if looks:
            _ = found.headers, found.content, found.event("post_request"), found.raw

        assert_same_response(copied(found), found)


@pytest.mark.parametrize("copied", WAYS.values(), ids=WAYS)
def test_response_of_a_synchronous_client_is_the_same_as_a_copy(scripted: ScriptedServer, copied: Copy) -> None:
    scripted.always(response(b"hello"))
    with HttpClient(autoload=False) as client:
        found = client.get(scripted.url())
        assert_same_response(copied(found), found)
    assert_same_response(copied(found), found)


@each_way
async def test_history_is_copied_with_a_response(scripted: ScriptedServer, copied: Copy) -> None:
    for path in ("/b", "/c"):
        scripted.answer(response(b"moved " + path.encode(), 302, [("Location", scripted.url(path))]))
    scripted.answer(response(b"here"))
    async with client_with(FOLLOWS) as client:
        found = await client.get(scripted.url("/a"), timings=True)

        copy = copied(found)

    assert_same_response(copy, found)
    assert [r.content for r in copy.history] == [b"moved /b", b"moved /c"]
    assert copy.history[1].history[0] is copy.history[0]
    assert copy.request.cause == "test"


class Streams:
    """Streams at their end, in all the ways that they come to it."""

    @staticmethod
    async def read(found: HttpResponse) -> None:
        await found.raw.read()

    @staticmethod
    async def iterated(found: HttpResponse) -> None:
        async for _ in found.raw:
            pass

    @staticmethod
    async def closed(found: HttpResponse) -> None:
        await found.aclose()

    @staticmethod
    async def parts(found: HttpResponse) -> None:
        while await found.raw.read(2):
            pass


@each_way
@pytest.mark.parametrize("end", ["read", "iterated", "closed", "parts"])
async def test_stream_that_is_over_is_the_same_as_a_copy(scripted: ScriptedServer, end: str, copied: Copy) -> None:
    scripted.answer(chunked(b"one", b"two"))
    async with client_with() as client:
        found = await client.get(scripted.url(), stream=True)
        await getattr(Streams, end)(found)

        copy = copied(found)

    assert_same_response(copy, found)
    if end == "read":
        assert copy.content == b"onetwo"
    else:
        with pytest.raises(StreamConsumedError):
            _ = copy.content


async def test_copy_has_no_stream_and_can_be_closed(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"body"))
    async with client_with() as client:
        found = copy.deepcopy(await client.get(scripted.url()))
        async with found:
            with pytest.raises(StreamConsumedError, match="its body is in `content`"):
                _ = found.raw
        await found.close()
        with found:
            assert found.recv_body() == b"body"
        assert found.content == b""


async def test_copy_is_independent_of_what_it_was_made_from(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"body"))
    own = on("on_headers", lambda self, response: setattr(response, "mine", {"list": [1]}), "own")
    async with client_with(own) as client:
        found = await client.get(scripted.url(), timings=True)

        for way in (copy.copy, copy.deepcopy):
            one = way(found)
            one.headers["X"] = one.request.headers["X"] = "1"
            one.mine["list"].append(2)
            one.timings.done = 0.0
            assert "X" not in found.headers
            assert "X" not in found.request.headers
            assert found.mine == {"list": [1]}
            assert found.timings.done != 0.0


# -- requests


@each_way
async def test_request_is_the_same_as_a_copy(scripted: ScriptedServer, copied: Copy) -> None:
    async with client_with() as client:
        request = client.new_request("PUT", "http://a.test:81/b?c#d", cause="x", data=b"body", headers={"X-A": "1"})
        request.parent, request.timeout = None, Timeout(2)
        request.unredirected_headers["X-Hop"] = "1"

        found = copied(request)

    assert_same_request(found, request)
    assert found.encode() == request.encode()
    assert found.get_header("X-Hop") == "1"
    assert (found.userinfo, found._destination.fragment) == (None, "#d")


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"


@each_way
async def test_body_that_was_produced_while_it_was_sent_is_left_out(scripted: ScriptedServer, copied: Copy) -> None:
    scripted.always(response(b"x"))
    async with client_with() as client:
        found = copied(await client.post(scripted.url(), data=pieces()))

    assert not found.request.can_be_sent
    assert found.request.body.length is None


@pytest.mark.parametrize("act", [
    lambda request: request.client,
    lambda request: request.copy(),
    lambda request: request.follow("http://a.test/", cause="x"),
    lambda request: request.route,
    lambda request: request._pool(),
], ids=["client", "copy", "follow", "route", "pool"])  # fmt: skip
async def test_copy_of_a_request_says_that_it_belongs_to_no_client(act: Any) -> None:
    async with client_with() as client:
        request = copy.deepcopy(client.new_request("GET", "http://a.test/", cause="x"))

    with pytest.raises(AttributeError, match=r"a copied or unpickled request has no .*belongs to no client"):
        act(request)


# -- what plugins add


class Colour(enum.IntEnum):
    RED = 1


class Word(str):
    pass


class Broken(dict):
    def items(self) -> Any:
        raise RuntimeError("broken")


Point = namedtuple("Point", "x y")
RAISED = object()
ADDED: dict[str, tuple[Any, Any]] = {
    "a_text": (Word("a"), "a"),
    "a_enum": (Colour.RED, 1),
    "a_pair": (Point(1, {"b": [2.5]}), (1, {"b": [2.5]})),
    "a_mapping": (OrderedDict(a={1, 2}), {"a": {1, 2}}),
    "a_proxy": (MappingProxyType({"a": None}), {"a": None}),
    "a_fields": (CIMultiDict([("A", "1"), ("a", "2")]), CIMultiDict([("A", "1"), ("a", "2")])),
    "a_time": (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
    "a_number": (Decimal("1.5"), Decimal("1.5")),
    "a_object": (object(), RAISED),
    "a_function": (lambda: None, RAISED),
    "a_inside": ([1, object()], RAISED),
    "a_class": (Word, RAISED),
    "a_error": (ZeroDivisionError(), RAISED),
}
ADDED["a_loop"] = ([], RAISED)
ADDED["a_broken"] = (Broken(), RAISED)
ADDED["a_loop"][0].append(ADDED["a_loop"][0])


def adding(of: str) -> Any:
    def failing(owner: Any) -> Any:
        raise RuntimeError("no such thing")

    def declare(self: Any) -> list[Attribute]:
        found = [Attribute(name, lambda owner, v=value: v, of=of) for name, (value, _) in ADDED.items()]
        return [Attribute("failing", failing, of=of), Attribute("live", lambda owner: owner, of=of), *found]

    return plugin("adds", declare=hookimpl(declare))


@each_way
@pytest.mark.parametrize("of", ["response", "request"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_attributes_of_plugins_are_copied_as_plain_values(
    scripted: ScriptedServer, of: str, stream: bool, copied: Copy
) -> None:
    scripted.always(response(b"x" * 10))
    async with client_with(adding(of)) as client:
        found = await client.get(scripted.url(), stream=stream)
        await found.raw.read()

        owner = copied(found) if of == "response" else copied(found).request

    for name, (_, wanted) in {**ADDED, "failing": (None, RAISED), "live": (None, RAISED)}.items():
        if wanted is RAISED:
            with pytest.raises(AttributeError, match=f"has no '{name}'.*plain values only"):
                getattr(owner, name)
        else:
            assert getattr(owner, name) == wanted
            assert type(getattr(owner, name)) is type(wanted)


@each_way
async def test_attributes_that_handlers_set_are_copied_if_they_are_plain_values(
    scripted: ScriptedServer, copied: Copy
) -> None:
    def sets(response: Any) -> None:
        response.attempt = 3
        response.handler = sets
        response.notes["private"] = 1
        response._own = 1

    scripted.always(response(b"x"))
    async with client_with() as client:
        found = copied(await client.get(scripted.url(), post_request=sets))

    assert found.attempt == 3
    assert "handler" not in found.__dict__
    assert "_own" not in found.__dict__
    assert not getattr(found, "notes", None)


# -- secrets


def secret_of(where: str) -> str:
    return f"s3cret-{where}"


@pytest.mark.parametrize("way", ["pickle", "twice", "error"])
async def test_no_secret_of_a_request_is_in_a_copy(scripted: ScriptedServer, way: str) -> None:
    places = (
        "authorization", "proxy-authorization", "x-api-key", "x-declared", "x-sensitive", "hop", "userinfo", "option",
        "bytes", "default", "cert", "body",
    )  # fmt: skip

    def declare(self: Any) -> list[Any]:
        return [
            Credential("X-Declared"),
            Option("token", convert=str),
            Option("key", convert=bytes),
            Option("sign", secret_of("default"), convert=str),
            Option("count", Colour(1)),
        ]

    def signs(self: Any, response: Any) -> None:
        response.request.unredirected_headers["Authorization"] = secret_of("hop")
        response.request.cert = ("a.pem", None, secret_of("cert"))

    signer = plugin("signs", declare=hookimpl(declare), pre_request=hookimpl(signs, specname="pre_request"))
    names = ("authorization", "proxy-authorization", "x-api-key", "x-declared", "x-sensitive")
    scripted.answer(response(b"moved", 401, [("Location", scripted.url("/b"))]))
    scripted.answer(response(b"here", 500))
    async with client_with(signer, FOLLOWS, sensitive_headers=["X-Api-Key", "X-Sensitive"]) as client:
        found = await client.get(
            scripted.url("/a").replace("//", f"//me:{secret_of('userinfo')}@"),
            headers={"X-Kept": "kept-1", **{name.title(): secret_of(name) for name in names}},
            token=secret_of("option"),
            key=secret_of("bytes").encode(),
        )
        request = client.new_request(
            "POST", scripted.url(), cause="token", parent=found.request, data=secret_of("body").encode()
        )
        if way == "error":
            with pytest.raises(OSError, match="500") as caught:
                found.raise_for_status()
            caught.value.request = request
            data = pickle.dumps(caught.value)
        else:
            data = pickle.dumps((found, request))
        if way == "twice":
            data = pickle.dumps(pickle.loads(data))

    assert [place for place in places if secret_of(place).encode() in data] == []
    if way == "pickle":
        again = pickle.loads(data)[0]
        assert again.request.headers["X-Kept"] == again.history[0].request.headers["x-kept"] == "kept-1"
        assert (again.request.token, again.request.key, again.request.sign, again.request.count) == (None,) * 3 + (1,)
        assert pickle.loads(data)[1].body.length == len(secret_of("body"))


# -- what cannot be copied


@each_way
async def test_stream_that_is_open_cannot_be_copied(scripted: ScriptedServer, copied: Copy) -> None:
    scripted.answer(response(b"x" * 10)[:-5])
    async with client_with() as client:
        found = await client.get(scripted.url(), stream=True)

        with pytest.raises(TypeError, match=r"open.*response\.raw\.read\(\).*close"):
            copied(found)
        await found.aclose()


@pytest.mark.parametrize("event", ["pre_request", "on_headers", "data_received", "data_processed"])
async def test_response_under_way_cannot_be_copied(scripted: ScriptedServer, event: str) -> None:
    def copies(response: HttpResponse, data: bytes = b"") -> None:
        copy.deepcopy(response)

    scripted.answer(response(b"x"))
    async with client_with() as client:
        with pytest.raises(TypeError, match="under way: it can be copied and pickled from post_request on"):
            await client.get(scripted.url(), **{event: copies})


async def test_response_can_be_copied_in_post_request(scripted: ScriptedServer) -> None:
    made: list[HttpResponse] = []
    scripted.answer(response(b"x"))
    async with client_with() as client:
        found = await client.get(scripted.url(), post_request=lambda r: made.append(copy.deepcopy(r)))

    assert made[0].content == found.content == b"x"


LIVE: dict[str, tuple[Callable[[HttpResponse], Any], str]] = {
    "client": (lambda found: found.request.client, "make a client where one is needed"),
    "raw": (lambda found: found.raw, "copy what was read of it"),
    "connection": (lambda found: next(iter(found._pool.connections)), "belongs to the loop"),
    "pool": (lambda found: found._pool, "belong to one process"),
    "event": (lambda found: found.event("post_request"), "bind them to another"),
    "client-event": (lambda found: found.request.client.event("post_request"), "bind them to another"),
}


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
@pytest.mark.parametrize(("live", "words"), LIVE.values(), ids=LIVE)
async def test_copying_an_object_of_one_process_is_an_error_that_says_what_to_do(
    scripted: ScriptedServer, live: Any, words: str, copied: Any
) -> None:
    scripted.answer(response(b"x"))
    async with client_with() as client:
        found = live(await client.get(scripted.url()))

        with pytest.raises(TypeError, match=f"cannot be copied or pickled: .*{words}"):
            copied(found)


# -- of any size and shape


async def test_history_of_any_length_is_copied_without_recursion() -> None:
    async with client_with() as client:
        last = HttpResponse.build(client.new_request("GET", "http://a.test/0", cause="x"), 200)
        for number in range(1, 2001):
            request = client.new_request("GET", f"http://a.test/{number}", cause="x")
            request._history = [last]
            last = HttpResponse.build(request, 200)

        found = pickle.loads(pickle.dumps(last))

    for number in range(2000, 0, -1):
        assert found.url.endswith(f"/{number}")
        found = found.history[0]


async def test_response_that_stands_in_its_own_history_is_copied() -> None:
    async with client_with() as client:
        request = client.new_request("GET", "http://a.test/", cause="x")
        found = HttpResponse.build(request, 200)
        request._history = [found]

        made = copy.deepcopy(found)

    assert made.history == [made]


async def test_response_that_was_unpickled_is_an_answer(scripted: ScriptedServer) -> None:
    """A cache that keeps pickles."""
    scripted.answer(response(b"stored"))
    kept: list[bytes] = []
    cache = on("pre_request", lambda self, response: pickle.loads(kept[0]) if kept else None, "cache")
    async with client_with(cache, FOLLOWS) as client:
        kept.append(pickle.dumps(await client.get(scripted.url())))
        assert (await client.get(scripted.url())).content == b"stored"
    assert len(scripted.requests) == 1
