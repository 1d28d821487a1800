"""One connection of a `FrameServer`: a script sends frames on it, and waits for those of the client."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from hpack import Decoder, Encoder

from .field_blocks import field_block
from .frames import FRAME_HEAD, MAX_FRAME_SIZE, Flag, Frame, FrameType, Setting, frame

Fields = Iterable[tuple[bytes | str, bytes | str]]
FIRST_WINDOW = 65535  # bytes (RFC 9113, section 6.9.2)
KEPT_FRAMES = 1000
LINGER = struct.pack("ii", 1, 0)  # for 0 seconds: close() then resets (socket(7))
MAX_REQUEST_HEAD = 2**20  # bytes


@dataclass(eq=False)
class FrameRequest:
    """A request as it came.

    stream: its number. fields: with the pseudo-fields, in order. never_indexed: names of those that must enter no table.
    body: so far. ended: set at its end.

    Example: docs/testing.md#a-server-of-your-own
    """

    stream: int
    fields: list[tuple[str, str]]
    never_indexed: set[str]
    body: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def __getitem__(self, name: str) -> str:
        """Return the value of the only field of this name."""
        (value,) = self.all(name)
        return value

    def all(self, name: str) -> list[str]:
        """Return the values of all fields of this name."""
        return [value for key, value in self.fields if key == name]


Answer = Callable[["FrameSession", FrameRequest], Awaitable[None]]
Greeting = Callable[["FrameSession"], Awaitable[None]]


class Server(Protocol):
    """What a session needs of its server; see `FrameServer`."""

    sent_settings: dict[int, int]
    greeting: Greeting | None
    acknowledges_settings: bool
    answers_pings: bool
    answers_windows: bool
    cut_after: int | None
    cuts_by_reset: bool
    requests: list[FrameRequest]
    resets: list[tuple[int, int]]
    goaways: list[int]
    pings: int
    pongs: int
    received: int
    most_streams: int
    errors: list[BaseException]

    def note(self) -> None:
        """Something has changed that a test may wait for."""

    async def respond(self, session: FrameSession, request: FrameRequest) -> None:
        """Answer a request."""


class FrameSession:
    """A connection. What a script sends is not checked, and no window, limit or state holds it back, except in `body`.

    frames: the last 1,000 that came. streams: the requests that are open, by number. client_settings: what the client has
    set, by number. window, windows: bytes that the client still takes, on the connection and on each stream. sent: bytes.

    Example: docs/testing.md#scripts-with-all-frames
    """

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.frames: deque[Frame] = deque(maxlen=KEPT_FRAMES)
        self.streams: dict[int, FrameRequest] = {}
        self.client_settings: dict[int, int] = {}
        self.window = FIRST_WINDOW
        self.windows: dict[int, int] = {}
        self.window_opened = asyncio.Condition()
        self.sent = 0
        self.decoder, self.encoder = Decoder(max_header_list_size=MAX_REQUEST_HEAD), Encoder()
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._frame_came = asyncio.Condition()
        self._block, self._ends = b"", False
        self._is_cut = False

    # -- what a script sends

    def send(self, data: bytes) -> None:
        """Send bytes, whatever they mean, up to the server's `cut_after` on this connection."""
        if self._is_cut or self.writer.is_closing():  # uvloop raises for the second what asyncio ignores
            return
        limit = self.server.cut_after
        if limit is not None and self.sent + len(data) > limit:
            data = data[: max(0, limit - self.sent)]
            self.sent += len(data)
            self.writer.write(data)
            self._is_cut = True
            self.hang_up(reset=self.server.cuts_by_reset)
            return
        self.sent += len(data)
        self.writer.write(data)

    def frame(
        self, kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", *, length: int | None = None
    ) -> None:
        """Send a frame; see `frame`."""
        self.send(frame(kind, flags, stream, payload, length=length))

    def fields(self, fields: Fields) -> bytes:
        """Return a field block that uses the tables of this connection: it has to be sent, and in this order.

        `field_block` makes one that uses none.
        """
        return self.encoder.encode(list(fields))

    def head(
        self, stream: int, status: int | str = 200, *fields: tuple[bytes | str, bytes | str], ends: bool = False
    ) -> None:
        """Send the head of a response. ends: it has no body."""
        block = self.fields([(":status", str(status)), *fields])
        self.frame(FrameType.HEADERS, Flag.END_HEADERS | (Flag.END_STREAM if ends else 0), stream, block)

    def head_of(self, stream: int, fields: Fields, *, ends: bool = False) -> None:
        """Send these fields as a head, whatever they are, in a block that uses no tables."""
        self.frame(FrameType.HEADERS, Flag.END_HEADERS | (Flag.END_STREAM if ends else 0), stream, field_block(fields))

    def trailers(self, stream: int, *fields: tuple[bytes | str, bytes | str]) -> None:
        """Send a trailer section, which ends the response."""
        self.frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, self.fields(fields))

    def data(self, stream: int, content: bytes = b"", *, ends: bool = False) -> None:
        """Send one frame of DATA, whatever the windows are. ends: it is the last one."""
        self.frame(FrameType.DATA, Flag.END_STREAM if ends else 0, stream, content)

    async def body(self, stream: int, content: bytes, *, ends: bool = True) -> None:
        """Send a body in frames, as far as the windows allow, and wait for more of them. ends: nothing follows."""
        left = memoryview(content)
        while left and stream in self.windows:
            async with self.window_opened:
                await self.window_opened.wait_for(lambda: min(self.window, self.windows.get(stream, 1)) > 0)
            size = min(len(left), MAX_FRAME_SIZE, self.window, self.windows.get(stream, 0))
            if stream in self.windows:
                self.windows[stream] -= size
                self.window -= size
                self.data(stream, bytes(left[:size]), ends=ends and size == len(left))
                left = left[size:]
                await self.writer.drain()
        if not content and ends:
            self.data(stream, ends=True)

    def reset(self, stream: int, code: int) -> None:
        """Send RST_STREAM."""
        self.frame(FrameType.RST_STREAM, 0, stream, struct.pack(">I", code))

    def goaway(self, last: int, code: int = 0, debug: bytes = b"") -> None:
        """Send GOAWAY. last: the highest stream that is processed."""
        self.frame(FrameType.GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)

    def settings(self, settings: Mapping[int, int]) -> None:
        """Send SETTINGS, by number."""
        self.frame(FrameType.SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in settings.items()))

    def open_window(self, stream: int, size: int) -> None:
        """Send WINDOW_UPDATE. stream: 0 = the connection. size: 32 bits, the reserved one included."""
        self.frame(FrameType.WINDOW_UPDATE, 0, stream, struct.pack(">I", size))

    async def flood(self, data: bytes, times: int) -> None:
        """Send the same bytes many times, at the pace at which the client reads.

        Raises:
            ConnectionError: the client is gone.
        """
        batch = max(1, 65536 // max(1, len(data)))
        while times > 0:
            self.send(data * min(batch, times))
            times -= batch
            await self.writer.drain()
            await asyncio.sleep(0)

    async def trickle(self, data: bytes, interval: float = 0.002, size: int = 1) -> None:
        """Send `size` bytes every `interval` seconds.

        Raises:
            ConnectionError: the client is gone.
        """
        for begin in range(0, len(data), size):
            self.send(data[begin : begin + size])
            await self.writer.drain()
            await asyncio.sleep(interval)

    def stop_reading(self) -> None:
        """Read nothing from now on, so that the client's buffers fill."""
        self._may_read.clear()
        cast(asyncio.Transport, self.writer.transport).pause_reading()

    def read_on(self) -> None:
        """Read again."""
        self._may_read.set()
        cast(asyncio.Transport, self.writer.transport).resume_reading()

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection for this side (FIN), and read on until the client closes. reset: end it at once (RST).

        What was sent before arrives before FIN; RST may come before it. Under TLS there is no close_notify.
        """
        sock = self.writer.get_extra_info("socket")
        if self.writer.is_closing() or sock is None or sock.fileno() == -1:
            return  # a closed socket of uvloop keeps its number, which may be that of another one by now
        if not reset and cast(asyncio.Transport, self.writer.transport).get_write_buffer_size():
            self.writer.close()  # after what is still to be sent
            return
        with socket.socket(fileno=os.dup(sock.fileno())) as copy:  # sockets of uvloop refuse both calls
            try:
                if reset:
                    copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
                else:
                    copy.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the client was faster
        if reset:
            self.writer.transport.abort()

    # -- what a script waits for

    async def until_frame(self, kind: int, *, stream: int | None = None, flags: int = 0) -> Frame:
        """Return the first frame of this type, as soon as one has come.

        stream: its number, None = any. flags: which it must have.

        Raises:
            AssertionError: the client has closed the connection before.
        """

        def found() -> Frame | None:
            for each in self.frames:
                if each.kind == kind and stream in (None, each.stream) and each.flags & flags == flags:
                    return each
            return None

        async with self._frame_came:
            await self._frame_came.wait_for(lambda: found() is not None or self.is_over)
        came = found()
        assert came is not None, f"the client closed the connection before it sent a frame of type {kind}"
        return came

    @property
    def is_over(self) -> bool:
        """True if either side has closed the connection."""
        return self.writer.is_closing() or self.reader.at_eof()

    # -- what the client sends

    async def run(self) -> None:
        r"""Greet the client, and serve it until it closes the connection.

        Example::

            from hookline_testing.http2 import FrameServer, FrameSession


            class AfterUpgrade(FrameServer):
                async def serve_other(self, begin, reader, writer, alpn):
                    writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
                    await FrameSession(self, reader, writer).run()
        """
        try:
            if self.server.greeting is None:
                self.settings(self.server.sent_settings)
            else:
                self.start(0, self.server.greeting)
                await asyncio.sleep(0)  # it begins to send before anything that came is answered
            while True:
                await self._may_read.wait()
                start = await self.reader.readexactly(FRAME_HEAD)
                payload = await self.reader.readexactly(int.from_bytes(start[:3]))
                await self._may_read.wait()
                await self._receive(Frame(start[3], start[4], int.from_bytes(start[5:]), payload))
                self.server.note()
        finally:
            async with self._frame_came:
                self._frame_came.notify_all()
            await self.end_tasks()

    def start(self, stream: int, script: Greeting) -> None:
        """Run a script of this connection in a task. stream: whose it is; 0 = the connection's."""

        async def run() -> None:
            try:
                await script(self)
                await self.writer.drain()
            except ConnectionError:
                pass  # the client is gone
            except Exception as error:  # noqa: BLE001  # of the test; raised at the end of the with block
                self.server.errors.append(error)
                self.writer.transport.abort()

        task = asyncio.get_running_loop().create_task(run())
        if not task.done():  # as an eager task may be
            self.tasks[stream] = task

    async def end_tasks(self) -> None:
        """End the scripts of this connection.

        Example: docs/testing.md#a-server-of-your-own
        """
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    def forget(self, stream: int) -> None:
        """Forget a stream that is over, and end its script, unless that calls."""
        self.streams.pop(stream, None)
        self.windows.pop(stream, None)
        task = self.tasks.pop(stream, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _receive(self, came: Frame) -> None:
        server = self.server
        kind, flags, stream, payload = came
        async with self._frame_came:
            self.frames.append(came)
            self._frame_came.notify_all()
        if kind in (FrameType.HEADERS, FrameType.CONTINUATION):
            self._block += payload
            self._ends = self._ends if kind == FrameType.CONTINUATION else bool(flags & Flag.END_STREAM)
            if flags & Flag.END_HEADERS:
                block, self._block = self._block, b""
                self._begin_request(stream, block)
        elif kind == FrameType.DATA and stream in self.streams:
            self.streams[stream].body += payload
            server.received += len(payload)
            if server.answers_windows and payload:
                self.open_window(0, len(payload))
                self.open_window(stream, len(payload))
            if flags & Flag.END_STREAM:
                self.streams[stream].ended.set()
        elif kind == FrameType.WINDOW_UPDATE:
            async with self.window_opened:
                if stream == 0:
                    self.window += int.from_bytes(payload)
                elif stream in self.windows:
                    self.windows[stream] += int.from_bytes(payload)
                self.window_opened.notify_all()
        elif kind == FrameType.RST_STREAM:
            server.resets.append((stream, int.from_bytes(payload)))
            self.forget(stream)
        elif kind == FrameType.GOAWAY:
            server.goaways.append(int.from_bytes(payload[4:8]))
        elif kind == FrameType.SETTINGS and not flags & Flag.ACK:
            self.client_settings |= dict(struct.iter_unpack(">HI", payload))
            if server.acknowledges_settings:
                self.frame(FrameType.SETTINGS, Flag.ACK)
        elif kind == FrameType.PING:
            server.pongs += bool(flags & Flag.ACK)
            server.pings += not flags & Flag.ACK
            if not flags & Flag.ACK and server.answers_pings:
                self.frame(FrameType.PING, Flag.ACK, 0, payload)

    def _begin_request(self, stream: int, block: bytes) -> None:
        found = list(self.decoder.decode(block, raw=True))
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found]
        never_indexed = {name.decode("latin-1") for name, *_ in (each for each in found if not each.indexable)}
        if stream in self.streams:  # trailers
            self.streams[stream].ended.set()
            return
        request = self.streams[stream] = FrameRequest(stream, fields, never_indexed)
        if self._ends:
            request.ended.set()
        self.windows[stream] = self.client_settings.get(Setting.INITIAL_WINDOW_SIZE, FIRST_WINDOW)
        self.server.requests.append(request)
        self.server.most_streams = max(self.server.most_streams, len(self.streams))
        self.start(stream, lambda session: session._answer(request))

    async def _answer(self, request: FrameRequest) -> None:
        await self.server.respond(self, request)
        await self.writer.drain()
        if request.ended.is_set():
            self.forget(request.stream)
