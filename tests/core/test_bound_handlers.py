"""Handlers of one exchange: they leave its connection on the fast path, and no reference cycle behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, hookimpl
from hookline_testing.server import Script, ScriptedServer, response
from kit.garbage import cycles

ONE_TIME = ("pre_request", "on_headers", "post_request")
DATA = ("data_received", "data_processed")


class Binds:
    """Binds a handler of one event to each exchange, and notes whether the connection is on the fast path."""

    name = "binds"

    def __init__(self, event: str) -> None:
        self._event = event
        self.is_fast: list[bool] = []
        self.called = 0

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.event(self._event).bind(self.handle, plugin=self.name)

    def handle(self, response: HttpResponse) -> None:
        self.called += 1

    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        assert response.connection is not None
        self.is_fast.append(response.connection.on_fast_path)


class BindsData(Binds):
    """The same for a data event."""

    def handle(self, response: HttpResponse, data: bytes = b"") -> None:
        self.called += 1


@pytest.mark.parametrize("event", [*ONE_TIME[1:], *DATA])
async def test_handlers_of_data_alone_have_the_connection_leave_the_fast_path(
    scripted: ScriptedServer, event: str
) -> None:
    scripted.always(response(b"x" * 200))
    binds = (BindsData if event in DATA else Binds)(event)
    async with HttpClient(autoload=False, plugins=[binds]) as client:
        for _ in range(3):
            assert (await client.get(scripted.url())).content == b"x" * 200
    assert binds.is_fast == [event not in DATA] * 3
    assert binds.called == 3


@pytest.mark.parametrize("options", [{"max_body": 500}, {"timings": True}, {"method": "HEAD"}], ids=str)
async def test_what_else_leaves_the_fast_path_does_so_beside_a_handler(
    scripted: ScriptedServer, options: dict[str, Any]
) -> None:
    scripted.always(response(b"x" * 200))
    binds = Binds("post_request")
    method = options.pop("method", "GET")
    async with HttpClient(autoload=False, plugins=[binds]) as client:
        await client.request(method, scripted.url(), **options)
    assert binds.is_fast == [False]
    assert binds.called == 1


async def test_a_response_in_two_reads_is_whole_beside_a_handler(scripted: ScriptedServer) -> None:
    head, body = response(b"x" * 200)[:-200], b"x" * 200
    scripted.answer(Script().send(head + body[:20]).until_read().send(body[20:]))
    seen: list[bool] = []
    async with HttpClient(autoload=False) as client:
        found = await client.get(scripted.url(), on_headers=lambda response: seen.append(response.is_open))
    assert (found.content, seen) == (body, [True])


@pytest.mark.parametrize("by", ["plugin", "call", "client"])
async def test_handler_of_a_head_makes_a_stream_of_a_response_that_came_in_one_read(
    scripted: ScriptedServer, by: str
) -> None:
    def asks(response: HttpResponse) -> None:
        response.request.stream = True

    class Asks:
        on_headers = staticmethod(hookimpl(asks))

    scripted.always(response(b"x" * 200))
    async with HttpClient(autoload=False, plugins=[Asks()] if by == "plugin" else []) as client:
        if by == "client":
            client.event("on_headers").bind(asks)
        for _ in range(2):
            found = await client.get(scripted.url(), **({"on_headers": asks} if by == "call" else {}))
            assert found.was_handed_out
            assert await found.raw.read() == b"x" * 200
        assert client.stats().connections == 1


@pytest.mark.parametrize("event", [*ONE_TIME, *DATA])
async def test_exchange_with_handlers_and_waiters_leaves_no_cycle(scripted: ScriptedServer, event: str) -> None:
    scripted.always(response(b"x" * 200))
    binds = (BindsData if event in DATA else Binds)(event)

    def waits(response: HttpResponse) -> None:
        response.event(event).bind(binds.handle)
        response.event(event).waiter()

    async with HttpClient(autoload=False, plugins=[binds]) as client:
        await client.get(scripted.url(), pre_request=waits)
        with cycles("hookline.") as found:
            for _ in range(3):
                await client.get(scripted.url(), pre_request=waits)
        assert found == []


async def test_views_of_an_event_share_its_handlers(scripted: ScriptedServer) -> None:
    log: list[str] = []

    def one(response: HttpResponse) -> None:
        log.append("one")

    def bind(response: HttpResponse) -> None:
        first, second = response.event("post_request"), response.event("post_request")
        first.bind(one)
        first.bind(one)
        assert second.handlers() == [one, one]
        assert second.unbind(one) == 2
        second.bind(one)
        assert first.handlers() == [one]

    scripted.answer(response(b"x"))
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url(), pre_request=bind)
    assert log == ["one"]


async def test_event_of_a_response_that_was_answered_speaks_of_the_answer() -> None:
    events: list[Any] = []
    fired: list[list[bool]] = []
    waiters: list[asyncio.Future[Any]] = []

    class Answers:
        @hookimpl
        def pre_request(self, response: HttpResponse) -> HttpResponse:
            events.extend(response.event(name) for name in ONE_TIME)
            return HttpResponse.build(response.request, 200, content=b"built", as_received=True)

        @hookimpl
        def on_headers(self, response: HttpResponse) -> None:
            fired.append([event.fired() for event in events])
            waiters.append(events[2].waiter())

    async with HttpClient(autoload=False, plugins=[Answers()]) as client:
        found = await client.get("http://127.0.0.1:9/")
        assert await asyncio.wait_for(waiters[0], 5) is found
    assert fired == [[True, True, False]]
    assert [event.fired() for event in events] == [True, True, True]
