"""The frame parser: wsproto's, or the object that the option `frame_parser` makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from wsproto.extensions import Extension
from wsproto.frame_protocol import FrameProtocol

from .compression import Deflate
from .permessage_deflate import PerMessageDeflate


class Frame(Protocol):
    """A frame, or as much of a data frame as has come.

    opcode: RFC 6455, section 5.2; 0 to 2 is data. payload: str or bytes; for a close frame, code and reason.
    message_finished: True for the last piece of a message.
    """

    @property
    def opcode(self) -> int: ...

    @property
    def payload(self) -> Any: ...

    @property
    def message_finished(self) -> bool: ...


class FrameParser(Protocol):
    """Parses the frames of the peer and serializes our own, as `wsproto.frame_protocol.FrameProtocol` does.

    `receive_bytes` and `received_frames` raise `wsproto.frame_protocol.ParseFailed` when the peer breaks the protocol.
    """

    def receive_bytes(self, data: bytes) -> None: ...

    def received_frames(self) -> Iterator[Frame]: ...

    def send_data(self, payload: Any, fin: bool) -> bytes | bytearray: ...

    def ping(self, payload: bytes) -> bytes | bytearray: ...

    def pong(self, payload: bytes) -> bytes | bytearray: ...

    def close(self, code: int | None, reason: str | None) -> bytes | bytearray: ...


def new_frame_parser(factory: Callable[..., FrameParser] | None, agreed: Deflate | None, limit: int) -> FrameParser:
    """Return a frame parser for one websocket.

    factory: the option `frame_parser`, None = wsproto's. agreed: the compression that was negotiated, None = none.
    limit: bytes of one message after decompression, 0 = no limit.
    """
    extensions: list[Extension] = [] if agreed is None else [PerMessageDeflate(agreed, limit)]
    return (factory or FrameProtocol)(client=True, extensions=extensions)
