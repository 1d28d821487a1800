"""Implementations of pre_request with preconditions: when each of them holds, and that all run if one has to."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import HttpClient, Option, PluginError, Switch, hookimpl
from hookline_testing.server import ScriptedServer, response


class Conditional:
    """Counts how often it is called."""

    def __init__(self, name: str = "conditional") -> None:
        self.name = name
        self.calls = 0
        self.ready = Switch()

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option(f"{self.name}_option", None)]

    @hookimpl(options=("conditional_option",), fields=("X-Needed",), switch="ready")
    def pre_request(self, response: Any) -> None:
        self.calls += 1


class Follower:
    name = "follower"

    @hookimpl(statuses=(302,))
    def post_request(self, response: Any, exc: BaseException | None) -> Any:
        return response.request.follow(response.headers["location"], cause="redirect")


@pytest.mark.parametrize(
    "given",
    [
        {"conditional_option": 1},
        {"conditional_option": None},
        {"headers": {"x-needed": "1"}},
        {"headers": [("X-NEEDED", "1")]},
    ],
    ids=["option", "option None", "field", "field of any case"],
)
async def test_implementation_runs_only_if_a_precondition_holds_for_the_call(
    scripted: ScriptedServer, given: Any
) -> None:
    scripted.always(response())
    conditional = Conditional()
    async with HttpClient(autoload=False, plugins=[conditional]) as client:
        await client.get(scripted.url())
        await client.post(scripted.url(), data=b"x", headers={"X-Other": "1"}, timeout=5)
        assert conditional.calls == 0
        await client.get(scripted.url(), **given)
        await client.get(scripted.url(), **given)
        assert conditional.calls == 2
        await client.get(scripted.url())
        assert conditional.calls == 2


async def test_implementation_runs_for_an_option_of_the_client(scripted: ScriptedServer) -> None:
    scripted.always(response())
    conditional = Conditional()
    async with HttpClient(autoload=False, plugins=[conditional], conditional_option=1) as client:
        await client.get(scripted.url())
        assert conditional.calls == 1
        client.conditional_option = None
        await client.get(scripted.url())
        assert conditional.calls == 1
        client.conditional_option = 0
        await client.get(scripted.url())
        assert conditional.calls == 2


async def test_implementation_always_runs_after_its_switch_was_turned_on(scripted: ScriptedServer) -> None:
    scripted.always(response())
    conditional = Conditional()
    async with HttpClient(autoload=False, plugins=[conditional]) as client:
        await client.get(scripted.url())
        conditional.ready.turn_on()
        conditional.ready.turn_on()
        await client.get(scripted.url())
        assert conditional.calls == 1
        assert client.event("pre_request").bind(lambda response, exc=None: None)  # makes new dispatch tables
        await client.get(scripted.url())
        assert conditional.calls == 2
    assert repr(conditional.ready) == "<Switch on>"


async def test_implementation_runs_for_urls_with_userinfo(scripted: ScriptedServer) -> None:
    scripted.always(response())
    conditional = Conditional()
    async with HttpClient(autoload=False, plugins=[conditional]) as client:
        await client.get(scripted.url().replace("//", "//me:secret@"))
        assert conditional.calls == 1
        await client.get(scripted.url())
        assert conditional.calls == 1


async def test_implementation_runs_for_follow_ups_and_sub_requests(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 302, [("Location", scripted.url("/there"))]), response(), response())
    conditional = Conditional()
    async with HttpClient(autoload=False, plugins=[conditional, Follower()]) as client:
        found = await client.get(scripted.url())
        assert conditional.calls == 1
        request = client.new_request("GET", scripted.url(), cause="call", parent=found.request)
        request.parent = None  # as if a user had sent it
        await client.exchange(request)
        assert conditional.calls == 2


@pytest.mark.parametrize("other", ["handler", "handler of the call", "plugin"])
async def test_all_run_if_one_has_no_precondition(scripted: ScriptedServer, other: str) -> None:
    class Unconditional:
        name = "unconditional"

        @hookimpl
        def pre_request(self, response: Any) -> None:
            response.request.conditional_option = 1  # which the other reads

    scripted.always(response())
    conditional = Conditional()
    given: Any = {}
    async with HttpClient(
        autoload=False, plugins=[conditional, *([Unconditional()] if other == "plugin" else [])]
    ) as client:
        if other == "handler":
            client.event("pre_request").bind(lambda response, exc=None: None)
        elif other == "handler of the call":
            given = {"pre_request": lambda response, exc=None: None}
        await client.get(scripted.url(), **given)
        assert conditional.calls == 1


async def test_all_run_if_a_precondition_of_one_holds(scripted: ScriptedServer) -> None:
    scripted.always(response())
    one, two = Conditional(), Conditional("other")
    async with HttpClient(autoload=False, plugins=[one, two]) as client:
        await client.get(scripted.url(), conditional_option=1)
        two.ready.turn_on()
        await client.get(scripted.url())
    assert (one.calls, two.calls) == (2, 2)


async def test_plugin_of_a_call_is_skipped_too(scripted: ScriptedServer) -> None:
    scripted.always(response())
    conditional = Conditional()
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url(), plugins=[conditional])
        assert conditional.calls == 0
        conditional.ready.turn_on()
        await client.get(scripted.url(), plugins=[conditional])
        assert conditional.calls == 1


def test_switch_that_the_plugin_does_not_have_is_an_error() -> None:
    class Wrong:
        name = "wrong"

        @hookimpl(switch="nothing")
        def pre_request(self, response: Any) -> None: ...

    with pytest.raises(PluginError, match=r"plugin 'wrong'.*pre_request.*switch='nothing' names no hookline.Switch"):
        HttpClient(autoload=False, plugins=[Wrong()])


@pytest.mark.parametrize(
    ("event", "condition"),
    [
        (event, condition)
        for event in ("on_headers", "post_request", "data_received", "closed")
        for condition in ({"options": ["a"]}, {"fields": ["a"]}, {"switch": "a"})
        if "switch" not in condition or event in ("data_received", "closed")
    ],
)
def test_other_events_do_not_have_these_preconditions(event: str, condition: Any) -> None:
    def run(self: Any) -> None: ...

    plugin = type("Wrong", (), {"name": "wrong", event: hookimpl(**condition, specname=event)(run)})()
    with pytest.raises(PluginError, match=f"{event} has no precondition {next(iter(condition))}="):
        HttpClient(autoload=False, plugins=[plugin])
