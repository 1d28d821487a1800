"""The cache beside the other plugins: what they add selects the stored response, and they act on it as on one of the network."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator, Callable
from itertools import combinations, count
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_auth import HTTPDigestAuth
from hookline_cache import Cache, MemoryStorage, SQLiteStorage
from hookline_oauth import OAuth2
from hookline_retry import Retry
from hookline_testing.server import Script, ScriptedServer, SeenRequest, response
from hookline_throttle import Throttle

FRESH = [("Cache-Control", "max-age=60")]


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
async def client(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[HttpClient]:
    storage = MemoryStorage() if request.param == "memory" else SQLiteStorage(tmp_path / "cache.sqlite")
    cache = Cache(storage, clock=clock)
    async with HttpClient(plugins=["retry"], retry=Retry(backoff=0.01), cache=cache, timeout=20) as client:
        yield client


def numbered(*fields: tuple[str, str]) -> Callable[[SeenRequest], bytes]:
    """Answer each request with its number."""
    numbers = count(1)
    return lambda request: response(str(next(numbers)).encode(), 200, [*FRESH, *fields])


# -- the order of plugins, pairwise: docs/plugins/ordering.md has the table

PAGE = Path(__file__).parents[2] / "docs" / "plugins" / "ordering.md"
ORDER = re.findall(r"^\| \d+ \| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_page_names_all_plugins_that_act_before_the_request() -> None:
    client = HttpClient(cache=Cache(), guard=True, throttle=Throttle(), plugins=["otel"])
    names = {name for name, _ in client.plugins.order("pre_request")}
    # these change nothing that selects or signs
    assert set(ORDER) == names - {"bodies", "expect", "http2", "websocket"}


@pytest.mark.parametrize(("first", "second"), [*combinations(ORDER, 2)])
def test_order_before_the_request(first: str, second: str) -> None:
    client = HttpClient(cache=Cache(), guard=True, throttle=Throttle(), plugins=["otel"])
    names = [name for name, _ in client.plugins.order("pre_request")]
    assert names.index(first) < names.index(second), names


def test_cache_is_loaded_with_the_default_plugins_only_if_it_is_named() -> None:
    assert "cache" not in HttpClient(autoload="default").plugins
    assert "cache" in HttpClient(autoload="default", plugins=["cache"], cache=Cache()).plugins


# -- cookies


async def test_vary_sees_the_field_that_cookies_adds(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered(("Vary", "Cookie")))
    texts = [(await client.get(scripted.url(), cookies={"id": each})).text for each in ("a", "b", "a", "b")]
    assert texts == ["1", "2", "1", "2"]
    assert (await client.get(scripted.url())).text == "3"


async def test_jar_ignores_what_was_stored(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 200, [*FRESH, ("Set-Cookie", "id=1; Path=/")]))
    await client.get(scripted.url())
    client.cookies.clear()
    found = await client.get(scripted.url())
    assert (found.is_stored, found.cookies, len(client.cookies)) == (True, {"id": "1"}, 0)


# -- credentials


async def test_vary_sees_the_field_that_auth_adds(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered())
    users = [("ann", "1"), ("bob", "2"), ("ann", "1"), None]
    texts = [(await client.get(scripted.url(), auth=user)).text for user in users]
    assert texts == ["1", "2", "1", "3"]


async def test_public_response_needs_no_credentials(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.respond(numbered(("Cache-Control", "public")))

    class NoToken(OAuth2):
        async def apply(self, request: Any) -> None:
            raise AssertionError("a token was asked for")

    await client.get(scripted.url(), auth=("ann", "1"))
    auth = NoToken(token_url=scripted.url("/token"), client_id="c", client_secret="s")
    found = await client.get(scripted.url(), auth=auth)
    assert (found.text, found.cache_status.hit) == ("1", True)


async def test_hit_uses_no_nonce_of_digest(client: HttpClient, scripted: ScriptedServer) -> None:
    challenge = response(b"", 401, [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256')])
    answer = response(b"granted", 200, [("Cache-Control", "max-age=60, public")])
    scripted.respond(lambda request: answer if request.header("authorization") else challenge)
    auth = HTTPDigestAuth("ann", "secret")
    for _ in range(3):
        assert (await client.get(scripted.url(), auth=auth)).text == "granted"
    assert (await client.get(scripted.url("/other"), auth=auth)).text == "granted"
    counts = [
        (request.header("authorization") or "nc=none,").split("nc=")[1].split(",")[0] for request in scripted.requests
    ]
    assert counts == ["none", "00000001", "00000002"]


# -- redirects


async def test_stored_redirect_is_followed(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"moved", 301, [*FRESH, ("Location", "/new")]), response(b"here", 200, FRESH))
    for expected in (False, True):
        found = await client.get(scripted.url("/old"))
        assert (found.text, [hop.is_stored for hop in [*found.history, found]]) == ("here", [expected] * 2)
        assert [hop.content for hop in found.history] == [b"moved"]


async def test_redirect_that_replaces_a_stale_response_is_followed_without_conditions(
    client: HttpClient, scripted: ScriptedServer, clock: Clock
) -> None:
    scripted.answer(response(b"first", 200, [*FRESH, ("ETag", '"1"')]))
    await client.get(scripted.url())
    clock.now += 61
    scripted.answer(response(b"", 302, [("Location", "/other")]), response(b"other"))
    assert (await client.get(scripted.url())).text == "other"
    assert [request.header("if-none-match") for request in scripted.requests] == [None, '"1"', None]


@pytest.mark.parametrize("stream", [False, True])
async def test_redirect_behind_a_stream(client: HttpClient, scripted: ScriptedServer, stream: bool) -> None:
    scripted.answer(response(b"moved", 301, [*FRESH, ("Location", "/new")]), response(b"here", 200, FRESH))
    for expected in (False, True):
        found = await client.get(scripted.url("/old"), stream=stream)
        assert await found.raw.read() == b"here"
        assert (found.is_stored, found.history[0].is_stored) == (expected, expected)


# -- decompress, and the data events


@pytest.mark.parametrize("stream", [False, True])
async def test_undecoded_bytes_are_stored(client: HttpClient, scripted: ScriptedServer, stream: bool) -> None:
    packed = gzip.compress(b"text" * 10_000)
    scripted.answer(response(packed, 200, [*FRESH, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]))
    for _ in range(2):
        found = await client.get(scripted.url(), stream=stream)
        assert await found.raw.read() == b"text" * 10_000
    assert found.is_stored
    raw = await client.get(scripted.url(), decompress=False)
    assert (raw.content, len(scripted.requests)) == (packed, 1)


async def test_data_processed_sees_a_hit(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"body" * 50_000, 200, FRESH))
    await client.get(scripted.url())
    seen: list[bytes] = []
    await client.get(scripted.url(), data_processed=lambda response, data: seen.append(data))
    assert b"".join(seen) == b"body" * 50_000


# -- retry


async def test_retry_comes_before_stale_if_error(client: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    scripted.answer(response(b"first", 200, [("Cache-Control", "max-age=1, stale-if-error=60")]))
    await client.get(scripted.url())
    clock.now += 2
    scripted.always(response(b"down", 503))
    found = await client.get(scripted.url())
    assert found.text == "first"
    assert [(hop.status_code, hop.request.cause) for hop in [*found.history, found]] == [
        (503, "call"),
        (503, "retry"),
        (503, "retry"),
        (503, "retry"),
        (200, "stale-if-error"),
    ]


async def test_retry_comes_before_stale_if_error_without_a_response(
    client: HttpClient, scripted: ScriptedServer, clock: Clock
) -> None:
    scripted.answer(response(b"first", 200, [("Cache-Control", "max-age=1, stale-if-error=60")]))
    await client.get(scripted.url())
    clock.now += 2
    scripted.always(Script().drop())
    found = await client.get(scripted.url(), retry=1)
    assert (found.text, [hop.request.cause for hop in [*found.history, found]]) == (
        "first",
        ["call", "retry", "stale-if-error"],
    )


async def test_retry_leaves_stored_responses_alone(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"down", 503, FRESH))
    for _ in range(2):
        assert (await client.get(scripted.url())).text == "down"
    found = await client.get(scripted.url("/other"), cache="only-if-cached")
    assert (found.status_code, found.history) == (504, [])
