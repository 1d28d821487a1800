"""post_request comes exactly once per exchange and implementation, however the exchange ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpTimeout, StreamAbandoned, hookimpl
from hookline_testing.server import Script, ScriptedServer, head, response
from kit.recorder import Log, Recorder, client_with, ends, on

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

HALF = head(200, [("Content-Length", "9")]) + b"half"


class Sleeper:
    """Suspends for ever in one event; says when it is there, and how it came out."""

    def __init__(self, event: str, name: str = "m") -> None:
        self.event = event
        self.name = name
        self.is_there = asyncio.Event()
        self.calls: list[str | None] = []

    async def _sleep(self, event: str, exc: BaseException | None = None) -> None:
        if event == "post_request":
            self.calls.append(None if exc is None else type(exc).__name__)
        if event == self.event and exc is None:
            self.is_there.set()
            await asyncio.sleep(60)

    @hookimpl
    async def pre_request(self, response: Any) -> None:
        await self._sleep("pre_request")

    @hookimpl
    async def on_headers(self, response: Any) -> None:
        await self._sleep("on_headers")

    @hookimpl
    async def post_request(self, response: Any, exc: BaseException | None) -> None:
        await self._sleep("post_request", exc)


async def test_success_fires_post_request_once(scripted: ScriptedServer) -> None:
    log: Log = []
    scripted.answer(response(b"x"))
    async with client_with(Recorder(log)) as client:
        await client.get(scripted.url())
    assert ends(log) == [("recorder", "post_request", None)]


FAILURES = [
    (Script().close(), "ConnectionClosed"),
    (Script(HALF).close(), "ConnectionClosed"),
    (Script(HALF).reset(), "ConnectionClosed"),
    (Script(HALF).drop(), "ConnectionClosed"),
]
MALFORMED = [
    Script(b"HTTP/1.1 2x0 what\r\n\r\n"),
    Script(head(200, [("Transfer-Encoding", "chunked")]) + b"zz\r\n"),
]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("script", MALFORMED, ids=["status", "chunk"])
async def test_malformed_response_fires_post_request_once(scripted: ScriptedServer, script: Script) -> None:
    await test_failure_fires_post_request_once(scripted, script, "RemoteProtocolError")


@pytest.mark.parametrize(("script", "error"), FAILURES, ids=["close", "half-close", "half-reset", "half-drop"])
async def test_failure_fires_post_request_once(scripted: ScriptedServer, script: Script, error: str) -> None:
    log: Log = []
    scripted.answer(script)
    async with client_with(Recorder(log), Recorder(log, "second")) as client:
        with pytest.raises(Exception, match=" ") as caught:
            await client.get(scripted.url())
    assert type(caught.value).__name__ == error
    assert ends(log) == [("recorder", "post_request", error), ("second", "post_request", error)]


async def test_refused_connection_fires_post_request_once() -> None:
    log: Log = []
    async with client_with(Recorder(log)) as client:
        with pytest.raises(ConnectionError, match="no server listens"):
            await client.get("http://127.0.0.1:1/")
    assert log == [("recorder", "pre_request"), ("recorder", "post_request", "ConnectionRefused")]


@pytest.mark.parametrize("event", ["pre_request", "on_headers", "post_request", None])
async def test_timeout_fires_post_request_once(scripted: ScriptedServer, event: str | None) -> None:
    log: Log = []
    sleeper = Sleeper(event or "")
    scripted.answer(response(b"x") if event else Script(HALF).stall())
    async with client_with(Recorder(log, "a"), sleeper, Recorder(log, "z")) as client:
        with pytest.raises(HttpTimeout, match="total timeout"):
            await client.get(scripted.url(), timeout=0.5)
    late = event == "post_request"
    assert ends(log) == [("a", "post_request", None if late else "HttpTimeout"), ("z", "post_request", "HttpTimeout")]
    assert sleeper.calls == [None if late else "HttpTimeout"]


async def test_after_a_timeout_async_implementations_may_suspend(scripted: ScriptedServer) -> None:
    log: list[str] = []

    async def slow(self: Any, response: Any, exc: BaseException | None) -> None:
        await asyncio.sleep(0.02)
        log.append(type(exc).__name__)

    scripted.answer(Script(HALF).stall())
    async with client_with(on("post_request", slow)) as client:
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url(), timeout=0.05)
    assert log == ["HttpTimeout"]


async def cancelled_when(reached: Callable[[], Any], call: Any) -> None:
    """Cancel a call when `await reached()` is over; it must come out as CancelledError."""
    task = asyncio.ensure_future(call)
    await asyncio.wait_for(reached(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("event", ["pre_request", "on_headers", "post_request"])
async def test_cancellation_inside_a_handler_fires_post_request_once(scripted: ScriptedServer, event: str) -> None:
    log: Log = []
    sleeper = Sleeper(event)
    scripted.always(response(b"x"))
    async with client_with(Recorder(log, "a"), sleeper, Recorder(log, "z")) as client:
        await cancelled_when(sleeper.is_there.wait, client.get(scripted.url()))
    late = event == "post_request"
    first = None if late else "CancelledError"
    assert ends(log) == [("a", "post_request", first), ("z", "post_request", "CancelledError")]
    assert sleeper.calls == [first]


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 O", HALF])
async def test_cancellation_on_the_wire_fires_post_request_once(scripted: ScriptedServer, sent: bytes) -> None:
    log: Log = []
    scripted.answer(Script(sent).until_read().stall())
    async with client_with(Recorder(log, "a"), Recorder(log, "z")) as client:
        await cancelled_when(lambda: scripted.until(heads=1), client.get(scripted.url()))
    assert ends(log) == [("a", "post_request", "CancelledError"), ("z", "post_request", "CancelledError")]


@pytest.mark.protocols("HTTP/1.1")
async def test_cancellation_in_the_queue_of_the_pool_fires_post_request_once(scripted: ScriptedServer) -> None:
    log: Log = []
    scripted.answer(Script().stall())
    async with client_with(pool_size=1) as client:
        first = asyncio.ensure_future(client.get(scripted.url()))
        await scripted.until(heads=1)
        (pool,) = client.connection_pools.values()

        async def in_line() -> None:
            while not pool.waiters:  # noqa: ASYNC110  # a turn or two of the loop
                await asyncio.sleep(0)

        await cancelled_when(in_line, client.get(scripted.url(), plugins=[Recorder(log)]))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    assert ends(log) == [("recorder", "post_request", "CancelledError")]


async def test_cancelled_call_gives_post_request_one_second(scripted: ScriptedServer) -> None:
    log: list[str] = []

    async def slow(self: Any, response: Any, exc: BaseException | None) -> None:
        log.append("begins")
        try:
            await asyncio.sleep(30)
        finally:
            log.append("is cut")

    recorded: Log = []
    scripted.answer(Script().stall())
    async with client_with(on("post_request", slow, "a"), Recorder(recorded, "z")) as client:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(client.get(scripted.url()))
        await scripted.until(heads=1)
        start = loop.time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert 0.9 < loop.time() - start < 3
    assert log == ["begins", "is cut"]
    assert ends(recorded) == [("z", "post_request", "CancelledError")]


@pytest.mark.parametrize("event", ["pre_request", "on_headers", "post_request"])
async def test_no_answer_is_taken_on_cancellation(scripted: ScriptedServer, event: str) -> None:
    sleeper = Sleeper(event, "a")
    again = on("post_request", lambda self, response: response.request.copy(cause="retry"), "z")
    scripted.always(response(b"x"))
    async with client_with(sleeper, again) as client:
        await cancelled_when(sleeper.is_there.wait, client.get(scripted.url()))
    assert len(scripted.requests) == (0 if event == "pre_request" else 1)


async def test_no_answer_is_taken_past_the_deadline(scripted: ScriptedServer) -> None:
    again = on("post_request", lambda self, response: response.request.copy(cause="retry"))
    scripted.answer(Script(HALF).stall())
    async with client_with(again) as client:
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url(), timeout=0.05)


async def test_failed_exchange_may_be_answered_with_a_request(scripted: ScriptedServer) -> None:
    log: Log = []
    again = on("post_request", lambda self, response, exc: exc and response.request.copy(cause="retry"), "retry")
    scripted.answer(Script(HALF).close(), response(b"whole"))
    async with client_with(again, Recorder(log)) as client:
        found = await client.get(scripted.url())
    assert found.content == b"whole"
    assert [entry[2] for entry in ends(log)] == ["ConnectionClosed", None]


async def test_stream_fires_post_request_in_the_read_of_the_last_byte(scripted: ScriptedServer) -> None:
    log: Log = []
    scripted.answer(response(b"body"), response(b"again"))
    again = on("post_request", lambda self, response: response.request.copy(cause="retry"), "z")
    async with client_with(Recorder(log), again) as client:
        found = await client.get(scripted.url(), stream=True)
        assert ends(log) == []
        assert await found.raw.read() == b"body"
        assert ends(log) == [("recorder", "post_request", None)]
        found.close()
        await found.aclose()
    assert len(ends(log)) == 1
    assert len(scripted.requests) == 1  # no answer is taken: the response was handed out


@pytest.mark.parametrize("how", ["close", "async with", "garbage"])
async def test_abandoned_stream_fires_post_request_once(scripted: ScriptedServer, how: str) -> None:
    log: Log = []
    told = asyncio.Event()
    scripted.answer(Script(HALF).stall())
    last = on("post_request", lambda self, response: told.set(), "z")
    async with client_with(Recorder(log), last) as client:
        found = await client.get(scripted.url(), stream=True)
        if how == "close":
            await found.close()
        elif how == "async with":
            async with found:
                pass
        else:
            with pytest.warns(ResourceWarning, match="neither read to its end nor closed"):  # noqa: PT031
                del found
                gc.collect()
        await asyncio.wait_for(told.wait(), 5)
    assert ends(log) == [("recorder", "post_request", StreamAbandoned.__name__)]


@pytest.mark.parametrize("end", ["error", "cancelled"])
async def test_broken_stream_fires_post_request_once(scripted: ScriptedServer, end: str) -> None:
    log: Log = []
    scripted.answer(Script(HALF).close() if end == "error" else Script(HALF).stall())
    async with client_with(Recorder(log)) as client:
        found = await client.get(scripted.url(), stream=True)
        if end == "error":
            with pytest.raises(ConnectionError):
                await found.raw.read()
        else:
            assert await found.raw.read(4) == b"half"
            task = asyncio.ensure_future(found.raw.read(1))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await found.aclose()
    assert [entry[2] for entry in ends(log)] == ["ConnectionClosed" if end == "error" else "CancelledError"]
