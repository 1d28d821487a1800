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


class Asked(Conditional):
    """Is called for requests to paths that end with /yes, and for others if it is another's turn or the call says so."""

    asked = 0

    @hookimpl(options=("conditional_option",), switch="ready", when="is_for")
    def pre_request(self, response: Any) -> None:
        self.calls += 1

    def is_for(self, request: Any) -> bool:
        self.asked += 1
        if request.origin_form == "/raise":
            raise ValueError("cannot say")
        return bool(request.origin_form.endswith("/yes"))


class Woken(Conditional):
    """Is called only on account of others, unless a field is given."""

    @hookimpl(fields=("X-Needed",))
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


@pytest.mark.parametrize("awake", ["option", "switch", "neither"])
async def test_method_is_asked_where_a_precondition_holds_for_the_client(scripted: ScriptedServer, awake: str) -> None:
    scripted.always(response())
    asked, other = Asked(), Woken("other")
    options = {"conditional_option": 1} if awake == "option" else {}
    async with HttpClient(autoload=False, plugins=[asked, other], **options) as client:
        await client.get(scripted.url("/no"))
        if awake == "switch":
            assert asked.asked == 0
            asked.ready.turn_on()
        for path in ("/no", "/yes", "/no", "/yes"):
            await client.get(scripted.url(path))
        wakes = awake != "neither"
        assert (asked.calls, other.calls) == (2 * wakes, 2 * wakes)
        assert asked.asked == {"option": 5, "switch": 4, "neither": 0}[awake]
        await client.get(scripted.url("/no"), conditional_option=2)  # of the call: it is not asked
        assert (asked.calls, other.calls) == (2 * wakes + 1, 2 * wakes + 1)


async def test_method_without_another_precondition_is_asked_for_each_request(scripted: ScriptedServer) -> None:
    class Alone:
        name = "alone"

        def __init__(self) -> None:
            self.calls: list[str] = []

        @hookimpl(when="is_for")
        def pre_request(self, response: Any) -> None:
            self.calls.append(response.request.origin_form)

        def is_for(self, request: Any) -> bool:
            return request.method == "POST"

    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[alone := Alone()]) as client:
        await client.get(scripted.url("/a"))
        await client.post(scripted.url("/b"))
        assert client.plugins["alone"].runs_for == ("when is_for",)
        assert dict(client.plugins.order("pre_request"))["alone"].endswith("runs for requests with is_for(request)")
    assert alone.calls == ["/b"]


async def test_method_that_raises_ends_the_call_and_is_named(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[Asked()], conditional_option=1) as client:
        with pytest.raises(ValueError, match="cannot say") as caught:
            await client.get(scripted.url("/raise"))
        assert caught.value.__notes__ == ["raised in pre_request of plugin 'conditional'"]
        await client.get(scripted.url("/yes"))
    assert len(scripted.requests) == 1


async def test_method_is_not_asked_if_all_run_anyway(scripted: ScriptedServer) -> None:
    class Always:
        @hookimpl
        def pre_request(self, response: Any) -> None: ...

    scripted.always(response())
    asked = Asked()
    async with HttpClient(autoload=False, plugins=[asked, Always()], conditional_option=1) as client:
        await client.get(scripted.url("/no"))
        why = dict(client.plugins.order("pre_request"))["conditional"]
    assert (asked.asked, asked.calls) == (0, 1)
    assert why.endswith(
        "would run only for requests with is_for(request): option conditional_option is given, but always always runs"
    )


async def _of_a_coroutine(self: Any, request: Any) -> bool:
    return True


@pytest.mark.parametrize("method", [None, 1, _of_a_coroutine], ids=["missing", "no method", "a coroutine function"])
def test_method_that_cannot_be_asked_is_an_error(method: Any) -> None:
    def pre_request(self: Any, response: Any) -> None: ...

    members = {"name": "wrong", "pre_request": hookimpl(when="is_for")(pre_request)}
    plugin = type("Wrong", (), members if method is None else {**members, "is_for": method})()
    with pytest.raises(PluginError, match=r"plugin 'wrong'.*when='is_for' names no plain method of the plugin"):
        HttpClient(autoload=False, plugins=[plugin])


def test_observer_is_not_asked() -> None:
    class Wrong:
        name = "wrong"

        @hookimpl(observes=True, when="is_for")
        def pre_request(self, response: Any) -> None: ...

        def is_for(self, request: Any) -> bool:
            return True

    with pytest.raises(PluginError, match=r"without options=, fields= and when="):
        HttpClient(autoload=False, plugins=[Wrong()])


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
        for condition in ({"options": ["a"]}, {"fields": ["a"]}, {"switch": "a"}, {"when": "a"})
        if "switch" not in condition or event in ("data_received", "closed")
    ],
)
def test_other_events_do_not_have_these_preconditions(event: str, condition: Any) -> None:
    def run(self: Any) -> None: ...

    plugin = type("Wrong", (), {"name": "wrong", event: hookimpl(**condition, specname=event)(run)})()
    with pytest.raises(PluginError, match=f"{event} has no precondition {next(iter(condition))}="):
        HttpClient(autoload=False, plugins=[plugin])
