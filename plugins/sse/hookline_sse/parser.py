"""A parser of event streams: bytes in, events out (WHATWG HTML, section 9.2.6, "Interpreting an event stream")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .errors import EventTooLarge
from .event import ServerSentEvent

BOM = b"\xef\xbb\xbf"
MAX_LINE = MAX_EVENT = 16 * 1024 * 1024  # bytes: as a message of a websocket may have
MAX_DIGITS = 15  # of a reconnection time; more milliseconds than these are thirty thousand years


class EventParser:
    r"""A parser of one event stream. It does no I/O, and wherever the bytes are cut, the events are the same.

    A line ends with CR LF, LF or CR. A CR ends it at once, since the server may send nothing more for a long time; an LF that
    follows belongs to it. An event without the empty line that ends it is dropped, so the end of the stream needs no call.

    max_line: the most bytes that a line may have. max_event: the most bytes that the data of an event may have. 0 = no limit.
    last_event_id: the ID to begin with, for a stream that continues another.
    json_decoder: what `event.json()` calls; None = `json.loads`.

    Raises: TypeError or ValueError, for a wrong value.

    Two attributes change while events are taken. last_event_id: the ID to send as Last-Event-ID in order to continue after the
    last event; "" = none. retry: the milliseconds to wait before reconnecting, as the server asked last; None = it did not.

    Example::

        from hookline_sse import EventParser

        parser = EventParser()
        events = [event for data in (b"id: 1\nda", b"ta: first\n\n") for event in parser.feed(data)]
        print(events[0].data, events[0].id)
    """

    def __init__(
        self,
        *,
        max_line: int = MAX_LINE,
        max_event: int = MAX_EVENT,
        last_event_id: str = "",
        json_decoder: Callable[..., Any] | None = None,
    ) -> None:
        self.last_event_id = as_last_event_id(last_event_id)
        self.retry: int | None = None
        self._max_line = as_limit("max_line", max_line)
        self._max_event = as_limit("max_event", max_event)
        self._json_decoder = json_decoder
        self._line = bytearray()  # the beginning of a line whose end has not arrived
        self._is_first_line = True
        self._is_behind_cr = False
        # Of the event whose end has not arrived. `_data` has an LF behind each line. `_id` stays for the events after it.
        self._data = bytearray()
        self._type = b""
        self._id = last_event_id
        self._retry: int | None = None

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Parse bytes, and yield the events that end within them. Take all events before the next call.

        Raises: EventTooLarge, after the events before; then the parser cannot be used any more.
        """
        if data and self._is_behind_cr:
            self._is_behind_cr = False
            data = data.removeprefix(b"\n")
        if not data:
            return
        self._is_behind_cr = data.endswith(b"\r")
        pieces = data.splitlines()  # of bytes: at CR LF, LF and CR only
        rest = b"" if data.endswith((b"\r", b"\n")) else pieces.pop()
        for piece in pieces:
            self._extend_line(piece)
            line, self._line = self._line, bytearray()
            event = self._take_line(bytes(line))
            if event is not None:
                yield event
        self._extend_line(rest)

    def _extend_line(self, piece: bytes) -> None:
        self._line += piece
        if self._max_line and len(self._line) > self._max_line:
            raise EventTooLarge(f"a line of the event stream has more than max_line={self._max_line} bytes")

    def _take_line(self, line: bytes) -> ServerSentEvent | None:
        """Take a line without its end; return the event if the line ends one."""
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(BOM)
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")  # a comment begins with a colon, and so has the name b""
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data += value + b"\n"
            if self._max_event and len(self._data) > self._max_event + 1:
                raise EventTooLarge(f"the data of an event has more than max_event={self._max_event} bytes")
        elif name == b"event":
            self._type = value
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():  # of bytes: the digits of ASCII
            self.retry = self._retry = int(value.lstrip(b"0")[:MAX_DIGITS] or b"0")
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        """End the event, and return it; None = it has no data."""
        data, event_type, retry = self._data, self._type, self._retry
        self._data, self._type, self._retry = bytearray(), b"", None
        self.last_event_id = self._id
        if not data:
            return None
        return ServerSentEvent(
            data[:-1].decode("utf-8", "replace"),
            event_type.decode("utf-8", "replace") or "message",
            self._id,
            retry,
            self._json_decoder,
        )


def as_last_event_id(value: Any) -> str:
    """Check the value of `last_event_id=`.

    Raises: TypeError.
    """
    if not isinstance(value, str):
        raise TypeError(f"last_event_id= takes a str, not {type(value).__name__}")
    return value


def as_limit(name: str, value: Any) -> int:
    """Check a limit: a number of bytes, 0 = no limit. name: of the keyword.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}= takes a number of bytes, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name}= takes 0 (no limit) or more, not {value}")
    return value
