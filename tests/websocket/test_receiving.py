"""A websocket without a handler: receive, iteration, blocks, and who is held back by whom."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
import weakref
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WebSocketClosed, WebSocketError
from servers.websocket_peer import CLOSE, PING, PONG, TEXT, Peer, close, frame, opening, text


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


async def test_iteration_ends_with_the_peer_and_receive_says_so(client: HttpClient, websockets_server: Any) -> None:
    websocket = await client.get(url_of(websockets_server, "/count/5"))
    assert [message async for message in websocket] == ["0", "1", "2", "3", "4"]
    with pytest.raises(WebSocketClosed, match="closed with 1000") as caught:
        await websocket.receive()
    assert (caught.value.code, caught.value.reason) == (1000, "")
    assert caught.value.request is websocket.request
    assert websocket.close_reason == (1000, "")
    assert [message async for message in websocket] == []
    for sending in (websocket.send, websocket.write, lambda message: websocket.ping()):
        with pytest.raises(WebSocketClosed):
            await sending("too late")


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
async def test_iteration_ends_at_any_close_by_the_peer(client: HttpClient, websockets_server: Any, code: int) -> None:
    async with await client.get(url_of(websockets_server, f"/close/{code}")) as websocket:
        assert [message async for message in websocket] == []
        assert websocket.close_reason == (code, "as you asked")
        with pytest.raises(WebSocketClosed, match="as you asked") as caught:
            await websocket.receive()
        assert caught.value.code == code


@pytest.mark.parametrize("end", ["close", "abort"])
async def test_iteration_ends_at_eof_and_reset(client: HttpClient, scripted: ScriptedServer, end: str) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(text("last"))
        if end == "abort":
            await peer.message()
            peer.writer.transport.abort()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    assert await websocket.receive() == "last"
    if end == "abort":
        await websocket.send("now")
    assert [message async for message in websocket] == []
    assert websocket.close_reason == (1006, "")
    with pytest.raises(WebSocketClosed, match="without a close frame"):
        await websocket.receive()


async def test_messages_before_a_violation_are_received_first(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(text("one") + text("two") + b"\x83\x00")
        assert (await peer.close_frame())[0] == 1002

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    got = []

    async def receive_all() -> None:
        async for message in websocket:
            got.append(message)  # noqa: PERF401  # the list is looked at although the loop fails

    with pytest.raises(WebSocketError, match="opcode") as caught:
        await receive_all()
    assert got == ["one", "two"]
    assert caught.value.code == 1002
    assert websocket.close_reason is not None
    assert websocket.close_reason[0] == 1002
    with pytest.raises(WebSocketError):
        await websocket.receive()
    with pytest.raises(WebSocketError):
        websocket.write("too late")
    await websocket.close()


async def test_only_one_may_wait(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening())
    async with await client.get(url_of(scripted)) as websocket:
        first = asyncio.ensure_future(websocket.receive())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="only one may wait at a time"):
            await websocket.receive()
        first.cancel()
        await asyncio.wait([first])


async def test_cancelled_receive_loses_nothing(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        for number in range(20):
            await peer.message()
            await peer.send(text(str(number)))
        await peer.send(close())

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    got = []
    for turn in range(20):
        websocket.write("next")
        while True:
            try:
                async with asyncio.timeout(0 if turn % 2 else 0.0002):
                    got.append(await websocket.receive())
                break
            except TimeoutError:
                await asyncio.sleep(0.0005)
    assert got == [str(number) for number in range(20)]
    await websocket.close()


async def test_message_and_cancellation_in_one_turn_lose_nothing(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening())
    async with await client.get(url_of(scripted)) as websocket:
        task = asyncio.ensure_future(websocket.receive())
        await asyncio.sleep(0)
        websocket._protocol._data_received(text("here"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await websocket.receive() == "here"


async def test_close_while_somebody_waits(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening())
    websocket = await client.get(url_of(scripted))
    waiting = asyncio.ensure_future(websocket.receive())
    await asyncio.sleep(0)
    await websocket.close()
    with pytest.raises(WebSocketClosed):
        await waiting


async def test_fast_peer_is_held_back_by_a_slow_consumer(client: HttpClient, scripted: ScriptedServer) -> None:
    sent = 0
    total = 64 * 1024 * 1024

    async def play(peer: Peer) -> None:
        nonlocal sent
        message = frame(2, b"x" * 65536)
        while sent < total:
            await peer.send(message)
            sent += 65536
        await peer.send(close())

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    await asyncio.sleep(0.3)
    assert sent < total // 2  # what the buffers of the kernel take, and 256 KiB
    assert websocket._protocol._inbox.waiting_size < 512 * 1024
    got = 0
    async for message in websocket:
        got += len(message)
    assert got == total
    assert websocket.close_reason == (1000, "")


async def test_many_small_messages_in_one_read_are_held_back_too(client: HttpClient, scripted: ScriptedServer) -> None:
    count = 200_000

    async def play(peer: Peer) -> None:
        for _ in range(count // 1000):
            await peer.send(frame(TEXT) * 1000)
        await peer.send(close())

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    await asyncio.sleep(0.1)
    assert len(websocket._protocol._inbox.messages) < 10_000
    got = 0
    async for message in websocket:
        assert message == ""
        got += 1
        if got % 10_000 == 0:
            await asyncio.sleep(0)
    assert got == count


async def test_what_was_held_back_is_not_lost_when_the_peer_goes(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(frame(2, b"x" * 100_000) * 5 + frame(2, b"x") * 1000)
        peer.writer.close()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    await scripted.until_closed_connections()
    await asyncio.sleep(0.05)
    got = [len(message) async for message in websocket]
    assert got == [100_000] * 5 + [1] * 1000
    assert websocket.close_reason == (1006, "")


async def test_slow_peer_holds_back_send(client: HttpClient, scripted: ScriptedServer) -> None:
    go_on = asyncio.Event()
    server_loop: list[asyncio.AbstractEventLoop] = []

    async def play(peer: Peer) -> None:
        server_loop.append(asyncio.get_running_loop())
        peer.writer.transport.pause_reading()
        await go_on.wait()
        peer.writer.transport.resume_reading()
        for _ in range(100):
            await peer.message()
        await peer.send(close())
        await peer.close_frame()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), compression=False)
    sent = 0

    async def send_all() -> None:
        nonlocal sent
        for _ in range(100):
            await websocket.send(b"x" * 1_000_000)
            sent += 1

    task = asyncio.ensure_future(send_all())
    await asyncio.sleep(0.2)
    assert sent < 50
    assert not task.done()
    assert websocket.connection.transport.get_write_buffer_size() < 3_000_000
    server_loop[0].call_soon_threadsafe(go_on.set)
    async with asyncio.timeout(20):
        await task
        await websocket.wait_closed()


async def test_cancelled_send_leaves_the_others_alone(client: HttpClient, scripted: ScriptedServer) -> None:
    loop = asyncio.get_running_loop()
    go_on = asyncio.Event()
    got: list[int] = []
    ready: list[asyncio.AbstractEventLoop] = []

    async def play(peer: Peer) -> None:
        ready.append(asyncio.get_running_loop())
        peer.writer.transport.pause_reading()
        await go_on.wait()
        peer.writer.transport.resume_reading()
        for _ in range(3):
            got.append(len(await peer.message()))  # noqa: PERF401
        await peer.send(close())
        await peer.close_frame()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), compression=False)
    tasks = [loop.create_task(websocket.send(b"x" * 8_000_000)) for _ in range(3)]
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in tasks)
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    ready[0].call_soon_threadsafe(go_on.set)
    async with asyncio.timeout(20):
        await tasks[0]
        await tasks[2]
        await websocket.wait_closed()
    assert got == [8_000_000] * 3  # it was written already


async def test_send_that_waits_ends_with_the_connection(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        peer.writer.transport.pause_reading()
        await asyncio.sleep(0.2)
        peer.writer.transport.abort()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), compression=False)
    written = websocket.write(b"x" * 20_000_000)
    with pytest.raises(WebSocketClosed):
        await websocket.send(b"x")
    with pytest.raises(WebSocketClosed):
        await written


async def test_pings_are_answered_while_nobody_receives(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(frame(PING, b"there?"))
        assert (await peer.frame())[:2] == (PONG, b"there?")
        await peer.send(text("good"))
        await peer.close_frame()
        await peer.send(close())

    scripted.answer(opening(play))
    async with await client.get(url_of(scripted)) as websocket:
        assert await websocket.receive() == "good"


async def test_forgotten_websocket_is_closed_loudly(client: HttpClient, scripted: ScriptedServer) -> None:
    codes: list[Any] = []

    async def play(peer: Peer) -> None:
        codes.append(await peer.close_frame())
        await peer.send(frame(CLOSE, b"\x03\xe9"))

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    gone = weakref.ref(websocket)
    with pytest.warns(ResourceWarning, match="forgotten without close"):
        del websocket
    assert gone() is None
    await scripted.until_closed_connections()
    assert codes == [(1001, "")]


async def test_forgotten_websocket_is_closed_where_warnings_are_errors(
    client: HttpClient, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(peer: Peer) -> None:
        assert (await peer.close_frame())[0] == 1001
        await peer.send(close(1001))

    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del websocket
    await scripted.until_closed_connections()
    assert [type(each.exc_value) for each in raised] == [ResourceWarning]


async def test_websocket_without_another_name_lives_while_it_is_awaited(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    async def play(peer: Peer) -> None:
        await peer.frame()
        await peer.send(text("late"))
        assert (await peer.close_frame())[0] == 1001

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    waiting = websocket.receive()
    websocket.write("go")
    del websocket
    gc.collect()
    with pytest.warns(ResourceWarning, match="forgotten"):
        assert await waiting == "late"
    await scripted.until_closed_connections()


async def test_block_that_fails_closes_with_1011(client: HttpClient, scripted: ScriptedServer) -> None:
    codes: list[Any] = []

    async def play(peer: Peer) -> None:
        codes.append(await peer.close_frame())
        await peer.send(close(1011))

    scripted.answer(opening(play))
    with pytest.raises(ValueError, match="mine"):
        async with await client.get(url_of(scripted)):
            raise ValueError("mine")
    assert codes == [(1011, "")]
