"""Floods of every frame: each ends the connection soon, and costs little time and memory."""

from __future__ import annotations

import asyncio
import struct

import pytest

from hookline import RemoteProtocolError
from hookline_http2.connection import WRITE_SIZE, Http2Connection
from hookline_http2.engine import Field
from hookline_testing.http2 import Flag, FrameType, field_block, frame, indexed
from kit.http2_cases import (
    CLIENT_TIMEOUT,
    CLOSED,
    MAX_GROWTH,
    OTHER,
    connection_error,
    memory,
    run_case,
    steps,
    survived,
)

MANY = 30_000
HIGHEST = 2**31 - 1
OK = indexed(8)


def flood(make, *, times=MANY, before=lambda s, n: None):
    """A flood of the frames that `make` returns for the number of the stream; the script never ends."""

    def pour(session, number):
        return session.flood(make(number), times)

    async def wait(session, number):
        await asyncio.Event().wait()

    return connection_error(steps(before, pour, wait), "HTTP/2|frames that are of no use")


def head(session, number):
    session.head_of(number, [(":status", "200")])


def begin_block(session, number):
    session.frame(FrameType.HEADERS, 0, number, OK)


FLOODS = {
    "PING": flood(lambda n: frame(FrameType.PING, 0, 0, bytes(8))),
    "answers to PING": flood(lambda n: frame(FrameType.PING, Flag.ACK, 0, bytes(8))),
    "SETTINGS": flood(lambda n: frame(FrameType.SETTINGS)),
    "SETTINGS that change the window": flood(lambda n: frame(FrameType.SETTINGS, 0, 0, struct.pack(">HI", 4, 70_000))),
    "SETTINGS of 32": flood(lambda n: frame(FrameType.SETTINGS, 0, 0, struct.pack(">HI", 0xFF, 1) * 32)),
    "WINDOW_UPDATE of the connection": flood(lambda n: frame(FrameType.WINDOW_UPDATE, 0, 0, b"\0\0\0\1")),
    "WINDOW_UPDATE of a stream": flood(lambda n: frame(FrameType.WINDOW_UPDATE, 0, n, b"\0\0\0\1")),
    "PRIORITY": flood(lambda n: frame(FrameType.PRIORITY, 0, n, bytes(4) + b"\1")),
    "PRIORITY of idle streams": flood(
        lambda n: b"".join(frame(FrameType.PRIORITY, 0, 101 + 2 * each, bytes(5)) for each in range(1000)), times=30
    ),
    "RST_STREAM of a closed stream": flood(lambda n: frame(FrameType.RST_STREAM, 0, CLOSED, bytes(4))),
    "empty DATA": flood(lambda n: frame(FrameType.DATA, 0, n), before=head),
    "DATA of padding alone": flood(
        lambda n: frame(FrameType.DATA, Flag.PADDED, n, b"\xff" + bytes(255)), times=20_000, before=head
    ),
    "heads of a closed stream": flood(lambda n: frame(FrameType.HEADERS, Flag.END_HEADERS, CLOSED, OK)),
    "empty heads of a closed stream": flood(lambda n: frame(FrameType.HEADERS, Flag.END_HEADERS, CLOSED)),
    "CONTINUATION": flood(lambda n: frame(FrameType.CONTINUATION, 0, n, b"\0\1a\1b"), before=begin_block),
    "empty CONTINUATION": flood(lambda n: frame(FrameType.CONTINUATION, 0, n), before=begin_block),
    "large CONTINUATION": flood(
        lambda n: frame(FrameType.CONTINUATION, 0, n, field_block([("a", "b" * 16000)])), times=3000, before=begin_block
    ),
    "PUSH_PROMISE": flood(lambda n: frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, n, b"\0\0\0\2" + OK)),
    "GOAWAY": flood(lambda n: frame(FrameType.GOAWAY, 0, 0, struct.pack(">II", HIGHEST, 0))),
    "ALTSVC": flood(lambda n: frame(0xA, 0, 0, b"\0\1xabc")),
    "ORIGIN": flood(lambda n: frame(0xC, 0, 0, b"\0\1x")),
    "unknown frames": flood(lambda n: frame(0x7F, 0, 0, b"1234")),
    "unknown frames of the largest size": flood(lambda n: frame(0x7F, 0, OTHER, bytes(16384)), times=12_000),
}


@pytest.mark.parametrize("case", FLOODS.values(), ids=FLOODS)
async def test_hostile_floods(make_client, make_server, engine, case):
    server = await make_server(tls=False)
    await run_case(make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT), server, case, engine)


def receive_again_and_again(engine, data, times):
    for _ in range(times):
        engine.receive(data)
        engine.data_to_send(WRITE_SIZE)


@pytest.mark.parametrize("kind", ["DATA", "WINDOW_UPDATE"])
async def test_flood_of_a_closed_stream(make_client, make_server, engine, kind):
    """ngh2 drops these frames without a word, so that what counts is how many bytes bring nothing: 160 MB at most."""
    data = frame(FrameType[kind], 0, CLOSED, b"\0\0\0\1") * 20_000
    connection = Http2Connection(asyncio.get_running_loop(), engine)
    connection.engine.start()
    connection.engine.receive(frame(FrameType.SETTINGS))
    fields = [Field(b":method", b"GET"), Field(b":scheme", b"http"), Field(b":authority", b"x"), Field(b":path", b"/")]
    assert connection.engine.open(connection.engine.prepare(fields), ends=True) == CLOSED
    connection.engine.data_to_send(WRITE_SIZE)
    connection.engine.receive(frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, CLOSED, OK))
    before = memory()
    with pytest.raises(RemoteProtocolError, match="frames that are of no use"):
        receive_again_and_again(connection.engine, data, 200_000_000 // len(data))
    assert memory() - before < MAX_GROWTH


async def test_padding_gives_its_window_back(make_client, make_server, engine):
    """5 MB of padding, more than the window of a stream, beside a body of 20,000 bytes."""

    async def script(session, number):
        head(session, number)
        await session.flood(frame(FrameType.DATA, Flag.PADDED, number, b"\xffx" + bytes(255)), 20_000)
        session.data(number, ends=True)

    server = await make_server(tls=False)
    case = survived(script, content=b"x" * 20_000)
    await run_case(make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT), server, case, engine)
