"""What an exchange talks to: it sends one request, and receives one response at a time."""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import BodyTooLarge, RemoteProtocolError
from .response_head import ResponseHead

HIGH_WATER = 256 * 1024  # bytes in `parts` after which a bounded carrier stops reading
MAX_INTERIM_HEADS = 100  # of one exchange: a peer must not keep the caller busy with 1xx forever

# The attributes of `Carrier`. Python allows one base class with slots, so its subclasses have them.
SLOTS = (
    "_current_read", "_deferred_reads", "_early_reads", "_ended_in_order", "_interim_count", "_max_body", "_method", "_take",
    "bounded", "buffered", "cancel_sending", "complete", "completed_at", "data_listener", "drain_waiter", "error",
    "has_read", "head", "interims", "is_reading_paused", "key", "last_read", "on_fast_path", "on_lost",
    "parts", "read_at_once", "received_size", "receiver", "reused", "sending", "upgraded", "waiter",
    "wakes_on_read",
)  # fmt: skip


class DataListener(Protocol):
    """A listener to the raw bytes of an exchange."""

    def head_received(self) -> None:
        """Called for each head on a stream, whose bytes are not those of one exchange."""

    def received(self, data: bytes) -> None:
        """Called for each read, before it is parsed."""

    def processed(self, data: bytes) -> None:
        """Called for each read, after it was parsed."""


class ResponseReceiver(Protocol):
    """The exchange that a carrier serves."""

    def _receive_head(self, head: ResponseHead) -> bool:
        """Take the final head. Returns True if the caller waits for the head, and not for the whole response."""

    def _wants_interim(self) -> bool:
        """Return True if interim heads (1xx) are to be kept in `interims`."""


class ConnectionFacts(NamedTuple):
    """What is known of a connection: `response.connection.facts()`.

    protocol: the name that ALPN has for it, such as "http/1.1" or "h2".
    peer: the address that is connected to, as the socket module has it; None if the transport has none.
    tls_version, cipher: such as "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; None without TLS.
    certificate: of the peer, in DER; None without TLS.

    Example::

        from hookline import ConnectionFacts, HttpClient


        def show(response, exc=None):
            facts: ConnectionFacts = response.connection.facts()
            print(facts.protocol, facts.peer, facts.tls_version)


        with HttpClient() as client:
            client.get("http://127.0.0.1:8000/", on_headers=show)
    """

    protocol: str
    peer: Any
    tls_version: str | None
    cipher: str | None
    certificate: bytes | None


def facts_of(protocol: str, transport: asyncio.BaseTransport) -> ConnectionFacts:
    """Return the facts of the connection that has this transport."""
    tls = transport.get_extra_info("ssl_object")
    cipher = transport.get_extra_info("cipher")
    return ConnectionFacts(
        protocol,
        transport.get_extra_info("peername"),
        None if tls is None else tls.version(),
        None if cipher is None else cipher[0],
        None if tls is None else tls.getpeercert(binary_form=True),
    )


