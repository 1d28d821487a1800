"""Frames that RFC 9113 does not allow: where they come, how long they are, and what they say about windows and settings."""

from __future__ import annotations

import struct

import pytest

from hookline_http2 import StreamReset
from hookline_testing.http2 import Flag, FrameType, Setting, field_block, indexed
from kit.http2_cases import (
    CLIENT_TIMEOUT,
    CLOSED,
    NEVER_OPENED,
    OTHER,
    Case,
    connection_error,
    hello,
    run_case,
    steps,
    stream_error,
    survived,
    then_hello,
)

OK = indexed(8)  # :status 200
BROKEN = "broke HTTP/2"
END = Flag.END_HEADERS | Flag.END_STREAM
HIGHEST = 2**31 - 1


def send(kind, flags=0, stream=None, payload=b"", length=None):
    """Send a frame. stream: None = that of the call."""
    return lambda s, n: s.frame(kind, flags, n if stream is None else stream, payload, length=length)


def broken(*scripts, **more):
    """Frames that are an error of the connection. A good response behind them does not help."""
    return connection_error(then_hello(*scripts), BROKEN, **more)


def word(value):
    return struct.pack(">I", value)


IDS = {
    **{
        f"{kind.name} on {name}": broken(send(kind, flags, stream, payload))
        for kind, flags, payload in (
            (FrameType.DATA, 0, b"x"),
            (FrameType.HEADERS, END, OK),
            (FrameType.RST_STREAM, 0, word(8)),
            (FrameType.WINDOW_UPDATE, 0, word(1)),
        )
        for name, stream in (("an idle stream", NEVER_OPENED), ("an even stream", 2), ("the highest stream", HIGHEST))
    },
    **{
        f"{kind.name} on stream 0": broken(send(kind, flags, 0, payload))
        for kind, flags, payload in (
            (FrameType.DATA, Flag.END_STREAM, b"x"),
            (FrameType.HEADERS, END, OK),
            (FrameType.RST_STREAM, 0, word(8)),
            (FrameType.PUSH_PROMISE, Flag.END_HEADERS, word(2) + OK),
            (FrameType.CONTINUATION, Flag.END_HEADERS, OK),
        )
    },
    **{
        f"{kind.name} on a stream": broken(send(kind, 0, None, payload))
        for kind, payload in (
            (FrameType.SETTINGS, b""),
            (FrameType.PING, bytes(8)),
            (FrameType.GOAWAY, bytes(8)),
        )
    },
    "reserved bit": survived(
        steps(
            lambda s, n: s.frame(FrameType.HEADERS, Flag.END_HEADERS, n | 2**31, OK),
            lambda s, n: s.frame(FrameType.DATA, Flag.END_STREAM, n | 2**31, b"hello"),
        )
    ),
    "push": broken(send(FrameType.PUSH_PROMISE, Flag.END_HEADERS, None, word(2) + field_block([(":method", "GET")]))),
    "push on a closed stream": broken(send(FrameType.PUSH_PROMISE, Flag.END_HEADERS, CLOSED, word(2) + OK)),
    "push of an odd stream": broken(send(FrameType.PUSH_PROMISE, Flag.END_HEADERS, None, word(7) + OK)),
    "push that is not complete": broken(send(FrameType.PUSH_PROMISE, 0, None, word(2) + OK)),
    "priority of stream 0": survived(then_hello(send(FrameType.PRIORITY, 0, 0, bytes(5)))),
    "priority of a closed stream": survived(then_hello(send(FrameType.PRIORITY, 0, CLOSED, bytes(5)))),
    "priority of an idle stream": survived(then_hello(send(FrameType.PRIORITY, 0, NEVER_OPENED, bytes(5)))),
    "head with a priority": survived(
        steps(
            send(FrameType.HEADERS, Flag.END_HEADERS | Flag.PRIORITY, None, bytes(5) + OK),
            lambda s, n: s.data(n, b"hello", ends=True),
        )
    ),
}

