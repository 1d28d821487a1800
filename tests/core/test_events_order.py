"""The order of the events within one response, and of those who are called at one event."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import HttpClient, hookimpl
from hookline_testing.server import ScriptedServer, chunked, response
from kit.recorder import Log, Recorder, client_with, on, plugin

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

EVENTS = ("pre_request", "on_headers", "post_request", "data_received", "data_processed")


class Everything:
    """Writes all events down."""

    def __init__(self, log: list[str], suspends: bool) -> None:
        self.log = log
        self.suspends = suspends

    @hookimpl
    def pre_request(self, response: Any) -> None:
        self.log.append("pre_request")

    @hookimpl
    def on_headers(self, response: Any) -> Any:
        self.log.append("on_headers")
        return self.later() if self.suspends else None

    async def later(self) -> None:
        await asyncio.sleep(0.02)
        self.log.append("on_headers is over")

    @hookimpl
    def post_request(self, response: Any) -> None:
        self.log.append("post_request")

    @hookimpl
    def data_received(self, response: Any, data: bytes) -> None:
        self.log.append("data_received")

    @hookimpl
    def data_processed(self, response: Any, data: bytes) -> None:
        self.log.append("data_processed")


async def test_events_of_one_read_stand_in_order(scripted: ScriptedServer) -> None:
    log: list[str] = []
    scripted.answer(response(b"body"))
    async with client_with(Everything(log, suspends=False)) as client:
        assert (await client.get(scripted.url())).content == b"body"
    assert log == ["pre_request", "data_received", "on_headers", "data_processed", "post_request"]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("message", [response(b"body"), chunked(b"bo", b"dy")])
@pytest.mark.parametrize("suspends", [False, True])
async def test_events_of_single_bytes_stand_in_order(scripted: ScriptedServer, message: bytes, suspends: bool) -> None:
    log: list[str] = []
    scripted.answer(message, cut="bytes")
    async with client_with(Everything(log, suspends)) as client:
        assert (await client.get(scripted.url())).content == b"body"
    assert log[0] == "pre_request"
    assert log[-1] == "post_request"
    assert log.count("on_headers") == 1
    headers = log.index("on_headers is over" if suspends else "on_headers")
    assert "data_processed" not in log[:headers]
    assert log[1] == "data_received"
    assert log.count("data_received") == log.count("data_processed") > 3
    seen = 0  # no read is processed before it was received
    for event in log:
        seen += {"data_received": 1, "data_processed": -1}.get(event, 0)
        assert seen >= 0


async def test_async_implementations_are_awaited_before_the_next(scripted: ScriptedServer) -> None:
    log: list[str] = []

    def waits(name: str) -> Any:
        def make(event: str) -> Any:
            async def run(self: Any, response: Any) -> None:
                log.append(f"{name} begins")
                await asyncio.sleep(0.01)
                log.append(f"{name} ends")

            return hookimpl(specname=event)(run)

        return plugin(name, **{event: make(event) for event in EVENTS[:3]})

    scripted.answer(response())
    async with client_with(waits("b"), waits("a")) as client:
        await client.get(scripted.url())
    assert log == ["a begins", "a ends", "b begins", "b ends"] * 3


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("own_async", [False, True])
@pytest.mark.parametrize("own_calls", [False, True])
async def test_user_handlers_run_before_plugins_on_pre_request_and_after_them_elsewhere(
    scripted: ScriptedServer, event: str, own_async: bool, own_calls: bool
) -> None:
    log: list[str] = []

    def bound(name: str) -> Any:
        async def later(response: Any, **kw: Any) -> None:
            log.append(name)

        def now(response: Any, **kw: Any) -> None:
            log.append(name)

        return later if own_async and not event.startswith("data") else now

    scripted.answer(response(b"x"))
    one = on(event, lambda self, response: log.append("plugin"), "zz", tryfirst=True)
    async with client_with(one) as client:
        client.event(event).bind(bound("first"))
        client.event(event).bind(bound("second"))
        await client.get(scripted.url(), **{event: [bound("third"), bound("fourth")]} if own_calls else {})
    handlers = ["first", "second", "third", "fourth"] if own_calls else ["first", "second"]
    assert log == ([*handlers, "plugin"] if event == "pre_request" else ["plugin", *handlers])


ORDERS = [
    ([("b", {}), ("a", {})], "ab", "the name"),
    ([("a", {"after": "b"}), ("b", {})], "ba", "after"),
    ([("b", {"before": ("a",)}), ("a", {})], "ba", "before"),
    ([("a", {"after": ("nobody",)}), ("b", {"before": "nobody"})], "ab", "names that are not there"),
    ([("c", {"mark": "tryfirst"}), ("a", {}), ("b", {})], "cab", "tryfirst"),
    ([("a", {"mark": "trylast"}), ("b", {}), ("c", {})], "bca", "trylast"),
    ([("a", {"mark": "tryfirst", "after": "b"}), ("b", {"mark": "trylast"})], "ba", "after goes before tryfirst"),
    ([("a", {"after": "b"}), ("b", {"after": "c"}), ("c", {})], "cba", "through others"),
]


@pytest.mark.parametrize(("plugins", "expected", "why"), ORDERS, ids=[order[2] for order in ORDERS])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("event", EVENTS)
async def test_plugins_run_by_before_and_after_then_rank_then_name(
    scripted: ScriptedServer, plugins: Any, expected: str, why: str, backwards: bool, event: str
) -> None:
    log: list[str] = []

    def make(name: str, mark: str | None = None, **attributes: Any) -> Any:
        def run(self: Any, response: Any) -> None:
            log.append(name)

        run.__name__ = event
        marked = hookimpl(**({mark: True} if mark else {}))(run)
        return plugin(name, **{event: marked}, **attributes)

    made = [make(name, **how) for name, how in plugins]
    scripted.answer(response(b"data"))
    async with client_with(*(reversed(made) if backwards else made)) as client:
        await client.get(scripted.url())
        assert "".join(log) == expected


async def test_each_hop_has_all_events_anew(scripted: ScriptedServer) -> None:
    log: Log = []

    def again(self: Any, response: Any, cause: str) -> Any:
        return response.request.copy(cause="again") if cause == "call" else None

    scripted.answer(response(b"1"), response(b"2"))
    async with client_with(Recorder(log), on("post_request", again)) as client:
        found = await client.get(scripted.url())
    assert found.content == b"2"
    assert [response.content for response in found.history] == [b"1"]
    assert [entry[1] for entry in log] == ["pre_request", "on_headers", "post_request"] * 2


@pytest.mark.protocols("HTTP/1.1")
async def test_events_without_subscribers_have_no_stage(scripted: ScriptedServer) -> None:
    scripted.answer(response())
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url())
        table = client.configuration.dispatch_table("http")
    assert table.pre_request is None
    assert table.hooks_after_other_heads.on_headers is None
    assert table.hooks_after_other_heads.post_request is None
    assert table.interim_stage is None
    assert not table.leaves_fast_path


async def test_several_methods_of_one_plugin_run_in_the_order_of_their_marks(scripted: ScriptedServer) -> None:
    log: list[str] = []

    class Several:
        @hookimpl(specname="on_headers", trylast=True)
        def a(self) -> None:
            log.append("last")

        @hookimpl(specname="on_headers")
        def b(self) -> None:
            log.append("between")

        @hookimpl(specname="on_headers", tryfirst=True)
        def c(self) -> None:
            log.append("first")

    scripted.answer(response())
    async with client_with(Several()) as client:
        await client.get(scripted.url())
    assert log == ["first", "between", "last"]
