"""An exception in a handler ends the exchange, post_request still fires for all, and the error names the plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from hookline import ConnectionClosed, hookimpl
from hookline_testing.server import Script, ScriptedServer, head, response
from kit.recorder import Log, Recorder, client_with, ends, on, plugin

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

EVENTS = ("pre_request", "on_headers", "post_request", "data_received", "data_processed")
ONE_TIME = EVENTS[:3]


class Broken(Exception):
    """What the handlers of this module raise."""


def raising(event: str, kind: str, name: str = "m") -> Any:
    """A plugin that raises in one event."""
    error = Broken("out of order")

    def now(self: Any, response: Any) -> None:
        raise error

    async def later(self: Any, response: Any) -> None:
        raise error

    def before(self: Any, response: Any) -> Generator[None, Any, Any]:
        raise error
        yield

    def after(self: Any, response: Any) -> Generator[None, Any, Any]:
        yield
        raise error

    run = {"plain": now, "async": later, "before yield": before, "after yield": after}[kind]
    made = plugin(name, **{event: hookimpl(specname=event, wrapper="yield" in kind)(run)})
    made.error = error
    return made


CASES = [(event, kind) for event in ONE_TIME for kind in ("plain", "async", "before yield", "after yield")]
CASES += [("data_received", "plain"), ("data_processed", "plain")]


@pytest.mark.parametrize(("event", "kind"), CASES)
async def test_exception_comes_out_unchanged_with_a_note(scripted: ScriptedServer, event: str, kind: str) -> None:
    log: Log = []
    broken = raising(event, kind)
    scripted.always(response(b"x"))
    first = on("pre_request", _suspend, "a")
    async with client_with(first, Recorder(log, "b"), broken, Recorder(log, "z")) as client:
        with pytest.raises(Broken, match="out of order") as caught:
            await client.get(scripted.url())
    assert caught.value is broken.error
    assert str(caught.value) == "out of order"
    assert caught.value.__notes__ == [f"raised in {event} of plugin 'm'"]
    told = ends(log)
    if event != "post_request" or kind == "before yield":
        assert told == [("b", "post_request", "Broken"), ("z", "post_request", "Broken")]
    elif kind == "after yield":
        assert told == [("b", "post_request", None), ("z", "post_request", None)]
    else:
        assert told == [("b", "post_request", None), ("z", "post_request", "Broken")]


async def _suspend(self: Any, response: Any) -> None:
    """The implementation before the broken one is async, so that all run in the slow way."""


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(("event", "kind"), [case for case in CASES if case[0] not in ("pre_request", "post_request")])
async def test_exception_closes_the_connection(scripted: ScriptedServer, event: str, kind: str) -> None:
    scripted.always(response(b"x"))
    async with client_with(raising(event, kind)) as client:
        with pytest.raises(Broken):
            await client.get(scripted.url())
        await scripted.until(given_up=1)


@pytest.mark.parametrize("event", EVENTS)
async def test_exception_in_a_users_handler_names_the_handler(scripted: ScriptedServer, event: str) -> None:
    log: Log = []

    def breaks(response: Any) -> None:
        raise Broken

    scripted.always(response(b"x"))
    async with client_with(Recorder(log)) as client:
        with pytest.raises(Broken) as caught:
            await client.get(scripted.url(), **{event: breaks})
    assert len(caught.value.__notes__) == 1
    assert f"raised in {event} of handler" in caught.value.__notes__[0]
    assert "breaks" in caught.value.__notes__[0]
    assert len(ends(log)) == 1


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_exception_in_post_request_is_a_note_of_what_went_wrong_before(
    scripted: ScriptedServer, kind: str
) -> None:
    log: Log = []
    scripted.answer(Script(head(200, [("Content-Length", "9")])).close())
    plugins = [
        Recorder(log, "a"),
        raising("post_request", kind),
        raising("post_request", kind, "n"),
        Recorder(log, "z"),
    ]
    async with client_with(*plugins) as client:
        with pytest.raises(ConnectionClosed) as caught:
            await client.get(scripted.url())
    notes = "\n".join(caught.value.__notes__)
    assert notes.count("post_request failed: Broken: out of order") >= 1
    assert "of plugin 'm'" in notes
    assert "of plugin 'n'" in notes
    assert [entry[2] for entry in ends(log)] == ["ConnectionClosed", "ConnectionClosed"]


async def test_exception_of_the_wire_has_no_note_of_a_plugin(scripted: ScriptedServer) -> None:
    scripted.answer(Script().close())
    async with client_with(Recorder([])) as client:
        with pytest.raises(ConnectionClosed) as caught:
            await client.get(scripted.url())
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("event", ["on_headers", "post_request"])
async def test_wrapper_may_turn_an_exception_into_an_answer(scripted: ScriptedServer, event: str) -> None:
    def wrap(self: Any, response: Any) -> Generator[None, Any, Any]:
        try:
            yield
        except Broken:
            return None

    scripted.answer(response(b"x"))
    rescue = plugin("a", **{event: hookimpl(specname=event, wrapper=True)(wrap)})
    async with client_with(rescue, raising(event, "plain")) as client:
        assert (await client.get(scripted.url())).status_code == 200


@pytest.mark.parametrize("event", ["on_headers", "post_request"])
async def test_exception_in_a_stream_comes_out_of_the_read(scripted: ScriptedServer, event: str) -> None:
    broken = raising("post_request" if event == "post_request" else "data_processed", "plain")
    scripted.answer(Script(head(200, [("Content-Length", "4")])).send(b"bo").until_read().send(b"dy"))
    async with client_with(broken) as client:
        with pytest.raises(Broken):
            await (await client.get(scripted.url(), stream=True)).raw.read()


async def test_closed_coroutine_of_a_call_skips_async_post_request() -> None:
    log: Log = []
    handled: list[str] = []

    async def waits(self: Any, response: Any) -> None:
        await asyncio.get_running_loop().create_future()

    async def cannot(self: Any, response: Any) -> None:
        handled.append("begun")

    plugins = [on("pre_request", waits, "a"), on("post_request", cannot, "b"), Recorder(log)]
    async with client_with(*plugins) as client:
        coroutine = client.get("http://nobody.invalid/")
        coroutine.send(None)
        coroutine.close()
    assert ends(log) == [("recorder", "post_request", "GeneratorExit")]
    assert handled == []


@pytest.mark.protocols("HTTP/1.1")
async def test_exception_closes_a_connection_that_was_taken_early(scripted: ScriptedServer) -> None:
    async def early(self: Any, response: Any) -> None:
        await response.connect()
        raise Broken

    async with client_with(on("pre_request", early)) as client:
        with pytest.raises(Broken):
            await client.get(scripted.url())
        await scripted.until(connections=1, closed=1)