STATES = {
    "data before the head": stream_error(lambda s, n: s.data(n, b"x"), "before|HTTP/2", ngh2_ends_connection=True),
    "end before the head": stream_error(
        lambda s, n: s.data(n, b"", ends=True), "before|HTTP/2", ngh2_ends_connection=True
    ),
    "reset of a closed stream": survived(then_hello(send(FrameType.RST_STREAM, 0, CLOSED, word(8)))),
    "window of a closed stream": survived(then_hello(send(FrameType.WINDOW_UPDATE, 0, CLOSED, word(1)))),
    "data on a closed stream": survived(then_hello(send(FrameType.DATA, 0, CLOSED, b"x"))),
    "end of a closed stream": survived(then_hello(send(FrameType.DATA, Flag.END_STREAM, CLOSED))),
    "head on a closed stream": survived(then_hello(send(FrameType.HEADERS, END, CLOSED, OK))),
    "trailers on a closed stream": survived(
        then_hello(send(FrameType.HEADERS, END, CLOSED, field_block([("a", "b")])))
    ),
    "data behind the end": survived(steps(hello, lambda s, n: s.data(n, b"more"))),
    "end behind the end": survived(steps(hello, lambda s, n: s.data(n, ends=True))),
    "head behind the end": survived(steps(hello, send(FrameType.HEADERS, END, None, OK))),
    "trailers behind the end": survived(steps(hello, send(FrameType.HEADERS, END, None, field_block([("a", "b")])))),
    "reset behind the end": survived(steps(hello, lambda s, n: s.reset(n, 8))),
    "two resets": stream_error(
        steps(lambda s, n: s.reset(n, 8), lambda s, n: s.reset(n, 2)), r"CANCEL \(8\)", error=StreamReset
    ),
    "head behind a reset": stream_error(
        steps(lambda s, n: s.reset(n, 8), send(FrameType.HEADERS, END, None, OK)), "CANCEL", error=StreamReset
    ),
    "data behind a reset": stream_error(
        steps(lambda s, n: s.reset(n, 8), lambda s, n: s.data(n, b"x", ends=True)), "CANCEL", error=StreamReset
    ),
    "window behind a reset": stream_error(
        steps(lambda s, n: s.reset(n, 8), lambda s, n: s.open_window(n, 1)), "CANCEL", error=StreamReset
    ),
    "continuation without a head": broken(send(FrameType.CONTINUATION, Flag.END_HEADERS, None, OK)),
    "continuation behind a complete head": broken(
        send(FrameType.HEADERS, Flag.END_HEADERS, None, OK), send(FrameType.CONTINUATION, Flag.END_HEADERS, None, OK)
    ),
    "continuation of another stream": broken(
        send(FrameType.HEADERS, 0, None, OK), send(FrameType.CONTINUATION, Flag.END_HEADERS, OTHER, OK)
    ),
    "continuation of stream 0": broken(
        send(FrameType.HEADERS, 0, None, OK), send(FrameType.CONTINUATION, Flag.END_HEADERS, 0, OK)
    ),
    **{
        f"{name} within a head": broken(send(FrameType.HEADERS, 0, None, OK), send(kind, 0, stream, payload))
        for name, kind, stream, payload in (
            ("data", FrameType.DATA, None, b"x"),
            ("data of another stream", FrameType.DATA, OTHER, b"x"),
            ("another head", FrameType.HEADERS, None, OK),
            ("PING", FrameType.PING, 0, bytes(8)),
            ("SETTINGS", FrameType.SETTINGS, 0, b""),
            ("GOAWAY", FrameType.GOAWAY, 0, bytes(8)),
            ("reset", FrameType.RST_STREAM, None, word(8)),
            ("window", FrameType.WINDOW_UPDATE, 0, word(1)),
            ("priority", FrameType.PRIORITY, None, bytes(5)),
            ("unknown frame", 0x7F, 0, b"x"),
        )
    },
    "unknown frame": survived(then_hello(send(0x7F, 0xFF, None, b"x" * 100))),
    "unknown frame on stream 0": survived(then_hello(send(0xFE, 0xFF, 0, b"x" * 100))),
    "unknown frame on an idle stream": survived(then_hello(send(0xB, 0, NEVER_OPENED, b"x"))),
    "unknown frame on a closed stream": survived(then_hello(send(0xB, 0, CLOSED, b"x"))),
    "ALTSVC": survived(then_hello(send(0xA, 0, 0, b"\0\1xabc"))),
    "ALTSVC that is cut": broken(send(0xA, 0, 0, b"\xff")),
    "ORIGIN": survived(then_hello(send(0xC, 0, 0, b"\0\1x"))),
    "unknown flags": survived(
        steps(
            send(FrameType.HEADERS, 0xD2 | Flag.END_HEADERS, None, OK),
            lambda s, n: s.frame(FrameType.DATA, 0xF6 | Flag.END_STREAM, n, b"hello"),
        )
    ),
    "unknown flags of PING and SETTINGS": survived(
        then_hello(send(FrameType.PING, 0xFE, 0, bytes(8)), send(FrameType.SETTINGS, 0xFE, 0))
    ),
    "answer to a PING that was not sent": survived(then_hello(send(FrameType.PING, Flag.ACK, 0, bytes(8)))),
}

