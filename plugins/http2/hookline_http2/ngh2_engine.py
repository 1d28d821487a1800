"""The engine on ngh2, which is libnghttp2 in Cython. It checks what comes, and nothing of what is sent.

`events` has to be read after `data_to_send` too: what ngh2 itself has reset shows only there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ngh2 import (
    Configuration,
    Connection,
    ConnectionClosed,
    ConnectionClosingError,
    ConnectionStateError,
    DataReceived,
    Event,
    GoAwayReceived,
    InformationalResponseReceived,
    NeverIndexedHeader,
    NGH2Error,
    NoAvailableStreamIDError,
    ResponseReceived,
    Role,
    SettingsReceived,
    StreamClosed,
    StreamReset,
    TrailersReceived,
)

from hookline import RemoteProtocolError

from .body_queues import TURN, BodyQueues
from .engine import CONNECTION_WINDOW, MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST, SETTINGS, Field, FrameReceiver
from .errors import NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, name_of

MAX_CONTINUATIONS = 63  # of one head, as h2; the limit for the list holds whatever their sizes are
OWN_RESET = re.compile(rb"\x00\x00\x04\x03\x00(....)(....)", re.DOTALL).findall  # RST_STREAM: its stream and code
# Bytes without an event that count as one frame of no use; all that the windows let be on its way is 4,096 of them.
SILENT_SIZE = 16 * 1024
MAX_ALONE = 256 * 1024  # bytes of a piece that ngh2 itself keeps; a body that begins then waits for that much at most
MAX_REQUEST_HEAD = 16 * 1024 * 1024  # bytes; what the server takes is for it to say
# Windows by what was read, not by what was received. The limit on streams is the connection's to keep: those above the one
# that ngh2 knows would wait inside it, first come, first served, where no timeout of the pool sees them.
CONFIGURATION = Configuration(
    auto_window_update=False,
    max_continuations=MAX_CONTINUATIONS,
    max_inbound_header_list_size=MAX_HEADER_LIST,
    max_inbound_header_count=MAX_HEADER_LIST // 32,  # each field counts 32 bytes and more
    max_send_header_block_length=MAX_REQUEST_HEAD,
)


class NGH2Engine:
    """See `Engine`."""

    # Once the connection is ending, ngh2 refuses all calls; they have no effect any more, and their errors are dropped.

    def __init__(self, receiver: FrameReceiver) -> None:
        self._receiver = receiver
        self._connection = Connection(Role.CLIENT, CONFIGURATION)
        self._is_closing = self._has_goaway = False
        self._unsent = b""  # what was taken from ngh2 to learn of its resets
        self._last_words = b""
        self._bodies = BodyQueues()
        self._waiting = self._bodies.queues

    def start(self) -> None:
        self._connection.initiate_connection(SETTINGS)
        self._connection.set_local_window_size(CONNECTION_WINDOW)

    def receive(self, data: bytes | memoryview) -> None:
        connection = self._connection
        try:
            try:
                connection.receive_data(data)
            except NGH2Error as error:
                self._dispatch(connection.events())
                raise RemoteProtocolError(f"the server broke HTTP/2: {error}") from error
            events = connection.events()
            if events:
                self._dispatch(events)
            else:  # frames of closed streams, which ngh2 drops and does not tell; or a part of a frame
                for _ in range(1 + len(data) // SILENT_SIZE):
                    self._receiver.idle_frame_received()
        except RemoteProtocolError:
            self.close(PROTOCOL_ERROR)
            raise

    def data_to_send(self, size: int) -> bytes:
        if self._last_words:
            data, self._last_words = self._last_words, b""
            return data
        try:
            data = self._send_bodies(size) if self._waiting else self._connection.data_to_send(size)
        except NGH2Error:  # after an error, or a GOAWAY that has been sent
            data = b""
        if self._unsent:
            data, self._unsent = self._unsent + data, b""
        events = self._connection.events()
        if events:
            try:
                self._dispatch(events)
            except RemoteProtocolError:
                self._last_words = data  # a GOAWAY that says why
                raise
        return data

    def _dispatch(self, events: list[Event]) -> None:
        receiver = self._receiver
        # Frames of one stream in succession are passed on together: a call for all of them, and not for each.
        pieces: list[bytes] = []
        number = 0
        for event in events:
            kind = type(event)  # the events have no subclasses; `match` would try one class after the other
            if kind is DataReceived:
                data = event.data  # type: ignore[attr-defined]
                if data and not event.end_stream:  # type: ignore[attr-defined]
                    if event.stream_id != number:  # type: ignore[attr-defined]
                        if pieces:
                            receiver.pieces_received(number, pieces)
                        number, pieces = event.stream_id, []  # type: ignore[attr-defined]
                    pieces.append(data)
                    continue
            if pieces:
                receiver.pieces_received(number, pieces)
                number, pieces = 0, []
            if kind is DataReceived:
                data = event.data  # type: ignore[attr-defined]
                receiver.data_received(event.stream_id, data, len(data), event.end_stream)  # type: ignore[attr-defined]
            elif kind is ResponseReceived:
                receiver.head_received(event.stream_id, event.headers, event.end_stream)  # type: ignore[attr-defined]
            elif kind is StreamClosed:
                if self._waiting:
                    self._bodies.drop(event.stream_id)  # type: ignore[attr-defined]
                if event.local_error is not None or event.error_code != NO_ERROR:  # type: ignore[attr-defined]
                    self._stream_failed(event)
            elif kind is StreamReset:
                events += self._take_failures()
                receiver.stream_reset(event.stream_id, event.error_code)  # type: ignore[attr-defined]
            elif kind is TrailersReceived:
                receiver.trailers_received(event.stream_id, event.headers)  # type: ignore[attr-defined]
            elif kind is InformationalResponseReceived:
                receiver.interim_received(event.stream_id, event.headers)  # type: ignore[attr-defined]
            elif kind is SettingsReceived:
                receiver.settings_received(event.settings.get(MAX_CONCURRENT_STREAMS))  # type: ignore[attr-defined]
                receiver.idle_frame_received()
            elif kind is GoAwayReceived:
                self._has_goaway = True
                events += self._take_failures()
                receiver.goaway_received(event.last_stream_id, event.error_code, event.debug_data)  # type: ignore[attr-defined]
            elif kind is ConnectionClosed:
                self._connection_closed(event)
            else:
                receiver.idle_frame_received()
        if pieces:
            receiver.pieces_received(number, pieces)

    def _take_failures(self) -> list[Event]:
        """Report the streams that ngh2 has reset, before what the peer does to streams; returns the other events that show now.

        ngh2 tells of its resets only when they are sent, and not at all if the peer resets the stream or goes away in the same
        read. Those of streams that the receiver has given up it no longer knows.
        """
        data = b""
        with suppress(NGH2Error):
            data = self._connection.data_to_send(TURN)
        self._unsent += data
        for number, code in OWN_RESET(data):
            self._receiver.stream_malformed(int.from_bytes(number), name_of(int.from_bytes(code)))
        return self._connection.events()

    def _stream_failed(self, event: Any) -> None:
        """Report what ngh2 has reset; the receiver knows nothing any more of what itself or the peer has."""
        reason = str(event.local_error) if event.local_error is not None else name_of(event.error_code)
        if "request HEADERS is not allowed" in reason:  # a head that was not sent yet, and never will be
            if self._has_goaway:  # the peer has not seen it, as if it had refused the stream
                self._receiver.stream_reset(event.stream_id, REFUSED_STREAM)
            return  # else the connection ends with an error, and its streams with it
        self._receiver.stream_malformed(event.stream_id, reason)

    def _connection_closed(self, event: Any) -> None:
        if event.error_code != NO_ERROR and not self._is_closing:
            reason = event.debug_data.decode("latin-1") or name_of(event.error_code)
            raise RemoteProtocolError(f"the server broke HTTP/2: {ascii(reason)[1:-1]}")

    def prepare(self, fields: Sequence[Field]) -> Any:
        return [NeverIndexedHeader(name, value) if secret else (name, value) for name, value, secret in fields]

    def open(self, fields: Any, ends: bool) -> int:
        try:
            return self._connection.send_request(fields, end_stream=ends)
        except (ConnectionClosingError, ConnectionStateError, NoAvailableStreamIDError):
            return 0

    def _send_bodies(self, size: int) -> bytes:
        """Send what the windows allow of the bodies that wait. libnghttp2 by itself would send one to its end before the next."""
        connection = self._connection
        written: list[bytes] = []
        sent = True
        while sent and size > 0:
            try:
                data = connection.data_to_send(size)  # first, because a stream has no window before its head has left
                if data:
                    written.append(data)
                    size -= len(data)
                room, sent = connection.remote_window_size, False
            except NGH2Error:  # the connection has ended, perhaps with these last words
                break

            def window(number: int) -> int:
                try:
                    return min(room, connection.stream_remote_window_size(number))  # noqa: B023  # called in this turn alone
                except NGH2Error:  # the stream is closed: what is sent is dropped
                    return TURN

            for number, part, ends in self._bodies.take_turns(window, size):
                room -= len(part)
                sent = True
                with suppress(NGH2Error):
                    connection.send_data(number, part, end_stream=ends)
        return written[0] if len(written) == 1 else b"".join(written)

    def send_data(self, number: int, data: bytes, ends: bool) -> None:
        if self._waiting or (len(data) > TURN and not self._sends_alone(number, data)):
            self._bodies.add(number, data, ends=ends)
            return
        try:
            self._connection.send_data(number, data, end_stream=ends)
        except NGH2Error:
            pass

    def _sends_alone(self, number: int, data: bytes) -> bool:
        """Say whether no other body waits in ngh2 itself, where none is sent in turn. Then pieces need not wait outside of it."""
        connection = self._connection
        return len(data) <= MAX_ALONE and connection.queued_body_size() == connection.queued_body_size(number)

    def end_body(self, number: int) -> None:
        if number in self._bodies:
            self._bodies.add(number, b"", ends=True)
            return
        with suppress(NGH2Error):
            self._connection.end_stream(number)

    def queued(self, number: int) -> int:
        return self._bodies.size(number) + self._connection.queued_body_size(number)

    def reset(self, number: int, code: int) -> None:
        self._bodies.drop(number)
        with suppress(NGH2Error):
            self._connection.reset_stream(number, code)

    def acknowledge(self, number: int, size: int) -> None:
        try:  # not suppress(), which takes longer than the call
            self._connection.acknowledge_received_data(size, number)
        except NGH2Error:
            pass

    def ping(self) -> None:
        with suppress(NGH2Error):
            self._connection.ping()

    def close(self, code: int = NO_ERROR) -> None:
        self._is_closing = True
        with suppress(NGH2Error):
            self._connection.terminate_connection(code)
