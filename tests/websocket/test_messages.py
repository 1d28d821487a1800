"""Messages there and back, with the servers of two libraries, plain and over TLS; what goes over the wire."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import ScriptedServer
from hookline_websocket import Deflate, WebSocketClosed, WebSockets
from servers.certificates import Certificates
from servers.websocket_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, close, frame, opening, text

SERVERS = ["websockets_server", "websockets_tls_server", "aiohttp_server", "aiohttp_tls_server"]
COMPRESSIONS = [
    False,
    True,
    Deflate(server_no_context_takeover=True, client_no_context_takeover=True),
    Deflate(server_max_window_bits=9, client_max_window_bits=9, level=1),
]


def url_of(server: Any, path: str = "/") -> str:
    return "ws" + server.url(path).removeprefix("http")


@pytest.fixture(params=SERVERS)
def echo_url(request: pytest.FixtureRequest) -> str:
    site = request.getfixturevalue(request.param)
    return url_of(site, "/websocket" if "aiohttp" in request.param else "/echo")


@pytest.fixture
async def echo_client(certificates: Certificates) -> AsyncIterator[HttpClient]:
    async with HttpClient(
        plugins=[WebSockets()], autoload=False, verify=str(certificates.ca_file), max_message_size=0
    ) as client:
        yield client


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=str)
async def test_messages_of_all_sizes_come_back(echo_client: HttpClient, echo_url: str, compression: Any) -> None:
    dice = random.Random(7)
    sizes = [0, 1, 125, 126, 127, 0, 0, 65535, 65536, 70_000, 1_000_000]
    messages: list[str | bytes] = [dice.randbytes(size) for size in sizes]
    messages += ["€uro " * (size // 7) for size in sizes]
    messages += [b"a" * size for size in sizes]
    async with await echo_client.get(echo_url, compression=compression) as websocket:
        for message in messages:
            await websocket.send(message)
            assert await websocket.receive() == message
    assert websocket.close_reason == (1000, "")


async def test_sixteen_mebibytes_come_back(echo_client: HttpClient, echo_url: str) -> None:
    message = os.urandom(16 * 1024 * 1024)
    async with await echo_client.get(echo_url) as websocket:
        sending = asyncio.ensure_future(websocket.send(message))
        assert await websocket.receive() == message
        await sending


async def test_fragments_come_back_as_one_message(echo_client: HttpClient, echo_url: str) -> None:
    async def slowly() -> AsyncIterator[str]:
        for piece in ("one ", "", "two ", "three"):
            await asyncio.sleep(0)
            yield piece

    async with await echo_client.get(echo_url) as websocket:
        for pieces in (slowly(), iter(["one ", "two ", "three"]), ("one two ", "three", "")):
            await websocket.send(pieces)
            assert await websocket.receive() == "one two three"
        await websocket.send([b"a", bytearray(b"b"), memoryview(b"c")])
        assert await websocket.receive() == b"abc"


async def test_sixteen_sockets_at_the_same_time(echo_client: HttpClient, echo_url: str) -> None:
    async def talk(number: int) -> None:
        async with await echo_client.get(echo_url) as websocket:
            for turn in range(20):
                websocket.write(f"{number} {turn}")
            for turn in range(20):
                assert await websocket.receive() == f"{number} {turn}"

    await asyncio.gather(*(talk(number) for number in range(16)))


async def test_subprotocol_of_a_library(echo_client: HttpClient, websockets_server: Any) -> None:
    async with await echo_client.get(url_of(websockets_server), subprotocols=["superchat", "other"]) as websocket:
        assert websocket.subprotocol == "superchat"


async def test_ping_gives_the_seconds_until_its_pong(echo_client: HttpClient, echo_url: str) -> None:
    async with await echo_client.get(echo_url) as websocket:
        assert 0 < await websocket.ping() < 5
        assert 0 < await websocket.ping(b"x" * 125) < 5


# -- on the wire


async def seen(scripted: ScriptedServer, count: int, *fields: tuple[str, str]) -> asyncio.Queue[Any]:
    """Frames as they come, in a queue of the test's loop; behind them the server closes."""
    loop, found = asyncio.get_running_loop(), asyncio.Queue[Any]()

    async def play(peer: Peer) -> None:
        opcode = 0
        for _ in range(count):
            opcode, *rest = await peer.frame()
            loop.call_soon_threadsafe(found.put_nowait, (opcode, *rest))
        await peer.send(close())
        if opcode != CLOSE:
            await peer.close_frame()

    scripted.answer(opening(play, *fields))
    return found


