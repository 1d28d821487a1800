"""A server of HTTP/2 that sends whatever frames a test wants, good or bad: frames by hand, heads by hpack.

What it answers depends on the first segment of the path:

    /hello  /bytes/N  /echo  /status/N  /wait  /never  /interim  /trailers  /refuse  /goaway  /last  /reset/CODE  /length/N

A test may answer a path itself: `server.answers["/odd"] = f`, where `await f(session, request)` sends frames.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hpack import Decoder, Encoder

from servers.stream_server import StreamServer, StreamSession, running

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME = 16384

Answer = Callable[["Http2Session", "Http2Request"], Awaitable[None]]


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


@dataclass(eq=False)
class Http2Request:
    """A request as it arrived. fields: with the pseudo-fields. body: so far. ended: set at its end."""

    stream: int
    fields: list[tuple[str, str]]
    never_indexed: set[str]
    body: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __getitem__(self, name: str) -> str:
        """The value of the only field of this name."""
        (value,) = self.all(name)
        return value

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


class Http2Server(StreamServer):
    """What the tests see of the server, and set.

    settings: sent to each connection. answers: by path. answers_pings: answer each PING.

    requests: all, in order. resets: with a code. goaways: codes that clients sent.
    """

    def __init__(self, settings: dict[int, int]) -> None:
        super().__init__()
        self.settings = settings
        self.answers: dict[str, Answer] = {}
        self.answers_pings = True
        self.pings = self.pongs = 0
        self.requests: list[Http2Request] = []
        self.goaways: list[int] = []
        self.sessions: list[Http2Session] = []
        self.http1_requests: list[bytes] = []

    @property
    def targets(self) -> list[str]:
        return [request[":path"] for request in self.requests]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alpn: str | None) -> None:
        if alpn not in ("h2", None):
            await self.serve_http1(reader, writer)
            return
        begin = await reader.readexactly(len(PREFACE))
        if begin != PREFACE:
            self.http1_requests.append(begin + await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhttp/1")
            await writer.drain()
            return
        session = Http2Session(self, reader, writer)
        self.sessions.append(session)
        await session.run()

    async def serve_http1(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests without a body in HTTP/1.1, one after the other."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.http1_requests.append(head)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhttp/1")
            await writer.drain()


class Http2Session(StreamSession):
    """One connection."""

    streams: dict[int, Http2Request]

    def __init__(self, server: Http2Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(server, reader, writer)
        self.server = server
        self.decoder, self.encoder = Decoder(max_header_list_size=2**20), Encoder()
        self.client_settings: dict[int, int] = {}
        self.window = 65535  # of the connection
        self._block, self._ends = b"", False

    # -- what a test sends

    def send(self, data: bytes) -> None:
        self.write(data)

    def frame(self, kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> None:
        self.send(frame(kind, flags, stream, payload))

    def fields(self, fields: Iterable[tuple[str | bytes, str | bytes]]) -> bytes:
        return self.encoder.encode(list(fields))

    def head(self, stream: int, status: int | str = 200, *fields: tuple[str, str], ends: bool = False) -> None:
        block = self.fields([(":status", str(status)), *fields])
        self.frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, block)

    def trailers(self, stream: int, *fields: tuple[str, str]) -> None:
        self.frame(HEADERS, END_HEADERS | END_STREAM, stream, self.fields(fields))

    def data(self, stream: int, content: bytes = b"", *, ends: bool = False) -> None:
        """Send one frame, whatever the windows are."""
        self.frame(DATA, END_STREAM if ends else 0, stream, content)

    async def body(self, stream: int, content: bytes, *, ends: bool = True) -> None:
        """Send a body in frames, as far as the windows allow, and wait for more of them."""
        left = memoryview(content)
        while left and stream in self.windows:
            async with self.window_opened:
                await self.window_opened.wait_for(lambda: min(self.window, self.windows.get(stream, 1)) > 0)
            size = min(len(left), FRAME, self.window, self.windows.get(stream, 0))
            if stream in self.windows:
                self.windows[stream] -= size
                self.window -= size
                self.data(stream, bytes(left[:size]), ends=ends and size == len(left))
                left = left[size:]
                await self.writer.drain()
        if not content and ends:
            self.data(stream, ends=True)

    def reset(self, stream: int, code: int) -> None:
        self.frame(RST_STREAM, 0, stream, struct.pack(">I", code))

    def goaway(self, last: int, code: int = 0, debug: bytes = b"") -> None:
        self.frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)

    def settings(self, settings: dict[int, int]) -> None:
        self.frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in settings.items()))

    # -- what the client sends

    async def run(self) -> None:
        self.settings(self.server.settings)
        try:
            while True:
                start = await self.reader.readexactly(9)
                payload = await self.reader.readexactly(int.from_bytes(start[:3]))
                await self.receive(start[3], start[4], int.from_bytes(start[5:]), payload)
                await self.server.note()
        finally:
            await self.end_tasks()

    async def receive(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        server = self.server
        if kind in (HEADERS, CONTINUATION):
            self._block += payload
            self._ends = self._ends if kind == CONTINUATION else bool(flags & END_STREAM)
            if flags & END_HEADERS:
                block, self._block = self._block, b""
                self.begin_request(stream, block)
        elif kind == DATA and stream in self.streams:
            self.streams[stream].body += payload
            server.received += len(payload)
            if server.answers_windows and payload:
                for number in (0, stream):
                    self.frame(WINDOW_UPDATE, 0, number, struct.pack(">I", len(payload)))
        elif kind == WINDOW_UPDATE:
            async with self.window_opened:
                if stream == 0:
                    self.window += int.from_bytes(payload)
                elif stream in self.windows:
                    self.windows[stream] += int.from_bytes(payload)
                self.window_opened.notify_all()
        elif kind == RST_STREAM:
            server.resets.append((stream, int.from_bytes(payload)))
            self.forget(stream)
        elif kind == GOAWAY:
            server.goaways.append(int.from_bytes(payload[4:8]))
        elif kind == SETTINGS and not flags & ACK:
            self.client_settings |= dict(struct.iter_unpack(">HI", payload))
            self.frame(SETTINGS, ACK)
        elif kind == PING:
            server.pongs += bool(flags & ACK)
            server.pings += not flags & ACK
            if not flags & ACK and server.answers_pings:
                self.frame(PING, ACK, 0, payload)
        if flags & END_STREAM and kind == DATA and stream in self.streams:
            self.streams[stream].ended.set()

    def begin_request(self, stream: int, block: bytes) -> None:
        found = list(self.decoder.decode(block, raw=True))
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found]
        secret = {name.decode("latin-1") for name, *_ in (each for each in found if not each.indexable)}
        request = self.streams[stream] = Http2Request(stream, fields, secret)
        if self._ends:
            request.ended.set()
        self.windows[stream] = self.client_settings.get(INITIAL_WINDOW_SIZE, 65535)
        self.server.requests.append(request)
        self.server.most_streams = max(self.server.most_streams, len(self.streams))
        task = asyncio.create_task(self.answer(request))
        if not task.done():  # as an eager task may be
            self.tasks[stream] = task

    async def answer(self, request: Http2Request) -> None:
        path = request[":path"]
        try:
            answer = self.server.answers.get(path)
            if answer is not None:
                await answer(self, request)
            else:
                await self.answer_by_name(request, *path.removeprefix("/").partition("/")[::2])
            await self.writer.drain()
            if request.ended.is_set():
                self.forget(request.stream)
        except ConnectionError:
            pass

    async def answer_by_name(self, request: Http2Request, name: str, argument: str) -> None:
        stream = request.stream
        is_first = self.server.targets.count(request[":path"]) == 1
        if name == "wait":
            await self.server.gate.wait()
        elif name == "never":
            await asyncio.Event().wait()
        elif name == "echo":
            await request.ended.wait()
        elif name == "refuse" and is_first:
            self.reset(stream, 7)
            return self.forget(stream)
        elif name == "goaway" and is_first:
            self.goaway(stream - 2)
            return self.forget(stream)
        elif name == "last":  # the last one that this connection serves
            self.goaway(stream)
        elif name == "interim":
            self.head(stream, 103, ("link", "</style.css>"))
        elif name == "reset":
            self.head(stream)
            self.data(stream, b"a part")
            return self.reset(stream, int(argument))
        body = {
            "echo": bytes(request.body),
            "bytes": b"x" * int(argument or 0) if name == "bytes" else b"",
            "status": b"",
        }.get(name, name.encode())
        status = int(argument) if name == "status" else 200
        length = argument if name == "length" else str(len(body))
        fields = [] if name in ("trailers", "status") else [("content-length", length)]
        if request[":method"] == "HEAD" or name == "status":
            return self.head(stream, status, *fields, ends=True)
        self.head(stream, status, *fields)
        await self.body(stream, body, ends=name != "trailers")
        if name == "trailers":
            self.trailers(stream, ("x-checksum", "7"))


@asynccontextmanager
async def http2_server(context: ssl.SSLContext | None, settings: dict[int, int]) -> AsyncIterator[Http2Server]:
    """Run a server on 127.0.0.1. context: for TLS, with its ALPN set; None = without TLS."""
    async with running(Http2Server(settings), context) as found:
        yield found
