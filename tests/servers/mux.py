"""A server of `acme-mux`, a small protocol of the tests that carries many exchanges on one connection.

A frame is its type (1 byte), a stream (4 bytes), the length of its payload (4 bytes), and the payload. The types are:

    S  settings: how many streams the client may have open (4 bytes); stream 0
    H  head: "METHOD TARGET" or "STATUS REASON", then field lines, all ended by LF
    I  interim head, as H
    D  data, which takes window
    E  end of the stream, with trailers as field lines
    W  window: so many more bytes of data may be sent (4 bytes)
    R  reset: the stream is over; the payload says why: cancel, error, or refused, which was not processed, or http/1.1, by
       which it is wanted
    G  going away: streams above this number (4 bytes) are not processed, and no new ones are; stream 0

Each side may send 64 KiB of data on a stream before the first W. In TLS the protocol is chosen by ALPN; without TLS the
client has to know that the server speaks it.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from servers.stream_server import StreamServer, StreamSession, running

ALPN = "acme-mux"
WINDOW = 64 * 1024
PIECE = 16 * 1024
_HEAD = struct.Struct(">cII")


def frame(kind: bytes, stream: int, payload: bytes = b"") -> bytes:
    return _HEAD.pack(kind, stream, len(payload)) + payload


@dataclass
class Request:
    """A request as it arrived. body: so far. ended: set at its end."""

    stream: int
    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class MuxServer(StreamServer):
    """What the tests see of the server, and set.

    max_streams: announced to each connection. requests: all, in order. resets: with a text.
    """

    def __init__(self, *, max_streams: int = 100) -> None:
        super().__init__()
        self.max_streams = max_streams
        self.requests: list[Request] = []
        self.sessions: set[MuxSession] = set()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alpn: str | None) -> None:
        if alpn not in (ALPN, None):
            await serve_http1(reader, writer)
            return
        session = MuxSession(self, reader, writer)
        self.sessions.add(session)
        try:
            await session.run()
        finally:
            self.sessions.discard(session)


async def serve_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests without a body in HTTP/1.1, one after the other."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        target = head.split(b" ", 2)[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))
        await writer.drain()


class MuxSession(StreamSession):
    """One connection."""

    streams: dict[int, Request]

    def __init__(self, server: MuxServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(server, reader, writer)
        self.server = server

    def send(self, kind: bytes, stream: int, payload: bytes = b"") -> None:
        self.write(frame(kind, stream, payload))

    async def run(self) -> None:
        self.send(b"S", 0, struct.pack(">I", self.server.max_streams))
        try:
            while True:
                kind, stream, length = _HEAD.unpack(await self.reader.readexactly(_HEAD.size))
                await self.receive(kind, stream, await self.reader.readexactly(length))
                await self.server.note()
        finally:
            await self.end_tasks()

    async def receive(self, kind: bytes, stream: int, payload: bytes) -> None:
        if kind == b"H":
            first, *lines = payload.decode().splitlines()
            method, target = first.split(" ", 1)
            fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
            request = self.streams[stream] = Request(stream, method, target, fields)
            self.windows[stream] = WINDOW
            self.server.requests.append(request)
            self.server.most_streams = max(self.server.most_streams, len(self.streams))
            self.tasks[stream] = asyncio.create_task(self.answer(request))
        elif kind == b"D" and stream in self.streams:
            self.streams[stream].body += payload
            self.server.received += len(payload)
            if self.server.answers_windows:
                self.send(b"W", stream, struct.pack(">I", len(payload)))
        elif kind == b"E" and stream in self.streams:
            self.streams[stream].ended.set()
        elif kind == b"W" and stream in self.windows:
            async with self.window_opened:
                self.windows[stream] += int.from_bytes(payload)
                self.window_opened.notify_all()
        elif kind == b"R":
            self.server.resets.append((stream, payload.decode()))
            self.forget(stream)

    def head(self, stream: int, status: int = 200, *lines: str, kind: bytes = b"H") -> None:
        self.send(kind, stream, "".join(f"{line}\n" for line in (f"{status} OK", *lines)).encode())

    async def data(self, stream: int, content: bytes) -> None:
        """Send data as far as the window of the stream allows, and wait for more of it."""
        left = memoryview(content)
        while left and stream in self.windows:
            async with self.window_opened:
                await self.window_opened.wait_for(lambda: self.windows.get(stream, 1) > 0)
            size = min(len(left), PIECE, self.windows.get(stream, 0))
            if stream in self.windows:
                self.windows[stream] -= size
                self.send(b"D", stream, bytes(left[:size]))
                left = left[size:]
                await self.writer.drain()

    async def answer(self, request: Request) -> None:
        stream, (name, _, argument) = request.stream, request.target.removeprefix("/").partition("/")
        try:
            if name == "wait":
                await self.server.gate.wait()
            elif name == "never":
                await asyncio.Event().wait()
            elif name == "echo":
                await request.ended.wait()
            elif name == "refuse" and sum(r.target == request.target for r in self.server.requests) == 1:
                self.send(b"R", stream, b"refused")
                return self.forget(stream)
            elif name == "http1":
                self.send(b"R", stream, b"http/1.1")
                return self.forget(stream)
            elif name == "goaway" and sum(r.target == request.target for r in self.server.requests) == 1:
                self.send(b"G", 0, struct.pack(">I", stream - 1))
                return self.forget(stream)
            elif name == "leave" and sum(r.target == request.target for r in self.server.requests) == 1:
                self.send(b"G", 0, struct.pack(">I", stream))
                return self.writer.close()
            elif name == "last":  # the last one that this connection serves
                self.send(b"G", 0, struct.pack(">I", stream))
            elif name == "interim":
                self.head(stream, 103, "link: </style.css>", kind=b"I")
            body = {
                "echo": bytes(request.body),
                "bytes": b"x" * int(argument or 0) if name == "bytes" else b"",
                "status": b"",
            }.get(name, name.encode())
            status = int(argument) if name == "status" else 200
            length = unquote(argument) if name == "length" else len(body)
            lines = [] if name in ("stream", "trailers", "status", "cached") else [f"content-length: {length}"]
            lines += ["cache-control: max-age=60"] if name == "cached" else []
            self.head(stream, status, *lines, "x-stream: " + str(stream))
            if request.method != "HEAD":
                await self.data(stream, body)
            if name == "reset":
                self.send(b"R", stream, b"error")
            else:
                self.send(b"E", stream, b"x-checksum: 7\n" if name == "trailers" else b"")
            await self.writer.drain()
            self.forget(stream)
        except ConnectionError:
            pass


@asynccontextmanager
async def mux_server(context: ssl.SSLContext | None = None, **options: int) -> AsyncIterator[MuxServer]:
    """Run a server on 127.0.0.1. context: for TLS, with its ALPN set; None = without TLS."""
    async with running(MuxServer(**options), context) as found:
        yield found
