"""The plugin alone with core, disabled, added to one call, and replaced by another."""

from typing import Any

import pytest

from hookline import HttpClient, Option, hookimpl
from hookline_cookies import Cookies
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

SET = response(b"", 200, [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "tracker=2; Path=/")])


def sent(server: ScriptedServer) -> list[str | None]:
    return [request.header("cookie") for request in server.requests]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("plugin", ["cookies", Cookies])
async def test_cookies_alone_with_core(scripted: ScriptedServer, plugin: Any) -> None:
    scripted.answer(SET, response())
    async with HttpClient(autoload=False, plugins=[plugin if isinstance(plugin, str) else plugin()]) as client:
        assert [found.name for found in client.plugins] == ["cookies"]
        assert (await client.get(scripted.url())).cookies == {"a": "1", "tracker": "2"}
        await client.get(scripted.url(), cookies={"b": "2"})
    assert sent(scripted) == [None, "b=2; a=1; tracker=2"]


async def test_entry_point_loads_cookies_for_every_client() -> None:
    async with HttpClient(require=["cookies"]) as client:
        found = next(found for found in client.plugins if found.name == "cookies")
    assert found.distribution == "hookline-cookies"
    assert found.hooks == ("pre_request", "on_headers")
    assert found.options == ("cookies", "store_cookies")


async def test_cookies_disabled_for_a_client(scripted: ScriptedServer) -> None:
    scripted.answer(SET, response())
    async with HttpClient(disable=["cookies"]) as client:
        answer = await client.get(scripted.url())
        await client.get(scripted.url())
        assert not hasattr(answer, "cookies")
        assert not hasattr(client, "cookies")
        with pytest.raises(TypeError, match="disabled"):
            await client.get(scripted.url(), cookies={"a": "1"})
    with pytest.raises(TypeError, match="disabled"):
        HttpClient(disable=["cookies"], cookies={"a": "1"})
    assert sent(scripted) == [None, None]


async def test_cookies_disabled_for_a_call(scripted: ScriptedServer) -> None:
    scripted.answer(SET, SET, response())
    async with HttpClient(cookies={"b": "2"}) as client:
        await client.get(scripted.url())
        client.cookies.clear("tracker")
        await client.get(scripted.url(), disable=["cookies"])
        await client.get(scripted.url())
        with pytest.raises(TypeError):
            await client.get(scripted.url(), disable=["cookies"], cookies={"a": "1"})
    assert sent(scripted) == ["b=2", None, "a=1; b=2"]


async def test_cookies_added_to_a_call_keep_their_jar(scripted: ScriptedServer) -> None:
    scripted.answer(SET, response(), response())
    mine = Cookies()
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url(), plugins=[mine])
        await client.get(scripted.url())
        await client.get(scripted.url(), plugins=[mine], cookies={"b": "2"})
    assert sent(scripted) == [None, None, "b=2; a=1; tracker=2"]
    assert mine.jar["a"] == "1"


class AllowedCookies:
    """Keeps the cookies of an allow-list, for each host, and knows no other rule."""

    name = "allowed_cookies"
    replaces = "cookies"

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed
        self.kept: dict[str, dict[str, str]] = {}

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("store_cookies", True)]

    @hookimpl
    def pre_request(self, response: Any) -> None:
        request = response.request
        if kept := self.kept.get(request.origin.host):
            request.unredirected_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())

    @hookimpl(headers=("set-cookie",))
    def on_headers(self, response: Any) -> None:
        for field in response.headers.getall("set-cookie"):
            name, _, value = field.partition(";")[0].partition("=")
            if name in self.allowed and response.request.store_cookies:
                self.kept.setdefault(response.request.origin.host, {})[name] = value


async def test_cookies_replaced_by_an_allow_list(scripted: ScriptedServer) -> None:
    scripted.answer(SET, response(), response())
    async with HttpClient(plugins=[AllowedCookies("a")]) as client:
        assert "cookies" not in [found.name for found in client.plugins]
        await client.get(scripted.url(), store_cookies=True)
        await client.get(scripted.url())
        with pytest.raises(TypeError, match=r"replaced by .?allowed_cookies"):
            await client.get(scripted.url(), cookies={"b": "2"})
    assert sent(scripted) == [None, "a=1"]


async def test_disabling_the_replaced_leaves_out_both(scripted: ScriptedServer) -> None:
    scripted.answer(SET, response())
    async with HttpClient(plugins=[AllowedCookies("a")], disable=["cookies"]) as client:
        await client.get(scripted.url())
        await client.get(scripted.url())
    assert sent(scripted) == [None, None]
