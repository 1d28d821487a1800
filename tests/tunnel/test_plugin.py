"""The plugin alone with core, disabled, replaced by another; its README."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import DirectRoute, HttpClient, Option, hookimpl
from hookline_testing.server import ScriptedServer, response
from hookline_tunnel import Tunnel
from kit.readme import python_blocks, run_block


@pytest.mark.parametrize("plugin", ["tunnel", Tunnel])
async def test_tunnel_alone_with_core(scripted: ScriptedServer, plugin: Any) -> None:
    scripted.always(response(b"carried"))
    given = plugin if isinstance(plugin, str) else plugin()
    async with HttpClient(autoload=False, plugins=[given], proxies={"all": scripted.url()}) as client:
        assert [found.name for found in client.plugins] == ["tunnel"]
        assert (await client.get("http://origin.example/")).content == b"carried"


def test_entry_point_loads_the_plugin_for_every_client() -> None:
    client = HttpClient(require=["tunnel"])
    found = next(found for found in client.plugins if found.name == "tunnel")
    assert (found.distribution, found.hooks, found.options) == ("hookline-tunnel", ("pre_request",), ("proxies",))


async def test_tunnel_disabled(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    scripted.always(response(b"straight"))
    async with HttpClient(disable=["tunnel"]) as client:
        answer = await client.get(scripted.url())
        assert answer.content == b"straight"
        assert not hasattr(answer.request, "proxy")
        with pytest.raises(TypeError, match="disabled"):
            await client.get(scripted.url(), proxies={})
    with pytest.raises(TypeError, match="disabled"):
        HttpClient(disable=["tunnel"], proxies={})
    async with HttpClient() as client:
        assert (await client.get(scripted.url(), disable=["tunnel"])).content == b"straight"


async def test_tunnel_added_to_a_call(scripted: ScriptedServer) -> None:
    scripted.always(response(b"carried"))
    async with HttpClient(autoload=False) as client:
        answer = await client.get("http://o.example/", plugins=[Tunnel()], proxies={"all": scripted.url()})
    assert answer.content == b"carried"


class Always:
    """Sends everything to one port of this machine."""

    name = "always"
    replaces = "tunnel"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("port")]

    @hookimpl(trylast=True)
    def pre_request(self, response: Any) -> None:
        request = response.request
        request.route = DirectRoute("http", "127.0.0.1", request.port)
        request.target = f"http://{request.origin.authority}{request.target}"


async def test_tunnel_replaced(scripted: ScriptedServer) -> None:
    scripted.always(response(b"carried"))
    async with HttpClient(plugins=[Always()], port=scripted.port) as client:
        assert (await client.get("http://origin.example/x")).content == b"carried"
        with pytest.raises(TypeError, match="replaced by"):
            await client.get("http://origin.example/", proxies={})
    assert scripted.requests[0].target == "http://origin.example/x"


def test_it_runs_last_before_the_request() -> None:
    client = HttpClient()
    order = [line for line in client.plugins.explain().splitlines() if "tunnel" in line]
    assert order


async def test_proxy_is_chosen_once_for_each_origin(make_scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, origin = make_scripted(), make_scripted()
    for server in (proxy, origin):
        server.always(response())
    monkeypatch.setenv("http_proxy", proxy.url())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    mine = Tunnel()
    async with HttpClient(autoload=False, plugins=[mine]) as client:
        for url in (origin.url("/1"), "http://o.example/", origin.url("/2"), "http://o.example/?x"):
            await client.get(url)
        assert [chosen and chosen.port for chosen in mine.environment.chosen.values()] == [None, proxy.port]


async def test_remembered_proxies_do_not_grow_without_end(scripted: ScriptedServer) -> None:
    scripted.always(response())
    mine = Tunnel()
    async with HttpClient(autoload=False, plugins=[mine], proxies={"all": scripted.url()}) as client:
        for number in range(1100):
            request = client.new_request("GET", f"http://h{number}.example/", cause="test")
            mine.choose(request, request.proxies)
        assert len(request.proxies.chosen) <= 1024


@pytest.mark.parametrize("code", python_blocks("tunnel"))
def test_example_of_the_readme_runs(code: str, scripted: ScriptedServer) -> None:
    scripted.always(response(b"carried"))
    code = code.replace("127.0.0.1:3128", f"127.0.0.1:{scripted.port}")
    assert run_block(code, "http://origin.example/") == f"200 through http://127.0.0.1:{scripted.port}\n"
    assert scripted.requests[0].target == "http://origin.example/"
