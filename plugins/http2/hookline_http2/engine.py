"""What a connection needs of the library that knows the frames of HTTP/2. No other module knows which library that is.

An engine does no I/O. A connection gives it what was read, and writes what it has to send. It calls the connection back for
what came, which `FrameReceiver` lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

# Announced to the peer. A stream whose reader does not read holds up no other: it takes a sixteenth of the connection's window.
STREAM_WINDOW = 4 * 1024 * 1024  # bytes; at a round trip of 50 ms it allows 80 MB/s
CONNECTION_WINDOW = 64 * 1024 * 1024
MAX_HEADER_LIST = 64 * 1024  # bytes of one head, as RFC 9113, section 6.5.2 counts them
ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE = 2, 3, 4, 6
SETTINGS = {ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: STREAM_WINDOW, MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST}

Fields = tuple[tuple[bytes, bytes], ...]


class Field(NamedTuple):
    """A field of a request. is_secret: it must not enter the tables of HPACK (RFC 7541, section 7.1.3)."""

    name: bytes
    value: bytes
    is_secret: bool = False


class FrameReceiver(Protocol):
    """The connection, as an engine calls it. number: of the stream."""

    def head_received(self, number: int, fields: Fields, ended: bool) -> None:
        """Take a final head; its fields begin with `:status`. ended: the response is complete."""

    def interim_received(self, number: int, fields: Fields) -> None:
        """Take a head of 1xx."""

    def data_received(self, number: int, data: bytes, size: int, ended: bool) -> None:
        """Take a piece of a body. size: with the padding, to be acknowledged. ended: the response is complete."""

    def pieces_received(self, number: int, pieces: list[bytes]) -> None:
        """Take the data of several frames without padding, none of them empty or the last. An engine need not call this."""

    def trailers_received(self, number: int, fields: Fields) -> None:
        """Take the trailer section; the response is complete."""

    def stream_reset(self, number: int, code: int) -> None:
        """The peer has reset a stream."""

    def stream_malformed(self, number: int, reason: str) -> None:
        """The engine has reset a stream, because what came for it breaks the protocol."""

    def settings_received(self, max_streams: int | None) -> None:
        """The peer has sent settings. max_streams: how many streams it takes at once; None = it does not say."""

    def goaway_received(self, last: int, code: int, debug: bytes) -> None:
        """The peer takes no more streams, and processes none with a number above `last`."""

    def idle_frame_received(self) -> None:
        """A frame came that brings no exchange forward."""


class Engine(Protocol):
    """A library behind one interface. Each call may leave something to send."""

    def start(self) -> None:
        """Begin the connection: the preface, the settings and the window."""

    def receive(self, data: bytes | memoryview) -> None:
        """Take what was read, and call the receiver.

        Raises: RemoteProtocolError, for what ends the connection; `data_to_send` then tells the peer why.
        """

    def data_to_send(self, size: int) -> bytes:
        """Return what is to be sent, about `size` bytes at most; b"" = nothing, or nothing that the windows allow.

        Raises: as `receive`.
        """

    def prepare(self, fields: Sequence[Field]) -> Any:
        """Return fields in the form that `open` takes, any number of times."""

    def open(self, fields: Any, ends: bool) -> int:
        """Send the head of a request, and return the number of its stream; 0 = the connection takes no more."""

    def send_data(self, number: int, data: bytes, ends: bool) -> None:
        """Queue a piece of the body of a request."""

    def end_body(self, number: int) -> None:
        """End the body once the queue is sent."""

    def queued(self, number: int) -> int:
        """Return how many bytes of a body are queued."""

    def reset(self, number: int, code: int) -> None:
        """Reset a stream; its queue is dropped. Does nothing for one that is closed."""

    def acknowledge(self, number: int, size: int) -> None:
        """Allow the peer as many more bytes, on the stream and the connection. The stream may be closed."""

    def ping(self) -> None:
        """Ask the peer for a sign of life; any frame is one."""

    def close(self, code: int = 0) -> None:
        """Tell the peer that the connection ends (GOAWAY). code: why; 0 = without an error."""
