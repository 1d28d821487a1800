"""The plugin alone with core, disabled, and replaced by another."""

from __future__ import annotations

from typing import Any

import pytest

import hookline
from hookline import HttpClient, Option, hookimpl
from hookline_redirects import Redirects, TooManyRedirects
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

MOVED = response(b"", 302, [("Location", "/two")])


@pytest.mark.protocols("HTTP/1.1")
async def test_redirects_alone_with_core(scripted: ScriptedServer) -> None:
    scripted.answer(MOVED, response(b"ok"))
    async with HttpClient(autoload=False, plugins=["redirects"]) as client:
        assert [plugin.name for plugin in client.plugins] == ["redirects"]
        assert (await client.get(scripted.url())).content == b"ok"


async def test_redirects_given_as_an_object(scripted: ScriptedServer) -> None:
    scripted.answer(MOVED, response(b"ok"))
    async with HttpClient(autoload=False, plugins=[Redirects()]) as client:
        assert (await client.get(scripted.url())).content == b"ok"


async def test_redirects_disabled(scripted: ScriptedServer) -> None:
    scripted.answer(MOVED, MOVED)
    async with HttpClient(disable=["redirects"]) as client:
        assert (await client.get(scripted.url())).status_code == 302
        with pytest.raises(TypeError, match="disabled"):
            await client.get(scripted.url(), allow_redirects=True)
    async with HttpClient() as client:
        assert (await client.get(scripted.url(), disable=["redirects"])).status_code == 302


class OnceByHead:
    """Follows one redirect, and asks with HEAD there."""

    name = "once_by_head"
    replaces = "redirects"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("allow_redirects", True)]

    @hookimpl(statuses=(302,))
    def on_headers(self, response: Any) -> None:
        response.buffer()

    @hookimpl(statuses=(302,), headers=("location",))
    def post_request(self, response: Any, exc: Any) -> Any:
        request = response.request
        if exc is not None or response.history or not request.allow_redirects:
            return None
        return request.follow(request.url + "two", cause="redirect", method="HEAD", body=None)


async def test_redirects_replaced(scripted: ScriptedServer) -> None:
    scripted.answer(MOVED, MOVED)
    async with HttpClient(plugins=[OnceByHead()]) as client:
        got = await client.get(scripted.url())
        assert (got.status_code, len(got.history)) == (302, 1)
        assert [request.method for request in scripted.requests] == ["GET", "HEAD"]
        with pytest.raises(TypeError, match="replaced by"):
            await client.get(scripted.url(), max_redirects=3)


def test_error_is_exported_by_hookline() -> None:
    assert hookline.TooManyRedirects is TooManyRedirects
    assert issubclass(TooManyRedirects, hookline.HttpRequestException)
