"""Messages that came whole before a violation of the protocol, even in the same read, are the user's, and may be answered."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from wsproto.frame_protocol import FrameProtocol

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WS, WebSocketError
from servers.websocket_peer import CLOSE, PONG, TEXT, Peer, frame, opening, text

MESSAGES = text("one") + frame(2, b"two") + text("three")
VIOLATIONS = {
    "reserved bit": (frame(TEXT, b"x", rsv=2), 1002),
    "text that is no UTF-8": (frame(TEXT, b"\xff"), 1007),
    "text that is no UTF-8, begun": (frame(TEXT, b"ab\xff", fin=False), 1007),
    "message past its limit": (frame(TEXT, b"x" * 2000), 1009),
}


def url_of(server: Any) -> str:
    return "ws" + server.url().removeprefix("http")


def sends(data: bytes, got: list[tuple[int, bytes]], cut: Any = "whole") -> Any:
    """Return a peer that sends this, and keeps the frames that come back, the close frame included."""

    async def play(peer: Peer) -> None:
        await peer.send(data, cut)
        while not got or got[-1][0] != CLOSE:
            opcode, payload, _, _ = await peer.frame()
            got.append((opcode, payload))

    return opening(play)


async def echo(websocket: Any, received: list[Any]) -> None:
    async for message in websocket:
        received.append(message)
        await asyncio.sleep(0)
        await websocket.send(message)


def echo_without_a_loop(websocket: Any) -> None:
    for message in websocket:
        websocket.send(message)


@pytest.mark.parametrize("parser", [None, FrameProtocol], ids=["own", "frame_parser"])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("name", VIOLATIONS)
async def test_messages_before_a_violation_can_be_echoed_by_plain_iteration(
    client: HttpClient, scripted: ScriptedServer, name: str, cut: Any, parser: Any
) -> None:
    data, code = VIOLATIONS[name]
    got: list[tuple[int, bytes]] = []
    scripted.answer(sends(MESSAGES + data, got, cut if len(data) < 1000 else "whole"))

    websocket = await client.get(url_of(scripted), max_message_size=1000, frame_parser=parser)
    received: list[Any] = []
    with pytest.raises(WebSocketError) as caught:
        await echo(websocket, received)
    await websocket.wait_closed()
    await scripted.until_closed_connections()

    assert received == ["one", b"two", "three"]
    assert got[:3] == [(1, b"one"), (2, b"two"), (1, b"three")]
    assert got[3][0] == CLOSE
    assert int.from_bytes(got[3][1][:2], "big") == caught.value.code == code
    assert websocket.close_reason == (code, caught.value.reason)


async def test_messages_before_a_violation_can_be_echoed_by_a_handler_that_waits(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    got: list[tuple[int, bytes]] = []
    scripted.answer(sends(MESSAGES + frame(3), got))

    class Echo(WS):
        async def on_message(self, websocket: Any, message: Any) -> None:
            await asyncio.sleep(0.01)
            await websocket.send(message)

        on_bytes = on_message

    websocket = await client.get(url_of(scripted), websocket_handler=Echo())
    await websocket.wait_closed()
    await scripted.until_closed_connections()

    assert [payload for _, payload in got[:-1]] == [b"one", b"two", b"three"]
    assert got[-1][1][:2] == b"\x03\xea"
    assert websocket.close_reason is not None
    assert websocket.close_reason[0] == 1002


async def test_nothing_behind_the_violation_is_taken_while_it_waits(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    got: list[tuple[int, bytes]] = []
    scripted.answer(sends(MESSAGES + frame(3) + text("never") + frame(9, b"never"), got))
    websocket = await client.get(url_of(scripted))
    received: list[Any] = []
    with pytest.raises(WebSocketError):
        await echo(websocket, received)
    await websocket.wait_closed()
    await scripted.until_closed_connections()
    assert received == ["one", b"two", "three"]
    assert PONG not in [opcode for opcode, _ in got]


@pytest.mark.parametrize("way", ["close", "write_close", "block"])
async def test_closing_sends_the_code_of_the_violation_that_waits(
    client: HttpClient, scripted: ScriptedServer, way: str
) -> None:
    got: list[tuple[int, bytes]] = []
    scripted.answer(sends(MESSAGES + frame(3), got))
    websocket = await client.get(url_of(scripted))
    if way == "block":
        async with websocket:
            assert await websocket.receive() == "one"
    else:
        assert await websocket.receive() == "one"
        await getattr(websocket, way)()
    await websocket.wait_closed()
    await scripted.until_closed_connections()
    assert got[-1][1][:2] == b"\x03\xea"
    assert websocket.close_reason is not None
    assert websocket.close_reason[0] == 1002


async def test_violation_waits_for_no_user_who_takes_nothing(client: HttpClient, scripted: ScriptedServer) -> None:
    got: list[tuple[int, bytes]] = []
    scripted.answer(sends(MESSAGES + frame(3), got))
    begin = time.monotonic()
    websocket = await client.get(url_of(scripted), close_timeout=0.1)
    async with asyncio.timeout(20):
        await websocket.wait_closed()
    await scripted.until_closed_connections()
    assert got[-1][1][:2] == b"\x03\xea"
    assert time.monotonic() - begin >= 0.1
    assert [await websocket.receive() for _ in range(3)] == ["one", b"two", "three"]
    with pytest.raises(WebSocketError, match="reserved opcode"):
        await websocket.receive()


async def test_connection_lost_while_a_violation_waits_still_gives_its_error(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(MESSAGES + frame(3))

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    async with asyncio.timeout(20):
        await websocket.wait_closed()
    assert [await websocket.receive() for _ in range(3)] == ["one", b"two", "three"]
    with pytest.raises(WebSocketError, match="reserved opcode") as caught:
        await websocket.receive()
    assert caught.value.code == 1002


def test_messages_before_a_violation_can_be_echoed_without_a_loop(make_scripted: Any) -> None:
    server = make_scripted()
    got: list[tuple[int, bytes]] = []
    server.answer(sends(MESSAGES + frame(3), got))
    with HttpClient() as client:
        websocket = client.get(url_of(server))
        with pytest.raises(WebSocketError):
            echo_without_a_loop(websocket)
        websocket.close()
    assert [payload for _, payload in got[:-1]] == [b"one", b"two", b"three"]
    assert got[-1][1][:2] == b"\x03\xea"
