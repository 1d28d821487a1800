"""What is kept of plugins for the process fits each client: changed classes, other options, threads, pluggy's late manager."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, Option, PluginError, Switch, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.distributions import Site, plugin_source


def make_class(log: list[str], word: str) -> type[Any]:
    class Watch:
        name = "watch"

        @hookimpl
        def on_headers(self, response: HttpResponse) -> None:
            log.append(word)

    return Watch


async def run(scripted: ScriptedServer, plugin: Any) -> None:
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        await client.get(scripted.url())


async def test_class_of_the_same_name_and_code_runs_its_own_function(scripted: ScriptedServer) -> None:
    log: list[str] = []
    scripted.always(response(b""))
    for word in ("one", "two"):
        await run(scripted, make_class(log, word)())
    assert log == ["one", "two"]


async def test_hook_that_is_replaced_on_its_class_counts_for_the_next_client(scripted: ScriptedServer) -> None:
    log: list[str] = []
    scripted.always(response(b""))
    watch = make_class(log, "first")
    await run(scripted, watch())

    @hookimpl
    def on_headers(self: Any, response: HttpResponse) -> None:
        log.append("second")

    watch.on_headers = on_headers
    await run(scripted, watch())
    watch.post_request = hookimpl(specname="post_request")(lambda self, response: log.append("added"))
    await run(scripted, watch())
    del watch.on_headers
    await run(scripted, watch())
    assert log == ["first", "second", "second", "added", "added"]


async def test_function_whose_code_is_replaced_is_checked_again() -> None:
    class Changed:
        @hookimpl
        def on_headers(self, response: HttpResponse) -> None: ...

    HttpClient(autoload=False, plugins=[Changed()])

    def wrong(self: Any, respons: HttpResponse) -> None: ...

    Changed.on_headers.__code__ = wrong.__code__
    with pytest.raises(PluginError, match="unknown argument 'respons'"):
        HttpClient(autoload=False, plugins=[Changed()])


async def test_hook_of_one_object_runs_for_that_object_alone(scripted: ScriptedServer) -> None:
    log: list[str] = []
    scripted.always(response(b""))
    watch = make_class(log, "of the class")
    special = watch()

    @hookimpl
    def on_headers(response: HttpResponse) -> None:
        log.append("of the object")

    special.on_headers = on_headers
    for plugin in (watch(), special, watch()):
        await run(scripted, plugin)
    assert log == ["of the class", "of the object", "of the class"]


def test_switch_that_an_object_lacks_is_an_error_though_another_has_it() -> None:
    class Switched:
        def __init__(self, has_switch: bool) -> None:
            self.is_on = Switch() if has_switch else None

        @hookimpl(switch="is_on")
        def on_headers(self, response: HttpResponse) -> None: ...

    HttpClient(autoload=False, plugins=[Switched(True)])
    with pytest.raises(PluginError, match="switch='is_on' names no"):
        HttpClient(autoload=False, plugins=[Switched(False)])


def test_order_follows_before_and_after_of_the_moment() -> None:
    def named(word: str, **attributes: Any) -> Any:
        found = make_class([], word)()
        found.name = word
        vars(found).update(attributes)
        return found

    def order(*plugins: Any) -> list[str]:
        return [info.name for info in HttpClient(autoload=False, plugins=plugins).plugins]

    assert order(named("a"), named("b")) == ["a", "b"]
    assert order(named("a", after="b"), named("b")) == ["b", "a"]
    with pytest.raises(PluginError, match="form a cycle"):
        order(named("a", after="b"), named("b", after=["a"]))
    assert order(named("a"), named("b", before=["a"])) == ["b", "a"]


async def test_options_of_two_clients_stay_apart(scripted: ScriptedServer) -> None:
    class Optional:
        def __init__(self, default: int) -> None:
            self.default = default

        @hookimpl
        def declare(self) -> list[Option]:
            return [Option("depth", self.default, convert=lambda value: value + self.default)]

    scripted.always(response(b""))
    found = []
    for default in (1, 2):
        async with HttpClient(autoload=False, plugins=[Optional(default)]) as client:
            for keywords in ({"depth": 10}, {"depth": 10}, {}):
                answer: Any = await client.get(scripted.url(), **keywords)
                found.append(answer.request.depth)
    assert found == [11, 11, 1, 12, 12, 2]


async def test_keywords_that_were_options_are_unknown_once_their_plugin_is_gone(scripted: ScriptedServer) -> None:
    class Deep:
        name = "deep"

        @hookimpl
        def declare(self) -> list[Option]:
            return [Option("depth")]

    scripted.always(response(b""))
    async with HttpClient(autoload=False, plugins=[Deep()]) as client:
        for _ in range(2):
            await client.get(scripted.url(), depth=1)
        with pytest.raises(TypeError, match="unexpected keyword 'depth'"):
            await client.get(scripted.url(), depth=1, disable=["deep"])
        client.plugins.manager.unregister(name="deep")
        with pytest.raises(TypeError, match="unexpected keyword 'depth'"):
            await client.get(scripted.url(), depth=1)


def test_manager_has_the_plugins_and_the_changes_from_before_it_was_read() -> None:
    first, second = make_class([], "")(), make_class([], "")()
    second.name = "second"
    client = HttpClient(autoload=False, plugins=[first, second])
    manager = client.plugins.manager
    assert manager is client.plugins.manager
    assert manager.get_plugins() == {first, second}
    assert len(manager.hook.on_headers.get_hookimpls()) == 2
    manager.unregister(first)
    assert (manager.get_plugins(), [info.name for info in client.plugins]) == ({second}, ["second"])
    manager.set_blocked("second")
    assert manager.register(second, "second") is None
    assert len(client.plugins) == 0


def test_classes_are_not_kept_alive() -> None:
    def use() -> weakref.ref[Any]:
        watch = make_class([], "gone")
        HttpClient(autoload=False, plugins=[watch()])
        return weakref.ref(watch)

    found = use()
    gc.collect()
    assert found() is None


def test_threads_make_clients_at_once() -> None:
    faults: list[BaseException] = []
    start = threading.Barrier(8)

    def work() -> None:
        try:
            start.wait(60)
            for _ in range(10):
                watch = make_class([], "")
                client = HttpClient(plugins=[watch()])
                assert client.plugins["watch"].hooks == ("on_headers",)
                assert client.plugins.manager.has_plugin("watch")
        except BaseException as error:  # noqa: BLE001  # the test fails with it
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not faults


def test_broken_and_disabled_plugins_do_not_change_the_next_client(site: Site) -> None:
    site.install("acme-good", plugin_source("Good"), {"good": "Good"})
    site.install("acme-bad", "raise RuntimeError('at import')", {"bad": "Bad"})
    for _ in range(2):
        with pytest.raises(PluginError, match="cannot be imported"):
            HttpClient()
        assert [info.name for info in HttpClient(broken_plugins="skip").plugins] == ["good"]
        assert [info.name for info in HttpClient(disable=["bad"]).plugins] == ["good"]
        assert len(HttpClient(disable=["bad", "good"]).plugins) == 0