async def test_frames_on_the_wire(client: HttpClient, scripted: ScriptedServer) -> None:
    frames = await seen(scripted, 9)
    websocket = await client.get(url_of(scripted))
    websocket.write("é")
    websocket.write(b"\x00")
    websocket.write(bytearray(b"ab"))
    websocket.write(memoryview(b"cd"))
    await websocket.send(["one", "two"])
    await websocket.send(b"x" * 70_000)
    websocket.pong(b"by itself")
    got = [await frames.get() for _ in range(9)]
    assert got == [
        (TEXT, "é".encode(), True, 0),
        (BINARY, b"\x00", True, 0),
        (BINARY, b"ab", True, 0),
        (BINARY, b"cd", True, 0),
        (TEXT, b"one", False, 0),
        (CONTINUATION, b"two", False, 0),
        (CONTINUATION, b"", True, 0),
        (BINARY, b"x" * 70_000, True, 0),
        (PONG, b"by itself", True, 0),
    ]
    await websocket.wait_closed()


async def test_masks_are_fresh(client: HttpClient, scripted: ScriptedServer) -> None:
    masks = set()
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def play(peer: Peer) -> None:
        for _ in range(50):
            masks.add((await peer._reader.readexactly(2 + 4 + 1))[2:6])
        loop.call_soon_threadsafe(done.set)
        await peer.close_frame()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    for _ in range(50):
        await websocket.send("x")
    await done.wait()
    assert len(masks) == 50
    await websocket.close()