class Carrier:
    """What an exchange talks to: a connection of HTTP/1.1, or a stream of a protocol that carries many exchanges at once.

    An exchange calls `begin`, then `send`, or `send_head`, `send_piece` and `end_body`, and awaits the future that `begin`
    returned. Then it reads `head` and `parts`.

    Attributes that plugins use:

    loop: the loop that it belongs to.
    alive: True until the connection is lost, or the stream is over.
    keep_alive: False if no other exchange may use it, whatever the reason.
    error: what ended the exchange; None if nothing has.
    head: the final head of the response; None before it comes.
    complete: True if the whole response has come, or no exchange is going on.
    has_read: True if any byte of the response has come; not set on the fast path.
    upgraded: True after a 101, or after a CONNECT that was granted: the bytes from now on are not HTTP.
    reused: how often the pool has handed it out after its first exchange.
    key: the key of the route that it was opened for.

    Attributes for the exchange, the pool and the readers of bodies:

    on_fast_path: True as long as the exchange saw nothing but a head and a body in one read.
    receiver: the exchange, which gets the head.
    data_listener: gets the raw reads; None = no listener.
    interims: interim heads that have come and were not shown yet.
    parts: pieces of the body, in order, that have come and were not taken yet.
    buffered: bytes in `parts`, counted only while `bounded`.
    bounded: True if reading stops while more than 256 KiB are buffered.
    received_size: bytes of the body so far; on HTTP/1.1 not counted if the body has a Content-Length.
    wakes_on_read: True if each read of the body wakes the waiter, as a stream needs it; only while `bounded`.
    last_read: when the last bytes came that did not complete the response, in loop time; not set on the fast path.
    completed_at: when the last response was complete, by `time.monotonic`.
    waiter: the future that the exchange awaits; None or done when it does not wait.
    is_reading_paused: True while reading is paused because too much is buffered.
    drain_waiter: a future while no more can be sent; None while it can.
    cancel_sending: stops the task that sends the body of the request; None if there is no such task.
    sending: True while the body of the request is being sent, so that the response may come first.
    read_at_once: reads what waits in the kernel into `parts`, without a turn of the loop; None = the loop alone reads.
    on_lost: called once, with the carrier, when it is lost.
    _take: the function that consumes the next bytes.

    Example: docs/plugins/protocols.md#the-steps-of-an-exchange
    """

    if not TYPE_CHECKING:
        __slots__ = ()

    loop: asyncio.AbstractEventLoop
    alive: bool
    keep_alive: bool
    receiver: ResponseReceiver
    is_encrypted = False  # then an answer cannot be read after a write has failed
    session: Any = None  # the connection that carries other exchanges too; None = it is the connection itself

    def __init__(self) -> None:
        self._take: Callable[[Any, bytes], None] = Carrier._take_nothing
        self.head: ResponseHead | None = None
        self.parts: list[bytes] = []
        self.complete = True
        self.read_at_once: Callable[[], None] | None = None
        self.is_reading_paused = False
        self.completed_at = self.last_read = 0.0
        self.reused = 0
        self.on_lost: Callable[[Any], None] | None = None
        self.key: Any = None
        self.error: BaseException | None = None
        self.waiter: asyncio.Future[None] | None = None
        self.drain_waiter: asyncio.Future[None] | None = None
        self.cancel_sending: Callable[[], object] | None = None
        self._clear()

    def _clear(self) -> None:
        """Reset what only an exchange off the fast path sets."""
        self.on_fast_path, self.has_read = True, False
        # Reads are pairs of the bytes that are still to be parsed and the whole read, for the listener.
        self._early_reads: list[tuple[bytes, bytes]] = []  # reads of the head: reported as processed after on_headers
        self._deferred_reads: list[tuple[bytes, bytes]] | None = None  # what follows the head, while on_headers runs
        self._ended_in_order: bool | None = None  # how the input ended while on_headers ran; None = it did not
        self.data_listener: DataListener | None = None
        self.upgraded = self.wakes_on_read = self.bounded = self.sending = False
        self._max_body = self.buffered = self.received_size = self._interim_count = 0
        self.interims: list[ResponseHead] = []
        self._method = ""
        self._current_read = b""

    # -- what each protocol does in its own way

    def begin(self, receiver: ResponseReceiver) -> asyncio.Future[None]:
        """Begin an exchange; returns the future that is done when there is something to read."""
        raise NotImplementedError

    def send(self, request: Any) -> None:
        """Send a request whose body is bytes, or none, in one write."""
        raise NotImplementedError

    def send_head(self, request: Any) -> None:
        """Send the head of a request, whose body follows in pieces."""
        raise NotImplementedError

    def send_piece(self, data: bytes) -> None:
        """Send a piece of the body, not empty. `drain_waiter` says whether the peer takes more."""
        raise NotImplementedError

    def end_body(self) -> None:
        """End the body."""
        raise NotImplementedError

    def abort(self) -> None:
        """Give up the exchange, or close an idle connection: at once, and whatever is not sent yet is dropped."""
        raise NotImplementedError

    @property
    def is_closing(self) -> bool:
        """True if nothing can be sent any more, as after a failed write."""
        raise NotImplementedError

    def facts(self) -> ConnectionFacts:
        """Return the protocol, the address of the peer, and what TLS has agreed on."""
        raise NotImplementedError

    def keeping_unread_answer(self) -> AbstractContextManager[None]:
        """Keep what is needed to read an answer after a write has failed; used while a body is sent."""
        raise NotImplementedError

    def _pause_reading(self) -> None:
        """Stop reading: too much is buffered."""
        self.is_reading_paused = True

    def _resume_reading(self) -> None:
        """Read again."""
        self.is_reading_paused = False

    def _end_input(self, exc: Exception | None) -> None:
        """No more bytes of this response will come: it is complete, or cut. exc: why; None = in order."""
        raise NotImplementedError

    # -- an exchange

    def leave_fast_path(
        self, method: str, max_body: int = 0, data_listener: DataListener | None = None, *, sending: bool = False
    ) -> None:
        """Parse the response of this exchange read by read, and pass its heads to the receiver.

        method: of the request; it decides whether the response has a body. max_body: the most bytes of body that are
        accepted, 0 = any number. data_listener: gets the raw reads. sending: the body of the request is sent from now on,
        and the response may come before its end.
        """
        self.on_fast_path = False
        self._method = method
        self._max_body = max_body
        self.data_listener = data_listener
        self.sending = sending

    def continue_after_head(self, *, bounded: bool) -> None:
        """Go on after on_headers has run. bounded: stop reading while more than 256 KiB of body are buffered."""
        self.on_fast_path = False
        self.bounded = bounded
        if self._deferred_reads is not None:
            reads, self._deferred_reads = self._deferred_reads, None
            for rest, data in reads:
                self._parse_observed(rest, data)
            if self._ended_in_order is not None:
                self._end_input(None)
        if not bounded:
            self._resume_reading()

    def take_parts(self) -> list[bytes]:
        """Take the pieces of the body that have come; reading goes on if it had stopped."""
        parts, self.parts = self.parts, []
        self.buffered = 0
        if self.is_reading_paused:
            self._resume_reading()
        return parts

    def end(self) -> None:
        """End the exchange: forget its receiver and its body."""
        self.receiver = self.waiter = None  # type: ignore[assignment]  # `begin` sets them before they are used
        self.data_listener = None
        self.parts = []

    def fail(self, error: BaseException) -> None:
        """End the exchange with an error."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self.error = error
            waiter = self.waiter
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)
                waiter.exception()  # marked as retrieved: while a body is sent, the sender reads `error` instead
        self._take = Carrier._take_nothing
        self.abort()

    @property
    def is_reusable(self) -> bool:
        """True if another exchange may use the connection."""
        return self.keep_alive and self.complete and self.alive and not self.is_reading_paused and not self.has_unsent

    @property
    def has_unsent(self) -> bool:
        """True if a part of the request is still to be sent, as when the response came first."""
        return self.sending or self.drain_waiter is not None

    @property
    def bytes_remaining(self) -> int:
        """How many bytes of a body with Content-Length are still to come; 0 when no such body is on the way."""
        return 0

    @property
    def trailers(self) -> list[tuple[bytes, bytes]]:
        """The fields of the trailer section, as (name, value); they are all there when the response is complete."""
        return []

    # -- waiting

    async def wait(self) -> None:
        """Wait until something came or changed; the caller checks what.

        Raises: `error`, if the exchange was ended.
        """
        if self.error is not None:
            raise self.error
        self.waiter = self.loop.create_future()
        await self.waiter

    def wake(self) -> None:
        """End the current `wait`, if there is one."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def pause_writing(self) -> None:
        """Have the sender of a body wait: no more can be sent now."""
        self.on_fast_path = False
        if self.drain_waiter is None:
            self.drain_waiter = self.loop.create_future()

    def resume_writing(self) -> None:
        """Let the sender go on."""
        future, self.drain_waiter = self.drain_waiter, None
        if future is not None and not future.done():
            future.set_result(None)

    async def drain(self) -> None:
        """Wait until more can be sent, `_stop_sending` is called or the connection is lost."""
        if self.drain_waiter is not None:
            await self.drain_waiter

    def _stop_sending(self) -> None:
        """Stop sending the body of the request, if it is being sent."""
        self.resume_writing()
        cancel, self.cancel_sending = self.cancel_sending, None
        if cancel is not None:
            cancel()

    # -- what arrives

    def receive_bytes(self, data: bytes) -> None:
        """Consume the bytes of a read, after the data listener has seen them."""
        if self.data_listener is None and self._deferred_reads is None:
            try:
                self._take(self, data)
            except (RemoteProtocolError, BodyTooLarge) as error:
                self.fail(error)
        else:
            self._receive_observed(data)

    def _receive_observed(self, data: bytes) -> None:
        """Pass a read to the data listener, then parse it, or keep it until on_headers has run."""
        if self._take is Carrier._take_nothing or (self.complete and not self.upgraded):
            self._take(self, data)
            return
        try:
            if self.data_listener is not None:
                self.data_listener.received(data)
        except BaseException as error:  # noqa: BLE001  # a handler's: it ends the exchange, and reaches the caller through the waiter
            self.fail(error)
            return
        if self.upgraded:
            self._take(self, data)  # not a body: the next protocol gets the bytes
        elif self._deferred_reads is not None:
            self._deferred_reads.append((data, data))
            self._count_buffered(data)
        else:
            self._parse_observed(data, data)

    def _parse_observed(self, rest: bytes, data: bytes) -> None:
        """Parse `rest`, the last part of the read `data`, then report the read as processed. Errors end the exchange."""
        if self._take is Carrier._take_nothing:
            return
        was_complete = self.complete
        self._current_read = data
        try:
            if rest:
                self._take(self, rest)
            if not self.head:
                self._early_reads.append((b"", data))
            elif self._deferred_reads is None and self.data_listener is not None:
                self.data_listener.processed(data)
        except BaseException as error:  # noqa: BLE001  # a handler's, or the parser's
            # completed by this read, and the caller does not know it yet: it gets the error
            if self.complete and not was_complete:
                self.complete = False
            self.fail(error)

    def _show_final_head(self, head: ResponseHead, rest: bytes) -> None:
        """Pass the final head to the receiver, and go on with the body. rest: what followed the head in its read."""
        self.head = head
        self.last_read = self.loop.time()
        wanted = self.receiver._receive_head(head) or self.data_listener is not None
        if wanted:
            self.bounded = True
        if self.data_listener is not None:
            # on_headers runs before the data events of the body: the reads wait for continue_after_head()
            self._deferred_reads = [*self._early_reads, *([(rest, self._current_read)] if self._current_read else ())]
        elif rest:
            self._take(self, rest)
        if self.complete or wanted:
            self.wake()
        if self.sending and head.status >= 300:
            self._stop_sending()  # the peer has decided without the rest of the request

    def _keep_interim_head(self, head: ResponseHead) -> None:
        """Keep an interim head for the hooks that want those.

        Raises: RemoteProtocolError for more than a hundred.
        """
        self._interim_count += 1
        if self._interim_count > MAX_INTERIM_HEADS:
            raise RemoteProtocolError(f"more than {MAX_INTERIM_HEADS} interim responses")
        if self.receiver._wants_interim():
            self.interims.append(head)
            self.wake()
        self.last_read = self.loop.time()

    def _add_part(self, data: bytes) -> None:
        """Keep a piece of a body that goes on after it."""
        self.parts.append(data)
        self.last_read = self.loop.time()
        if self.bounded:
            self._count_buffered(data)
            if self.wakes_on_read:
                self.wake()

    def _count_buffered(self, data: bytes) -> None:
        self.buffered += len(data)
        if self.buffered > HIGH_WATER and not self.is_reading_paused and self.alive:
            self._pause_reading()

    def _check_max_body(self) -> None:
        if self._max_body and self.received_size > self._max_body:
            raise BodyTooLarge(f"the body has more than max_body={self._max_body} bytes")

    def _complete_response(self) -> None:
        """Note that the whole response has come."""
        self.complete = True
        self.completed_at = monotonic()
        if self.sending:
            self._stop_sending()
        if self.head:
            self.wake()

    def _take_nothing(self, data: bytes) -> None:
        """Drop what comes between an error and the end of the connection."""