SIZES = {
    **{
        f"{kind.name} of {size} bytes": broken(send(kind, 0, stream, bytes(size)))
        for kind, stream, sizes in (
            (FrameType.RST_STREAM, None, (0, 3, 5)),
            (FrameType.PING, 0, (0, 7, 9)),
            (FrameType.WINDOW_UPDATE, 0, (0, 3, 5)),
            (FrameType.GOAWAY, 0, (0, 4, 7)),
            (FrameType.SETTINGS, 0, (1, 5, 7)),
        )
        for size in sizes
    },
    "window of the stream of 3 bytes": broken(send(FrameType.WINDOW_UPDATE, 0, None, bytes(3))),
    "priority of 4 bytes": broken(send(FrameType.PRIORITY, 0, None, bytes(4))),
    "priority of 6 bytes": broken(send(FrameType.PRIORITY, 0, None, bytes(6))),
    "push of 3 bytes": broken(send(FrameType.PUSH_PROMISE, Flag.END_HEADERS, None, bytes(3))),
    "head with a priority of 4 bytes": broken(
        send(FrameType.HEADERS, Flag.END_HEADERS | Flag.PRIORITY, None, bytes(4))
    ),
    **{
        f"{name} that is too large": broken(send(kind, flags, stream, bytes(16385)))
        for name, kind, flags, stream in (
            ("DATA", FrameType.DATA, 0, None),
            ("HEADERS", FrameType.HEADERS, Flag.END_HEADERS, None),
            ("PING", FrameType.PING, 0, 0),
            ("GOAWAY", FrameType.GOAWAY, 0, 0),
            ("SETTINGS", FrameType.SETTINGS, 0, 0),
            ("unknown frame", 0x7F, 0, 0),
        )
    },
    "frame whose length is 16 MB": broken(send(FrameType.DATA, 0, None, b"x", length=2**24 - 1)),
    "DATA of the largest size": survived(
        steps(lambda s, n: s.head_of(n, [(":status", "200")]), lambda s, n: s.data(n, bytes(16384), ends=True)),
        content=bytes(16384),
    ),
    "GOAWAY of the largest size": survived(
        then_hello(send(FrameType.GOAWAY, 0, 0, word(HIGHEST) + word(0) + bytes(16376))), connections=2
    ),
}


def padded(payload, length, flags=Flag.END_STREAM):
    """A response whose DATA begins with this length of its padding."""
    return steps(
        send(FrameType.HEADERS, Flag.END_HEADERS, None, OK),
        lambda s, n: s.frame(FrameType.DATA, Flag.PADDED | flags, n, bytes([length]) + payload),
    )


