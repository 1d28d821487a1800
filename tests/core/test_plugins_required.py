"""What stands in `require` cannot be left out, replaced or unregistered, in whichever way somebody tries."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, PluginError, SyncHttpClient, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.distributions import Site, plugin_source
from kit.recorder import plugin

OPTIONAL = {"group": "hookline.optional"}
REPLACING = plugin_source("Open", attributes="replaces = 'gate'")


def mine(name: str = "mine", **attributes: Any) -> Any:
    """A plugin object that does nothing."""
    return plugin(name, pre_request=hookimpl(specname="pre_request")(lambda self: None), **attributes)


@pytest.fixture
def installed(site: Site) -> Site:
    """A gate, a distribution with two doors, and an optional plugin that would replace the gate."""
    site.install("hookline-gate", plugin_source("Gate"), {"gate": "Gate"})
    site.install("hookline-doors", plugin_source("Front", "Back"), {"front": "Front", "back": "Back"})
    site.install("hookline-open", REPLACING, {"open": "Open"}, **OPTIONAL)
    return site


STANDS = "plugin 'gate' (hookline-gate 1.0) stands in require= of the client and cannot be left out"
REPLACES = r"plugin '(open|mine)'.* replaces plugin 'gate' \(hookline-gate 1\.0\), which stands in require="

CALLS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "disable": (lambda: {"disable": ["gate"]}, re.escape(f"disable=['gate']: {STANDS}")),
    "disable-spelt-otherwise": (lambda: {"disable": ["Gate"]}, re.escape(STANDS)),
    "disable-distribution": (lambda: {"disable": ["hookline-gate"]}, re.escape(STANDS)),
    "disable-among-others": (lambda: {"disable": ["front", "gate"]}, re.escape(STANDS)),
    "optional-replacement": (lambda: {"plugins": ["open"]}, REPLACES),
    "replacement-by-its-distribution": (lambda: {"plugins": ["hookline-open"]}, REPLACES),
    "object-that-replaces": (lambda: {"plugins": [mine(replaces="gate")]}, REPLACES),
    "object-that-replaces-the-distribution": (lambda: {"plugins": [mine(replaces=["hookline-gate"])]}, REPLACES),
}


@pytest.mark.parametrize("way", CALLS)
def test_call_cannot_go_without_it(installed: Site, scripted: ScriptedServer, way: str) -> None:
    keywords, words = CALLS[way]
    scripted.always(response(b"ok"))
    with SyncHttpClient(require=["gate"]) as client:
        with pytest.raises(PluginError, match=words):
            client.get(scripted.url(), **keywords())
        assert scripted.requests == []
        client.get(scripted.url(), disable=["front"])
    assert scripted.requests[0].header("x-gate") == "here"


@pytest.mark.parametrize("way", CALLS)
def test_call_can_go_without_what_is_not_required(installed: Site, scripted: ScriptedServer, way: str) -> None:
    scripted.always(response(b"ok"))
    with SyncHttpClient() as client:
        client.get(scripted.url(), **CALLS[way][0]())
    assert len(scripted.requests) == 1


def test_object_of_its_name_does_not_take_its_place_in_a_call(installed: Site, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    with SyncHttpClient(require=["gate"]) as client:
        client.get(scripted.url(), plugins=[mine("gate")])
    assert scripted.requests[0].header("x-gate") == "here"


def test_optional_plugin_of_a_name_that_runs_does_not_take_its_place_in_a_call(
    installed: Site, scripted: ScriptedServer
) -> None:
    installed.install("acme-gate", plugin_source("Fake"), {"gate": "Fake"}, **OPTIONAL)
    with SyncHttpClient(disable=["front"]) as client, pytest.raises(PluginError, match="two plugins are named 'gate'"):
        client.get(scripted.url(), plugins=["acme-gate"])


def test_call_cannot_disable_what_a_required_replacement_replaces(installed: Site, scripted: ScriptedServer) -> None:
    with SyncHttpClient(require=["open"]) as client, pytest.raises(PluginError, match=r"'open' .* stands in require="):
        client.get(scripted.url(), disable=["gate"])


def test_sub_request_cannot_go_without_it(installed: Site) -> None:
    client = HttpClient(require=["gate"])
    with pytest.raises(PluginError, match=re.escape(STANDS)):
        client.new_request("GET", "http://127.0.0.1/", cause="token", disable=["gate"])


ENVIRONMENTS = {
    "disable": ({"HOOKLINE_DISABLE": "gate"}, "require=['gate']: it is disabled"),
    "disable-distribution": ({"HOOKLINE_DISABLE": "Hookline.Gate"}, "require=['gate']: it is disabled"),
    "replaced": (
        {"HOOKLINE_PLUGINS": "open"},
        "require=['gate']: it is replaced by plugin 'open' (hookline-open 1.0)",
    ),
    "without-autoload": ({"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "1"}, ""),
}


@pytest.mark.parametrize("way", ENVIRONMENTS)
def test_environment_cannot_leave_it_out(installed: Site, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    variables, words = ENVIRONMENTS[way]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if words:
        with pytest.raises(PluginError, match=re.escape(words)):
            HttpClient(require=["gate"])
    else:
        assert [info.name for info in HttpClient(require=["gate"]).plugins] == ["gate"]


@pytest.mark.parametrize("name", ["doors", "hookline-doors"])
def test_name_of_a_distribution_requires_all_its_plugins(
    installed: Site, monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer, name: str
) -> None:
    with SyncHttpClient(require=[name]) as client, pytest.raises(PluginError, match=r"'back' .* stands in require="):
        client.get(scripted.url(), disable=["back"])
    monkeypatch.setenv("HOOKLINE_DISABLE", "back")
    with pytest.raises(PluginError, match=r"require=\['(hookline_)?doors'\]: plugin 'back' is disabled"):
        HttpClient(require=[name])


def test_client_may_leave_out_one_plugin_of_a_distribution_that_it_requires(installed: Site) -> None:
    client = HttpClient(require=["doors"], disable=["back"])
    assert client.plugins["front"].is_required
    assert "back" not in client.plugins


def test_rival_of_its_name_may_be_left_out(installed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    installed.install("acme-gate", plugin_source("Fake"), {"gate": "Fake"})
    monkeypatch.setenv("HOOKLINE_DISABLE", "acme-gate")
    assert HttpClient(require=["gate"]).plugins["gate"].distribution == "hookline-gate"


@pytest.mark.parametrize("group", ["hookline", "hookline.optional"])
def test_installed_plugin_cannot_replace_it(installed: Site, group: str) -> None:
    installed.install("acme-open", REPLACING, {"wide": "Open"}, group=group)
    with pytest.raises(PluginError, match=r"require=\['gate'\]: it is replaced by plugin 'wide' \(acme-open 1\.0\)"):
        HttpClient(require=["gate"], plugins=["wide"])


def test_object_of_the_client_cannot_replace_it(installed: Site) -> None:
    with pytest.raises(PluginError, match=r"require=\['gate'\]: it is replaced by plugin 'mine'"):
        HttpClient(require=["gate"], plugins=[mine(replaces="gate")])


def test_manager_keeps_it(installed: Site) -> None:
    client = HttpClient(require=["gate"])
    manager: Any = client.plugins.manager
    gate = client.plugins["gate"].plugin
    ways: dict[str, Callable[[], Any]] = {
        "unregister": lambda: manager.unregister(gate),
        "unregister by name": lambda: manager.unregister(name="gate"),
        "set_blocked": lambda: manager.set_blocked("gate"),
        "register": lambda: manager.register(mine(replaces="gate")),
    }
    for way, remove in ways.items():
        with pytest.raises(PluginError, match="stands in require= of the client and cannot be left out"):
            remove()
        assert client.plugins["gate"].plugin is gate, way
    with pytest.raises(PluginError, match="already registered"):
        manager.register(mine(), name="gate")
    with pytest.raises(TypeError, match="mappingproxy"):
        del manager.infos["gate"]
    assert client.plugins["gate"].plugin is gate
    assert manager.get_plugin("gate") is gate
    assert not manager.is_blocked("gate")
    manager.unregister(name="front")  # the others can go


def test_object_can_be_required_by_its_name(scripted: ScriptedServer) -> None:
    with SyncHttpClient(plugins=[mine()], require=["mine"]) as client:
        assert client.plugins["mine"].is_required
        with pytest.raises(PluginError, match=r"plugin 'mine' stands in require="):
            client.get(scripted.url(), disable=["mine"])
