"""HTTP/2 on one connection of a scripted server (RFC 9113), by the package h2: each request is answered in a task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame

from .connection import Connection
from .http2_stream import Http2Stream, StreamBody
from .request_reader import PREFACE, MalformedRequest
from .seen_request import SeenRequest

# Bytes that the client may send on all streams together; unread bodies of some streams do not hold up the others.
_CONNECTION_WINDOW = 16 * 1024 * 1024
_READ_SIZE = 64 * 1024

Begin = Callable[[Http2Stream, SeenRequest], None]
Answer = Callable[[Http2Stream, SeenRequest], Awaitable[None]]


class Http2Session:
    """The frames of one connection.

    number: of the connection. keep: bytes to keep of each body. on_change: called when a body has ended or a stream was reset.
    begin: called with each request whose head has come. answer: answers it.
    resets: (stream, error code) of each RST_STREAM of the client.
    """

    def __init__(
        self,
        connection: Connection,
        number: int,
        keep: int,
        on_change: Callable[[], None],
        begin: Begin,
        answer: Answer,
    ) -> None:
        self.connection = connection
        self.engine = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding=False,
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
            )
        )
        self.write_lock = asyncio.Lock()
        self.resets: list[tuple[int, int]] = []
        # The client sends nothing more.
        self.has_ended = False
        self._number = number
        self._keep = keep
        self._on_change = on_change
        self._begin = begin
        self._answer = answer
        self._streams: dict[int, Http2Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._last_stream: int | None = None  # that is processed, once the connection goes away
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Serve the connection until the client closes it, or until all streams are over and it goes away.

        Raises:
            MalformedRequest: what came is not HTTP/2.
            BaseException: an error of `answer`.
        """
        try:
            with contextlib.suppress(ConnectionError):  # the client is gone
                await self._read()
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise
        finally:
            self.has_ended = True
            self._note_change()
            for stream in list(self._streams.values()):
                stream.body.break_off()
            if self._failure is not None:
                self.connection.drop()
            if self._tasks:
                await asyncio.wait(self._tasks)
        if self._failure is not None:
            raise self._failure

    async def until_changed(self) -> None:
        """Wait until a frame of the client has come."""
        await self._changed.wait()

    def flush(self) -> None:
        """Write the frames of the engine, if no stream is writing; else that stream writes them, too."""
        if not self.write_lock.locked() and (data := self.engine.data_to_send()):
            self.connection.writer.write(data)

    def go_away(self) -> None:
        """Send GOAWAY: requests that come now are not processed, and the connection closes after the last stream."""
        if self._last_stream is None:
            self._last_stream = self.engine.highest_inbound_stream_id
            # Not engine.close_connection(), after which it sends nothing more on other streams.
            self.connection.writer.write(GoAwayFrame(0, last_stream_id=self._last_stream).serialize())

    async def close_when_read(self) -> None:
        """Close the connection when the client has read everything: the kernel resets it if a frame of the client comes then."""
        await self.connection.until_read()
        self.connection.writer.close()

    async def _read(self) -> None:
        self.engine.initiate_connection()
        self.engine.increment_flow_control_window(_CONNECTION_WINDOW)
        data = PREFACE
        while data and not self.connection.is_over:
            try:
                events = self.engine.receive_data(data)
            except ProtocolError as error:
                self.flush()
                raise MalformedRequest(f"Not HTTP/2: {error}") from error
            for event in events:
                self._handle(event)
            self.flush()
            self._note_change()
            data = await self.connection.reader.read(_READ_SIZE)

    def _note_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._receive_request(event)
        elif isinstance(event, DataReceived):
            assert event.stream_id is not None
            if (stream := self._streams.get(event.stream_id)) is not None:
                stream.body.receive(event.data or b"", event.flow_controlled_length or 0)
            else:
                self.engine.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        elif isinstance(event, TrailersReceived):
            if (stream := self._streams.get(event.stream_id or 0)) is not None:
                stream.body.trailers = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
        elif isinstance(event, StreamEnded):
            if (stream := self._streams.get(event.stream_id or 0)) is not None:
                stream.body.end()
        elif isinstance(event, StreamReset):
            self.resets.append((event.stream_id or 0, int(event.error_code or 0)))
            if (stream := self._streams.get(event.stream_id or 0)) is not None:
                stream.was_reset = True
                stream.body.break_off()
            self._on_change()

    def _receive_request(self, event: RequestReceived) -> None:
        stream_id = event.stream_id
        assert stream_id is not None
        if self._last_stream is not None and stream_id > self._last_stream:
            return  # the client learns from GOAWAY that it is not processed
        fields = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
        request = seen_request(fields, self._number)
        body = StreamBody(self, stream_id, request, self._keep, self._on_change)
        request.reader = body
        self._streams[stream_id] = stream = Http2Stream(self, stream_id, body)
        self._begin(stream, request)
        task = asyncio.get_running_loop().create_task(self._serve(stream, request))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._on_finished(stream, task))

    async def _serve(self, stream: Http2Stream, request: SeenRequest) -> None:
        # The client has reset the stream, or is gone.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(stream, request)
            if self._last_stream is not None and len(self._tasks) == 1:  # this one
                await self.close_when_read()

    def _on_finished(self, stream: Http2Stream, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failure = self._failure or error
            self.connection.drop()
        if stream.body.is_complete or stream.was_reset:
            self._streams.pop(stream.stream_id, None)


def seen_request(fields: list[tuple[bytes, bytes]], connection: int) -> SeenRequest:
    """Return the request with these fields: as it is passed on in HTTP/1.1 (RFC 9113, sections 8.3.1 and 8.2.3)."""
    pseudo = {name: value.decode("ascii") for name, value in fields if name.startswith(b":")}
    authority = pseudo.get(b":authority")
    headers = [] if authority is None else [(b"host", authority.encode())]
    cookies = [value for name, value in fields if name == b"cookie"]
    for name, value in fields:
        if name == b"cookie":
            if cookies:
                headers.append((name, b"; ".join(cookies)))
                cookies = []
        elif not name.startswith(b":"):
            headers.append((name, value))
    request = SeenRequest(
        pseudo[b":method"],
        pseudo.get(b":path", authority or ""),
        "2",
        headers,
        connection,  # CONNECT has no :path
    )
    raw = b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"
    request.add_raw(raw, len(raw))
    return request
