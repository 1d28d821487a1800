"""`switch=` on on_headers, post_request and the connection hooks: left out until the plugin turns the switch on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, Option, Switch, hookimpl
from hookline_testing.server import ScriptedServer, response

HOOKS = ["connecting", "connected", "on_headers", "post_request"]


class Watch:
    """Notes which of its hooks are called once it is used."""

    def __init__(self) -> None:
        self.is_used = Switch()
        self.seen: list[str] = []

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("watched", None, convert=self.convert)]

    def convert(self, value: Any) -> Any:
        self.is_used.turn_on()
        return value

    @hookimpl(switch="is_used")
    def connecting(self) -> None:
        self.seen.append("connecting")

    @hookimpl(switch="is_used")
    def connected(self) -> None:
        self.seen.append("connected")

    @hookimpl(switch="is_used")
    def on_headers(self, response: HttpResponse) -> None:
        self.seen.append("on_headers")

    @hookimpl(switch="is_used")
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        self.seen.append("post_request")


async def test_hooks_are_left_out_until_the_switch_is_on(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    watch = Watch()
    async with HttpClient(autoload=False, plugins=[watch]) as client:
        await client.get(scripted.url())
        assert (watch.seen, client.configuration.connection_hooks) == ([], None)
        await client.get(scripted.url(), watched=1)  # on the same connection, whose last head is the same
        assert watch.seen == HOOKS[1:]
        await client.get(scripted.url(host="localhost"))
        assert watch.seen[3:] == HOOKS


async def test_switch_that_a_value_of_the_client_turns_on(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    watch = Watch()
    async with HttpClient(autoload=False, plugins=[watch], watched=1) as client:
        await client.get(scripted.url())
        await client.get(scripted.url(), plugins=[Other()])  # another configuration, made when the switch is on
    assert watch.seen == [*HOOKS, *HOOKS[1:]]


async def test_switch_that_is_turned_on_amid_a_call_holds_for_the_rest_of_it(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))
    watch = Watch()
    async with HttpClient(autoload=False, plugins=[watch, Other(watch.is_used.turn_on)]) as client:
        await client.get(scripted.url())
    assert watch.seen == HOOKS


async def test_hooks_without_a_switch_run_beside_those_that_wait(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x", headers=[("X-Mark", "1")]))
    watch, called = Watch(), []

    class Plain:
        @hookimpl
        def connected(self) -> None:
            called.append("connected")

        @hookimpl(headers=("x-mark",))
        def on_headers(self, response: HttpResponse) -> None:
            called.append("on_headers")

    async with HttpClient(autoload=False, plugins=[watch, Plain()]) as client:
        await client.get(scripted.url())
        assert (called, watch.seen) == (["connected", "on_headers"], [])
        watch.is_used.turn_on()
        await client.get(scripted.url())
    assert (called, watch.seen) == (["connected", "on_headers"] * 2, HOOKS[1:])


async def test_switch_of_another_hook_calls_no_pre_request(scripted: ScriptedServer) -> None:
    scripted.always(response(b"x"))

    class Careful(Watch):
        @hookimpl(options=("watched",))
        def pre_request(self, response: HttpResponse) -> None:
            self.seen.append("pre_request")

    watch = Careful()
    async with HttpClient(autoload=False, plugins=[watch]) as client:
        await client.get(scripted.url())
        watch.is_used.turn_on()
        await client.get(scripted.url())
    assert "pre_request" not in watch.seen


@pytest.mark.parametrize("hook", HOOKS)
async def test_explanation_says_that_the_switch_decides(hook: str) -> None:
    watch = Watch()
    async with HttpClient(autoload=False, plugins=[watch, Other()]) as client:
        assert client.plugins.order(hook) == [("watch", "runs for switch is_used")]
        watch.is_used.turn_on()
        assert client.plugins.order(hook) == [("watch", "always runs: switch is_used is on")]


class Other:
    """Does something in pre_request, without a precondition."""

    def __init__(self, act: Callable[[], Any] = lambda: None) -> None:
        self.act = act

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        self.act()
