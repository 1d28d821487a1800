"""The engine on h2, in pure Python.

What h2 does otherwise than needed is done here:

- It takes an error of one stream for one of the connection. So fields are checked here: h2 itself sees only `:status`.
- It takes more from a peer than RFC 9113 allows in some places, and less in others: reserved bits are an error of the connection.
- After GOAWAY it takes no frame any more, although the streams may end. So it does not see GOAWAY.
- It has no queues for bodies.
- It takes a head on a stream that is closed for an error of the connection. So it does not see such heads.
- It takes a HEADERS frame of padding alone, whose fields follow in CONTINUATION, for an error. So it sees no padding there.
- It writes each frame as a text for a log, also where there is none, and counts the streams for each request. Here it does not.

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
    Event,
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
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import Frame, RstStreamFrame

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
from .response_fields import fault_in, without_empty_length

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
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS_FRAME, PUSH_PROMISE = range(6)
GOAWAY, WINDOW_UPDATE, CONTINUATION = 7, 8, 9
OF_STREAMS = frozenset({DATA, HEADERS, RST_STREAM, WINDOW_UPDATE, CONTINUATION})
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20  # flags
HIGHEST = 0x7FFFFFFF  # what follows a reserved bit, which is ignored
MAX_SETTINGS = 32  # in one frame; as libnghttp2
MAX_TABLE_SIZE = 4096  # bytes of the table for requests, however much the server would take
MAX_FRAME = 16384  # the default of SETTINGS_MAX_FRAME_SIZE
FIRST_WINDOW = 65535  # of each connection (RFC 9113, section 6.9.2)
MAX_FORGOTTEN_LATE = 16  # streams that are closed, and that h2 has not forgotten yet
MAX_LATE_HEAD = 2 * MAX_HEADER_LIST  # bytes of a head for a stream that is closed
MAX_ANSWERS = 1000  # of SETTINGS and PING, that are not sent yet


class FrameConnection(h2.connection.H2Connection):
    """Takes frames that are parsed, and does for each what h2 does but for a few things that take long.

    It takes data that comes behind the end of its stream as h2 takes data behind a reset: it is dropped. It cannot be told from
    data that was on its way, once the stream is forgotten, and libnghttp2 drops it too.
    """

    MAX_CLOSED_STREAMS = 4096  # that it remembers: 65,536 would take 15 MB of each connection
    _uncounted = MAX_FORGOTTEN_LATE  # streams up to which none are counted

    def receive_frame(self, data: bytes) -> list[Event]:
        """Receive one whole frame, which is no part of a head in several frames.

        Raises: as `receive_data`.
        """
        view = memoryview(data)
        try:
            frame, _ = Frame.parse_frame_header(view[:HEAD])
            frame.parse_body(view[HEAD:])
        except HyperframeError:
            return self.receive_data(data)  # which raises the error
        try:
            return self._receive_frame(frame)
        except h2.exceptions.ProtocolError as error:
            self._terminate_connection(error.error_code)
            raise

    def _receive_frame(self, frame: Frame) -> list[Event]:
        """Receive a frame without the text of all its content that h2 makes for a log, also where there is none."""
        table = self.__dict__.get("_frame_dispatch_table")
        if table is None:
            return super()._receive_frame(frame)  # another version of h2
        try:
            frames, events = table[frame.__class__](frame)
        except h2.exceptions.StreamClosedError as error:
            answer = RstStreamFrame(error.stream_id)
            answer.error_code = error.error_code
            frames, events = [answer], error._events
        self._prepare_for_sending(frames)
        found: list[Event] = events
        return found

    def _open_streams(self, remainder: int) -> int:
        """Count streams only if there may be too many: h2 asks each of them whether it is closed, for each request."""
        known = len(self.streams)
        if known < self._uncounted and known < self.remote_settings.max_concurrent_streams:
            return known
        found = super()._open_streams(remainder)
        self._uncounted = found + MAX_FORGOTTEN_LATE
        return found

    def _stream_is_closed_by_reset(self, stream_id: int) -> bool:
        return True  # the engine has seen that it was open


class FieldDecoder(Decoder):
    """Decodes heads, keeps their fields, and shows h2 only `:status`.

    fields: of the last head. ends: the next head ends its stream. If it is an interim one, h2 must not see that: it would take it
    for an error of the connection. is_trailer: it comes behind the final head.
    """

    fields: Fields = ()
    ends = is_trailer = False

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        self.fields = found = tuple([(name, value) for name, value in super().decode(data, raw=True)])
        if self.is_trailer:
            return []
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


class H2Engine:
    """See `Engine`."""

    def __init__(self, receiver: FrameReceiver) -> None:
        self._receiver = receiver
        self._connection = connection = FrameConnection(CONFIGURATION)
        # not by item: what is set so is not sent, and counts nevertheless
        settings = {h2.settings.SettingCodes(code): value for code, value in SETTINGS.items()}
        connection.local_settings = h2.settings.Settings(client=True, initial_values=settings)
        self._decoder = connection.decoder = FieldDecoder()
        self._decoder.max_header_list_size = MAX_HEADER_LIST
        self._unparsed = b""  # less than a frame
        self._last_fields: Fields | None = None  # of a head, that were found to be right
        self._open: dict[int, bool] = {}  # streams that may still receive, and whether their final head has come
        self._last_number = 0  # of a stream that was opened
        self._last_processed = HIGHEST  # as the last GOAWAY says
        self._has_settings = self._is_acknowledged = False
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
        unparsed = self._unparsed + data if self._unparsed else bytes(data)
        begin, size = 0, len(unparsed)
        try:
            while size - begin >= HEAD:
                length = int.from_bytes(unparsed[begin : begin + 3])
                if length > MAX_FRAME:
                    raise RemoteProtocolError("the server broke HTTP/2: a frame that is too large")
                end = begin + HEAD + length
                if size < end:
                    break
                self._receive_frame(unparsed[begin:end])
                begin = end
        except RemoteProtocolError:
            self.close(PROTOCOL_ERROR)
            raise
        except h2.exceptions.ProtocolError as error:
            raise RemoteProtocolError(f"the server broke HTTP/2: {ascii(str(error))[1:-1]}") from error
        finally:
            self._unparsed = unparsed[begin:]

    def _receive_frame(self, frame: bytes) -> None:
        kind, flags = frame[3], frame[4]
        number = int.from_bytes(frame[5:HEAD]) & HIGHEST
        if not self._has_settings:
            if kind != SETTINGS_FRAME or flags & ACK:
                raise RemoteProtocolError("the server broke HTTP/2: it did not begin with SETTINGS")
            self._has_settings = True
        if kind == PUSH_PROMISE:
            raise RemoteProtocolError("the server broke HTTP/2: a push, which was refused")
        if kind in OF_STREAMS and (number > self._last_number or (number and number % 2 == 0)):
            raise RemoteProtocolError("the server broke HTTP/2: a frame of a stream that was never opened")
        if self._head_of and (kind != CONTINUATION or number != self._head_of):
            raise RemoteProtocolError("the server broke HTTP/2: another frame amid a head")
        if kind in (HEADERS, CONTINUATION):
            self._head_of = 0 if flags & END_HEADERS else number
        if self._late_head is not None:
            self._receive_late_head(self._late_head + frame[HEAD:], flags)
            return
        if kind == HEADERS:
            if flags & PADDED:
                frame = without_padding(frame)
            self._decoder.ends = bool(flags & END_STREAM)
            self._decoder.is_trailer = self._open.get(number, False)
            if self._decoder.is_trailer and not self._decoder.ends:  # h2 would take it for an error of the connection
                self.reset(number, PROTOCOL_ERROR)
                self._receiver.stream_malformed(number, "a second head, or trailers that do not end the stream")
            if number and number not in self._open:
                self._receive_late_head(frame[HEAD + 5 if flags & HAS_PRIORITY else HEAD :], flags)
                return
        elif kind == DATA:
            if not self._open.get(number):
                self._receive_early_or_late_data(frame, number)
                return
        elif kind == GOAWAY and not number:
            self._receive_goaway(frame)
            return
        elif kind == SETTINGS_FRAME:
            frame = self._check_settings(frame, flags)
        elif kind == WINDOW_UPDATE and len(frame) == HEAD + 4:
            size = int.from_bytes(frame[HEAD:]) & HIGHEST
            if number and not size:
                self._receive_empty_window(number)
                return
            frame = frame[:HEAD] + size.to_bytes(4)
        elif kind == PRIORITY and not number:
            # RFC 9113, section 5.3.2 has deprecated it; libnghttp2 ignores this one too
            self._receiver.idle_frame_received()
            return
        if kind == DATA or (kind == HEADERS and flags & END_HEADERS):
            events = self._connection.receive_frame(frame)
        else:
            events = self._connection.receive_data(frame)
        ended = len(events) > 1 and any(type(event) is StreamEnded for event in events)
        if ended:
            self._open.pop(number, None)
        if not events:
            self._receiver.idle_frame_received()
        for event in events:
            self._receive_event(event, ended)

    def _receive_goaway(self, frame: bytes) -> None:
        if len(frame) < HEAD + 8:
            raise RemoteProtocolError("the server broke HTTP/2: a GOAWAY that is too short")
        last = int.from_bytes(frame[9:13]) & HIGHEST
        if last > self._last_processed or (last and last % 2 == 0):
            raise RemoteProtocolError(
                "the server broke HTTP/2: a GOAWAY whose last stream is none, or above that of another"
            )
        self._last_processed = last
        self._receiver.goaway_received(last, int.from_bytes(frame[13:17]), frame[17:])

    def _check_settings(self, frame: bytes, flags: int) -> bytes:
        """Return a frame of SETTINGS as h2 is to see it."""
        if flags & ACK:
            if self._is_acknowledged:
                raise RemoteProtocolError("the server broke HTTP/2: an acknowledgement of SETTINGS that were not sent")
            self._is_acknowledged = True
            return frame
        if len(frame) > HEAD + 6 * MAX_SETTINGS:
            raise RemoteProtocolError(f"the server broke HTTP/2: more than {MAX_SETTINGS} settings in a frame")
        found = bytearray(frame)
        for begin in range(HEAD, len(frame) - 5, 6):
            if int.from_bytes(frame[begin : begin + 2]) == h2.settings.SettingCodes.HEADER_TABLE_SIZE:
                size = min(int.from_bytes(frame[begin + 2 : begin + 6]), MAX_TABLE_SIZE)
                found[begin + 2 : begin + 6] = size.to_bytes(4)
        return bytes(found)

    def _receive_empty_window(self, number: int) -> None:
        """Take a window that is opened by 0: an error of the stream (RFC 9113, section 6.9), and for h2 one of the connection."""
        if number in self._open:
            self.reset(number, PROTOCOL_ERROR)
            self._receiver.stream_malformed(number, "a window that is opened by 0")
        else:
            self._receiver.idle_frame_received()

    def _receive_early_or_late_data(self, frame: bytes, number: int) -> None:
        """Take data that comes before the head of its response, or behind its end."""
        is_early = number in self._open
        if is_early:
            self.reset(number, PROTOCOL_ERROR)
        self._receive_late_data(frame, number)
        if is_early:
            self._receiver.stream_malformed(number, "data before its head")

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
        """Have h2 count data of a stream that is closed, and drop the RST_STREAM with which it answers.

        What was on the way when the stream was reset may be hundreds of frames. A server could take the answers for a flood.
        """
        self._unsent += self._connection.data_to_send()
        self._connection.receive_data(frame)
        answer = self._connection.data_to_send()
        if answer[-13:-4] == b"\0\0\4\3\0" + number.to_bytes(4):
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
            self._open.pop(event.stream_id, None)
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
        fault = None if fields == self._last_fields and not is_trailer else fault_in(fields, is_trailer=is_trailer)
        if fault is None and ended and is_interim(fields):
            fault = "an interim response that ends the stream"
        if fault is not None:
            self.reset(number, PROTOCOL_ERROR)
            self._receiver.stream_malformed(number, fault)
        elif is_trailer:
            self._receiver.trailers_received(number, fields)
        elif kind is ResponseReceived:
            self._last_fields = fields
            if not ended:
                self._open[number] = True
            self._receiver.head_received(number, without_empty_length(fields), ended)
        else:
            self._receiver.interim_received(number, fields)

    # -- what is sent

    def data_to_send(self, size: int) -> bytes:
        connection = self._connection
        while size > 0 and self._bodies.queues:
            sent, most = 0, connection.max_outbound_frame_size
            for number, part, ends in self._bodies.take_turns(self._window, size):
                sent += len(part)
                with suppress(h2.exceptions.ProtocolError):  # the stream is closed, or the connection
                    while len(part) > most:
                        connection.send_data(number, part[:most])
                        part = part[most:]
                    connection.send_data(number, part, end_stream=ends)
            if not sent:
                break
            size -= sent
        self._answers = 0
        if not self._unsent:
            return connection.data_to_send()
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
        self._open[number] = False
        self._last_number = number
        return number

    def send_data(self, number: int, data: bytes, ends: bool) -> None:
        self._bodies.add(number, data, ends=ends)

    def end_body(self, number: int) -> None:
        self._bodies.add(number, b"", ends=True)

    def queued(self, number: int) -> int:
        return self._bodies.size(number)

    def reset(self, number: int, code: int) -> None:
        self._open.pop(number, None)
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
