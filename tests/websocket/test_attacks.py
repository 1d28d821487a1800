"""Peers that mean harm: each is named after what it tries. And split anywhere: what a hostile network does."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import textwrap
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import WebSocketError
from servers.websocket_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, close, frame, opening, text

MIB = 1024 * 1024
DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate")


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


async def fails_with(
    client: HttpClient, scripted: ScriptedServer, data: bytes, cut: Any = "whole", fields: Any = (), **options: Any
) -> tuple[WebSocketError, tuple[int | None, str]]:
    """Send these bytes behind the handshake; returns what receive() raises, and our close frame."""
    got: list[Any] = []

    async def play(peer: Peer) -> None:
        await peer.send(data, cut)
        got.append(await peer.close_frame())

    scripted.answer(opening(play, *fields))
    websocket = await client.get(url_of(scripted), **options)
    with pytest.raises(WebSocketError) as caught:
        await websocket.receive()
    await websocket.wait_closed()
    await scripted.until_closed_connections()
    assert websocket.close_reason == (caught.value.code, caught.value.reason)
    assert got[0][0] == caught.value.code
    assert got[0][1] == caught.value.reason
    assert caught.value.request is websocket.request
    return caught.value, got[0]


VIOLATIONS = {
    "masked": (frame(TEXT, b"hello", mask=b"abcd"), 1002),
    "reserved bit 1 without an extension": (frame(TEXT, b"hello", rsv=4), 1002),
    "reserved bit 2": (frame(TEXT, b"hello", rsv=2), 1002),
    "reserved bit 3": (frame(TEXT, b"hello", rsv=1), 1002),
    "reserved opcode": (frame(3, b"hello"), 1002),
    "reserved control opcode": (frame(11), 1002),
    "ping in fragments": (frame(PING, b"a", fin=False), 1002),
    "close in fragments": (frame(CLOSE, b"\x03\xe8", fin=False), 1002),
    "ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "close of 126 bytes": (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
    "close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "close code 1005": (close(1005), 1002),
    "close code 999": (close(999), 1002),
    "close reason that is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "text within a message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    "length longer than needed": (b"\x81\x7e\x00\x05hello", 1002),
    "length with its first bit": (b"\x81\x7f" + b"\xff" * 8, 1002),
    "text that is no UTF-8": (frame(TEXT, b"abc\xff"), 1007),
    "text that is no UTF-8 in the middle of a message": (frame(TEXT, b"\xce\xba\xed\xa0\x80", fin=False), 1007),
    "surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "text that ends within a character": (frame(TEXT, b"\xe2\x82"), 1007),
    "HTTP": (b"HTTP/1.1 200 OK\r\n\r\n", 1002),
}


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("name", VIOLATIONS)
async def test_violation_is_answered_with_its_code(
    client: HttpClient, scripted: ScriptedServer, name: str, cut: Any
) -> None:
    data, code = VIOLATIONS[name]
    error, _ = await fails_with(client, scripted, data, cut)
    assert error.code == code


async def test_nothing_behind_a_violation_is_taken(client: HttpClient, scripted: ScriptedServer) -> None:
    await fails_with(client, scripted, frame(TEXT, b"x", rsv=2) + text("never") * 1000 + close(4000))


@pytest.mark.parametrize("fragmented", [False, True])
@pytest.mark.parametrize("kind", [TEXT, BINARY])
async def test_message_past_its_limit(
    client: HttpClient, scripted: ScriptedServer, kind: int, fragmented: bool
) -> None:
    data = frame(kind, b"x" * 50_001)
    if fragmented:
        data = frame(kind, b"x" * 30_000, fin=False) + frame(CONTINUATION, b"x" * 20_001)
    error, (_, reason) = await fails_with(client, scripted, data, max_message_size=50_000)
    assert error.code == 1009
    assert reason == "a message of more than max_message_size=50000 bytes"


async def test_limit_counts_text_in_utf8(client: HttpClient, scripted: ScriptedServer) -> None:
    fits = [frame(TEXT, "€".encode() * 100), frame(BINARY, b"x" * 300), frame(TEXT, b"x" * 150, fin=False)]
    play = b"".join([*fits, frame(CONTINUATION, "€".encode() * 50), text("x" * 300)])
    scripted.answer(opening(None, behind=play))
    async with await client.get(url_of(scripted), max_message_size=300) as websocket:
        assert [len(await websocket.receive()) for _ in range(4)] == [100, 300, 200, 300]
    error, _ = await fails_with(client, scripted, frame(TEXT, "€".encode() * 101), max_message_size=302)
    assert error.code == 1009


async def test_announced_length_beyond_everything_costs_nothing(client: HttpClient, scripted: ScriptedServer) -> None:
    tracemalloc.start()
    try:
        error, _ = await fails_with(
            client, scripted, b"\x82\x7f" + (1 << 62).to_bytes(8, "big") + b"x" * 200_000, max_message_size=100_000
        )
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert error.code == 1009


BOMB = """
    import asyncio, resource, sys
    from hookline import HttpClient
    from hookline_websocket import WebSocketError, WebSockets

    async def main(url, limit):
        async with HttpClient(plugins=[WebSockets()], autoload=False, max_message_size=limit) as client:
            await (await client.get(url)).close()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            websocket = await client.get(url)
            try:
                await websocket.receive()
            except WebSocketError as error:
                assert error.code == 1009, error
            else:
                raise AssertionError("it was taken")
            await websocket.close()
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_bomb_of_256_mib_behind_a_limit_of_one_costs_a_few(scripted: ScriptedServer) -> None:
    assert resource.getrusage(resource.RUSAGE_SELF)  # the measure of the program below
    bomb = deflated(bytes(256 * MIB))
    assert len(bomb) < 300_000

    async def play(peer: Peer) -> None:
        await peer.send(frame(BINARY, bomb, rsv=4))
        await peer.until_close()

    scripted.answer(opening(None, DEFLATE))
    scripted.answer(opening(play, DEFLATE))
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", textwrap.dedent(BOMB), url_of(scripted), str(MIB)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 8 * 1024  # KiB