PADDING = {
    "of data": survived(padded(b"hello" + bytes(10), 10)),
    "of 255 bytes": survived(padded(b"hello" + bytes(255), 255)),
    "that is not zero": survived(padded(b"hello" + b"x" * 10, 10)),
    "and nothing else": survived(padded(bytes(100), 100), content=b""),
    "as long as the frame": connection_error(padded(b"hello", 6), BROKEN),
    "longer than the frame": connection_error(padded(b"hello", 255), BROKEN),
    "without its length": connection_error(
        steps(send(FrameType.HEADERS, Flag.END_HEADERS, None, OK), send(FrameType.DATA, Flag.PADDED)), BROKEN
    ),
    "of a head": survived(
        steps(
            send(FrameType.HEADERS, Flag.END_HEADERS | Flag.PADDED, None, b"\x05" + OK + bytes(5)),
            lambda s, n: s.data(n, b"hello", ends=True),
        )
    ),
    "of a head, longer than the frame": broken(send(FrameType.HEADERS, END | Flag.PADDED, None, b"\x09" + OK)),
    "of a head, without its length": broken(send(FrameType.HEADERS, END | Flag.PADDED, None)),
    "of a head, over its priority": broken(
        send(FrameType.HEADERS, END | Flag.PADDED | Flag.PRIORITY, None, b"\x05" + bytes(5))
    ),
    "counts for no length": survived(
        steps(
            lambda s, n: s.head_of(n, [(":status", "200"), ("content-length", "5")]),
            lambda s, n: s.frame(FrameType.DATA, Flag.PADDED | Flag.END_STREAM, n, b"\x09hello" + bytes(9)),
        )
    ),
}

UPLOAD = {"method": "POST", "body": b"u" * 100_000}


def setting(*pairs, **more):
    """A response behind SETTINGS with these pairs."""
    return then_hello(send(FrameType.SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs)))


async def answer_upload(session, number):
    await session.streams[number].ended.wait()
    hello(session, number)


SETTINGS = {
    "push": connection_error(setting((Setting.ENABLE_PUSH, 1)), BROKEN),
    "push of 2": connection_error(setting((Setting.ENABLE_PUSH, 2)), BROKEN),
    "push of 0": survived(setting((Setting.ENABLE_PUSH, 0))),
    "window of 2**31": connection_error(setting((Setting.INITIAL_WINDOW_SIZE, 2**31)), BROKEN),
    "window of 2**32 - 1": connection_error(setting((Setting.INITIAL_WINDOW_SIZE, 2**32 - 1)), BROKEN),
    "window of 2**31 - 1": survived(setting((Setting.INITIAL_WINDOW_SIZE, HIGHEST))),
    "window that overflows with the streams": connection_error(
        steps(lambda s, n: s.open_window(n, 1000), setting((Setting.INITIAL_WINDOW_SIZE, HIGHEST))), BROKEN
    ),
    "frames of 16383": connection_error(setting((Setting.MAX_FRAME_SIZE, 16383)), BROKEN),
    "frames of 0": connection_error(setting((Setting.MAX_FRAME_SIZE, 0)), BROKEN),
    "frames of 2**24": connection_error(setting((Setting.MAX_FRAME_SIZE, 2**24)), BROKEN),
    "frames of 2**24 - 1": survived(setting((Setting.MAX_FRAME_SIZE, 2**24 - 1))),
    "table of 0": survived(setting((Setting.HEADER_TABLE_SIZE, 0))),
    "table of 2**32 - 1": survived(setting((Setting.HEADER_TABLE_SIZE, 2**32 - 1))),
    "table of 0 and 4096": survived(setting((Setting.HEADER_TABLE_SIZE, 0), (Setting.HEADER_TABLE_SIZE, 4096))),
    "list of 2**32 - 1": survived(setting((Setting.MAX_HEADER_LIST_SIZE, 2**32 - 1))),
    "unknown": survived(setting((0, 1), (0xFFFF, 2**32 - 1), (0x8, 1))),
    "the same one twice": survived(setting((Setting.MAX_CONCURRENT_STREAMS, 0), (Setting.MAX_CONCURRENT_STREAMS, 100))),
    "32 in one frame": survived(setting(*[(0xFF, 1)] * 32)),
    "1,000 in one frame": connection_error(setting(*[(0xFF, 1)] * 1000), BROKEN),
    "none": survived(setting()),
    "acknowledgement with a payload": broken(send(FrameType.SETTINGS, Flag.ACK, 0, bytes(6))),
    "acknowledgement of nothing": broken(send(FrameType.SETTINGS, Flag.ACK, 0)),
    "acknowledgement on a stream": broken(send(FrameType.SETTINGS, Flag.ACK, None)),
    "no streams, and then some": survived(
        then_hello(
            lambda s, n: s.settings({Setting.MAX_CONCURRENT_STREAMS: 0}),
            lambda s, n: s.settings({Setting.MAX_CONCURRENT_STREAMS: 100}),
        )
    ),
    "fewer streams than there are": survived(
        then_hello(lambda s, n: s.settings({Setting.MAX_CONCURRENT_STREAMS: 1})),
    ),
    "window amid an upload": survived(
        steps(
            lambda s, n: s.settings({Setting.INITIAL_WINDOW_SIZE: 0}),
            lambda s, n: s.settings({Setting.INITIAL_WINDOW_SIZE: 70_000}),
            answer_upload,
        ),
        **UPLOAD,
    ),
    "frame size amid an upload": survived(
        steps(lambda s, n: s.settings({Setting.MAX_FRAME_SIZE: 2**20}), answer_upload), **UPLOAD
    ),
    "table amid an upload": survived(
        steps(lambda s, n: s.settings({Setting.HEADER_TABLE_SIZE: 10}), answer_upload), **UPLOAD
    ),
}


