"""Peers that flood and do not read: what a handler writes meanwhile is bounded, whatever it writes with."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WS
from servers.websocket_peer import CONTINUATION, PING, TEXT, Peer, close, frame, opening, text

MIB = 1024 * 1024
COUNT = 24_000
BODY = b"x" * 125


def url_of(server: Any) -> str:
    return "ws" + server.url().removeprefix("http")


class PongsItself(WS):
    def on_ping(self, websocket: Any, body: bytes) -> Any:
        websocket.pong(body)


class PongsByTheBase(WS):
    def on_ping(self, websocket: Any, body: bytes) -> Any:
        super().on_ping(websocket, body)


class PongsInATask(WS):
    async def on_ping(self, websocket: Any, body: bytes) -> Any:
        websocket.pong(body)


class Pings(WS):
    count = 0

    def on_ping(self, websocket: Any, body: bytes) -> Any:
        self.count += 1
        websocket.ping(b"%0125d" % self.count)


class PingsOnMessages(Pings):
    def on_message(self, websocket: Any, message: str) -> Any:
        self.on_ping(websocket, b"")


class WritesOnPings(WS):
    def on_ping(self, websocket: Any, body: bytes) -> Any:
        websocket.write(body)


class PongsOnMessages(WS):
    def on_message(self, websocket: Any, message: str) -> Any:
        websocket.pong(message.encode())


HANDLERS = [
    (PongsItself, PING), (PongsByTheBase, PING), (PongsInATask, PING), (Pings, PING), (WritesOnPings, PING),
    (PongsOnMessages, TEXT), (PingsOnMessages, TEXT),
]  # fmt: skip


async def until_held(transport: Any) -> None:
    """Wait until reading has stopped for good: it stops in passing, too, for the loop to have its turns."""
    stopped = 0
    while stopped < 20:
        await asyncio.sleep(0.005)
        stopped = 0 if transport.is_reading() else stopped + 1
        assert transport.get_write_buffer_size() < MIB


@pytest.mark.parametrize(("handler", "kind"), HANDLERS, ids=[each.__name__ for each, _ in HANDLERS])
async def test_handler_that_answers_a_flood_is_held_back(
    client: HttpClient, make_scripted: Any, tmp_path: Path, handler: type[WS], kind: int
) -> None:
    # TCP takes megabytes until it holds anybody up, and with small buffers it stalls: the ACK that a segment beyond the
    # window carries is dropped.
    path = str(tmp_path / "socket")
    scripted = make_scripted(unix_socket=path)
    reads = threading.Event()  # the peer has a loop of its own
    got = 0

    async def play(peer: Peer) -> None:
        nonlocal got
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream transport has it

        async def send() -> None:
            for _ in range(COUNT // 200):
                await peer.send(frame(kind, BODY) * 200)

        sending = asyncio.ensure_future(send())
        await asyncio.to_thread(reads.wait, 20)
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(COUNT):
            await peer.frame()
            got += 1
        await sending
        await peer.send(close())
        await peer.until_close()

    scripted.answer(opening(play))
    websocket = await client.get("ws://localhost/", websocket_handler=handler(), unix_socket=path)
    transport = websocket.connection.transport
    async with asyncio.timeout(20):
        await until_held(transport)
    reads.set()
    async with asyncio.timeout(20):
        await websocket.wait_closed()
    assert got == COUNT


async def test_handler_that_writes_behind_a_message_in_fragments_is_held_back(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    class Echo(WS):
        waiting = 0

        def on_message(self, websocket: Any, message: str) -> Any:
            self.waiting += len(message)
            websocket.write(message)

    sent = [f"{number:08d}" * 128 for number in range(4000)]
    got: list[bytes] = []

    async def play(peer: Peer) -> None:
        async def send() -> None:
            for message in sent:
                await peer.send(text(message))

        assert (await peer.frame())[0] == TEXT
        sending = asyncio.ensure_future(send())
        for _ in range(2):
            assert (await peer.frame())[0] == CONTINUATION
        got.extend([await peer.message() for _ in sent])
        await sending
        await peer.send(close())
        await peer.until_close()

    scripted.answer(opening(play))
    handler = Echo()
    websocket = await client.get(url_of(scripted), websocket_handler=handler)
    go_on = asyncio.Event()

    async def pieces() -> Any:
        yield "begin"
        await go_on.wait()
        yield "end"

    sending = asyncio.create_task(websocket.send(pieces()))
    async with asyncio.timeout(20):
        await until_held(websocket.connection.transport)
    assert handler.waiting < MIB
    go_on.set()
    async with asyncio.timeout(20):
        await sending
        await websocket.wait_closed()
    assert [message.decode() for message in got] == sent


async def test_keepalive_to_a_peer_that_does_not_read_adds_no_pings(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    done = threading.Event()  # the peer has a loop of its own

    async def play(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        while not done.is_set():  # never silent, so that no timeout ends it
            await peer.send(text("here"))
            await asyncio.sleep(0.01)

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted), ping_interval=0.01, ping_timeout=2)
    websocket.write(b"x" * 16 * MIB)  # more than the kernel takes
    transport = websocket.connection.transport
    before = size = transport.get_write_buffer_size()
    for _ in range(20):
        assert await websocket.receive() == "here"
        before, size = min(before, size), transport.get_write_buffer_size()
        assert size <= before
    done.set()
    await websocket.close()
