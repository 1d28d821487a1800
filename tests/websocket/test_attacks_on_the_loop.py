"""Whatever a peer sends, no exception gets out of what the loop calls: it would end in the log, and nobody would be told."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from wsproto.frame_protocol import FrameProtocol

from hookline import HooklineError, HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WS, WebSocketError
from servers.websocket_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, close, frame, opening, text

DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate")
SEEDS = [
    text("hello"), frame(BINARY, b"x" * 300), frame(BINARY, b"x" * 70_000), frame(PING, b"a"), frame(PONG, b"a"), close(),
    close(None), close(4000, "x"), close(5000), close(65535), close(1015), close(2999), close(1000, "x" * 123),
    frame(TEXT, b"a", fin=False) + frame(PING) + frame(CONTINUATION, b"b"), frame(TEXT, b"\x4a\x04\x00", rsv=4),
    frame(CLOSE, b"\x03"), frame(TEXT, b"\xff"), b"\x81\x7f" + b"\xff" * 8,
]  # fmt: skip


def url_of(server: Any) -> str:
    return "ws" + server.url().removeprefix("http")


def mutated(choice: random.Random) -> bytes:
    """Some frames, with bytes changed, taken out or put in."""
    data = bytearray(b"".join(choice.choice(SEEDS) for _ in range(choice.choice([1, 2, 3, 8]))))
    for _ in range(choice.choice([0, 1, 2, 4])):
        at, what = choice.randrange(len(data)), choice.random()
        if what < 0.5:
            data[at] = choice.randrange(256)
        elif what < 0.7:
            del data[at : at + 3]
        else:
            data[at:at] = choice.randbytes(choice.randrange(6))
    return bytes(data)


class Handler(WS):
    """Writes, closes, aborts and raises, by chance."""

    def __init__(self, choice: random.Random) -> None:
        self._choice = choice

    def on_message(self, websocket: Any, message: Any) -> Any:
        what = self._choice.randrange(8)
        if what < 3:
            return websocket.write(message)
        if what == 3:
            websocket.write_close()
        elif what == 4:
            websocket.connection.abort()
        elif what == 5:
            return asyncio.sleep(0)
        return None

    def on_bytes(self, websocket: Any, body: bytes) -> Any:
        return self.on_message(websocket, body)

    def on_ping(self, websocket: Any, body: bytes) -> Any:
        if self._choice.random() < 0.3:
            websocket.connection.abort()
        return super().on_ping(websocket, body)


@pytest.mark.parametrize("handled", [False, True], ids=["received", "handled"])
@pytest.mark.parametrize("seed", range(4))
async def test_frames_of_all_sorts(client: HttpClient, make_scripted: Any, seed: int, handled: bool) -> None:
    choice = random.Random(seed)
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    server = make_scripted(strict=False)
    for _ in range(60):
        data, fields = mutated(choice), [DEFLATE] if choice.random() < 0.5 else []
        cut: Any = choice.choice(["whole", "whole", 3, 50]) if len(data) < 1000 else "whole"

        async def play(peer: Peer, data: bytes = data, cut: Any = cut, drops: bool = choice.random() < 0.3) -> None:
            await peer.send(data, cut)
            if drops:
                peer.writer.transport.abort()

        server.answer(opening(play, *fields))
        options: dict[str, Any] = {"websocket_handler": Handler(choice)} if handled else {}
        websocket = await client.get(url_of(server), close_timeout=0.2, max_message_size=100_000, **options)
        try:
            async with asyncio.timeout(5):
                if handled:
                    await websocket.wait_closed()
                else:
                    async for message in websocket:
                        websocket.write(message)
                    await websocket.close()
        except HooklineError:
            pass
    assert [context for context in told if "exception in the handler" not in context["message"]] == []


class Breaks(FrameProtocol):
    """A parser of frames that fails."""

    where = ""

    def receive_bytes(self, data: bytes) -> None:
        if self.where == "receive_bytes":
            raise KeyError("no")
        super().receive_bytes(data)

    def received_frames(self) -> Any:
        for each in super().received_frames():
            if self.where == "received_frames":
                raise ZeroDivisionError
            yield each

    def pong(self, payload: bytes = b"") -> Any:
        if self.where == "pong":
            raise ValueError("no")
        return super().pong(payload)


@pytest.mark.parametrize("handled", [False, True], ids=["received", "handled"])
@pytest.mark.parametrize("where", ["receive_bytes", "received_frames", "pong"])
async def test_frame_parser_that_fails_is_told_to_who_receives(
    client: HttpClient, scripted: ScriptedServer, where: str, handled: bool
) -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

    class Own(Breaks):
        pass

    Own.where = where
    closed: list[Any] = []

    class Told(WS):
        def on_close(self, websocket: Any) -> None:
            closed.append(websocket.close_reason)

    async def play(peer: Peer) -> None:
        await peer.send(frame(PING, b"a") + text("hello"))
        await peer.end()

    scripted.answer(opening(play))
    options: dict[str, Any] = {"websocket_handler": Told()} if handled else {}
    websocket = await client.get(url_of(scripted), frame_parser=Own, **options)
    if handled:
        await websocket.wait_closed()
        assert closed == [(1006, "")]
    else:
        with pytest.raises(WebSocketError, match="the frame parser failed: ") as caught:
            await websocket.receive()
        assert isinstance(caught.value.__cause__, (KeyError, ZeroDivisionError, ValueError))
        await websocket.wait_closed()
    assert told == []
