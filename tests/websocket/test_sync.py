"""Synchronous mode, other loops, and the end of a loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from hookline import HttpClient, SyncHttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WS, WebSocketClosed, WebSocketError, connect
from servers.websocket_peer import PING, PONG, Peer, close, frame, opening, text


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


def test_receive_send_and_close_without_a_loop(websockets_server: Any) -> None:
    with HttpClient() as client, client.get(url_of(websockets_server)) as websocket:
        websocket.send("one")
        websocket.write("two")
        websocket.send([b"three ", b"four"])
        assert [websocket.receive() for _ in range(3)] == ["one", "two", b"three four"]
        assert 0 < websocket.ping() < 5
        websocket.send(b"x" * 3_000_000)
        assert websocket.receive() == b"x" * 3_000_000
        websocket.close(3000, "bye")
        assert websocket.close_reason == (3000, "bye")
        websocket.close()
        websocket.wait_closed()
        with pytest.raises(WebSocketClosed):
            websocket.receive()


def test_iteration_without_a_loop(websockets_server: Any) -> None:
    with HttpClient() as client:
        with client.get(url_of(websockets_server, "/count/3")) as websocket:
            assert list(websocket) == ["0", "1", "2"]
        assert websocket.close_reason == (1000, "")


def test_client_close_without_a_loop_says_1001(scripted: ScriptedServer) -> None:
    got: list[Any] = []

    async def play(peer: Peer) -> None:
        got.append(await peer.close_frame())
        await peer.send(close(1001))

    scripted.answer(opening(play))
    with HttpClient() as client:
        websocket = client.get(url_of(scripted))
    assert got == [(1001, "")]
    assert websocket.close_reason == (1001, "")


def test_callbacks_and_pings_run_inside_calls(scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(text("hello") + frame(PING, b"there?"))
        assert (await peer.frame())[:2] == (PONG, b"there?")
        await peer.send(close())
        await peer.close_frame()

    class Handler(WS):
        got = ""

        async def on_message(self, websocket: Any, message: str) -> None:
            self.got = message

    handler = Handler()
    scripted.answer(opening(play))
    with HttpClient() as client:
        websocket = client.get(url_of(scripted), websocket_handler=handler)
        websocket.wait_closed()
    assert handler.got == "hello"


def test_violation_without_a_loop(scripted: ScriptedServer) -> None:
    scripted.answer(opening(None, behind=frame(3)))
    with HttpClient() as client:
        websocket = client.get(url_of(scripted))
        with pytest.raises(WebSocketError, match="opcode"):
            websocket.receive()
        websocket.close()


def test_one_loop_after_another(websockets_server: Any) -> None:
    client = HttpClient()

    async def talk() -> None:
        async with await client.get(url_of(websockets_server)) as websocket:
            await websocket.send("hello")
            assert await websocket.receive() == "hello"

    for _ in range(2):
        asyncio.run(talk())


def test_open_websocket_keeps_the_client_at_its_loop(websockets_server: Any) -> None:
    first = asyncio.new_event_loop()
    client = HttpClient()

    async def begin() -> Any:
        return await client.get(url_of(websockets_server))

    websocket = first.run_until_complete(begin())

    async def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="another loop"):
            await client.get(url_of(websockets_server))
        with pytest.raises(RuntimeError, match="another loop"):
            await websocket.receive()

    asyncio.run(elsewhere())

    async def end() -> None:
        await client.close()

    first.run_until_complete(end())
    first.close()
    assert websocket.close_reason == (1001, "")


END = """
    import asyncio, sys
    from hookline import HttpClient, WS

    class Slow(WS):
        async def on_message(self, websocket, message):
            await asyncio.sleep(60)

    async def main():
        client = HttpClient()
        kept.append(await client.get(sys.argv[1], websocket_handler=Slow()))
        kept.append(await client.get(sys.argv[1]))
        kept[0].write("begin")
        await asyncio.sleep(0.05)

    kept = []
    asyncio.run(main())
    print([websocket.close_reason[0] for websocket in kept])
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_loop_that_ends_under_open_websockets_closes_them(websockets_server: Any, loop: str) -> None:
    program = textwrap.dedent(END)
    if loop == "uvloop":
        program = "import uvloop\n" + program.replace("asyncio.run(", "uvloop.run(")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, url_of(websockets_server)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == "[1006, 1001]\n"


@pytest.mark.parametrize("kind", [HttpClient, SyncHttpClient])
def test_connect_without_a_loop(websockets_server: Any, kind: type[HttpClient]) -> None:
    client: Any = kind()
    with client, connect(client, url_of(websockets_server)) as websocket:
        websocket.send("one")
        assert websocket.receive() == "one"