def twice(script):
    """What has been sent of an upload may leave room for the first one."""
    return steps(script, script)


WINDOWS = {
    "of the connection by 0": broken(lambda s, n: s.open_window(0, 0)),
    "of the stream by 0": stream_error(lambda s, n: s.open_window(n, 0), "malformed|HTTP/2", ngh2_ends_connection=True),
    "of the stream by 0, but for the reserved bit": stream_error(
        lambda s, n: s.open_window(n, 2**31), "malformed|HTTP/2", ngh2_ends_connection=True
    ),
    "with the reserved bit": survived(then_hello(lambda s, n: s.open_window(0, 2**31 | 5))),
    "of the connection that overflows": broken(lambda s, n: s.open_window(0, HIGHEST)),
    "of the connection that overflows in steps": broken(
        lambda s, n: s.open_window(0, 2**30), lambda s, n: s.open_window(0, 2**30)
    ),
    "of the stream that overflows": stream_error(
        lambda s, n: s.open_window(n, HIGHEST), "malformed|HTTP/2", ngh2_ends_connection=True
    ),
    "of the stream that overflows amid an upload": stream_error(
        twice(lambda s, n: s.open_window(n, HIGHEST)), "malformed|HTTP/2", ngh2_ends_connection=True, **UPLOAD
    ),
    "of the connection that overflows amid an upload": connection_error(
        twice(lambda s, n: s.open_window(0, HIGHEST)), BROKEN, **UPLOAD
    ),
    "of the connection to its limit": survived(then_hello(lambda s, n: s.open_window(0, HIGHEST - 65535))),
    "that shrinks below zero, and the response comes": survived(
        steps(lambda s, n: s.settings({Setting.INITIAL_WINDOW_SIZE: 1}), hello), **{**UPLOAD, "windows": False}
    ),
    "that never opens, and the response comes": survived(
        hello, settings={Setting.INITIAL_WINDOW_SIZE: 0}, **{**UPLOAD, "windows": False}
    ),
    "that never opens, and a reset comes": stream_error(
        lambda s, n: s.reset(n, 11),
        "ENHANCE_YOUR_CALM",
        error=StreamReset,
        settings={Setting.INITIAL_WINDOW_SIZE: 0},
        **{**UPLOAD, "windows": False},
    ),
}

TABLES = {
    "id": IDS, "state": STATES, "size": SIZES, "padding": PADDING, "settings": SETTINGS, "window": WINDOWS,
}  # fmt: skip
CASES: dict[str, Case] = {f"{table}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_hostile_frames(make_client, make_server, engine, case):
    server = await make_server(tls=False, settings=case.settings)
    await run_case(make_client(http2="prior-knowledge", timeout=CLIENT_TIMEOUT), server, case, engine)
