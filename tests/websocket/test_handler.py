"""A websocket with a handler: who is called, in which order, and what becomes of exceptions."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WS, WebSocketClosed, WebSockets
from servers.websocket_peer import CLOSE, PING, PONG, Peer, close, frame, opening, text

SCENE = text("one") + frame(2, b"two") + frame(PONG, b"three") + text("four")


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


async def close_now(peer: Peer) -> None:
    await peer.send(close(1000, "done"))
    await peer.close_frame()


async def test_handler_is_told_in_order(client: HttpClient, scripted: ScriptedServer, recorder: Any) -> None:
    scripted.answer(opening(close_now, behind=SCENE))
    websocket = await client.get(url_of(scripted), websocket_handler=recorder)
    await websocket.wait_closed()
    assert recorder.log == [
        ("open",),
        ("message", "one"),
        ("bytes", b"two"),
        ("pong", b"three"),
        ("message", "four"),
        ("close", 1000, "done"),
    ]


@pytest.mark.parametrize("kind", ["async", "future", "mixed"])
async def test_one_at_a_time_whatever_they_give_to_await(
    client: HttpClient, scripted: ScriptedServer, kind: str
) -> None:
    log: list[str] = []
    running = 0

    async def work(name: str) -> None:
        nonlocal running
        running += 1
        assert running == 1
        log.append(f"{name} begins")
        await asyncio.sleep(0.005)
        log.append(f"{name} ends")
        running -= 1

    def plain(name: str) -> None:
        assert running == 0
        log.extend([f"{name} begins", f"{name} ends"])

    def call(name: str, number: int) -> Any:
        if kind == "mixed" and number % 2:
            return plain(name)
        return asyncio.ensure_future(work(name)) if kind == "future" else work(name)

    class Handler(WS):
        def on_open(self, websocket: Any) -> Any:
            return call("open", 0)

        def on_message(self, websocket: Any, message: str) -> Any:
            return call(message, 1)

        def on_bytes(self, websocket: Any, body: bytes) -> Any:
            return call(body.decode(), 2)

        def on_pong(self, websocket: Any, body: bytes) -> Any:
            return call(body.decode(), 3)

        def on_close(self, websocket: Any) -> Any:
            return call("close", 4)

    scripted.answer(opening(close_now, behind=SCENE))
    websocket = await client.get(url_of(scripted), websocket_handler=Handler())
    await websocket.wait_closed()
    names = ("open", "one", "two", "three", "four", "close")
    assert log == [f"{name} {what}" for name in names for what in ("begins", "ends")]


async def test_plain_handlers_need_no_task(client: HttpClient, websockets_server: Any) -> None:
    tasks = set()

    class Echo(WS):
        count = 0

        def on_open(self, websocket: Any) -> None:
            websocket.write("0")

        def on_message(self, websocket: Any, message: str) -> None:
            tasks.update(asyncio.all_tasks())
            self.count += 1
            if self.count < 10:
                websocket.write(message)
            else:
                websocket.write_close()

    before = asyncio.all_tasks()
    websocket = await client.get(url_of(websockets_server), websocket_handler=Echo())
    await websocket.wait_closed()
    assert tasks == before


async def test_task_ends_when_nothing_waits(client: HttpClient, websockets_server: Any) -> None:
    got = asyncio.Queue[str]()

    class Echo(WS):
        async def on_message(self, websocket: Any, message: str) -> None:
            await asyncio.sleep(0)
            got.put_nowait(message)

    before = asyncio.all_tasks()
    async with await client.get(url_of(websockets_server), websocket_handler=Echo()) as websocket:
        for number in range(3):
            websocket.write(str(number))
            assert await got.get() == str(number)
            await asyncio.sleep(0.01)
            assert asyncio.all_tasks() == before


async def test_client_has_a_handler_for_all_and_a_call_may_have_none(scripted: ScriptedServer, recorder: Any) -> None:
    scripted.respond(lambda request: opening(None, behind=text("hello")))
    async with HttpClient(plugins=[WebSockets()], autoload=False, websocket_handler=recorder) as client:
        assert client.websocket_handler is recorder
        async with await client.get(url_of(scripted)) as websocket:
            with pytest.raises(RuntimeError, match="has a handler"):
                await websocket.receive()
        async with await client.get(url_of(scripted), websocket_handler=None) as websocket:
            assert await websocket.receive() == "hello"
    assert recorder.log[:2] == [("open",), ("message", "hello")]


async def test_handler_of_several_websockets(client: HttpClient, websockets_server: Any) -> None:
    class Count(WS):
        def __init__(self) -> None:
            self.got: dict[Any, list[str]] = {}

        def on_message(self, websocket: Any, message: str) -> None:
            self.got.setdefault(websocket, []).append(message)

    handler = Count()
    websockets = [
        await client.get(url_of(websockets_server, f"/count/{number}"), websocket_handler=handler)
        for number in range(1, 4)
    ]
    for websocket in websockets:
        await websocket.wait_closed()
    assert [len(handler.got[websocket]) for websocket in websockets] == [1, 2, 3]


@pytest.mark.parametrize("method", ["on_open", "on_message", "on_bytes", "on_pong"])
@pytest.mark.parametrize("is_async", [False, True])
async def test_exception_closes_with_1011_and_reaches_who_waits(
    client: HttpClient, scripted: ScriptedServer, recorder: Any, method: str, is_async: bool
) -> None:
    codes: list[Any] = []

    async def play(peer: Peer) -> None:
        codes.append(await peer.close_frame())
        await peer.send(close(1011))

    def fail(*arguments: Any) -> Any:
        raise ValueError("my own")

    async def fail_later(*arguments: Any) -> Any:
        await asyncio.sleep(0)
        raise ValueError("my own")

    setattr(recorder, method, fail_later if is_async else fail)
    scripted.answer(opening(play, behind=SCENE + SCENE))
    websocket = await client.get(url_of(scripted), websocket_handler=recorder)
    for _ in range(2):
        with pytest.raises(ValueError, match="my own"):
            await websocket.wait_closed()
    assert codes == [(1011, "the handler failed")]
    assert websocket.close_reason == (1011, "the handler failed")
    assert recorder.log[-1] == ("close", 1011, "the handler failed")
    assert [entry[0] for entry in recorder.log].count("close") == 1
    assert len(recorder.log) <= 5


@pytest.mark.parametrize("is_async", [False, True])
async def test_exception_that_nobody_waits_for_goes_to_the_loop(
    client: HttpClient, scripted: ScriptedServer, recorder: Any, is_async: bool
) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

    async def later() -> None:
        raise ValueError("my own")

    def fail(websocket: Any, message: str) -> Any:
        if is_async:
            return later()
        raise ValueError("my own")

    recorder.on_message = fail
    scripted.answer(opening(close_now, behind=text("one")))
    websocket = await client.get(url_of(scripted), websocket_handler=recorder)
    await scripted.until_closed_connections()
    await websocket.close()
    await asyncio.sleep(0)
    assert [str(context["exception"]) for context in told] == ["my own"]
    assert "Recorder" in told[0]["message"]


async def test_exception_in_on_close_is_told_beside_an_earlier_one(
    client: HttpClient, scripted: ScriptedServer, recorder: Any
) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

    def fail(word: str) -> Any:
        raise ValueError(word)

    recorder.on_message = lambda websocket, message: fail("first")
    recorder.on_close = lambda websocket: fail("second")
    scripted.answer(opening(close_now, behind=text("one")))
    websocket = await client.get(url_of(scripted), websocket_handler=recorder)
    with pytest.raises(ValueError, match="first"):
        await websocket.wait_closed()
    assert [str(context["exception"]) for context in told] == ["second"]


async def test_end_of_its_own_websocket_is_no_fault_of_a_handler(client: HttpClient, scripted: ScriptedServer) -> None:
    got: list[str] = []

    class Late(WS):
        async def on_message(self, websocket: Any, message: str) -> None:
            while websocket.close_reason is None:  # noqa: ASYNC110  # that is what a handler can see
                await asyncio.sleep(0.001)
            got.append(message)
            with pytest.raises(WebSocketClosed):
                websocket.write("too late")
            await websocket.send("too late")

    scripted.answer(opening(close_now, behind=text("one") + text("two")))
    websocket = await client.get(url_of(scripted), websocket_handler=Late())
    await websocket.wait_closed()
    assert got == ["one", "two"]
    assert websocket.close_reason == (1000, "done")


async def test_pings_are_answered_while_a_callback_runs(client: HttpClient, scripted: ScriptedServer) -> None:
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def play(peer: Peer) -> None:
        await peer.send(text("work") + frame(PING, b"there?"))
        assert (await peer.frame())[:2] == (PONG, b"there?")
        loop.call_soon_threadsafe(answered.set)
        await close_now(peer)

    class Busy(WS):
        async def on_message(self, websocket: Any, message: str) -> None:
            await answered.wait()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), websocket_handler=Busy())
    async with asyncio.timeout(5):
        await websocket.wait_closed()


async def test_own_on_ping_decides(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(frame(PING, b"one") + frame(PING, b"two"))
        assert (await peer.frame())[:2] == (PONG, b"two")
        await close_now(peer)

    class Choosy(WS):
        def on_ping(self, websocket: Any, body: bytes) -> Any:
            return None if body == b"one" else super().on_ping(websocket, body)

    scripted.answer(opening(play))
    await (await client.get(url_of(scripted), websocket_handler=Choosy())).wait_closed()


async def test_slow_handler_holds_back_a_fast_peer(client: HttpClient, scripted: ScriptedServer) -> None:
    sent = 0
    total = 32 * 1024 * 1024
    go_on = asyncio.Event()

    async def play(peer: Peer) -> None:
        nonlocal sent
        while sent < total:
            await peer.send(frame(2, b"x" * 65536))
            sent += 65536
        await close_now(peer)

    class Slow(WS):
        got = 0

        async def on_bytes(self, websocket: Any, body: bytes) -> None:
            await go_on.wait()
            self.got += len(body)

    handler = Slow()
    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), websocket_handler=handler)
    await asyncio.sleep(0.2)
    assert sent < total // 2
    assert websocket._protocol._inbox.waiting_size < 512 * 1024
    go_on.set()
    await websocket.wait_closed()
    assert handler.got == total


async def test_echo_to_a_peer_that_does_not_read_is_held_back(client: HttpClient, scripted: ScriptedServer) -> None:
    sent = 0
    total = 32 * 1024 * 1024

    async def play(peer: Peer) -> None:
        nonlocal sent
        peer.writer.transport.pause_reading()
        try:
            async with asyncio.timeout(0.5):
                while sent < total:
                    await peer.send(frame(2, b"x" * 65536))
                    sent += 65536
        except TimeoutError:
            pass
        peer.writer.transport.resume_reading()
        while (await peer.frame())[0] != CLOSE:
            pass
        await peer.send(close())

    class Echo(WS):
        def on_bytes(self, websocket: Any, body: bytes) -> None:
            websocket.write(body)

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), websocket_handler=Echo())
    await asyncio.sleep(0.4)
    assert sent < total // 2
    assert websocket.connection.transport.get_write_buffer_size() < 1024 * 1024
    await asyncio.sleep(0.3)
    async with asyncio.timeout(10):
        await websocket.close()
    assert websocket.close_reason == (1000, "")


async def test_close_from_within_callbacks(client: HttpClient, websockets_server: Any) -> None:
    class Once(WS):
        async def on_message(self, websocket: Any, message: str) -> None:
            await websocket.close(3001, "enough")
            with pytest.raises(RuntimeError, match="cannot be awaited in one of its callbacks"):
                await websocket.wait_closed()

    websocket = await client.get(url_of(websockets_server, "/count/3"), websocket_handler=Once())
    await websocket.wait_closed()
    assert websocket.close_reason is not None

    class AtOnce(WS):
        log: list[str]

        def on_open(self, websocket: Any) -> None:
            self.log = []
            websocket.write_close(3002)

        def on_message(self, websocket: Any, message: str) -> None:
            self.log.append(message)

        def on_close(self, websocket: Any) -> None:
            self.log.append("close")

    handler = AtOnce()
    await (await client.get(url_of(websockets_server, "/count/3"), websocket_handler=handler)).wait_closed()
    assert handler.log == ["0", "1", "2", "close"]  # behind our close frame the peer may still say something


async def test_cancelled_callback_ends_the_websocket(client: HttpClient, scripted: ScriptedServer) -> None:
    tasks: list[Any] = []
    begun = asyncio.Event()

    class Handler(WS):
        closed = 0

        async def on_message(self, websocket: Any, message: str) -> None:
            tasks.append(asyncio.current_task())
            begun.set()
            await asyncio.sleep(60)

        def on_close(self, websocket: Any) -> None:
            self.closed += 1

    handler = Handler()
    scripted.answer(opening(None, behind=text("one") + text("two")))
    websocket = await client.get(url_of(scripted), websocket_handler=handler)
    await begun.wait()
    tasks[0].cancel()
    await websocket.wait_closed()
    await scripted.until_closed_connections()
    assert len(tasks) == 1
    assert handler.closed == 1


async def test_websocket_with_a_handler_lives_without_another_name(
    client: HttpClient, scripted: ScriptedServer, recorder: Any
) -> None:
    async def play(peer: Peer) -> None:
        await peer.message()
        await peer.send(text("late"))
        await close_now(peer)

    scripted.answer(opening(play))
    (await client.get(url_of(scripted), websocket_handler=recorder)).write("go")
    gc.collect()
    await scripted.until_closed_connections()
    await asyncio.sleep(0.01)
    assert recorder.log == [("open",), ("message", "late"), ("close", 1000, "done")]


@pytest.mark.parametrize("value", [WS, object(), "echo", lambda websocket, message: None])
async def test_what_is_no_handler_is_refused(client: HttpClient, value: Any) -> None:
    with pytest.raises(TypeError, match="websocket_handler= takes an object"):
        await client.get("ws://127.0.0.1:1/", websocket_handler=value)
