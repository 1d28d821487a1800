"""What is answered from the cache, and what `response.cache_status` says of it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse
from hookline_cache import Cache, CacheStatus
from hookline_testing.server import ScriptedServer, SeenRequest, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

FRESH = [("Cache-Control", "max-age=60")]


def numbered(fields: list[tuple[str, str]] = FRESH, status: int = 200) -> Callable[[SeenRequest], bytes]:
    """Answer each request with its number."""
    count = iter(range(1, 1000))
    return lambda request: response(str(next(count)).encode(), status, fields)


async def test_hit_until_it_is_stale(cached: HttpClient, scripted: ScriptedServer, clock: Any) -> None:
    scripted.respond(numbered())
    first = await cached.get(scripted.url())
    clock.passes(59)
    hit = await cached.get(scripted.url())
    assert (first.text, hit.text) == ("1", "1")
    assert (hit.is_stored, hit.headers["age"]) == (True, "59")
    assert [str(first.cache_status), str(hit.cache_status)] == [
        "hookline; fwd=uri-miss; ttl=60; stored",
        "hookline; hit; ttl=1",
    ]
    clock.passes(1)
    assert (await cached.get(scripted.url())).text == "2"


async def test_hit_as_a_stream(cached: HttpClient, scripted: ScriptedServer) -> None:
    body = bytes(range(256)) * 2000
    scripted.answer(response(body, 200, FRESH))
    await cached.get(scripted.url())
    found = await cached.get(scripted.url(), stream=True)
    assert b"".join([piece async for piece in found.raw]) == body
    async with await cached.get(scripted.url(), stream=True) as closed:
        assert await closed.raw.read(10) == body[:10]
    assert len(scripted.requests) == 1


async def test_stream_is_stored_once_it_was_read(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered())
    found = await cached.get(scripted.url(), stream=True)
    assert not found.cache_status.stored
    await found.raw.read()
    assert found.cache_status.stored
    assert (await cached.get(scripted.url())).text == "1"


@pytest.mark.parametrize("status", [204, 301, 404, 200])
async def test_empty_bodies_and_other_statuses(cached: HttpClient, scripted: ScriptedServer, status: int) -> None:
    scripted.answer(response(b"", status, [*FRESH, ("Location", "/x")]))
    assert [(await cached.get(scripted.url())).is_stored for _ in range(2)] == [False, True]


async def test_reload_asks_the_server_and_stores(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered())
    texts = [(await cached.get(scripted.url(), cache=mode)).text for mode in (None, "reload", None)]
    assert texts[1] == "2"
    found = await cached.get(scripted.url())
    assert found.text == "2"
    assert scripted.requests[1].header("cache-control") == "no-cache"


async def test_none_is_no_cache_and_false_is_none_for_one_call(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered())
    await cached.get(scripted.url())
    found = await cached.get(scripted.url(), cache=False)
    assert (found.text, found.cache_status) == ("2", None)
    assert (await cached.get(scripted.url())).text == "1"


@pytest.mark.parametrize("stored", [True, False])
async def test_only_if_cached_sends_nothing(cached: HttpClient, scripted: ScriptedServer, stored: bool) -> None:
    scripted.respond(numbered())
    if stored:
        await cached.get(scripted.url())
    found = await cached.get(scripted.url(), cache="only-if-cached")
    assert (found.status_code, len(scripted.requests)) == ((200, 1) if stored else (504, 0))


async def test_cache_of_one_call(scripted: ScriptedServer, cache: Cache) -> None:
    scripted.respond(numbered())
    async with HttpClient(autoload=False, plugins=["cache"]) as client:
        texts = [(await client.get(scripted.url(), cache=each)).text for each in (cache, cache, False)]
        assert texts == ["1", "1", "2"]
        with pytest.raises(ValueError, match="cache='reload' is for a client that was made with cache=Cache"):
            await client.get(scripted.url(), cache="reload")


@pytest.mark.parametrize("value", [1, "no-cache", "x.sqlite", True])
async def test_wrong_values(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="cache= takes"):
        HttpClient(autoload=False, plugins=["cache"], cache=value)
    with pytest.raises(TypeError, match="Cache takes a storage"):
        Cache(value)


async def test_urls_are_told_apart(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered())
    paths = ["/a", "/a?b", "/a#c", "/b"]
    assert [(await cached.get(scripted.url(path))).text for path in paths] == ["1", "2", "1", "3"]
    found = await cached.get(scripted.url("/a"), headers={"Host": "other.test"})
    assert found.text == "4"


async def test_vary(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered([*FRESH, ("Vary", "Accept-Language, X-Mine")]))
    languages = ["de", "en", "DE", "en"]
    found = [await cached.get(scripted.url(), headers={"Accept-Language": each}) for each in languages]
    assert [each.text for each in found] == ["1", "2", "1", "2"]
    assert [each.cache_status.fwd for each in found] == ["uri-miss", "vary-miss", None, None]


async def test_user_with_other_credentials_gets_no_answer_of_the_first(
    cached: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.respond(numbered())
    keys = ["one", "two", "one", None]
    texts = [(await cached.get(scripted.url(), headers={"Authorization": key} if key else {})).text for key in keys]
    assert texts == ["1", "2", "1", "3"]


async def test_public_response_is_for_all_credentials(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered([("Cache-Control", "max-age=60, public")]))
    texts = [(await cached.get(scripted.url(), headers={"Authorization": key})).text for key in ("one", "two")]
    assert texts == ["1", "1"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PURGE"])
@pytest.mark.parametrize(("status", "expected"), [(200, "2"), (303, "2"), (404, "1"), (500, "1")])
async def test_unsafe_methods_invalidate(
    cached: HttpClient, scripted: ScriptedServer, method: str, status: int, expected: str
) -> None:
    answer = numbered()
    scripted.respond(lambda request: answer(request) if request.method == "GET" else response(b"", status))
    await cached.get(scripted.url("/a"))
    await cached.request(method, scripted.url("/a"))
    assert (await cached.get(scripted.url("/a"))).text == expected


async def test_locations_of_the_same_origin_are_invalidated(
    cached: HttpClient, scripted: ScriptedServer, make_scripted: Callable[..., ScriptedServer]
) -> None:
    other = make_scripted()
    answer = numbered()
    fields = [("Location", "made"), ("Content-Location", other.url("/there"))]
    scripted.respond(lambda request: answer(request) if request.method == "GET" else response(b"", 201, fields))
    other.respond(numbered())
    urls = [scripted.url("/in/made"), scripted.url("/in/kept"), other.url("/there")]
    for url in urls:
        await cached.get(url)
    await cached.post(scripted.url("/in/"))
    assert [(await cached.get(url)).is_stored for url in urls] == [False, True, True]


async def test_head_is_answered_by_a_stored_get(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered())
    await cached.get(scripted.url())
    found = await cached.head(scripted.url())
    assert (found.status_code, found.content, found.headers["content-length"]) == (200, b"", "1")
    assert found.is_stored


@pytest.mark.parametrize(("length", "is_stored"), [("1", True), ("2", False)])
async def test_head_renews_or_removes_a_stale_get(
    cached: HttpClient, scripted: ScriptedServer, clock: Any, length: str, is_stored: bool
) -> None:
    head = response(b"", 200, [*FRESH, ("X-New", "1")]).replace(
        b"Content-Length: 0", b"Content-Length: " + length.encode()
    )
    answer = numbered()
    scripted.respond(lambda request: head if request.method == "HEAD" else answer(request))
    await cached.get(scripted.url())
    clock.passes(61)
    assert not (await cached.head(scripted.url())).is_stored
    found = await cached.get(scripted.url())
    assert (found.is_stored, found.headers.get("x-new")) == (is_stored, "1" if is_stored else None)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-3", (206, b"0123", "bytes 0-3/300000")),
        ("bytes=299998-", (206, b"89", "bytes 299998-299999/300000")),
        ("bytes=-3", (206, b"789", "bytes 299997-299999/300000")),
        ("bytes=299999-400000", (206, b"9", "bytes 299999-299999/300000")),
        ("bytes=300000-", None),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        ("bytes=5-2", None),
        ("bytes=-0", None),
    ],
)
async def test_ranges(cached: HttpClient, scripted: ScriptedServer, asked: str, expected: Any) -> None:
    scripted.answer(response(b"0123456789" * 30_000, 200, FRESH), response(b"server", 206, FRESH))
    await cached.get(scripted.url())
    found = await cached.get(scripted.url(), headers={"Range": asked})
    if expected is None:
        assert (found.content, found.is_stored) == (b"server", False)
        assert (await cached.get(scripted.url())).status_code == 200  # the part was not stored
    else:
        assert (found.status_code, found.content, found.headers["content-range"]) == expected
        assert found.headers["content-length"] == str(len(expected[1]))


@pytest.mark.parametrize("directives", ["no-store", "max-age=0", "no-cache", "min-fresh=70"])
async def test_directives_of_requests(cached: HttpClient, scripted: ScriptedServer, directives: str) -> None:
    scripted.respond(numbered())
    await cached.get(scripted.url())
    found = await cached.get(scripted.url(), headers={"Cache-Control": directives})
    assert (found.text, found.cache_status.fwd) == ("2", "request")


@pytest.mark.parametrize(
    "fields",
    [
        [("Cache-Control", "no-store, max-age=60")],
        [*FRESH, ("Vary", "*")],
        [("Cache-Control", "max-age=0")],
        [],
    ],
    ids=["no-store", "vary", "stale", "nothing"],
)
async def test_what_is_not_stored(cached: HttpClient, scripted: ScriptedServer, fields: list[tuple[str, str]]) -> None:
    scripted.respond(numbered(fields))
    found = [await cached.get(scripted.url()) for _ in range(2)]
    assert [each.text for each in found] == ["1", "2"]
    assert [each.cache_status.stored for each in found] == [False, False]


async def test_field_bytes_and_order_are_kept(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(
        response(b"", 200, [*FRESH, ("X-A", "1"), ("X-B", "ü"), ("X-A", "2"), ("Connection", "x-c"), ("X-C", "3")])
    )
    first, second = [await cached.get(scripted.url()) for _ in range(2)]
    kept = [pair for pair in first.headers.items() if pair[0] not in ("Connection", "X-C")]
    assert [*second.headers.items()] == [*kept, ("Age", "0")]


def test_status_is_text_that_can_be_pickled() -> None:
    status = CacheStatus(fwd="stale", fwd_status=304, ttl=-3, stored=True, collapsed=True, detail="x")
    assert status == "hookline; fwd=stale; fwd-status=304; ttl=-3; stored; collapsed; detail=x"
    assert pickle.loads(pickle.dumps(status)) == str(status)


async def test_responses_are_copied_with_their_status(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered())
    await cached.get(scripted.url())
    copied: HttpResponse = pickle.loads(pickle.dumps(await cached.get(scripted.url())))
    assert (copied.text, copied.is_stored) == ("1", True)
    assert copied.cache_status == "hookline; hit; ttl=60"


def test_synchronous_mode(scripted: ScriptedServer, storage: Any) -> None:
    scripted.respond(numbered())
    for _ in range(2):
        with HttpClient(autoload=False, plugins=["cache"], cache=Cache(storage)) as client:
            assert client.get(scripted.url()).text == "1"
            with client.get(scripted.url(), stream=True) as found:
                assert found.raw.read() == b"1"
    assert len(scripted.requests) == 1


async def test_server_cannot_answer_for_another_whose_name_it_was_given(
    cached: HttpClient, make_scripted: Callable[[], ScriptedServer]
) -> None:
    one, other = make_scripted(), make_scripted()
    one.answer(response(b"one", 200, FRESH))
    other.answer(response(b"other", 200, FRESH))
    name = other.url("").removeprefix("http://").rstrip("/")
    assert (await cached.get(one.url("/a"), headers={"Host": name})).text == "one"
    assert (await cached.get(other.url("/a"))).text == "other"
