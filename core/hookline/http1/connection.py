"""One connection: an asyncio protocol that sends requests as bytes and parses responses, one exchange at a time.

The attribute `_take` is the state: the function that consumes the next bytes. It is one of these:

    _take_on_fast_path      the first read of an exchange without listeners and limits, and not of HEAD or CONNECT
    _take_head              a head from its beginning
    _take_partial_head      the rest of a head that comes in several reads
    _take_known_length      a body with Content-Length (RFC 9112, section 6.3, as for the next two)
    _take_chunked           a body in chunks
    _take_until_close       a body that the end of the connection ends
    _take_leftover          after a 101, or a CONNECT that was granted: bytes of the next protocol
    _take_unexpected        no exchange, or a complete response: any byte closes the connection
    _take_nothing           after an error, until the connection is closed

The state changes at these events:

    begin                   -> _take_on_fast_path
    leave_fast_path         -> _take_head
    a head is not whole     -> _take_partial_head
    an interim head         -> _take_head
    the final head          -> _take_known_length, _take_chunked, _take_until_close or _take_leftover
    the response is whole   -> _take_unexpected
    an error                -> _take_nothing

Most exchanges see one read, with a whole response in it, and nothing else. On this fast path only `begin` and
`_take_on_fast_path` run. They leave nothing behind that the next exchange would have to clear, and the caller reads `head` and
`parts` when the waiter is done. Everything else sets `on_fast_path` to False. Then the connection passes the head to its
receiver, and passes raw reads to the data listener, if there is one.

All connections of a loop read into one buffer, so each read is copied out of it at once. A response that is whole in one read
wakes the caller once. A head alone wakes the caller only if the receiver waits for it.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable
from time import monotonic
from typing import Any

from ..copying import no_copy
from ..errors import BodyTooLarge, ConnectionClosed, RemoteProtocolError
from ..messages.request_body import Source
from ..wire.base_connection import BaseConnection
from ..wire.carrier import HIGH_WATER, SLOTS, Carrier, ConnectionFacts, DataListener, ResponseReceiver, facts_of
from ..wire.response_head import ResponseHead
from .chunked_body import ChunkedBody
from .large_bodies import LARGE_BODY, LargeBodyReader
from .parser import PartialHead, check_transfer_coding, parse_head, split_head

_MAX_REMEMBERED_HEAD = 2048  # bytes of the last head that a connection keeps to compare the next one with


class Connection(Carrier, BaseConnection):
    """A connection to one route, HTTP/1.1 on it: it carries one exchange at a time.

    An exchange calls `begin`, sends its request, and awaits the returned future. Then it reads `head` and `parts`. For the
    attributes see `Carrier` and `BaseConnection`.

    Example: docs/plugins/protocols.md#the-steps-of-an-exchange
    """

    __slots__ = (
        *SLOTS, "_chunked_body", "_is_chunked_request", "_last_head", "_partial_head", "_remaining",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        BaseConnection.__init__(self, loop)
        Carrier.__init__(self)
        self._take: Callable[[Any, bytes], None] = Connection._take_unexpected
        self._last_head: ResponseHead | None = None  # servers tend to send the same head again
        self._is_chunked_request = False

    __reduce__ = no_copy("a Connection", "it belongs to the loop that opened it")

    def _clear(self) -> None:
        super()._clear()
        self._chunked_body: ChunkedBody | None = None
        self._partial_head: PartialHead | None = None
        self._remaining = 0

    # -- an exchange

    def begin(self, receiver: ResponseReceiver) -> asyncio.Future[None]:
        """Begin an exchange; returns the future that is done when there is something to read.

        A request off the fast path calls `leave_fast_path` next.
        """
        if not self.on_fast_path:
            self._clear()
        self.receiver = receiver
        self.head = None
        self.complete = False
        self._take = _TAKE_ON_FAST_PATH
        waiter: Future[None] = Future(loop=self.loop)  # what create_future() gives, for a call less
        self.waiter = waiter
        return waiter

    def leave_fast_path(
        self, method: str, max_body: int = 0, data_listener: DataListener | None = None, *, sending: bool = False
    ) -> None:
        super().leave_fast_path(method, max_body, data_listener, sending=sending)
        self._take = Connection._take_head

    def send(self, request: Any) -> None:
        self.transport.write(request.encode())

    def send_head(self, request: Any) -> None:
        self.transport.write(request._encode_head())
        self._is_chunked_request = isinstance(request.body, Source) and request._stated_length() is None

    def send_piece(self, data: bytes) -> None:
        transport = self.transport
        if not self._is_chunked_request:
            transport.write(data)
        elif isinstance(transport, asyncio.Transport):
            # writelines gains nothing here: asyncio joins the parts too. From Python 3.12.0 to 3.13.1 it also never tells the
            # sender to pause (CVE-2024-12254).
            transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:  # uvloop, which writes them without a copy: 0.94 of the CPU
            transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))

    def end_body(self) -> None:
        if self._is_chunked_request:
            self.transport.write(b"0\r\n\r\n")

    @property
    def is_closing(self) -> bool:
        return self.transport.is_closing()

    @property
    def is_encrypted(self) -> bool:  # type: ignore[override]  # it depends on the transport
        return self.transport.get_extra_info("sslcontext") is not None

    def facts(self) -> ConnectionFacts:
        return facts_of("http/1.1", self.transport)

    def abort(self) -> None:
        self._stop_sending()
        BaseConnection.abort(self)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> bytes:
        self._resume_reading()
        return super().set_protocol(protocol)

    def end(self) -> None:
        """End the exchange: forget its receiver and its body. A byte that comes from now on closes the connection."""
        super().end()
        self._take = Connection._take_unexpected

    def await_protocol(self) -> None:
        """Keep what comes as `leftover` until `end`: TLS is being started, and may choose another protocol.

        Example::

            import asyncio
            from hookline import Connection

            connection = Connection(asyncio.get_running_loop())
            connection.await_protocol()
            connection.receive_bytes(b"what the peer says first")
            await asyncio.sleep(0)
            assert connection.leftover == b"what the peer says first"
        """
        self._take = Connection._take_leftover

    def _pause_reading(self) -> None:
        self.is_reading_paused = True
        self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self.is_reading_paused and self.alive:
            self.is_reading_paused = False
            self.transport.resume_reading()

    @property
    def bytes_remaining(self) -> int:
        """How many bytes of a body with Content-Length are still to come; 0 when no such body is on the way."""
        return self._remaining if self._take is Connection._take_known_length else 0

    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        """The fields of the trailer section, as (name, value); they are all there when the response is complete."""
        return [] if self._chunked_body is None else self._chunked_body.trailers

    # -- the transport

    def buffer_updated(self, nbytes: int) -> None:
        if self.data_listener is None and self._deferred_reads is None:
            take = self._take  # CPython does not specialise the call of a callable attribute as a method
            try:
                take(self, self._view[:nbytes].tobytes())
            except (RemoteProtocolError, BodyTooLarge) as error:
                self.fail(error)
        else:
            self._receive_observed(self._view[:nbytes].tobytes())

    def _forget_after_fork(self) -> None:
        if self.alive:
            self.error = self.error or ConnectionClosed("the connection belongs to the parent process")
        super()._forget_after_fork()

    # -- heads

    def _take_on_fast_path(self, data: bytes) -> None:
        """Consume the first read of an exchange without listeners; most responses are whole in it."""
        head = self._last_head
        rest = data if head is None else data.removeprefix(head.raw)  # 0.2 us less than startswith and a slice
        if head is None or len(rest) == len(data):
            end = data.find(b"\r\n\r\n") + 4
            if end == 3:
                self._take_partial_head(data)
                return
            try:
                head = parse_head(data[:end])
            except RemoteProtocolError:
                self._take_head(data)  # once more, leniently
                return
            rest = data[end:]
            status = head.status
            if status < 200 or status == 204 or status == 304:
                self._accept_head(head, rest)
                return
            self._last_head = head if end <= _MAX_REMEMBERED_HEAD else None
        # else it is the head that came last time: comparing takes 0.1 us, parsing and dispatching it anew 1.4
        if not rest or len(rest) != head.length:
            self._accept_head(head, rest)
            return
        self.head = head
        self.keep_alive = head.keep_alive
        self.parts = [rest]
        self.complete = True
        self.completed_at = monotonic()
        self._take = _TAKE_UNEXPECTED
        waiter = self.waiter
        if not waiter.done():  # type: ignore[union-attr]  # `begin` has set it
            waiter.set_result(None)  # type: ignore[union-attr]

    def _take_head(self, data: bytes) -> None:
        head = self._last_head
        if head is not None and data.startswith(head.raw):
            self._accept_head(head, data[len(head.raw) :])
            return
        found = split_head(data)
        if found is None:
            self._take_partial_head(data)
            return
        head = found[0]
        if head.status >= 200 and head.status not in (204, 304):
            self._last_head = head if len(head.raw) <= _MAX_REMEMBERED_HEAD else None
        self._accept_head(*found)

    def _take_partial_head(self, data: bytes) -> None:
        self.on_fast_path, self.has_read = False, True
        self._take = Connection._take_partial_head
        if self._partial_head is None:
            self._partial_head = PartialHead()
        whole = self._partial_head.add(data)
        if whole:
            self._partial_head = None
            self._take_head(whole)
        else:
            self.last_read = self.loop.time()

    def _accept_head(self, head: ResponseHead, rest: bytes) -> None:
        """Accept a parsed head off the fast path: choose how its body is framed, and pass it to the receiver.

        rest: what followed the head in its read.
        """
        self.on_fast_path, self.has_read = False, True
        status = head.status
        if status < 200 and status != 101:
            self._accept_interim_head(head, rest)
            return
        self.keep_alive = head.keep_alive
        self.parts = []
        self.received_size = 0
        # RFC 9112, section 6.3; llhttp has refused a head with both Content-Length and Transfer-Encoding
        if status == 101 or (self._method == "CONNECT" and status < 300):
            self.upgraded = self.complete = True
            self._stop_sending()
            self.keep_alive = False
            self.leftover = rest
            self._take = Connection._take_leftover
            rest = b""
        elif self._method == "HEAD" or status == 204 or status == 304 or head.length == 0:
            self._complete_response(rest)
            rest = b""
        elif head.length > 0:
            if self._max_body and head.length > self._max_body:
                self.receiver._receive_head(head)  # so that the error has a response, as when the body exceeds it later
                raise BodyTooLarge(f"the body has {head.length} bytes, more than max_body={self._max_body}")
            self._remaining = head.length
            self._take = Connection._take_known_length
            if (
                head.length - len(rest) >= LARGE_BODY
                and self.data_listener is None
                and LargeBodyReader.fits(self.transport)
            ):
                LargeBodyReader(self)
        elif head.low.find(b"\r\ntransfer-encoding:") >= 0:
            check_transfer_coding(head.low)
            self.keep_alive = head.keep_alive and head.line.minor == 1
            self._chunked_body = ChunkedBody()
            self._take = Connection._take_chunked
        else:
            self.keep_alive = False
            self._take = Connection._take_until_close
        self._show_final_head(head, rest)

    def _accept_interim_head(self, head: ResponseHead, rest: bytes) -> None:
        self._take = Connection._take_head
        self._keep_interim_head(head)
        if rest:
            self._take_head(rest)

    # -- bodies

    def _take_known_length(self, data: bytes) -> None:
        size = self._remaining
        if len(data) < size:
            self._remaining -= len(data)
            self._add_part(data)
        else:
            self._remaining = 0
            self.parts.append(data[:size])
            self._complete_response(data[size:])

    def _take_chunked(self, data: bytes) -> None:
        body = self._chunked_body
        assert body is not None
        content = body.feed(data)
        if content:
            self.received_size += len(content)
            self._check_max_body()
        if body.complete:
            if content:
                self.parts.append(content)
            self._complete_response(body.surplus)
        elif content:
            self._add_part(content)
        else:  # a part of a size line, or of the trailers
            self.last_read = self.loop.time()

    def _take_until_close(self, data: bytes) -> None:
        self.received_size += len(data)
        self._check_max_body()
        self._add_part(data)

    # -- the end of a response, and of the connection

    def _complete_response(self, surplus: bytes = b"") -> None:
        """Complete the response. surplus: bytes that followed it; they answer no request, so the connection is not reused."""
        if surplus:
            self.keep_alive = False
        self._take = Connection._take_unexpected
        super()._complete_response()

    def _take_leftover(self, data: bytes) -> None:
        self.leftover += data
        if len(self.leftover) > HIGH_WATER and not self.is_reading_paused:
            self._pause_reading()

    def _take_unexpected(self, data: bytes) -> None:
        """Close the connection: these bytes answer no request, and must not be taken for the answer to the next one."""
        self.keep_alive = False
        self.abort()

    keeping_unread_answer = BaseConnection.keeping_unread_answer

    def eof_received(self) -> bool:
        """The peer has sent all that it will send."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self._end_input(None)
        return False  # the transport closes

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = self.keep_alive = False
        if self.sending and exc is not None and not self.complete and self.error is None and not self.is_reading_paused:
            self._receive_unread_answer()
        if not self.complete and self.error is None:
            self._end_input(exc)
        self.resume_writing()
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost(self)
        if self.on_disconnected is not None:
            self._report_disconnected(exc or (None if self.complete else self.error))

    def _receive_unread_answer(self) -> None:
        """Receive what the peer sent before a write failed: it may say why."""
        for data in self._read_unread_answer():
            self.receive_bytes(data)
            if self.complete or self.error is not None:
                break

    def _end_input(self, exc: Exception | None) -> None:
        """No more bytes will come: the response is complete, or cut. exc: why the transport ended; None = in order.

        Only a body without length and chunks is complete by the end of the connection (RFC 9112, section 6.3). Over TLS
        the peer must have sent a close_notify (section 9.8), since anybody on the way can send a FIN.
        """
        if self._deferred_reads is not None and exc is None:
            # decided when the reads before it have been parsed; uvloop's TLS has forgotten the close_notify by then
            self._ended_in_order = self._got_close_notify
        elif (
            self._take is Connection._take_until_close
            and exc is None
            and (self._got_close_notify if self._ended_in_order is None else self._ended_in_order)
        ):
            self._complete_response()
        else:
            self.fail(self._closed_error(exc))

    def _closed_error(self, exc: Exception | None) -> ConnectionClosed:
        if not self.head:
            where = "before the response" if not self.has_read else "within the head of the response"
        elif self._take is Connection._take_known_length:
            where = f"{self._remaining} bytes before the end of the body"
        elif self._take is Connection._take_until_close and exc is None:
            where = "without closing TLS: the body may be cut"
        else:
            where = "within the body"
        error = ConnectionClosed(f"the server closed the connection {where}")
        error.__cause__ = exc
        return error


# 0.03 us less than looking them up in the class
_TAKE_ON_FAST_PATH = Connection._take_on_fast_path
_TAKE_UNEXPECTED = Connection._take_unexpected
