"""A client connection to which a test gives the received bytes itself, cut in any way, without a socket."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from hookline.exchange.exchange import NO_BODY_METHODS
from hookline.http1.connection import Connection
from hookline.messages.fields import parse_fields, parse_trailers
from hookline.wire.response_head import ResponseHead
from hookline_testing.server.cut import Cut, pieces


class RecordingTransport(asyncio.Transport):
    """A transport without a socket. It records what is written, and calls `connection_lost` when it is closed."""

    def __init__(self, protocol: Connection) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = bytearray()
        self.reading = True
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        return self.is_closed


class Exchange:
    """The exchange that uses the connection. head: take the head as soon as it comes. interim: take 1xx heads too."""

    def __init__(self, *, head: bool = False, interim: bool = False) -> None:
        self._head = head
        self._interim = interim

    def _receive_head(self, head: ResponseHead) -> bool:
        return self._head

    def _wants_interim(self) -> bool:
        return self._interim


@dataclass
class Taken:
    """The response that a connection has parsed from the bytes."""

    connection: Connection
    transport: RecordingTransport
    receiver: Exchange
    error: BaseException | None = None
    fed: int = 0
    interims: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        assert self.connection.head is not None
        return self.connection.head.status

    @property
    def reason(self) -> str:
        assert self.connection.head is not None
        return self.connection.head.line.reason

    @property
    def body(self) -> bytes:
        return b"".join(self.connection.parts)

    @property
    def headers(self) -> dict[str, str]:
        assert self.connection.head is not None
        return dict(parse_fields(self.connection.head.raw).items())

    @property
    def trailers(self) -> dict[str, str]:
        return dict(parse_trailers(self.connection.trailers).items())

    @property
    def is_reusable(self) -> bool:
        return self.connection.is_reusable


def connect() -> tuple[Connection, RecordingTransport]:
    """Return a connection on a transport without a socket; call it in a running loop."""
    connection = Connection(asyncio.get_running_loop())
    transport = RecordingTransport(connection)
    connection.connection_made(transport)
    return connection, transport


def feed(connection: Connection, transport: RecordingTransport, data: bytes, cut: Cut = "whole") -> int:
    """Give bytes to a connection as an event loop does, until it closes; return how many it took."""
    fed = 0
    for piece in pieces(data, cut):
        for start in range(0, len(piece), 65536):
            if transport.is_closed:
                return fed
            part = piece[start : start + 65536]
            connection.get_buffer(-1)[: len(part)] = part
            connection.buffer_updated(len(part))
            fed += len(part)
    return fed


def take(
    data: bytes,
    *,
    cut: Cut = "whole",
    method: str = "GET",
    eof: bool = False,
    limit: int = 0,
    head: bool = False,
    interim: bool = False,
) -> Taken:
    """Feed a response to a connection that waits for one. eof: the peer closes after the bytes."""
    connection, transport = connect()
    receiver = Exchange(head=head, interim=interim)
    waiter = connection.begin(receiver)
    if limit or method in NO_BODY_METHODS:
        connection.leave_fast_path(method, limit)
    taken = Taken(connection, transport, receiver)
    taken.fed = feed(connection, transport, data, cut)
    if eof and not transport.is_closed:
        connection.eof_received()
        transport.close()
    taken.error = connection.error
    taken.interims = [head.status for head in connection.interims or ()]
    with contextlib.suppress(asyncio.InvalidStateError, BaseException):
        waiter.exception()
    return taken
