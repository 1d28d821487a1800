"""docs/examples/feed.py against a server that checks the signatures with oauthlib, and breaks its feed in many ways."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from oauthlib.oauth1 import WebApplicationServer

from hookline import HttpClient, HttpRequestException, SSLError, Timeout
from hookline_oauth import OAuth1
from kit.examples import load
from servers.addresses import Site, refused_port
from servers.oauth1_provider import CLIENT_ID, CLIENT_SECRET, USER_SECRET, USER_TOKEN, Store

# What a connection does after its lines: it ends in order, is cut, stays silent, or answers with a status instead of lines.
Act = tuple[list[str], str | int]


class Feed:
    """A feed whose connections do what `acts` say, one after the other; the last act is repeated."""

    def __init__(self, *acts: Act) -> None:
        self.acts = list(acts)
        self.asked: list[str | None] = []
        self.unsigned = 0
        self.closed = asyncio.Event()
        self.oauth = WebApplicationServer(Store())

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        valid, _ = self.oauth.validate_protected_resource_request(
            str(request.url), request.method, "", dict(request.headers), realms=[]
        )
        if not valid:
            self.unsigned += 1
            return web.Response(status=401)
        self.asked.append(request.query.get("since"))
        lines, end = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        if isinstance(end, int):
            return web.Response(status=end, headers={"Retry-After": "0"})
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            for line in lines:
                await answer.write(line.encode() + b"\n")
            if end == "cut":
                await answer.write(b'{"id": 99')
                await asyncio.sleep(0.05)
                assert request.transport is not None
                request.transport.abort()
            elif end == "silence":
                await asyncio.sleep(60)
        finally:
            self.closed.set()
        return answer


def item(number: int) -> str:
    return json.dumps({"id": number, "text": f"item {number}"})


def auth() -> OAuth1:
    return OAuth1(
        CLIENT_ID, client_secret=CLIENT_SECRET, resource_owner_key=USER_TOKEN, resource_owner_secret=USER_SECRET
    )


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load("feed"), "FIRST_WAIT", 0.01)
    monkeypatch.setattr(load("feed"), "LONGEST_WAIT", 0.05)


async def take(url: str, path: Path, count: int, silence: float = 20.0) -> list[Any]:
    """Follow the feed until so many items have come."""
    feed = load("feed")
    found = []
    async with HttpClient(auth=auth(), timeout=Timeout(read=silence)) as client:
        with contextlib.closing(feed.Archive(path)) as archive:
            async with asyncio.timeout(20), contextlib.aclosing(feed.follow(client, url, archive)) as items:
                async for each in items:
                    found.append(each["id"])
                    if len(found) == count:
                        break
    return found


Serve = Callable[[Feed], Awaitable[Site]]


async def test_feed_is_opened_again_after_each_kind_of_break(serve: Serve, tmp_path: Path) -> None:
    feed = Feed(
        ([item(1), "", item(2)], "end"),
        ([item(2), item(3)], "cut"),
        ([], 503),
        ([item(3)], "silence"),
        ([item(4), "not JSON"], "end"),
        ([item(5), '["no object"]'], "end"),
        ([], 429),
        ([item(6)], "silence"),
    )
    site = await serve(feed)
    assert await take(site.url("/feed"), tmp_path / "feed.jsonl", 6, silence=0.4) == [1, 2, 3, 4, 5, 6]
    assert feed.asked == [None, "2", "3", "3", "3", "4", "5", "5"]
    assert feed.unsigned == 0
    assert (tmp_path / "feed.jsonl").read_text().splitlines() == [item(number) for number in range(1, 7)]


async def test_restart_continues_where_the_last_run_ended(serve: Serve, tmp_path: Path) -> None:
    feed = Feed(([item(1), item(2)], "silence"), ([item(2), item(3)], "silence"))
    site = await serve(feed)
    path = tmp_path / "feed.jsonl"
    assert await take(site.url("/feed?kind=all"), path, 2) == [1, 2]
    with path.open("ab") as file:
        file.write(b'{"id": 3, "te')  # killed while it wrote
    assert await take(site.url("/feed?kind=all"), path, 1) == [3]
    assert feed.asked == [None, "2"]
    assert path.read_text().splitlines() == [item(1), item(2), item(3)]


async def test_server_that_is_away_is_asked_again(tmp_path: Path) -> None:
    with refused_port() as port, pytest.raises(TimeoutError):
        await asyncio.wait_for(take(f"http://127.0.0.1:{port}/", tmp_path / "feed.jsonl", 1), 0.5)


async def test_refusal_is_an_error(
    serve: Serve, aiohttp_tls_server: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(([], 404))
    site = await serve(feed)
    with pytest.raises(HttpRequestException, match="404"):
        await take(site.url(), tmp_path / "feed.jsonl", 1)
    assert len(feed.asked) == 1
    with pytest.raises(SSLError):
        await take(aiohttp_tls_server.url(), tmp_path / "feed.jsonl", 1)


async def test_other_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada,\nyours, Charles\n")
    with pytest.raises(load("feed").BrokenLine):
        load("feed").Archive(path)
    assert path.read_text() == "Dear Ada,\nyours, Charles\n"


def test_waits_grow_and_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = load("feed")
    monkeypatch.setattr(feed, "FIRST_WAIT", 1.0)
    monkeypatch.setattr(feed, "LONGEST_WAIT", 300.0)
    assert 0.5 <= feed.wait_before(1) <= 1
    assert 4 <= feed.wait_before(4) <= 8
    assert feed.wait_before(10_000) == 300
    assert feed.wait_before(1, "77") == 77
    assert feed.wait_before(1, "99999999999") == 300
    assert feed.wait_before(1, "Wed, 21 Oct 2026 07:28:00 GMT") <= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_program_ends_cleanly(
    serve: Serve, start_program: Callable[..., Awaitable[asyncio.subprocess.Process]], tmp_path: Path, number: int
) -> None:
    feed = Feed(([item(1)], "silence"))
    site = await serve(feed)
    keys = {
        "FEED_CLIENT": CLIENT_ID, "FEED_CLIENT_SECRET": CLIENT_SECRET, "FEED_TOKEN": USER_TOKEN,
        "FEED_TOKEN_SECRET": USER_SECRET,
    }  # fmt: skip
    process = await start_program("feed.py", site.url("/feed"), tmp_path / "feed.jsonl", **keys)
    assert process.stdout is not None
    assert b"item 1" in await asyncio.wait_for(process.stdout.readline(), 30)
    process.send_signal(number)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert (output, errors, process.returncode) == (b"", b"", 0)
    await asyncio.wait_for(feed.closed.wait(), 10)
    assert (tmp_path / "feed.jsonl").read_text() == item(1) + "\n"
