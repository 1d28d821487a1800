"""pluggy registers and checks implementations; events do not go through pluggy's calls, so its tools for calls see none."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pluggy
import pytest

from hookline import HttpClient, PluginError, hookimpl, hookspec
from hookline_testing.server import ScriptedServer, response

ARGUMENTS = {"exc": None, "cause": "call"}


class Counter:
    """A plugin that counts its calls."""

    name = "counter"

    def __init__(self) -> None:
        self.pre_requests = 0
        self.post_requests = 0

    @hookimpl
    def pre_request(self, response: Any) -> None:
        self.pre_requests += 1

    @hookimpl(statuses=(404,))
    def post_request(self, response: Any) -> None:
        self.post_requests += 1


class Asynchronous:
    name = "asynchronous"

    @hookimpl
    async def pre_request(self, response: Any) -> None: ...


class Around:
    """A wrapper, which sees the calls of all other implementations."""

    name = "around"

    def __init__(self) -> None:
        self.log: list[str] = []

    @hookimpl(wrapper=True)
    def pre_request(self, response: Any) -> Generator[None, Any, Any]:
        self.log.append("begin")
        answer = yield
        self.log.append("end")
        return answer


async def test_monitoring_and_tracing_of_pluggy_see_no_event(scripted: ScriptedServer) -> None:
    scripted.always(response())
    seen: list[str] = []
    traced: list[str] = []
    counter = Counter()
    async with HttpClient(autoload=False, plugins=[counter]) as client:
        manager = client.plugins.manager
        manager.add_hookcall_monitoring(
            lambda name, implementations, arguments: seen.append(name),
            lambda outcome, name, implementations, arguments: None,
        )
        manager.trace.root.setwriter(traced.append)
        manager.enable_tracing()
        found = await client.get(scripted.url())
        assert (counter.pre_requests, seen, traced) == (1, [], [])

        manager.hook.pre_request(response=found, **ARGUMENTS)
        assert (counter.pre_requests, seen) == (2, ["pre_request"])
        assert traced


async def test_call_by_hand_runs_the_methods_outside_of_any_exchange(scripted: ScriptedServer) -> None:
    scripted.always(response())
    handled: list[Any] = []
    counter = Counter()
    async with HttpClient(autoload=False, plugins=[counter, Asynchronous()]) as client:
        client.event("pre_request").bind(handled.append)
        found = await client.get(scripted.url())
        assert (counter.pre_requests, counter.post_requests, handled) == (1, 0, [found])

        hook = client.plugins.manager.hook
        (pending,) = hook.pre_request(response=found, **ARGUMENTS)
        pending.close()  # pluggy awaits nothing
        hook.post_request(response=found, **ARGUMENTS)
    assert (counter.pre_requests, counter.post_requests) == (2, 1)  # whatever the preconditions say
    assert handled == [found]  # handlers of users are not pluggy's
    assert len(scripted.requests) == 1


async def test_extra_and_subset_calls_of_pluggy_leave_the_events_as_they_are(scripted: ScriptedServer) -> None:
    scripted.always(response())
    counter = Counter()
    async with HttpClient(autoload=False, plugins=[counter]) as client:
        found = await client.get(scripted.url())
        manager = client.plugins.manager
        extra: list[Any] = []

        def add(response: Any) -> str:
            extra.append(response)
            return "extra"

        given = {"response": found, **ARGUMENTS}
        assert manager.hook.pre_request.call_extra([add], given) == ["extra"]
        assert manager.subset_hook_caller("pre_request", [counter])(**given) == []
        assert (counter.pre_requests, len(extra)) == (2, 1)

        await client.get(scripted.url())
        assert (counter.pre_requests, len(extra)) == (3, 1)
        await client.get(scripted.url(), disable=["counter"])
        assert (counter.pre_requests, len(extra)) == (3, 1)


def test_no_hook_is_historic() -> None:
    hook = HttpClient(autoload=False).plugins.manager.hook
    names = [name for name in vars(hook) if not name.startswith("_")]
    assert "pre_request" in names
    assert not any(getattr(hook, name).is_historic() for name in names)
    with pytest.raises(AssertionError):
        hook.pre_request.call_historic(kwargs={"response": None, **ARGUMENTS})


async def test_pluggy_registers_blocks_and_checks_what_events_run(scripted: ScriptedServer) -> None:
    scripted.always(response())

    class Marked:
        name = "marked"
        calls = 0

        @pluggy.HookimplMarker("hookline")
        def on_headers(self, response: Any) -> None:
            type(self).calls += 1

    class Wrong:
        @hookimpl
        def pre_request(self, respons: Any) -> None: ...

    async with HttpClient(autoload=False) as client:
        manager = client.plugins.manager
        manager.register(Marked())
        await client.get(scripted.url())
        assert Marked.calls == 1
        with pytest.raises(PluginError, match="unknown argument 'respons'"):
            manager.register(Wrong())
        manager.set_blocked("marked")
        await client.get(scripted.url())
        assert Marked.calls == 1


async def test_wrapper_handler_and_explain_see_the_events(scripted: ScriptedServer) -> None:
    scripted.always(response())
    around = Around()
    async with HttpClient(autoload=False, plugins=[Counter(), around]) as client:

        def watch(response: Any) -> None:
            around.log.append("handler")

        client.event("pre_request").bind(watch)
        await client.get(scripted.url())
        assert around.log == ["begin", "handler", "end"]
        listed = client.plugins.explain()
        assert "around: wraps the others" in listed
        assert "watch: bound by the user" in listed


IMPL_OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"wrapper": True}, {"tryfirst": True}, {"trylast": True}, {"optionalhook": True}, {"specname": "x"},
)  # fmt: skip
SPEC_OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"firstresult": True}, {"historic": True}, {"warn_on_impl": UserWarning("a")},
    {"warn_on_impl_args": {"b": UserWarning("b")}},
)  # fmt: skip


def test_markers_leave_what_those_of_pluggy_leave() -> None:
    kinds: list[tuple[Any, Any, tuple[dict[str, Any], ...]]] = [
        (hookimpl, pluggy.HookimplMarker("hookline"), IMPL_OPTIONS),
        (hookspec, pluggy.HookspecMarker("hookline"), SPEC_OPTIONS),
    ]
    for ours, of_pluggy, every in kinds:
        for options in every:

            def marked() -> None: ...

            def expected() -> None: ...

            assert ours(**options)(marked) is marked
            of_pluggy(**options)(expected)
            assert {k: v for k, v in vars(marked).items() if k != "hook_conditions"} == vars(expected)
    with pytest.raises(ValueError, match="both historic and firstresult"):
        hookspec(historic=True, firstresult=True)
