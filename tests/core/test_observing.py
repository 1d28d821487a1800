"""The means of plugins that observe: `observes=True`, `record_timings`, and `for_each_client`."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from hookline import (
    HttpClient,
    HttpResponse,
    Option,
    PluginError,
    PoolTimeout,
    Switch,
    Timeout,
    for_each_client,
    hookimpl,
)
from hookline_testing.server import Script, ScriptedServer, response

BOTH = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


class Others:
    """Runs for an option alone."""

    def __init__(self) -> None:
        self.calls = 0

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("others", None)]

    @hookimpl(options=("others",))
    def pre_request(self, response: HttpResponse) -> None:
        self.calls += 1


class Observes:
    def __init__(self) -> None:
        self.is_on = Switch()
        self.calls = 0

    @hookimpl(observes=True)
    def pre_request(self, response: HttpResponse) -> None:
        self.calls += 1


class ObservesLater(Observes):
    @hookimpl(observes=True, switch="is_on")
    def pre_request(self, response: HttpResponse) -> None:
        self.calls += 1


async def test_observer_is_called_alone(scripted: ScriptedServer) -> None:
    scripted.always(response())
    observer, others = Observes(), Others()
    async with HttpClient(autoload=False, plugins=[observer, others]) as client:
        await client.get(scripted.url())
        assert (observer.calls, others.calls) == (1, 0)
        await client.get(scripted.url(), others=1)
        assert (observer.calls, others.calls) == (2, 1)
        lines = client.plugins.explain()
    assert "observes: observes: for it no other is called" in lines
    assert "others: runs for option others" in lines


async def test_observer_behind_a_switch_is_called_alone_once_it_is_on(scripted: ScriptedServer) -> None:
    scripted.always(response())
    observer, others = ObservesLater(), Others()
    async with HttpClient(autoload=False, plugins=[observer, others]) as client:
        await client.get(scripted.url())
        assert (observer.calls, others.calls) == (0, 0)
        observer.is_on.turn_on()
        await client.get(scripted.url())
        assert (observer.calls, others.calls) == (1, 0)


async def test_observer_beside_one_that_always_runs(scripted: ScriptedServer) -> None:
    class Always(Observes):
        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            self.calls += 1

    scripted.always(response())
    plugins: list[Any] = [Observes(), Others(), Always()]
    async with HttpClient(autoload=False, plugins=plugins) as client:
        await client.get(scripted.url())
    assert [plugin.calls for plugin in plugins] == [1, 1, 1]


def test_observer_of_options_and_of_another_event_is_refused() -> None:
    class OfOptions:
        @hookimpl(observes=True, options=("timeout",))
        def pre_request(self, response: HttpResponse) -> None: ...

    class OfAnotherEvent:
        @hookimpl(observes=True)
        def post_request(self, response: HttpResponse) -> None: ...

    with pytest.raises(PluginError, match="observes= is for implementations that run for all requests"):
        HttpClient(autoload=False, plugins=[OfOptions()])
    with pytest.raises(PluginError, match="post_request has no precondition observes="):
        HttpClient(autoload=False, plugins=[OfAnotherEvent()])


class Records:
    """Records timings, and keeps what post_request sees."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.on_fast_path: list[bool] = []

    @hookimpl(observes=True)
    def pre_request(self, response: HttpResponse) -> None:
        response.record_timings()

    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        assert response.connection is not None
        self.on_fast_path.append(response.connection.on_fast_path)

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        self.seen.append(response.timings)


def phases(timings: Any) -> list[tuple[str, bool]]:
    return [(phase.name, phase.failed) for phase in timings.phases]


@BOTH
async def test_recorded_timings_stay_on_the_fast_path(scripted: ScriptedServer) -> None:
    scripted.always(response(b"fine"))
    plugin = Records()
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        for _ in range(2):
            found = await client.get(scripted.url())
            assert found.timings is plugin.seen[-1]
            timings = found.timings
            assert 0 <= timings.queued <= timings.sent <= timings.first_byte <= timings.done
    assert phases(plugin.seen[0]) == [("connect", False), ("send", False), ("wait", False), ("body", False)]
    assert phases(plugin.seen[1]) == [("send", False), ("wait", False), ("body", False)]
    assert plugin.seen[1].connect is None
    assert plugin.on_fast_path == [True, True]
    copied = copy.copy(found)
    assert copied.timings == found.timings


@BOTH
@pytest.mark.parametrize("options", [{"stream": True}, {"max_body": 100}, {"timings": True}], ids=str)
async def test_recorded_timings_off_the_fast_path(scripted: ScriptedServer, options: dict[str, Any]) -> None:
    scripted.always(response(b"fine"))
    plugin = Records()
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        for _ in range(2):
            found = await client.get(scripted.url(), **options)
            await found.raw.read()
    for timings in plugin.seen:
        assert 0 <= timings.queued <= timings.sent <= timings.first_byte <= timings.done
        assert phases(timings)[-3:] == [("send", False), ("wait", False), ("body", False)]


async def test_recorded_timings_of_a_request_that_is_sent_again(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"first"), Script().close(), response(b"again"))
    plugin = Records()
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        await client.get(scripted.url())
        await client.get(scripted.url())
    again = plugin.seen[1]
    assert again.resends == 1
    assert phases(again) == [
        ("send", False), ("wait", True), ("connect", False), ("send", False), ("wait", False), ("body", False),
    ]  # fmt: skip


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "option"])
async def test_wait_for_a_connection_that_fails_is_a_failed_phase(scripted: ScriptedServer, recorded: bool) -> None:
    scripted.answer(Script().pause(30).send(response()))
    plugin = Records()
    plugins = [plugin] if recorded else []
    seen: list[Any] = plugin.seen
    options: dict[str, Any] = (
        {} if recorded else {"timings": True, "post_request": lambda r, exc: seen.append(r.timings)}
    )
    async with HttpClient(autoload=False, plugins=plugins, pool_size=1) as client:
        first = asyncio.create_task(client.get(scripted.url()))
        await scripted.until(requests=1)
        with pytest.raises(PoolTimeout):
            await client.get(scripted.url(), timeout=Timeout(pool=0.1), **options)
        assert phases(seen[0]) == [("queue", True)]
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_nothing_is_recorded_unless_it_is_asked_for(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(autoload=False) as client:
        assert (await client.get(scripted.url())).timings is None


async def test_error_of_connected_names_its_plugin(scripted: ScriptedServer) -> None:
    class First:
        @hookimpl
        def connected(self, request: Any, connection: Any) -> None: ...

    class Second:
        @hookimpl
        def connected(self, connection: Any) -> None:
            raise ValueError("refused")

    async with HttpClient(autoload=False, plugins=[First(), Second()]) as client:
        with pytest.raises(ValueError, match="refused") as caught:
            await client.get(scripted.url())
    assert caught.value.__notes__ == ["raised in connected of plugin 'second'"]


def test_each_client_is_passed_to_the_function() -> None:
    existing = HttpClient(autoload=False)
    found: list[HttpClient] = []
    stop = for_each_client(found.append)
    assert existing in found
    new = HttpClient(autoload=False)
    assert found[-1] is new
    stop()
    stop()
    HttpClient(autoload=False)
    assert found[-1] is new


def test_error_of_the_function_is_that_of_the_client() -> None:
    def refuse(client: HttpClient) -> None:
        if client.client_version == "refused":
            raise ValueError("no client")

    stop = for_each_client(refuse)
    try:
        HttpClient(autoload=False)
        with pytest.raises(ValueError, match="no client"):
            HttpClient(autoload=False, client_version="refused")
    finally:
        stop()
