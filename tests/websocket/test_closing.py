"""The closing handshake, from either side, in order and not."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WS, WebSocketClosed, WebSocketError
from servers.websocket_peer import CLOSE, PING, Peer, close, frame, opening, text


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


async def test_close_sends_code_and_reason_and_twice_is_once(client: HttpClient, scripted: ScriptedServer) -> None:
    got: list[Any] = []

    async def play(peer: Peer) -> None:
        got.append(await peer.close_frame())
        await peer.send(close(3000, "bye"))
        got.append(await peer.end())

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), close_timeout=0.2)
    await asyncio.gather(websocket.close(3000, "bye ✓"), websocket.close(1000))
    await websocket.close()
    websocket.write_close()
    await scripted.until_closed_connections()
    assert got == [(3000, "bye ✓"), b""]
    assert websocket.close_reason == (3000, "bye")
    with pytest.raises(WebSocketClosed, match="3000"):
        await websocket.receive()


@pytest.mark.parametrize(("sent", "answer", "reason"), [(1001, 1001, (1001, "")), (None, None, (1005, ""))])
async def test_peers_close_is_answered_with_its_code(
    client: HttpClient, scripted: ScriptedServer, sent: int | None, answer: int | None, reason: tuple[int, str]
) -> None:
    got: list[Any] = []

    async def play(peer: Peer) -> None:
        await peer.send(close(sent))
        got.append(await peer.close_frame())

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    await websocket.wait_closed()
    assert got == [(answer, "")]
    assert websocket.close_reason == reason


async def test_close_without_a_code(client: HttpClient, scripted: ScriptedServer) -> None:
    got: list[Any] = []

    async def play(peer: Peer) -> None:
        got.append(await peer.close_frame())
        await peer.send(close(None))

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    await websocket.close(None)
    assert got == [(None, "")]
    assert websocket.close_reason == (1005, "")


async def test_write_close_goes_on_receiving(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.close_frame()
        for word in ("one", "two"):
            await asyncio.sleep(0.03)
            await peer.send(text(word))
        await asyncio.sleep(0.03)
        await peer.send(close())

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), close_timeout=0.05)
    await websocket.write_close(1000, "no more from here")
    assert websocket.close_reason is None
    with pytest.raises(WebSocketClosed, match="this side has closed"):
        websocket.write("too late")
    assert [message async for message in websocket] == ["one", "two"]
    assert websocket.close_reason == (1000, "")


@pytest.mark.parametrize("how", ["close", "write_close"])
async def test_peer_that_does_not_answer_the_close_is_left_after_a_while(
    client: HttpClient, scripted: ScriptedServer, how: str
) -> None:
    async def play(peer: Peer) -> None:
        await peer.end()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), close_timeout=0.1)
    begin = time.monotonic()
    getattr(websocket, how)() if how == "write_close" else await websocket.close()
    await websocket.wait_closed()
    assert 0.05 < time.monotonic() - begin < 2
    assert websocket.close_reason == (1006, "")
    assert [message async for message in websocket] == []
    await scripted.until_closed_connections()


@pytest.mark.parametrize("babble", [text("and so on"), frame(PING, b"!"), frame(0, b"x", fin=False)])
async def test_peer_that_talks_for_ever_is_left_after_a_while(
    client: HttpClient, scripted: ScriptedServer, babble: bytes
) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(frame(1, b"", fin=False) if babble[0] == 0 else b"")
        while True:
            await peer.send(babble * 100)
            await asyncio.sleep(0)

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), close_timeout=0.2)
    begin = time.monotonic()
    await websocket.close()
    assert time.monotonic() - begin < 2
    await scripted.until_closed_connections()


async def test_peer_that_closes_and_keeps_the_connection_is_left_after_a_while(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(close())
        await peer.end()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), close_timeout=0.1)
    assert [message async for message in websocket] == []
    assert websocket.close_reason == (1000, "")
    await websocket.wait_closed()
    await scripted.until_closed_connections()


async def test_slow_close_is_waited_for(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.close_frame()
        await peer.send(close(1000, "slowly"), cut="bytes")
        await asyncio.sleep(0.1)

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    begin = time.monotonic()
    await websocket.close()
    assert time.monotonic() - begin > 0.09
    assert websocket.close_reason == (1000, "slowly")


async def test_cancelled_close_ends_the_connection_at_once(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.end()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), close_timeout=60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await websocket.close()
    await scripted.until_closed_connections()
    await websocket.wait_closed()
    assert websocket.close_reason == (1006, "")


async def test_close_with_messages_that_nobody_takes(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        sending = asyncio.ensure_future(peer.send(frame(2, b"x" * 65536) * 100))
        await peer.close_frame()
        await sending
        await peer.send(close(1000, "all sent"))

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    await asyncio.sleep(0.1)
    assert websocket._protocol.is_reading_paused
    await websocket.close()
    assert websocket.close_reason == (1000, "all sent")
    assert await websocket.receive() == b"x" * 65536  # what was here before


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000])
async def test_codes_that_may_not_be_sent(client: HttpClient, scripted: ScriptedServer, code: int) -> None:
    scripted.answer(opening())
    async with await client.get(url_of(scripted)) as websocket:
        for function in (websocket.write_close, websocket.close):
            with pytest.raises(ValueError, match=f"close code {code}"):
                await function(code)
        assert websocket.close_reason is None


async def test_reason_that_is_too_long_or_has_no_code(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening())
    async with await client.get(url_of(scripted)) as websocket:
        with pytest.raises(ValueError, match="at most 123 bytes in UTF-8, not 126"):
            websocket.write_close(1000, "€" * 42)
        with pytest.raises(ValueError, match="needs a close code"):
            websocket.write_close(None, "why")
        await websocket.close(1000, "€" * 41)


async def test_keep_alive_pings_go_out(client: HttpClient, scripted: ScriptedServer) -> None:
    bodies = set()

    async def play(peer: Peer) -> None:
        for _ in range(3):
            opcode, body, _, _ = await peer.frame()
            assert opcode == PING
            bodies.add(body)
            await peer.send(frame(10, body))
        await peer.send(close())
        await peer.until_close()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), ping_interval=0.01, ping_timeout=1)
    await websocket.wait_closed()
    assert len(bodies) == 3
    assert websocket.close_reason == (1000, "")


async def test_peer_that_is_silent_behind_a_ping_is_lost(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.end()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), ping_interval=0.05, ping_timeout=0.05)
    with pytest.raises(WebSocketError, match=r"silent for 0\.05 s after a ping"):
        await websocket.receive()
    await websocket.wait_closed()
    assert websocket.close_reason == (1006, "")
    await scripted.until_closed_connections()


async def test_peer_that_talks_without_pongs_is_not_lost(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        for _ in range(20):
            await peer.send(text("busy"))
            await asyncio.sleep(0.01)
        await peer.send(close())
        await peer.until_close()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), ping_interval=0.01, ping_timeout=0.05)
    assert len([message async for message in websocket]) == 20


async def test_peer_whose_bytes_wait_unread_is_not_lost(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(frame(2, b"x" * 65536) * 20)
        await peer.send(close())
        await peer.until_close()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), ping_interval=0.2, ping_timeout=0.5)
    await asyncio.sleep(1)
    assert len([message async for message in websocket]) == 20


@pytest.mark.parametrize("with_handler", [False, True])
async def test_client_close_says_1001(scripted: ScriptedServer, with_handler: bool) -> None:
    got: list[Any] = []

    async def play(peer: Peer) -> None:
        got.append(await peer.close_frame())
        await peer.send(close(1001))

    scripted.respond(lambda request: opening(play))
    async with HttpClient() as client:
        options = {"websocket_handler": WS()} if with_handler else {}
        websockets = [await client.get(url_of(scripted), **options) for _ in range(3)]
    assert got == [(1001, "")] * 3
    assert [websocket.close_reason for websocket in websockets] == [(1001, "")] * 3


async def test_client_close_waits_for_handlers_and_no_longer_than_for_the_peer(scripted: ScriptedServer) -> None:
    log: list[str] = []

    class Slow(WS):
        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        async def on_close(self, websocket: Any) -> None:
            await asyncio.sleep(self.seconds)
            log.append("ended")

    scripted.respond(lambda request: opening())
    async with HttpClient(close_timeout=0.3) as client:
        await client.get(url_of(scripted), websocket_handler=Slow(0.1))
        await client.get(url_of(scripted), websocket_handler=Slow(60))
    assert log == ["ended"]
    assert len(asyncio.all_tasks()) == 1


async def test_reading_close_frames_in_pieces(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(text("a") + frame(CLOSE, b"\x03\xe8why"), cut="bytes")
        await peer.close_frame()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    assert [message async for message in websocket] == ["a"]
    assert websocket.close_reason == (1000, "why")
    assert repr(websocket) == f"<WebSocket {url_of(scripted, '')} closed 1000>"