async def test_many_small_bombs_in_one_read_are_inflated_one_by_one(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    bomb = frame(BINARY, deflated(bytes(MIB)), rsv=4)
    count = 500_000 // len(bomb)
    assert count > 400

    async def play(peer: Peer) -> None:
        await peer.send(bomb * count)
        await peer.send(close())
        await peer.until_close()

    parameters = ("Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover")
    scripted.answer(opening(play, parameters))
    tracemalloc.start()
    try:
        websocket = await client.get(url_of(scripted), max_message_size=MIB)
        await asyncio.sleep(0.3)
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()
    got = 0
    async for message in websocket:
        assert len(message) == MIB
        got += 1
    assert got == count


async def test_bomb_in_fragments(client: HttpClient, scripted: ScriptedServer) -> None:
    part = deflated(bytes(MIB))
    data = frame(BINARY, part + b"\x00\x00\xff\xff", fin=False, rsv=4) + frame(CONTINUATION, part) * 3
    error, _ = await fails_with(client, scripted, data, fields=[DEFLATE], max_message_size=2 * MIB - 1)
    assert (error.code, error.reason) == (1009, "a message of more than max_message_size=2097151 bytes")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"\xff\xff\xff", rsv=4), 1007),
        (frame(TEXT, b"a", fin=False, rsv=4) + frame(CONTINUATION, b"b", rsv=4), 1002),
        (frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", rsv=4), 1002),
        (frame(PING, b"a", rsv=4), 1002),
        (frame(TEXT, b"a", rsv=2), 1002),
        (frame(TEXT, deflated(b"\xff"), rsv=4), 1007),
        (frame(BINARY, b"\x03\x00" * 1000, rsv=4), 1007),  # final blocks without end
    ],
)
async def test_compression_that_is_none(client: HttpClient, scripted: ScriptedServer, data: bytes, code: int) -> None:
    error, _ = await fails_with(client, scripted, data, fields=[DEFLATE])
    assert error.code == code
    assert "extension" not in error.reason


