"""Implementations of pre_request that have nothing to do for a plain request: who wakes them, and that all wake together."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import HttpClient, Option, PluginError, Switch, hookimpl
from hookline_testing.server import ScriptedServer, response


class Sleeper:
    """Counts how often it is asked."""

    def __init__(self, name: str = "sleeper") -> None:
        self.name = name
        self.asked = 0
        self.ready = Switch()

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option(f"{self.name}_option", None)]

    @hookimpl(options=("sleeper_option",), fields=("X-Wake",), switch="ready")
    def pre_request(self, response: Any) -> None:
        self.asked += 1


class Follower:
    name = "follower"

    @hookimpl(statuses=(302,))
    def post_request(self, response: Any, exc: BaseException | None) -> Any:
        return response.request.follow(response.headers["location"], cause="redirect")


@pytest.mark.parametrize(
    "given",
    [{"sleeper_option": 1}, {"sleeper_option": None}, {"headers": {"x-wake": "1"}}, {"headers": [("X-WAKE", "1")]}],
    ids=["option", "option None", "field", "field of any case"],
)
async def test_sleeper_is_asked_only_when_the_call_gives_a_reason(scripted: ScriptedServer, given: Any) -> None:
    scripted.always(response())
    sleeper = Sleeper()
    async with HttpClient(autoload=False, plugins=[sleeper]) as client:
        await client.get(scripted.url())
        await client.post(scripted.url(), data=b"x", headers={"X-Other": "1"}, timeout=5)
        assert sleeper.asked == 0
        await client.get(scripted.url(), **given)
        await client.get(scripted.url(), **given)
        assert sleeper.asked == 2
        await client.get(scripted.url())
        assert sleeper.asked == 2


async def test_option_of_the_client_wakes_the_sleeper(scripted: ScriptedServer) -> None:
    scripted.always(response())
    sleeper = Sleeper()
    async with HttpClient(autoload=False, plugins=[sleeper], sleeper_option=1) as client:
        await client.get(scripted.url())
        assert sleeper.asked == 1
        client.sleeper_option = None
        await client.get(scripted.url())
        assert sleeper.asked == 1
        client.sleeper_option = 0
        await client.get(scripted.url())
        assert sleeper.asked == 2


async def test_switch_wakes_the_sleeper_for_good(scripted: ScriptedServer) -> None:
    scripted.always(response())
    sleeper = Sleeper()
    async with HttpClient(autoload=False, plugins=[sleeper]) as client:
        await client.get(scripted.url())
        sleeper.ready.turn_on()
        sleeper.ready.turn_on()
        await client.get(scripted.url())
        assert sleeper.asked == 1
        assert client.event("pre_request").bind(lambda response, exc=None: None)  # makes new plans
        await client.get(scripted.url())
        assert sleeper.asked == 2
    assert repr(sleeper.ready) == "<Switch on>"


async def test_userinfo_wakes_sleepers(scripted: ScriptedServer) -> None:
    scripted.always(response())
    sleeper = Sleeper()
    async with HttpClient(autoload=False, plugins=[sleeper]) as client:
        await client.get(scripted.url().replace("//", "//me:secret@"))
        assert sleeper.asked == 1
        await client.get(scripted.url())
        assert sleeper.asked == 1


async def test_follow_ups_and_sub_requests_wake_sleepers(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 302, [("Location", scripted.url("/there"))]), response(), response())
    sleeper = Sleeper()
    async with HttpClient(autoload=False, plugins=[sleeper, Follower()]) as client:
        found = await client.get(scripted.url())
        assert sleeper.asked == 1
        request = client.new_request("GET", scripted.url(), cause="call", parent=found.request)
        request.parent = None  # as if a user had sent it
        await client.exchange(request)
        assert sleeper.asked == 2


@pytest.mark.parametrize("other", ["handler", "handler of the call", "plugin"])
async def test_all_are_asked_when_one_is_awake(scripted: ScriptedServer, other: str) -> None:
    class Awake:
        name = "awake"

        @hookimpl
        def pre_request(self, response: Any) -> None:
            response.request.sleeper_option = 1  # which the sleeper looks at

    scripted.always(response())
    sleeper = Sleeper()
    given: Any = {}
    async with HttpClient(autoload=False, plugins=[sleeper, *([Awake()] if other == "plugin" else [])]) as client:
        if other == "handler":
            client.event("pre_request").bind(lambda response, exc=None: None)
        elif other == "handler of the call":
            given = {"pre_request": lambda response, exc=None: None}
        await client.get(scripted.url(), **given)
        assert sleeper.asked == 1


async def test_two_sleepers_wake_together(scripted: ScriptedServer) -> None:
    scripted.always(response())
    one, two = Sleeper(), Sleeper("other")
    async with HttpClient(autoload=False, plugins=[one, two]) as client:
        await client.get(scripted.url(), sleeper_option=1)
        two.ready.turn_on()
        await client.get(scripted.url())
    assert (one.asked, two.asked) == (2, 2)


async def test_each_call_with_other_plugins_has_its_own_sleepers(scripted: ScriptedServer) -> None:
    scripted.always(response())
    sleeper = Sleeper()
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url(), plugins=[sleeper])
        assert sleeper.asked == 0
        sleeper.ready.turn_on()
        await client.get(scripted.url(), plugins=[sleeper])
        assert sleeper.asked == 1


def test_switch_has_to_be_there() -> None:
    class Wrong:
        name = "wrong"

        @hookimpl(switch="nothing")
        def pre_request(self, response: Any) -> None: ...

    with pytest.raises(PluginError, match=r"plugin 'wrong'.*pre_request.*switch='nothing' names no hookline.Switch"):
        HttpClient(autoload=False, plugins=[Wrong()])


@pytest.mark.parametrize("condition", [{"options": ["a"]}, {"fields": ["a"]}, {"switch": "a"}])
@pytest.mark.parametrize("event", ["on_headers", "post_request", "data_received"])
def test_other_events_know_no_sleep(event: str, condition: Any) -> None:
    def run(self: Any, response: Any) -> None: ...

    plugin = type("Wrong", (), {"name": "wrong", event: hookimpl(**condition, specname=event)(run)})()
    with pytest.raises(PluginError, match=f"{event} knows no precondition {next(iter(condition))}="):
        HttpClient(autoload=False, plugins=[plugin])
