"""A protocol of its own for Hookline: `acme-mux`, which carries many exchanges on one connection.

It is small enough to read, and has what HTTP/2 has: frames, a limit on streams that the peer may change, windows in both
directions, resets, and a connection that goes away. A frame is its type (1 byte), a stream (4 bytes), the length of its
payload (4 bytes) and the payload:

    S  settings: how many streams the client may have open          H  head        I  interim head
    D  data, which takes window                                     E  end, with trailers
    W  window: so many more bytes of data may be sent               R  reset: cancel, error, or refused
    G  going away: streams above this number are not processed

Install the distribution, and every client of the environment offers the protocol to servers with TLS (ALPN).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable

from hookline import (
    ConnectionClosed,
    HttpRequest,
    MultiplexedConnection,
    Protocol,
    RemoteProtocolError,
    Stream,
    hookimpl,
)

FRAME = struct.Struct(">cII")
WINDOW = 64 * 1024  # bytes of data that each side may send on a stream before the first W
MAX_PAYLOAD = 256 * 1024
NOT_SENT = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"})


class Mux:
    """The plugin: it declares the protocol."""

    @hookimpl
    def declare(self) -> Iterable[Protocol]:
        return [Protocol("acme-mux", MuxConnection)]


class MuxConnection(MultiplexedConnection):
    """One connection: it cuts what it reads into frames, and passes them to the streams."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.max_streams = 0  # until the server says how many
        self._unparsed = bytearray()
        self._streams: dict[int, MuxStream] = {}
        self._last = 0

    def open_stream(self) -> MuxStream:
        self._last += 1
        stream = self._streams[self._last] = MuxStream(self, self._last)
        return stream

    def send_frame(self, kind: bytes, number: int, payload: bytes = b"") -> None:
        self.transport.write(FRAME.pack(kind, number, len(payload)) + payload)

    def receive_bytes(self, data: bytes) -> None:
        self._unparsed += data
        while len(self._unparsed) >= FRAME.size:
            kind, number, length = FRAME.unpack_from(self._unparsed)
            if length > MAX_PAYLOAD:
                raise RemoteProtocolError(f"a frame of {length} bytes")
            end = FRAME.size + length
            if len(self._unparsed) < end:
                return
            payload = bytes(self._unparsed[FRAME.size : end])
            del self._unparsed[:end]
            self._receive_frame(kind, number, payload)

    def _receive_frame(self, kind: bytes, number: int, payload: bytes) -> None:
        if kind == b"S":
            self.set_max_streams(int.from_bytes(payload))
        elif kind == b"G":
            self.go_away()
            for stream in [s for n, s in self._streams.items() if n > int.from_bytes(payload)]:
                stream.refuse("the server goes away")
        elif (found := self._streams.get(number)) is not None:
            found.receive_frame(kind, payload)

    def forget(self, number: int) -> None:
        self._streams.pop(number, None)


class MuxStream(Stream):
    """One exchange on a connection."""

    def __init__(self, connection: MuxConnection, number: int) -> None:
        super().__init__(connection)
        self._mux = connection
        self._number = number
        self._window = WINDOW  # bytes that may be sent
        self._unsent = bytearray()
        self._ends = False
        self._unacknowledged = 0  # bytes that were received while reading is paused

    # -- what an exchange sends

    def send_head(self, request: HttpRequest) -> None:
        fields = [(name, value) for name, value in request.fields_as_sent() if name.lower() not in NOT_SENT]
        lines = [f"{request.method} {request.target}", f"authority: {request.origin.authority}"]
        lines += [f"{name}: {value}" for name, value in fields]
        head = "\n".join(lines) + "\n"
        self._mux.send_frame(b"H", self._number, head.encode("utf-8", "surrogateescape"))

    def send_piece(self, data: bytes) -> None:
        self._unsent += data
        self._flush()

    def end_body(self) -> None:
        self._ends = True
        self._flush()

    def _flush(self) -> None:
        size = min(len(self._unsent), self._window)
        if size:
            self._mux.send_frame(b"D", self._number, bytes(self._unsent[:size]))
            del self._unsent[:size]
            self._window -= size
        if self._unsent:
            self.pause_writing()
        else:
            self.resume_writing()
            if self._ends:
                self._ends = False
                self._mux.send_frame(b"E", self._number)

    def reset(self) -> None:
        if self._mux.alive:
            self._mux.send_frame(b"R", self._number, b"cancel")

    def ended(self) -> None:
        self._mux.forget(self._number)

    # -- what arrives

    def receive_frame(self, kind: bytes, payload: bytes) -> None:
        if kind == b"H" or kind == b"I":
            first, *lines = payload.splitlines()
            status, _, reason = first.decode("latin-1").partition(" ")
            fields = [tuple(line.split(b": ", 1)) for line in lines]
            self.receive_head(int(status), fields, version="ACME/1", reason=reason)
        elif kind == b"D":
            self._acknowledge(len(payload))
            self.receive_data(payload)
        elif kind == b"E":
            lines = payload.splitlines()
            self.receive_end([tuple(line.split(b": ", 1)) for line in lines])
        elif kind == b"W":
            self._window += int.from_bytes(payload)
            self._flush()
        elif kind == b"R":
            if payload == b"refused":
                self.refuse("the server refused the stream")
            elif payload == b"http/1.1":
                self.refuse("the server requires HTTP/1.1", payload.decode())
            else:
                self.fail(ConnectionClosed(f"the server reset the stream: {payload.decode('latin-1')[:40]}"))

    def refuse(self, why: str, required: str | None = None) -> None:
        error = ConnectionClosed(why)
        error.was_processed = False
        error.required_protocol = required
        self.fail(error)

    # -- back-pressure: the window is opened again once the bytes were read

    def _acknowledge(self, size: int) -> None:
        self._unacknowledged += size
        if not self.is_reading_paused:
            self.continue_reading()

    def continue_reading(self) -> None:
        size, self._unacknowledged = self._unacknowledged, 0
        if size and self._mux.alive:
            self._mux.send_frame(b"W", self._number, size.to_bytes(4))