async def test_compressed_messages_say_so_in_their_first_frame_only(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    frames = await seen(scripted, 3, ("Sec-WebSocket-Extensions", "permessage-deflate"))
    websocket = await client.get(url_of(scripted))
    await websocket.send("a" * 1000)
    await websocket.send(["b" * 1000])
    first, second, third = [await frames.get() for _ in range(3)]
    assert (first[0], first[2:], len(first[1]) < 30) == (TEXT, (True, 4), True)
    assert (second[0], second[2:]) == (TEXT, (False, 4))
    assert (third[0], third[2:]) == (CONTINUATION, (True, 0))
    await websocket.wait_closed()


async def test_window_of_eight_bits_sends_as_it_is(client: HttpClient, scripted: ScriptedServer) -> None:
    frames = await seen(scripted, 1, ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=8"))
    websocket = await client.get(url_of(scripted))
    await websocket.send("a" * 1000)
    assert await frames.get() == (TEXT, b"a" * 1000, True, 0)
    await websocket.wait_closed()


async def test_message_written_between_fragments_waits_for_their_end(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    frames = await seen(scripted, 8)
    websocket = await client.get(url_of(scripted))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "one"
        begun.set()
        await go_on.wait()
        yield "two"

    first = asyncio.ensure_future(websocket.send(pieces()))
    await begun.wait()
    second = asyncio.ensure_future(websocket.send(["three"]))
    written = websocket.write("four")
    third = asyncio.ensure_future(websocket.send("five"))
    websocket.ping(b"may come between")
    await asyncio.sleep(0)
    assert not third.done()
    go_on.set()
    await asyncio.gather(first, second, third)
    await written
    got = [(await frames.get())[:3] for _ in range(8)]
    assert got == [
        (TEXT, b"one", False),
        (PING, b"may come between", True),
        (CONTINUATION, b"two", False),
        (CONTINUATION, b"", True),
        (TEXT, b"four", True),
        (TEXT, b"five", True),
        (TEXT, b"three", False),
        (CONTINUATION, b"", True),
    ]
    await websocket.wait_closed()


@pytest.mark.parametrize("cancel", [False, True])
async def test_source_that_fails_within_a_message_ends_the_websocket(
    client: HttpClient, scripted: ScriptedServer, cancel: bool
) -> None:
    frames = await seen(scripted, 2)
    websocket = await client.get(url_of(scripted))
    ended: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        try:
            yield "one"
            if not cancel:
                raise ValueError("nothing more")
            await asyncio.sleep(60)
        finally:
            ended.append("ended")

    sending = asyncio.ensure_future(websocket.send(pieces()))
    assert (await frames.get())[:3] == (TEXT, b"one", False)
    if cancel:
        sending.cancel()
    with pytest.raises(asyncio.CancelledError if cancel else ValueError):
        await sending
    assert ended == ["ended"]
    assert (await frames.get())[1][:2] == (1011).to_bytes(2, "big")
    await websocket.wait_closed()
    assert websocket.close_reason == (1011, "a message could not be sent to its end")


@pytest.mark.parametrize("pieces", [[], ["a", b"b"], ["a", 1], {"a": 1}, 5, None])
async def test_what_is_no_message_is_refused(client: HttpClient, scripted: ScriptedServer, pieces: Any) -> None:
    scripted.answer(opening())
    async with await client.get(url_of(scripted)) as websocket:
        with pytest.raises((TypeError, ValueError), match=r"message|pieces"):
            await websocket.send(pieces)
        if pieces is None or isinstance(pieces, (int, dict)):
            with pytest.raises(TypeError, match="a message is str or bytes"):
                websocket.write(pieces)
            await websocket.send("goes on")


async def test_text_that_utf8_cannot_carry_is_refused(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opening())
    async with await client.get(url_of(scripted)) as websocket:
        with pytest.raises(UnicodeEncodeError):
            websocket.write("\ud800")
        websocket.write("goes on")


@pytest.mark.parametrize(("body", "error"), [(b"x" * 126, ValueError), ("text", TypeError)])
async def test_bodies_of_pings_are_checked(
    client: HttpClient, scripted: ScriptedServer, body: Any, error: type[Exception]
) -> None:
    scripted.answer(opening())
    async with await client.get(url_of(scripted)) as websocket:
        for function in (websocket.ping, websocket.pong):
            with pytest.raises(error, match="the body of a ping or pong"):
                function(body)


async def test_pong_answers_its_ping_and_those_before(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        for _ in range(3):
            await peer.frame()
        await peer.send(frame(PONG, b"unasked") + frame(PONG, b"two"))
        await peer.message()
        await peer.send(close())

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    one, two, three = (websocket.ping(body) for body in (b"one", b"two", b"three"))
    with pytest.raises(ValueError, match="still waiting for its pong"):
        websocket.ping(b"two")
    await one
    await two
    assert not three.done()
    websocket.write("go")
    with pytest.raises(WebSocketClosed):
        await three


async def test_control_frames_come_between_fragments(client: HttpClient, scripted: ScriptedServer) -> None:
    async def play(peer: Peer) -> None:
        parts = [frame(TEXT, b"one", fin=False), frame(PING, b"!"), frame(CONTINUATION, b"", fin=False)]
        await peer.send(b"".join([*parts, frame(CONTINUATION, b"two"), text("three"), close()]), cut=3)
        assert (await peer.frame())[:2] == (PONG, b"!")
        await peer.close_frame()

    scripted.answer(opening(play))
    websocket = await client.get(url_of(scripted))
    assert [message async for message in websocket] == ["onetwo", "three"]
    await websocket.wait_closed()
