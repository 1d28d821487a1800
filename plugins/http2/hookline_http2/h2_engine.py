"""The engine on h2, in pure Python.

What h2 does otherwise than needed is done here:

- It takes an error of one stream for one of the connection. So fields are checked here: h2 itself sees only `:status`.
- After GOAWAY it takes no frame any more, although the streams may end. So it does not see GOAWAY.
- It has no queues for bodies.

For that it gets one frame after the other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import h2.config
import h2.connection
import h2.exceptions
import h2.settings
from h2.events import (
    DataReceived,
    InformationalResponseReceived,
    PingReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from hpack import HeaderTuple, NeverIndexedHeaderTuple
from hpack.hpack import Decoder

from hookline import RemoteProtocolError

from .body_queues import TURN, BodyQueues
from .engine import (
    CONNECTION_WINDOW,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST,
    SETTINGS,
    Field,
    Fields,
    FrameReceiver,
)
from .errors import NO_ERROR, PROTOCOL_ERROR
from .response_fields import fault_in

# It logs each field at DEBUG, credentials included. A program that wants that sets the level of its loggers afterwards.
logging.getLogger("hpack").setLevel(logging.INFO)

CONFIGURATION = h2.config.H2Configuration(
    header_encoding=None,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
)
HEAD = 9  # bytes before each frame: length (3), type, flags, stream (4)
DATA, HEADERS, GOAWAY = 0, 1, 7
END_STREAM = 1
MAX_FRAME = 16384  # the default of SETTINGS_MAX_FRAME_SIZE
FIRST_WINDOW = 65535  # of each connection (RFC 9113, section 6.9.2)
MAX_ANSWERS = 1000  # of SETTINGS and PING, that are not sent yet


class FieldDecoder(Decoder):
    """Decodes heads, keeps their fields, and shows h2 only `:status`.

    fields: of the last head. is_closed: the next head is for a stream that is closed. ends: it ends the stream. In both cases h2
    must see no interim head, which it would take for an error of the connection.
    """

    fields: Fields = ()
    is_closed = ends = False

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        self.fields = found = tuple((name, value) for name, value in super().decode(data, raw=True))
        if self.is_closed or (self.ends and is_interim(found)):
            return [HeaderTuple(b":status", b"200")]
        return [HeaderTuple(name, value) for name, value in found[:1] if name == b":status"]


def is_interim(fields: Fields) -> bool:
    """Say whether a head has a status of 1xx."""
    return bool(fields) and fields[0][0] == b":status" and fields[0][1][:1] == b"1"


class H2Engine:
    """See `Engine`."""

    def __init__(self, receiver: FrameReceiver) -> None:
        self._receiver = receiver
        self._connection = connection = h2.connection.H2Connection(CONFIGURATION)
        # not by item: what is set so is not sent, and counts nevertheless
        settings = {h2.settings.SettingCodes(code): value for code, value in SETTINGS.items()}
        connection.local_settings = h2.settings.Settings(client=True, initial_values=settings)
        self._decoder = connection.decoder = FieldDecoder()
        self._decoder.max_header_list_size = MAX_HEADER_LIST
        self._unparsed = bytearray()
        self._open: set[int] = set()  # streams that may still receive
        self._bodies = BodyQueues()
        self._answers = 0
        self._unsent = bytearray()

    def start(self) -> None:
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(CONNECTION_WINDOW - FIRST_WINDOW)

    # -- what comes

    def receive(self, data: bytes | memoryview) -> None:
        unparsed = self._unparsed
        unparsed += data
        begin = 0
        try:
            while len(unparsed) - begin >= HEAD:
                length = int.from_bytes(unparsed[begin : begin + 3])
                if length > MAX_FRAME:
                    raise RemoteProtocolError("the server broke HTTP/2: a frame that is too large")
                end = begin + HEAD + length
                if len(unparsed) < end:
                    break
                self._receive_frame(bytes(unparsed[begin:end]))
                begin = end
        except RemoteProtocolError:
            self.close(PROTOCOL_ERROR)
            raise
        except h2.exceptions.ProtocolError as error:
            raise RemoteProtocolError(f"the server broke HTTP/2: {ascii(str(error))[1:-1]}") from error
        finally:
            del unparsed[:begin]

    def _receive_frame(self, frame: bytes) -> None:
        if frame[3] == GOAWAY and frame[5:HEAD] == b"\0\0\0\0":
            if len(frame) < HEAD + 8:
                raise RemoteProtocolError("the server broke HTTP/2: a GOAWAY that is too short")
            last = int.from_bytes(frame[9:13]) & 0x7FFFFFFF
            self._receiver.goaway_received(last, int.from_bytes(frame[13:17]), frame[17:])
            return
        number = int.from_bytes(frame[5:HEAD])
        kind = frame[3]
        self._decoder.is_closed = number not in self._open
        if kind == HEADERS:
            self._decoder.ends = bool(frame[4] & END_STREAM)
        if kind == DATA and number not in self._open:
            self._receive_late_data(frame, number)
            return
        events = self._connection.receive_data(frame)
        ended = any(type(event) is StreamEnded for event in events)
        if ended:
            self._open.discard(number)
        if not events:
            self._receiver.idle_frame_received()
        for event in events:
            self._receive_event(event, ended)

    def _receive_late_data(self, frame: bytes, number: int) -> None:
        """Have h2 count data of a stream that is closed, and drop the RST_STREAM with which it answers each frame.

        What was on the way when the stream was reset may be hundreds of frames. A server could take the answers for a flood.
        """
        self._unsent += self._connection.data_to_send()
        self._connection.receive_data(frame)
        answer = self._connection.data_to_send()
        reset = b"\0\0\4\3\0" + number.to_bytes(4)
        if answer[-13:-4] == reset:
            answer = answer[:-13]
        self._unsent += answer
        self._receiver.idle_frame_received()

    def _receive_event(self, event: Any, ended: bool) -> None:
        receiver, kind = self._receiver, type(event)
        if kind is DataReceived:
            receiver.data_received(event.stream_id, event.data, event.flow_controlled_length, ended)
        elif kind is ResponseReceived or kind is TrailersReceived or kind is InformationalResponseReceived:
            self._receive_fields(event.stream_id, kind, self._decoder.fields, ended)
        elif kind is StreamReset:
            self._open.discard(event.stream_id)
            self._bodies.drop(event.stream_id)
            if event.remote_reset:
                receiver.stream_reset(event.stream_id, int(event.error_code))
            else:
                receiver.stream_malformed(event.stream_id, "a frame that breaks its flow or its state")
        elif kind is not StreamEnded:
            if kind is RemoteSettingsChanged:
                changed = event.changed_settings.get(MAX_CONCURRENT_STREAMS)
                receiver.settings_received(None if changed is None else changed.new_value)
            if kind is RemoteSettingsChanged or kind is PingReceived:
                self._answers += 1
                if self._answers > MAX_ANSWERS:
                    raise RemoteProtocolError("the server broke HTTP/2: a flood of SETTINGS or PING")
            receiver.idle_frame_received()

    def _receive_fields(self, number: int, kind: Any, fields: Fields, ended: bool) -> None:
        is_trailer = kind is TrailersReceived
        fault = fault_in(fields, is_trailer=is_trailer)
        if fault is None and ended and is_interim(fields):
            fault = "an interim response that ends the stream"
        if fault is not None:
            self.reset(number, PROTOCOL_ERROR)
            self._receiver.stream_malformed(number, fault)
        elif is_trailer:
            self._receiver.trailers_received(number, fields)
        elif kind is ResponseReceived:
            self._receiver.head_received(number, fields, ended)
        else:
            self._receiver.interim_received(number, fields)

    # -- what is sent

    def data_to_send(self, size: int) -> bytes:
        connection = self._connection
        while size > 0 and self._bodies.queues:
            sent = 0
            for number, part, ends in self._bodies.take_turns(self._window, connection.max_outbound_frame_size):
                sent += len(part)
                with suppress(h2.exceptions.ProtocolError):  # the stream is closed, or the connection
                    connection.send_data(number, part.tobytes(), end_stream=ends)
            if not sent:
                break
            size -= sent
        self._answers = 0
        unsent = bytes(self._unsent)
        self._unsent.clear()
        return unsent + connection.data_to_send()

    def _window(self, number: int) -> int:
        try:
            return self._connection.local_flow_control_window(number)
        except h2.exceptions.ProtocolError:  # the stream is closed: what is sent is dropped
            return TURN

    def prepare(self, fields: Sequence[Field]) -> Any:
        return [NeverIndexedHeaderTuple(n, v) if secret else HeaderTuple(n, v) for n, v, secret in fields]

    def open(self, fields: Any, ends: bool) -> int:
        connection = self._connection
        try:
            number = connection.get_next_available_stream_id()
            connection.send_headers(number, fields, end_stream=ends)
        except h2.exceptions.ProtocolError:
            return 0
        connection.streams[number].request_method = None  # else a body for HEAD is an error of the connection
        self._open.add(number)
        return number

    def send_data(self, number: int, data: bytes, ends: bool) -> None:
        self._bodies.add(number, data, ends=ends)

    def end_body(self, number: int) -> None:
        self._bodies.add(number, b"", ends=True)

    def queued(self, number: int) -> int:
        return self._bodies.size(number)

    def reset(self, number: int, code: int) -> None:
        self._open.discard(number)
        self._bodies.drop(number)
        with suppress(h2.exceptions.ProtocolError):
            self._connection.reset_stream(number, code)

    def acknowledge(self, number: int, size: int) -> None:
        with suppress(h2.exceptions.ProtocolError):
            self._connection.acknowledge_received_data(size, number)

    def ping(self) -> None:
        with suppress(h2.exceptions.ProtocolError):
            self._connection.ping(b"hookline")

    def close(self, code: int = NO_ERROR) -> None:
        with suppress(h2.exceptions.ProtocolError):
            self._connection.close_connection(code)
