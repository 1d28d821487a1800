"""A connection of HTTP/2: it passes what the engine reads to the streams, and writes what the engine has to send.

Everything that happens in one turn of the loop is written at once. `flush_soon` puts the writing behind the tasks that were
woken in this turn, so that the requests which they make next leave in the same write.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hookline import (
    ConnectionClosed,
    HttpConnectionError,
    HttpRequest,
    HttpRequestException,
    MultiplexedConnection,
    RemoteProtocolError,
)

from .engine import Fields
from .engine_choice import make_engine
from .errors import NO_ERROR, goaway_text, reset_error, unprocessed_error
from .request_fields import ends_connection, request_fields
from .stream import MAX_QUEUED, Http2Stream

WRITE_SIZE = 256 * 1024  # bytes that the engine gives for one write at most
MAX_REMEMBERED_HEADS = 256
MAX_REMEMBERED_HEAD = 4096  # bytes
UNLIMITED_STREAMS = 1000  # that a connection carries if the peer names no limit
MAX_IDLE_FRAMES = 10_000  # that bring no exchange forward, in IDLE_FRAMES_SECONDS; as libnghttp2
IDLE_FRAMES_SECONDS = 60.0
VERSION = "HTTP/2"


class Http2Connection(MultiplexedConnection):
    """One connection.

    engine: knows the frames. numbered: the open streams by number. waiting_senders: streams whose bodies wait for the peer.
    """

    __slots__ = (
        "_flush_is_due", "_goaway", "_has_heard", "_has_settings", "_held", "_idle_frames", "_idle_since", "_is_closed",
        "_is_pinged", "_is_write_paused", "_last_fields", "_last_head", "_ping_interval", "_ping_timer", "_prepared",
        "_response_heads", "engine", "numbered", "waiting_senders",
    )  # fmt: skip

    # One read may bring data of many streams; as large as asyncio reads for TLS. 64 KiB takes a fifth longer for large bodies.
    read_buffer_size = 256 * 1024

    def __init__(
        self, loop: asyncio.AbstractEventLoop, http2_engine: str | None = None, http2_ping_interval: float | None = None
    ) -> None:
        super().__init__(loop)
        self.engine = make_engine(http2_engine, self)
        self.numbered: dict[int, Http2Stream] = {}
        self.waiting_senders: set[Http2Stream] = set()
        self._prepared: dict[Any, Any] = {}  # fields of requests as the engine takes them, by head
        self._response_heads: dict[Fields, Any] = {}
        self._last_fields: Fields = ()
        self._last_head: Any = None
        self._held: list[Http2Stream] = []  # those for which this read has brought something that they do not know yet
        self._flush_is_due = self._is_write_paused = self._has_settings = self._is_closed = False
        self._goaway: tuple[int, bytes] | None = None
        self._idle_frames, self._idle_since = 0, 0.0
        self._ping_interval = http2_ping_interval
        self._ping_timer: asyncio.TimerHandle | None = None
        self._has_heard = self._is_pinged = False

    # -- streams

    def open_stream(self) -> Http2Stream:
        return Http2Stream(self)

    def open_numbered(self, stream: Http2Stream, request: HttpRequest, head: bytes, *, ends: bool) -> None:
        """Send the head of a request, and give its stream a number.

        head: as HTTP/1.1 writes it. ends: the request has no body.

        Raises: LocalProtocolError, for what HTTP/2 cannot send.
        """
        priority: str | None = request.priority  # type: ignore[attr-defined]  # an option of this plugin
        key = head if priority is None else (head, priority)
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = self._prepare(request, head, priority, key)
        number = 0
        if len(self.numbered) < self.max_streams and not self.is_going_away and self.alive:
            number = self.engine.open(prepared, ends)
            if not number:
                self._flush()  # the engine may have found an error, which it tells only now
                self.go_away()  # else all numbers are used up
        if not number and stream.alive:
            stream.fail(unprocessed_error("the connection took no more requests"), by_peer=True)
        if not number:
            return
        stream.number = number
        self.numbered[number] = stream
        self._idle_frames = 0
        if request._closes_connection and ends_connection(head):
            self.go_away()
        if not self._flush_is_due:
            self.flush_soon()

    def _prepare(self, request: HttpRequest, head: bytes, priority: str | None, key: Any) -> Any:
        secrets = request.configuration.credentials | request.sensitive_headers
        scheme = "https" if request.origin.tls else "http"
        fields = self.engine.prepare(request_fields(head, scheme, secrets, priority))
        if len(self._prepared) >= MAX_REMEMBERED_HEADS:
            self._prepared.clear()
        self._prepared[key] = fields
        return fields

    # -- what the engine has read; see `FrameReceiver`

    def head_received(self, number: int, fields: Fields, ended: bool) -> None:
        self._idle_frames = 0
        stream = self.numbered.get(number)
        if stream is None:
            return
        if fields == self._last_fields:  # half of what it takes to look them up: that hashes each name and value
            head = self._last_head
        else:
            head = self._response_heads.get(fields) or self._make_head(stream, fields)
            if head is None:
                return  # it was malformed
            self._last_fields, self._last_head = fields, head
        if ended:
            stream.has_ended = True
            stream.receive_whole(head, b"")
        elif stream.on_fast_path:
            stream.held_head = head
            self._held.append(stream)
        else:
            stream.receive_known_head(head)

    def _make_head(self, stream: Http2Stream, fields: Fields) -> Any:
        """Make a head and remember it; None if it is malformed, and the exchange has ended with an error."""
        try:
            head = stream.make_head(int(fields[0][1]), fields[1:], version=VERSION)
        except RemoteProtocolError as error:
            stream.fail(error)
            return None
        if len(self._response_heads) >= MAX_REMEMBERED_HEADS:
            self._response_heads.clear()
        if len(head.raw) <= MAX_REMEMBERED_HEAD:
            self._response_heads[fields] = head
        return head

    def interim_received(self, number: int, fields: Fields) -> None:
        stream = self.numbered.get(number)
        if stream is None:
            self.idle_frame_received()
        else:
            stream.receive_head(int(fields[0][1]), fields[1:], version=VERSION)

    def data_received(self, number: int, data: bytes, size: int, ended: bool) -> None:
        stream = self.numbered.get(number)
        if stream is None:
            self.engine.acknowledge(number, size)
            self.idle_frame_received()
            return
        if ended and stream.held_head is not None and not stream.held_pieces and not stream.unacknowledged:
            self._idle_frames = 0
            stream.has_ended = True
            if size:
                self.engine.acknowledge(number, size)  # what follows is written after this read
            head, stream.held_head = stream.held_head, None
            stream.receive_whole(head, data)
            return
        if data or ended:
            self._idle_frames = 0
        else:
            self.idle_frame_received()
        stream.unacknowledged += size
        if data:
            if not stream.held_pieces and stream.held_head is None:
                self._held.append(stream)
            stream.held_pieces.append(data)
        if ended:
            stream.receive_last()

    def pieces_received(self, number: int, pieces: list[bytes]) -> None:
        size = sum(map(len, pieces))
        stream = self.numbered.get(number)
        if stream is None:
            self.engine.acknowledge(number, size)
            for _ in pieces:
                self.idle_frame_received()
            return
        self._idle_frames = 0
        stream.unacknowledged += size
        if not stream.held_pieces and stream.held_head is None:
            self._held.append(stream)
        stream.held_pieces += pieces

    def trailers_received(self, number: int, fields: Fields) -> None:
        stream = self.numbered.get(number)
        if stream is not None:
            stream.receive_held()
            stream.has_ended = True
            stream.receive_end(fields)

    def stream_reset(self, number: int, code: int) -> None:
        stream = self.numbered.get(number)
        if stream is not None:
            stream.receive_held()
        if stream is None:
            self.idle_frame_received()
        elif stream.has_ended:  # the peer needs no more of the request (RFC 9113, section 8.1)
            self.numbered.pop(number)
            stream.number = 0
            stream.resume_writing()
        else:
            stream.fail(reset_error(code, has_begun=stream.head is not None), by_peer=True)

    def stream_malformed(self, number: int, reason: str) -> None:
        stream = self.numbered.get(number)
        if stream is not None:
            stream.receive_held()
            stream.fail(RemoteProtocolError(f"the server sent a malformed response: {reason}"), by_peer=True)

    def settings_received(self, max_streams: int | None) -> None:
        if max_streams is not None:
            self.set_max_streams(max_streams)
        elif not self._has_settings:
            self.set_max_streams(UNLIMITED_STREAMS)
        self._has_settings = True

    def goaway_received(self, last: int, code: int, debug: bytes) -> None:
        self.idle_frame_received()
        self._goaway = code, debug
        self.go_away()
        for stream in list(self.streams):
            assert isinstance(stream, Http2Stream)
            if not stream.has_ended and (stream.number > last or not stream.number):
                stream.fail(unprocessed_error(goaway_text(code, debug), code), by_peer=True)

    def idle_frame_received(self) -> None:
        self._idle_frames += 1
        if self._idle_frames > MAX_IDLE_FRAMES:
            now = self.loop.time()
            if now - self._idle_since < IDLE_FRAMES_SECONDS:
                raise RemoteProtocolError(f"the server sent more than {MAX_IDLE_FRAMES} frames that are of no use")
            self._idle_frames = 0
        if self._idle_frames == 1:
            self._idle_since = self.loop.time()

    # -- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.engine.start()
        self.flush_soon()
        if self._ping_interval is not None:
            self._ping_timer = self.loop.call_later(self._ping_interval, self._check_silence)

    def buffer_updated(self, nbytes: int) -> None:
        if self._is_closed:
            return  # TLS reads what still comes while it closes
        self._has_heard = True
        self.receive(self.get_buffer(nbytes)[:nbytes])  # type: ignore[arg-type]  # the engine copies what it keeps

    def receive_bytes(self, data: bytes) -> None:
        try:
            self.engine.receive(data)
        except RemoteProtocolError:
            self._receive_held()
            self._write_last_words()
            raise
        if self._held:
            self._receive_held()
        if self.waiting_senders:
            self._flush()  # a window has opened, as a rule: a turn of the loop less for each piece of a body
        else:
            self.flush_soon()

    def _receive_held(self) -> None:
        """Pass on what this read has brought of responses that have not ended in it."""
        for stream in self._held:
            if stream.held_head is not None or stream.held_pieces:
                stream.receive_held()
        self._held.clear()

    def flush_soon(self) -> None:
        """Write what there is to send once the tasks that are ready have run."""
        if not self._flush_is_due:
            self._flush_is_due = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        try:
            while self.alive and not self._is_write_paused:
                data = self.engine.data_to_send(WRITE_SIZE)
                if not data:
                    break
                self.transport.write(data)
                if len(data) < WRITE_SIZE // 2:
                    break  # no more: an engine returns less than the size only by a part of a frame
        except RemoteProtocolError as error:
            self._write_last_words()
            self.fail(error)
        if self.waiting_senders:
            self._wake_senders()

    def _wake_senders(self) -> None:
        """Let those go on whose bodies have left."""
        for stream in list(self.waiting_senders):
            if not stream.number or self.engine.queued(stream.number) <= MAX_QUEUED:
                self.waiting_senders.discard(stream)
                self._idle_frames = 0
                stream.resume_writing()

    def _write_last_words(self) -> None:
        """Tell the peer what it did wrong, as far as that can be sent at once."""
        try:
            data = self.engine.data_to_send(WRITE_SIZE)
        except HttpRequestException:  # the same once more
            return
        if data and self.alive:
            self.transport.write(data)

    def pause_writing(self) -> None:
        self._is_write_paused = True

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._flush()

    @property
    def has_unsent(self) -> bool:
        """True if the peer does not take what is written."""
        return self._is_write_paused

    def close(self) -> None:
        if self.alive and not self._is_closed:
            self._is_closed = True
            self.engine.close()
            self._write_last_words()
        super().close()

    def eof_received(self) -> bool:
        if self._flush_is_due:
            self._flush()  # what is wrong with the last bytes the engine may tell only now
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ping_timer is not None:
            self._ping_timer.cancel()
        super().connection_lost(exc)

    def lost_error(self) -> HttpRequestException:
        if self._goaway is None:
            return super().lost_error()
        code, debug = self._goaway
        kind = ConnectionClosed if code == NO_ERROR else HttpConnectionError
        return kind(goaway_text(code, debug))

    # -- signs of life

    def _check_silence(self) -> None:
        """Send a PING if nothing has come since the last time, and close if nothing has come since a PING."""
        assert self._ping_interval is not None
        if self._has_heard:
            self._has_heard = self._is_pinged = False
        elif self._is_pinged:
            self.fail(ConnectionClosed(f"the server did not answer a PING within {self._ping_interval:g} s"))
            return
        else:
            self._is_pinged = True
            self.engine.ping()
            self.flush_soon()
        self._ping_timer = self.loop.call_later(self._ping_interval, self._check_silence)
