"""The engine on h2, in pure Python.

What h2 does otherwise than needed is done here:

- It takes an error of one stream for one of the connection. So fields are checked here: h2 itself sees only `:status`.
- After GOAWAY it takes no frame any more, although the streams may end. So it does not see GOAWAY.
- It has no queues for bodies.
- It does not mind a server that begins without SETTINGS, frames of streams that were not opened, and a GOAWAY that takes an
  earlier one back.
- It takes a head on a stream that is closed for an error of the connection. So it does not see such heads.
- It takes a HEADERS frame of padding alone, whose fields follow in CONTINUATION, for an error. So it sees no padding there.

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
from hpack import HeaderTuple, HPACKError, NeverIndexedHeaderTuple
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
DATA, HEADERS, RST_STREAM, SETTINGS_FRAME, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 7, 8, 9
OF_STREAMS = frozenset({DATA, HEADERS, RST_STREAM, WINDOW_UPDATE, CONTINUATION})
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
MAX_FRAME = 16384  # the default of SETTINGS_MAX_FRAME_SIZE
FIRST_WINDOW = 65535  # of each connection (RFC 9113, section 6.9.2)
MAX_LATE_HEAD = 2 * MAX_HEADER_LIST  # bytes of a head for a stream that is closed
MAX_ANSWERS = 1000  # of SETTINGS and PING, that are not sent yet


class FieldDecoder(Decoder):
    """Decodes heads, keeps their fields, and shows h2 only `:status`.

    fields: of the last head. ends: the next head ends its stream. If it is an interim one, h2 must not see that: it would take it
    for an error of the connection.
    """

    fields: Fields = ()
    ends = False

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        self.fields = found = tuple((name, value) for name, value in super().decode(data, raw=True))
        if self.ends and is_interim(found):
            return [HeaderTuple(b":status", b"200")]
        return [HeaderTuple(name, value) for name, value in found[:1] if name == b":status"]


def is_interim(fields: Fields) -> bool:
    """Say whether a head has a status of 1xx."""
    return bool(fields) and fields[0][0] == b":status" and fields[0][1][:1] == b"1"


def without_padding(frame: bytes) -> bytes:
    """Return a HEADERS frame without its padding, which counts for no window.

    Raises: RemoteProtocolError, if the padding is longer than the frame (RFC 9113, section 6.2).
    """
    padding = frame[HEAD] if len(frame) > HEAD else 0
    if HEAD + padding >= len(frame):
        raise RemoteProtocolError("the server broke HTTP/2: padding that is longer than its frame")
    content = frame[HEAD + 1 : len(frame) - padding]
    return len(content).to_bytes(3) + frame[3:4] + bytes([frame[4] & ~PADDED]) + frame[5:HEAD] + content


class H2Connection(h2.connection.H2Connection):
    """A connection that remembers fewer of the streams that are closed: 65,536 would take 15 MB of each connection."""

    MAX_CLOSED_STREAMS = 4096


class H2Engine:
    """See `Engine`."""

    def __init__(self, receiver: FrameReceiver) -> None:
        self._receiver = receiver
        self._connection = connection = H2Connection(CONFIGURATION)
        # not by item: what is set so is not sent, and counts nevertheless
        settings = {h2.settings.SettingCodes(code): value for code, value in SETTINGS.items()}
        connection.local_settings = h2.settings.Settings(client=True, initial_values=settings)
        self._decoder = connection.decoder = FieldDecoder()
        self._decoder.max_header_list_size = MAX_HEADER_LIST
        self._unparsed = bytearray()
        self._open: set[int] = set()  # streams that may still receive
        self._with_head: set[int] = set()  # those of them whose final head has come
        self._with_interim: set[int] = set()  # those that have an interim head alone
        self._last_opened = 0
        self._last_processed = 2**31 - 1  # as GOAWAY says
        self._has_settings = False
        self._head_of = 0  # the stream whose head goes on in CONTINUATION
        self._late_head: bytearray | None = None  # a head so far that is to be decoded only: its stream is closed
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
        kind, flags, number = frame[3], frame[4], int.from_bytes(frame[5:HEAD]) & 0x7FFFFFFF
        if not self._has_settings:
            if kind != SETTINGS_FRAME or flags & ACK:
                raise RemoteProtocolError("the server broke HTTP/2: its first frame is not SETTINGS")
            self._has_settings = True
        if self._head_of and (kind != CONTINUATION or number != self._head_of):
            raise RemoteProtocolError("the server broke HTTP/2: another frame amid a head")
        if kind in (HEADERS, CONTINUATION):
            self._head_of = 0 if flags & END_HEADERS else number
        if self._late_head is not None:
            self._receive_late_head(self._late_head + frame[HEAD:], flags)
            return
        if kind == GOAWAY and not number:
            self._receive_goaway(frame)
            return
        if kind in OF_STREAMS and number and (number > self._last_opened or not number & 1):
            raise RemoteProtocolError("the server broke HTTP/2: a frame of a stream that was not opened")
        if kind == HEADERS:
            if flags & PADDED:
                frame = without_padding(frame)
            self._decoder.ends = bool(flags & END_STREAM)
            if number in self._with_head and not flags & END_STREAM:
                self.reset(number, PROTOCOL_ERROR)
                self._receiver.stream_malformed(number, "a second head, or trailers that do not end the stream")
            if number and number not in self._open:
                self._receive_late_head(frame[HEAD + 5 if flags & PRIORITY else HEAD :], flags)
                return
        if kind == DATA and number in self._with_interim:
            self.reset(number, PROTOCOL_ERROR)
            self._receiver.stream_malformed(number, "data before the final head")
        if kind == DATA and number not in self._open:
            self._receive_late_data(frame, number)
            return
        if kind == WINDOW_UPDATE and number and number not in self._open and not any(frame[HEAD:]):
            self._receiver.idle_frame_received()  # an increment of 0, which is an error of a stream that is closed
            return
        if kind == WINDOW_UPDATE and len(frame) == HEAD + 4 and frame[HEAD] & 0x80:
            frame = frame[:HEAD] + bytes([frame[HEAD] & 0x7F]) + frame[HEAD + 1 :]  # the bit is reserved, and ignored
        events = self._connection.receive_data(frame)
        ended = any(type(event) is StreamEnded for event in events)
        if ended:
            self._close_stream(number)
        if not events:
            self._receiver.idle_frame_received()
        for event in events:
            self._receive_event(event, ended)

    def _close_stream(self, number: int) -> None:
        self._open.discard(number)
        self._with_head.discard(number)
        self._with_interim.discard(number)

    def _receive_goaway(self, frame: bytes) -> None:
        if len(frame) < HEAD + 8:
            raise RemoteProtocolError("the server broke HTTP/2: a GOAWAY that is too short")
        last = int.from_bytes(frame[9:13]) & 0x7FFFFFFF
        if last > self._last_processed or (last and not last & 1):  # RFC 9113, section 6.8
            raise RemoteProtocolError("the server broke HTTP/2: a GOAWAY with a stream that cannot be")
        self._last_processed = last
        self._receiver.goaway_received(last, int.from_bytes(frame[13:17]), frame[17:])

    def _receive_late_head(self, block: bytes | bytearray, flags: int) -> None:
        """Decode a head of a stream that is closed, because later heads may refer to it, and drop it.

        block: so far. flags: of its last frame.
        """
        if len(block) > MAX_LATE_HEAD:
            raise RemoteProtocolError("the server broke HTTP/2: a head that is too large")
        if not flags & END_HEADERS:
            self._late_head = bytearray(block)
            self._receiver.idle_frame_received()
            return
        self._late_head = None
        try:
            self._decoder.decode(bytes(block))
        except HPACKError as error:
            raise RemoteProtocolError(f"the server broke HTTP/2: {ascii(str(error))[1:-1]}") from error
        self._receiver.idle_frame_received()

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
            self._close_stream(event.stream_id)
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
            if not ended:
                self._with_head.add(number)
            self._with_interim.discard(number)
            self._receiver.head_received(number, fields, ended)
        else:
            self._with_interim.add(number)
            self._receiver.interim_received(number, fields)

    # -- what is sent

    def data_to_send(self, size: int) -> bytes:
        connection = self._connection
        while size > 0 and self._bodies:
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
        self._last_opened = number
        return number

    def send_data(self, number: int, data: bytes, ends: bool) -> None:
        self._bodies.add(number, data, ends=ends)

    def end_body(self, number: int) -> None:
        self._bodies.add(number, b"", ends=True)

    def queued(self, number: int) -> int:
        return self._bodies.size(number)

    def reset(self, number: int, code: int) -> None:
        self._close_stream(number)
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
