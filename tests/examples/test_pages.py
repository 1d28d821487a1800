"""docs/examples/pages.py against an API with pages, ETags and limits, and against others that misbehave."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hookline import ConnectionRefused, HttpRequestException
from hookline_retry import Retry
from kit.examples import load
from servers.addresses import Site, refused_port

Serve = Callable[[Any], Awaitable[Site]]


class Api:
    """A list of three pages with two items each. seen: the page, the status and the token of each request."""

    def __init__(self, *, limited: int = 0) -> None:
        self.limited = limited  # how many requests are answered with 429
        self.seen: list[tuple[str, int, str | None]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        answer = self.answer(request)
        self.seen.append((request.query.get("page", "1"), answer.status, request.headers.get("Authorization")))
        return answer

    def answer(self, request: web.Request) -> web.Response:
        if self.limited:
            self.limited -= 1
            return web.Response(status=429, headers={"Retry-After": "0"})
        page = int(request.query.get("page", "1"))
        fields = {"ETag": f'"v{page}"', "Cache-Control": "private, max-age=0, must-revalidate"}
        if request.headers.get("If-None-Match") == fields["ETag"]:
            return web.Response(status=304, headers=fields)
        if page < 3:
            fields["Link"] = f'<?page={page + 1}>; rel="next", <?page=3>; rel="last"'
        return web.json_response([page * 10, page * 10 + 1], headers=fields)


async def read(url: str, cache: Path, token: str | None = None) -> list[Any]:
    pages = load("pages")
    async with pages.make_client(cache, token) as client, contextlib.aclosing(pages.items(client, url)) as found:
        return [item async for item in found]


async def test_all_pages_are_read_and_the_second_run_gets_304(serve: Serve, tmp_path: Path) -> None:
    api = Api()
    site = await serve(api)
    for _ in range(2):
        assert await read(site.url("/items"), tmp_path / "cache", "t0ken") == [10, 11, 20, 21, 30, 31]
    token = "Bearer t0ken"
    assert api.seen == [(page, status, token) for status in (200, 304) for page in ("1", "2", "3")]


async def test_429_is_repeated(serve: Serve, tmp_path: Path) -> None:
    api = Api(limited=3)
    site = await serve(api)
    assert await read(site.url("/items"), tmp_path / "cache") == [10, 11, 20, 21, 30, 31]
    assert [status for _, status, _ in api.seen] == [429, 429, 429, 200, 200, 200]


async def test_items_come_while_later_pages_are_not_read(serve: Serve, tmp_path: Path) -> None:
    pages, api = load("pages"), Api()
    site = await serve(api)
    client = pages.make_client(tmp_path / "cache")
    async with client, contextlib.aclosing(pages.items(client, site.url("/items"))) as found:
        assert await anext(found) == 10
    assert len(api.seen) == 1


async def test_token_does_not_follow_a_link_to_another_origin(serve: Serve, tmp_path: Path) -> None:
    other = Api()
    elsewhere = await serve(other)

    async def hostile(request: web.Request) -> web.Response:
        return web.json_response([1], headers={"Link": f'<{elsewhere.url("/items")}>; rel="next"'})

    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": elsewhere.url("/items")})

    for handler in (hostile, moved):
        with pytest.raises(load("pages").BadList, match="another origin"):
            await read((await serve(handler)).url(), tmp_path / "cache", "t0ken")
    assert [token for _, _, token in other.seen] == [None]  # the redirect, without the token


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (web.json_response({"message": "hello"}).body, "no list"),
        (b"<html>", "not JSON"),
    ],
    ids=["object", "html"],
)
async def test_other_content_is_an_error(serve: Serve, tmp_path: Path, answer: bytes, message: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=answer)

    with pytest.raises(load("pages").BadList, match=message):
        await read((await serve(handler)).url(), tmp_path / "cache")


async def test_pages_in_a_circle_end(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load("pages"), "MOST_PAGES", 5)

    async def circle(request: web.Request) -> web.Response:
        return web.json_response([1], headers={"Link": '</>; rel="next"', "Cache-Control": "no-store"})

    with pytest.raises(load("pages").BadList, match="more than 5"):
        await read((await serve(circle)).url(), tmp_path / "cache")


async def not_found(request: web.Request) -> web.Response:
    raise web.HTTPNotFound


async def test_bad_status_is_an_error(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(HttpRequestException, match="404"):
        await read((await serve(not_found)).url(), tmp_path / "cache")


async def test_server_that_is_away_is_an_error_after_the_retries(tmp_path: Path) -> None:
    pages = load("pages")
    async with pages.make_client(tmp_path / "cache") as client:
        client.retry = Retry(2, backoff=0.01)
        with refused_port() as port, pytest.raises(ConnectionRefused) as caught:
            await anext(pages.items(client, f"http://127.0.0.1:{port}/"))
    assert len(caught.value.request.history) == 2


async def test_program_prints_items_and_says_what_failed(
    serve: Serve, run_program: Callable[..., Awaitable[tuple[int, str, str]]], tmp_path: Path
) -> None:
    api = Api()
    site = await serve(api)
    cache = ["--cache", tmp_path / "cache"]
    status, output, errors = await run_program("pages.py", site.url("/items"), *cache, API_TOKEN="t0ken")
    assert (status, output.split()) == (0, ["10", "11", "20", "21", "30", "31"])
    assert errors.count("200 http://") == 3
    assert "t0ken" not in output + errors
    missing = await serve(not_found)
    status, output, errors = await run_program("pages.py", missing.url("/items"), *cache)
    assert (status, output) == (1, "")
    assert errors.splitlines()[-1].startswith("404 Not Found")
    assert "Traceback" not in errors
