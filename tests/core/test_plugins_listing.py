"""How plugins are named, listed and explained; and the same with distributions installed from wheels."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pluggy
import pytest

from hookline import HttpClient, Option, PluginError, Scheme, Switch, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.distributions import Site, build_wheel, plugin_source
from kit.environments import Environment
from kit.environments import run as run_program
from kit.recorder import Recorder, client_with, on, plugin

CORE = Path(__file__).resolve().parents[2] / "core"


class MyPlugin:
    @hookimpl
    def pre_request(self, response: Any) -> None: ...


def test_object_is_named_by_its_name_else_by_its_class_and_numbered() -> None:
    client = HttpClient(plugins=[MyPlugin(), Recorder([], "Acme-Log"), MyPlugin(), MyPlugin()], autoload=False)
    assert [info.name for info in client.plugins] == ["acme_log", "myplugin", "myplugin#2", "myplugin#3"]
    assert len(HttpClient(plugins=[MyPlugin(), MyPlugin()], autoload=False, disable=["myplugin"]).plugins) == 1


async def test_object_of_a_call_is_numbered_too(scripted: ScriptedServer) -> None:
    log: list[Any] = []
    scripted.always(response())
    async with client_with(Recorder(log)) as client:
        await client.get(scripted.url(), plugins=[Recorder(log), Recorder(log)])
        assert len(log) == 9
        again = Recorder([], "again")
        for _ in range(2):  # one object, one configuration
            await client.get(scripted.url(), plugins=[again])
        assert len(again.log) == 6
        assert [info.name for info in client.plugins] == ["recorder"]
        with pytest.raises(
            PluginError, match=r"plugins=\['recoder'\]: no plugin of that name is installed; did you mean"
        ):
            await client.get(scripted.url(), plugins=["recoder"], disable=[])
        with pytest.raises(PluginError, match="take lists, not one string"):
            await client.get(scripted.url(), disable="recorder")


def test_one_object_twice_is_an_error() -> None:
    one = MyPlugin()
    with pytest.raises(PluginError, match="contains the object named 'myplugin' twice"):
        HttpClient(plugins=[one, one], autoload=False)


def test_list_names_distribution_version_hooks_and_options(site: Site) -> None:
    body = "class Base:\n    @hookimpl\n    def declare(self): return [Option('hue'), Option('shade')]"
    site.install(
        "acme-color",
        plugin_source("Color", body=body).replace("class Color:", "class Color(Base):"),
        {"color": "Color"},
    )
    mine = MyPlugin()
    plugins = HttpClient(plugins=[mine]).plugins
    color, own = plugins
    assert (color.name, color.distribution, color.version) == ("color", "acme-color", "1.0")
    assert (color.hooks, color.options) == (("pre_request",), ("hue", "shade"))
    assert (own.name, own.distribution, own.version, own.plugin) == ("myplugin", None, None, mine)
    assert plugins["color"] == color
    assert "color" in plugins
    assert "colour" not in plugins
    with pytest.raises(KeyError):
        plugins["colour"]
    assert repr(plugins) == "<Plugins color, myplugin>"


def test_infos_of_one_plugin_are_equal_and_show_their_values() -> None:
    client = HttpClient(plugins=[MyPlugin(), MyPlugin()], autoload=False)
    first, second = client.plugins
    client.event("on_headers").bind(print)  # makes new infos
    again = client.plugins["myplugin"]
    assert again == first
    assert hash(again) == hash(first)
    assert first != second
    assert first not in [*HttpClient(plugins=[MyPlugin()], autoload=False).plugins]
    assert repr(first) == (
        "PluginInfo(name='myplugin', distribution=None, version=None, hooks=('pre_request',), options=(),"
        f" plugin={first.plugin!r})"
    )


def test_list_stands_in_order() -> None:
    plugins = [
        plugin(n, after=a, pre_request=hookimpl(specname="pre_request")(lambda self: None))
        for n, a in ("ab", "bc", "c ")
    ]
    assert [info.name for info in HttpClient(plugins=plugins, autoload=False).plugins] == ["c", "b", "a"]


def test_explain_says_who_runs_in_which_order_and_why(site: Site) -> None:
    site.install("hookline-cookies", plugin_source("Cookies"), {"cookies": "Cookies"})
    site.install("acme-cookies", plugin_source("Jar", attributes="replaces = 'cookies'"), {"jar": "Jar"})
    site.install("hookline-gate", plugin_source("Gate"), {"gate": "Gate"}, group="hookline.optional")
    plugins = [
        on("pre_request", lambda self: None, "signs", trylast=True),
        on("on_headers", lambda self: None, "picky", statuses=[401, 302], headers=["Set-Cookie"], schemes=["ws"]),
        on("on_headers", lambda self: None, "plain"),
    ]
    type(plugins[2]).before = "picky"
    client = HttpClient(plugins=plugins, disable=[])
    client.event("pre_request").bind(lambda response: None)
    text = client.plugins.explain()
    lines = text.splitlines()
    start = lines.index("pre_request")
    assert "bound by the user, before the plugins" in lines[start + 1]
    assert lines[start + 2 : start + 4] == ["  2. jar: by name", "  3. signs: trylast"]
    start = lines.index("on_headers")
    assert lines[start + 1] == "  1. plain: before picky"
    assert lines[start + 2] == (
        "  2. picky: after plain, which says before; statuses 302, 401; headers set-cookie; schemes ws"
    )
    assert lines[lines.index("data_received") + 1] == "  no implementation"
    assert client.plugins.order("pre_request")[1:] == [("jar", "by name"), ("signs", "trylast")]
    assert "not running: cookies (replaced by jar)" in lines
    assert "not running: gate (optional)" in lines


def test_order_of_what_is_no_event_is_an_error() -> None:
    with pytest.raises(PluginError, match="no event 'on_header'; did you mean 'on_headers'"):
        HttpClient(autoload=False).plugins.order("on_header")


def test_order_writes_a_long_run_of_statuses_as_a_range() -> None:
    picky = on("post_request", lambda self: None, "picky", statuses=[200, *range(400, 600), 302, 301, 303])
    client = HttpClient(plugins=[picky], autoload=False)
    assert client.plugins.order("post_request") == [("picky", "statuses 200, 301, 302, 303, 400-599")]


class Conditional:
    """Has each kind of preconditions of pre_request."""

    name = "conditional"

    def __init__(self) -> None:
        self.is_needed = Switch()

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("stamp", None), Option("seal", None)]

    @hookimpl(options=("stamp", "seal"), fields=("X-Stamp",), switch="is_needed")
    def pre_request(self, response: Any) -> None: ...


CONDITIONS = "option seal or stamp, field x-stamp or switch is_needed"


def test_order_says_for_which_requests_a_plugin_runs() -> None:
    client = HttpClient(plugins=[Conditional()], autoload=False)
    assert client.plugins.order("pre_request") == [("conditional", f"runs for {CONDITIONS}")]
    assert client.plugins.explain().splitlines()[1] == f"  1. conditional: runs for {CONDITIONS}"
    assert client.plugins["conditional"].runs_for == (
        "option seal",
        "option stamp",
        "field x-stamp",
        "switch is_needed",
    )


def test_order_says_why_a_plugin_always_runs() -> None:
    client = HttpClient(plugins=[Conditional()], autoload=False, stamp="blue")
    assert client.plugins.order("pre_request") == [("conditional", "always runs: option stamp is given")]
    conditional = Conditional()
    client = HttpClient(plugins=[conditional], autoload=False)
    conditional.is_needed.turn_on()
    assert client.plugins.order("pre_request") == [("conditional", "always runs: switch is_needed is on")]


def test_order_says_that_all_run_because_one_has_no_precondition() -> None:
    client = HttpClient(plugins=[Conditional(), on("pre_request", lambda self: None, "base")], autoload=False)
    base, conditional = client.plugins.order("pre_request")
    assert base == ("base", "by name")
    assert conditional == ("conditional", f"would run only for {CONDITIONS}, but base always runs")
    assert client.plugins["base"].runs_for == ()


def test_order_says_that_all_run_for_the_schemes_of_one() -> None:
    client = HttpClient(
        plugins=[Conditional(), on("pre_request", lambda self: None, "base", schemes=["https"])], autoload=False
    )
    assert client.plugins.order("pre_request") == [
        ("base", "schemes https, for which no other is skipped"),
        ("conditional", f"runs for {CONDITIONS}"),
    ]


def test_order_says_that_all_run_because_of_a_handler() -> None:
    def look(response: Any) -> None: ...

    client = HttpClient(plugins=[Conditional()], autoload=False)
    client.event("pre_request").bind(look)
    (name, _), conditional = client.plugins.order("pre_request")
    assert conditional == ("conditional", f"would run only for {CONDITIONS}, but {name} always runs")


async def test_manager_is_a_real_plugin_manager(scripted: ScriptedServer) -> None:
    log: list[Any] = []
    scripted.always(response())
    async with client_with() as client:
        manager = client.plugins.manager
        assert isinstance(manager, pluggy.PluginManager)
        manager.register(plugin("late", declare=hookimpl(specname="declare")(lambda self: [Option("late_one", 7)])))
        manager.register(Recorder(log))
        assert manager.has_plugin("late")
        found = await client.get(scripted.url(), late_one=8)
        assert found.request.late_one == 8
        assert client.late_one == 7
        manager.unregister(name="late")
        with pytest.raises(TypeError, match="unexpected keyword 'late_one'"):
            await client.get(scripted.url(), late_one=8)
    assert len(log) == 3


async def test_manager_refuses_what_does_not_fit_and_keeps_nothing_of_it() -> None:
    async with client_with() as client:
        manager = client.plugins.manager
        first = plugin("first", declare=hookimpl(specname="declare")(lambda self: [Scheme("gopher", 70)]))
        second = plugin("second", declare=hookimpl(specname="declare")(lambda self: [Scheme("gopher", 70)]))
        manager.register(first)
        with pytest.raises(PluginError, match=r"first.*second.*both serve the scheme 'gopher'"):
            manager.register(second)
        assert not manager.has_plugin("second")
        assert "second" not in [found.name for found in client.plugins]
        manager.unregister(first)
        manager.register(second)


PROGRAM = """
import sys, hookline
client = hookline.HttpClient()
print(*[(i.name, i.distribution, i.version) for i in client.plugins])
"""


def test_plugins_that_were_installed_from_wheels_are_found(tmp_path: Path) -> None:
    fresh = Environment(tmp_path / "venv")
    wheels = [
        build_wheel(tmp_path, "acme-paint", plugin_source("Paint"), {"paint": "Paint"}),
        build_wheel(
            tmp_path, "brown-paint", plugin_source("Oil", attributes="replaces = 'paint'"), {"oil": "Oil"}, "1.1"
        ),
    ]
    outside = Site(tmp_path / "site")
    outside.path.mkdir()
    outside.shadow_installed()
    paths = [str(CORE), *(path for path in sys.path if path.endswith("site-packages"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(outside.path), *paths])}

    def run() -> str:
        return run_program(fresh.python, "-c", PROGRAM, environment=environment).strip()

    fresh.install(wheels[0], index=False)
    assert run() == "('paint', 'acme-paint', '1.0')"
    fresh.install(wheels[1], index=False)
    assert run() == "('oil', 'brown-paint', '1.1')"