@pytest.mark.parametrize("piece", [b"", b"x"])
async def test_fragments_for_ever(client: HttpClient, scripted: ScriptedServer, piece: bytes) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(frame(BINARY, piece, fin=False))
        block = frame(CONTINUATION, piece, fin=False) * 20_000
        for _ in range(4):
            await peer.send(block)
        await peer.send(frame(CONTINUATION, b"end") + close())
        await peer.until_close()

    scripted.answer(opening(play))
    tracemalloc.start()
    try:
        websocket = await client.get(url_of(scripted), max_message_size=60_000)
        if piece:
            with pytest.raises(WebSocketError, match="max_message_size"):
                await websocket.receive()
        else:
            assert await websocket.receive() == b"end"
        assert tracemalloc.get_traced_memory()[1] < 5 * MIB
    finally:
        tracemalloc.stop()
    await websocket.close()


async def test_flood_of_pings_by_a_peer_that_does_not_read(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        peer.writer.transport.pause_reading()
        for _ in range(300):
            await peer.send(frame(PING, b"x" * 125) * 200)
        peer.writer.transport.resume_reading()
        await peer.send(text("at last") + close())
        await peer.until_close()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    assert await websocket.receive() == "at last"
    assert websocket.connection.transport.get_write_buffer_size() < MIB
    await websocket.wait_closed()


@pytest.mark.parametrize("cut", ["bytes", 2, 3, 7, (1, 2, 5, 12, 20)])
async def test_frames_cut_anywhere(client: HttpClient, scripted: ScriptedServer, cut: Any) -> None:
    data = [
        text("é€𝄞"),
        frame(PING, b"!"),
        frame(TEXT, "é".encode()[:1], fin=False),
        frame(PONG),
        frame(CONTINUATION, "é".encode()[1:]),
        frame(BINARY, b"x" * 300),
        frame(TEXT),
        frame(TEXT, deflated(b"hello " * 20), rsv=4),
        close(4000, "é"),
    ]

    async def play(peer: Peer) -> None:
        await peer.send(b"".join(data), cut)
        await peer.until_close()

    scripted.answer(opening(play, DEFLATE))
    websocket = await client.get(url_of(scripted))
    assert [message async for message in websocket] == ["é€𝄞", "é", b"x" * 300, "", "hello " * 20]
    assert websocket.close_reason == (4000, "é")


async def test_eof_within_a_frame(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        await peer.send(text("whole") + frame(TEXT, b"half of it")[:5])

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    assert [message async for message in websocket] == ["whole"]
    assert websocket.close_reason == (1006, "")


async def test_secrets_stand_in_no_message(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening(None, behind=frame(3)))
    url = url_of(scripted, "/room?token=secret").replace("://", "://user:secret@")
    websocket = await client.get(url, headers={"Authorization": "Bearer secret"})
    with pytest.raises(WebSocketError) as caught:
        await websocket.receive()
    assert "secret" not in repr(websocket) + repr(caught.value) + str(caught.value)
    await websocket.close()


def test_no_word_of_the_peer_stands_raw_in_an_error() -> None:
    from hookline_websocket.close_codes import describe_close, truncate_reason

    assert describe_close(1000, "\x1b[31mred\n") == r"the websocket was closed with 1000, '\x1b[31mred\n'"
    assert describe_close(1006, "") == "the connection ended without a close frame"
    assert len(truncate_reason("€" * 100).encode()) <= 123


def test_sources_name_wsproto_in_four_modules_only() -> None:
    package = Path(__file__).parents[2] / "plugins/websocket/hookline_websocket"
    importing = {path.stem for path in package.rglob("*.py") if "from wsproto" in path.read_text(encoding="utf-8")}
    assert importing == {"frame_parser", "frame_reader", "permessage_deflate", "protocol"}
