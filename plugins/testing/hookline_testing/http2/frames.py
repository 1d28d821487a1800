"""The frames of HTTP/2 as bytes (RFC 9113, sections 4 and 6). Nothing is checked: a test may want what is wrong."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # with which a client begins
FRAME_HEAD = 9  # bytes before each payload: length (3), type, flags, stream (4)
MAX_FRAME_SIZE = 16384  # bytes of a payload, unless SETTINGS say otherwise


class FrameType(IntEnum):
    """The type of a frame.

    Example: docs/testing.md#scripts-with-all-frames
    """

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Flag(IntFlag):
    """The flags of a frame. ACK belongs to SETTINGS and PING, END_STREAM to DATA and HEADERS.

    Example: docs/testing.md#scripts-with-all-frames
    """

    END_STREAM = 0x1
    ACK = 0x1
    END_HEADERS = 0x4
    PADDED = 0x8
    PRIORITY = 0x20


class Setting(IntEnum):
    """The number of a setting (RFC 9113, section 6.5.2).

    Example: docs/testing.md#scripts-with-all-frames
    """

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class Frame(NamedTuple):
    """A frame that came. kind: a number of `FrameType`, or another one.

    Example: docs/testing.md#scripts-with-all-frames
    """

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", *, length: int | None = None) -> bytes:
    """Return the bytes of a frame.

    stream: 32 bits, the reserved one included. length: what its head says about the payload; None = the truth.

    Example: docs/testing.md#scripts-with-all-frames
    """
    size = len(payload) if length is None else length
    return size.to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def split_frames(data: bytes) -> list[bytes]:
    """Cut bytes of a connection into frames, for a test that cuts between them. The last one may be incomplete.

    Example::

        from hookline_testing.http2 import FrameType, frame, split_frames

        data = frame(FrameType.PING, payload=b"8 bytes!") + frame(FrameType.DATA, stream=1)
        print(len(split_frames(data)))
    """
    found = []
    while data:
        size = FRAME_HEAD + int.from_bytes(data[:3])
        found.append(data[:size])
        data = data[size:]
    return found
