"""An event loop with connections that have no socket: a fixed response is delivered as soon as the client waits for it.

There is no socket, no system call and no iteration of the loop; only the client's own code runs. The order of steps is that
of a network: write() returns, the caller awaits the response, then the bytes arrive.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

from benchmarks.servers import HEAD, VARY
from benchmarks.workloads import SMALL, echoed

Result = TypeVar("Result")
ANSWER = HEAD.format("application/json", len(SMALL), "keep-alive", VARY).encode() + SMALL
FRESH_ANSWER = ANSWER.replace(b"no-store", b"max-age=999999999").replace(
    VARY.encode(), b"X-Vary: no"
)  # which a cache stores
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
AGREEMENT = b"HTTP/1.1 101\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
ECHO = b"\x82\x40" + echoed(64)
CLOSE = 0x88  # the first byte of a close frame


class CannedTransport(asyncio.Transport):
    """A transport without a socket. After a write it owes its protocol one response, which `answer` delivers."""

    def __init__(self, protocol: asyncio.BaseProtocol, response: bytes, owing: list[CannedTransport]) -> None:
        """owing: the transports of the loop that owe a response."""
        super().__init__()
        self.response = response
        self.owing = owing
        self.set_protocol(protocol)
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self not in self.owing:  # the body may come with a write of its own
            self.owing.append(self)

    def answer(self) -> None:
        self.deliver(self.response)

    def deliver(self, data: bytes) -> None:
        if self.buffered is None:
            cast(asyncio.Protocol, self.protocol).data_received(data)
            return
        size = len(data)
        if not size:
            return
        buffer = cast(memoryview, self.buffered.get_buffer(-1))
        buffer[:size] = data
        self.buffered.buffer_updated(size)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol
        self.buffered = cast(asyncio.BufferedProtocol, protocol) if hasattr(protocol, "get_buffer") else None

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class WebSocketTransport(CannedTransport):
    """The server's side of a websocket: it agrees to the handshake, and answers each message with `ECHO`."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        if data[0] == ord("G"):
            key = re.search(rb"(?i)sec-websocket-key: (\S+)", bytes(data))
            assert key is not None
            self.response = AGREEMENT % base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
        elif data[0] == CLOSE:
            self.close()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        super().set_protocol(protocol)
        self.response = ECHO


def literal(name: bytes, value: bytes) -> bytes:
    """Return a field of HPACK without the tables, so that no state is needed (RFC 7541, section 6.2.2)."""
    return b"\0%c%b%c%b" % (len(name), name, len(value), value)


def fields_of_answer() -> bytes:
    lines = ANSWER.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    pairs = (line.split(b": ", 1) for line in lines if not line.startswith(b"Connection"))
    return b"\x88" + b"".join(literal(name.lower(), value) for name, value in pairs)  # 0x88 is `:status: 200`


class ChosenHttp2:
    """What the transport says of TLS."""

    def selected_alpn_protocol(self) -> str:
        return "h2"


class Http2Transport(CannedTransport):
    """A transport that answers each request of HTTP/2 when the tasks that are ready have run; all that are due in one read."""

    DATA, HEADERS, SETTINGS, WINDOW_UPDATE = 0, 1, 4, 8
    END_STREAM, END_HEADERS = 1, 4
    MOST, FIRST_WINDOW = 2**31 - 1, 65535  # bytes of a window
    PREFACE = 24  # bytes
    FRAME = struct.Struct(">IBI")  # length and type, flags, stream
    is_due = False  # an answer

    def __init__(self, protocol: asyncio.BaseProtocol, response: bytes, owing: list[CannedTransport]) -> None:
        opened = self.FRAME.pack(4 << 8 | self.WINDOW_UPDATE, 0, 0) + (self.MOST - self.FIRST_WINDOW).to_bytes(4)
        super().__init__(protocol, self.FRAME.pack(self.SETTINGS, 0, 0) + opened, owing)
        self._extra = {"ssl_object": ChosenHttp2()}
        self.unread = self.PREFACE
        self.begun = b""
        fields = fields_of_answer()
        head = self.FRAME.pack(len(fields) << 8 | self.HEADERS, self.END_HEADERS, 0)[:5]
        body = self.FRAME.pack(len(SMALL) << 8 | self.DATA, self.END_STREAM, 0)[:5]
        self.parts = head, fields + body, SMALL

    def write(self, data: bytes | bytearray | memoryview) -> None:
        loop = asyncio.get_running_loop()
        if not self.is_due:
            self.is_due = True
            loop.call_soon(self.answer)
        data = bytes(data)[self.unread :]
        self.unread = 0
        at, opened, number, (head, fields, body) = 0, 0, 0, self.parts
        while at < len(data):
            kind, flags, number = self.FRAME.unpack_from(data, at)
            at += self.FRAME.size + (kind >> 8)
            stream = number.to_bytes(4)
            if flags & self.END_STREAM and kind & 255 in (self.HEADERS, self.DATA):
                self.response += head + stream + fields + stream + body
            elif kind & 255 == self.DATA:
                opened += kind >> 8
        if opened:  # the bodies of several requests come with their ends
            self.response += self.FRAME.pack(4 << 8 | self.WINDOW_UPDATE, 0, number) + opened.to_bytes(4)

    def answer(self) -> None:
        self.is_due = False
        data, self.response = self.response, b""  # first, because a client may write at once
        self.deliver(data)


class CannedLoop(asyncio.SelectorEventLoop):
    """A loop whose ways to connect all return a CannedTransport.

    response: what connections that are opened from now on answer each write with. transport_type: their class.
    """

    transport_type: type[CannedTransport] = CannedTransport

    def __init__(self) -> None:
        super().__init__()
        self.response = ANSWER
        self.transports: list[CannedTransport] = []
        self.owing: list[CannedTransport] = []

    async def create_connection(self, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
        protocol = protocol_factory()
        transport = self.transport_type(protocol, self.response, self.owing)
        self.transports.append(transport)
        protocol.connection_made(transport)
        return transport, protocol

    async def sock_connect(self, sock: Any, address: Any) -> None:
        pass

    def answer(self) -> None:
        """Deliver the response that the connection owes that was written to first."""
        if not self.owing:
            raise RuntimeError("the client waits for something other than an answer to what it wrote")
        self.owing.pop(0).answer()


def step_through(awaitable: Awaitable[Result], loop: CannedLoop) -> Result:
    """Run one call to its end, as its task would, and deliver the response whenever the call waits.

    Call it inside a task of `loop`, because clients may ask for the current task.
    """
    steps = awaitable.__await__()
    try:
        while True:
            next(steps)
            loop.answer()
    except StopIteration as end:
        return cast(Result, end.value)
