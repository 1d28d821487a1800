"""One stream of HTTP/2 on a scripted server: scripts act on it as on a connection of HTTP/1.1."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Protocol, cast

from h2.connection import H2Connection
from h2.exceptions import ProtocolError

from .connection import POLL_INTERVAL, Connection
from .cut import Cut, pieces
from .peer import has_hung_up
from .response_parts import End, Head, NotPlayable, ResponseParts
from .seen_request import SeenRequest

_PIECE = 64 * 1024


class Session(Protocol):
    """What a stream needs of its connection; see `Http2Session`."""

    connection: Connection
    engine: H2Connection
    write_lock: asyncio.Lock
    has_ended: bool

    def flush(self) -> None:
        """Write the frames of the engine, if no stream is writing."""

    def go_away(self) -> None:
        """Send GOAWAY; close after the last stream."""

    async def close_when_read(self) -> None:
        """Close when the client has read everything."""

    async def until_changed(self) -> None:
        """Wait until a frame of the client has come."""


class StreamBody:
    """The body of one request. What is not read takes window of the stream, so that the client has to wait.

    reader: has the bytes that have come. trailers: have come. is_complete: the end has come.
    """

    def __init__(
        self, session: Session, stream_id: int, request: SeenRequest, keep: int, on_complete: Callable[[], None]
    ) -> None:
        self.reader = asyncio.StreamReader()
        self.trailers: list[tuple[bytes, bytes]] = []
        self.is_complete = False
        self._is_broken = False
        self._session = session
        self._stream_id = stream_id
        self._request = request
        self._keep = keep
        self._on_complete = on_complete
        self._padding = 0

    def receive(self, data: bytes, size: int) -> None:
        """Keep the bytes of a DATA frame until they are read. size: what the frame takes of the window."""
        self._padding += size - len(data)
        self.reader.feed_data(data)

    def end(self) -> None:
        """Receive the end of the body."""
        self.is_complete = True
        self.reader.feed_eof()

    def break_off(self) -> None:
        """The client has reset the stream, or closed the connection, before the end of the body."""
        if not self.is_complete and not self._is_broken:
            self._is_broken = True
            self.reader.feed_eof()

    async def read_piece(self) -> bytes:
        """Return the next bytes of the body; b"" at its end (see `SeenRequest.read_piece`)."""
        data = await self.reader.read(_PIECE)
        size = len(data) + self._padding
        if size:
            self._padding = 0
            self._session.engine.acknowledge_received_data(size, self._stream_id)
            self._session.flush()
        if data:
            self._request.add_raw(data, self._keep)
            self._request.add_body(data, self._keep)
        elif self._is_broken:
            raise asyncio.IncompleteReadError(b"", None)
        else:
            self._request.trailers += self.trailers
            self._request.complete = True
            self._on_complete()
        return data


class Http2Stream(Connection):
    """A stream that scripts act on, for example by a step of your own.

    The bytes that a script sends are those of HTTP/1.1, and go out as HEADERS and DATA: each `send` begins a new DATA frame,
    and so does each chunk. Of `cut`, offsets cut the script's bytes, and sizes those of the frames. What ends the
    connection (`close`, `drop`, `reset`, `half_close`) ends all its streams.

    stream_id: its number. was_reset: the client has sent RST_STREAM.
    """

    def __init__(self, session: Session, stream_id: int, body: StreamBody) -> None:
        super().__init__(body.reader, session.connection.writer, session.connection.cut)
        self.session = session
        self.stream_id = stream_id
        self.body = body
        self.was_reset = False
        self._parts: ResponseParts | None = None
        self._writer: ResponseWriter | None = None
        self._closes = False

    @property
    def is_over(self) -> bool:
        """True when either side has reset the stream or closed the connection."""
        return self.was_reset or super().is_over

    async def send(self, data: bytes, cut: Cut | None = None) -> None:
        """Send bytes of an HTTP/1.1 response as frames (see `Connection.send`)."""
        cut = self.cut if cut is None else cut
        if cut == "whole" or isinstance(cut, tuple):
            await super().send(data, cut)
        else:
            await self._play(self._response_parts.feed(data), cut)

    async def write(self, data: bytes) -> None:
        """Send bytes of an HTTP/1.1 response as frames, in one write unless the client's window is too small."""
        await self._play(self._response_parts.feed(data))

    async def send_exactly(self, data: bytes) -> None:
        """Write these bytes on the connection, whatever they mean; those of frames are `Frame.serialize()` of hyperframe."""
        async with self.session.write_lock:
            self.writer.write(self.session.engine.data_to_send() + data)
            await self.writer.drain()

    async def reset_stream(self, error_code: int) -> None:
        """Send RST_STREAM (see `Connection.reset_stream`). The connection goes on."""
        await self.until_read()
        if not self.is_over:
            self.session.engine.reset_stream(self.stream_id, error_code)
            self.was_reset = True
            self.body.break_off()
            await self._flush("whole")

    async def until_gone(self) -> None:
        """Wait until the client resets the stream or closes the connection."""
        while not self.is_over and not has_hung_up(self.socket):  # noqa: ASYNC110 - only the kernel knows it
            await asyncio.sleep(POLL_INTERVAL)

    async def refuse_to_read(self, seconds: float | None) -> None:
        """Give the client no window for `seconds`, None = until it is gone."""
        if seconds is None:
            await self.until_gone()
        else:
            await asyncio.sleep(seconds)

    async def half_close(self) -> None:
        """End the response, if it has no length; the connection stays open for other streams."""
        await self._play(self._response_parts.end_of_connection())

    async def close(self) -> None:
        """End the response, if it has no length; then close the connection, with GOAWAY if the response is complete."""
        await self.half_close()
        if not super().is_over:
            if self._response_parts.is_over:
                self.session.go_away()
            await self.session.close_when_read()
            await self.until_closed()

    async def start_tls(self, context: ssl.SSLContext, greeting: bytes = b"") -> None:
        raise NotPlayable("TLS cannot begin within a connection of HTTP/2")

    @property
    def handler_writer(self) -> asyncio.StreamWriter:
        """A writer that takes the bytes of an HTTP/1.1 response."""
        self._writer = ResponseWriter(self)
        return cast(asyncio.StreamWriter, self._writer)

    async def end_answer(self) -> None:
        """Send what a handler has written without `drain`."""
        if self._writer is not None:
            await self._writer.finish()

    @property
    def _response_parts(self) -> ResponseParts:
        if self._parts is None:
            assert self.request is not None
            self._parts = ResponseParts(self.request.method)
        return self._parts

    async def _play(self, parts: Any, cut: Cut = "whole") -> None:
        """Send parts of a response.

        Raises:
            ConnectionError: the client has reset the stream or is gone.
        """
        parts = list(parts)
        try:
            for index, part in enumerate(parts):
                following = parts[index + 1] if index + 1 < len(parts) else None
                is_last = isinstance(following, End) and not following.trailers
                if isinstance(part, Head):
                    self._closes = part.closes
                    fields = [(b":status", b"%d" % part.status), *part.fields]
                    self.session.engine.send_headers(self.stream_id, fields, end_stream=is_last)
                elif isinstance(part, bytes):
                    await self._send_data(part, is_last=is_last)
                else:
                    self._end(part, parts[index - 1] if index else None)
        except ProtocolError as error:
            if self.session.has_ended or self.is_over:
                raise ConnectionResetError("the client has reset the stream") from error
            raise
        await self._flush(cut)
        if self._parts is not None and self._parts.is_over and self._closes:
            self.session.go_away()

    def _end(self, end: End, before: Head | bytes | End | None) -> None:
        if end.trailers:
            self.session.engine.send_headers(self.stream_id, end.trailers, end_stream=True)
        elif before is None:
            self.session.engine.end_stream(self.stream_id)
        # Otherwise the frame before it has END_STREAM.

    @property
    def _is_gone(self) -> bool:
        return self.is_over or self.session.has_ended

    async def _send_data(self, data: bytes, *, is_last: bool) -> None:
        """Send DATA frames as far as the client's windows allow; wait for the rest."""
        engine = self.session.engine
        while data:
            size = min(len(data), engine.local_flow_control_window(self.stream_id), engine.max_outbound_frame_size)
            if size <= 0:
                await self._flush("whole")
                # the client may have opened its window, or ended, while that was written
                if not self._is_gone and engine.local_flow_control_window(self.stream_id) <= 0:
                    await self.session.until_changed()
                if self._is_gone:
                    raise ConnectionResetError("the client has reset the stream")
                continue
            engine.send_data(self.stream_id, data[:size], end_stream=is_last and size == len(data))
            data = data[size:]

    async def _flush(self, cut: Cut) -> None:
        """Write the frames of the engine. cut: how their bytes are cut."""
        async with self.session.write_lock:
            while data := self.session.engine.data_to_send():
                for piece in pieces(data, cut):
                    if cut != "whole":
                        await self.until_read()
                    self.writer.write(piece)
                    await self.writer.drain()


class ResponseWriter:
    """What a handler gets as its `writer`: it takes the bytes of an HTTP/1.1 response."""

    def __init__(self, stream: Http2Stream) -> None:
        self._stream = stream
        self._unsent = bytearray()
        self._sending: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> None:
        self._unsent += data
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def drain(self) -> None:
        if self._sending is not None:
            await self._sending

    def close(self) -> None:
        self._closing = asyncio.get_running_loop().create_task(self._close())

    def is_closing(self) -> bool:
        return self._closing is not None or self._stream.is_over

    async def finish(self) -> None:
        """Send the rest, when the handler has returned."""
        if self._closing is not None:
            await self._closing
        else:
            await self.drain()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._stream.writer.get_extra_info(name, default)

    async def _send(self) -> None:
        while self._unsent:
            data = bytes(self._unsent)
            self._unsent.clear()
            await self._stream.write(data)

    async def _close(self) -> None:
        await self.drain()
        await self._stream.close()
