"""A connection that carries many exchanges at once: the base of the protocols that plugins bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from ..copying import no_copy
from ..errors import ConnectionClosed, HttpRequestException
from .base_connection import BaseConnection, has_ended
from .carrier import ConnectionFacts, facts_of
from .stream import Stream

MAX_SPARE = 100  # streams that a connection keeps for later exchanges


class MultiplexedConnection(BaseConnection):
    """A connection that carries many exchanges at once, each in a `Stream`. A plugin's subclass speaks its protocol.

    The subclass implements `open_stream` and `receive_bytes`, may override `connection_made` to send what comes first, and
    calls `set_max_streams` and `go_away` when the peer says so. It writes to `transport`. Its
    `lost_error` may say why the peer has closed the connection.

    protocol: the name by which ALPN has chosen it.
    max_streams: how many exchanges it may carry at once. 100 until the peer says otherwise; a subclass may begin with 0.
    streams: the exchanges that it carries now.
    is_going_away: True if it takes no more exchanges; it is closed after the last one.
    error: what ended it; None if nothing has.
    reused: how many exchanges it has carried after the first.
    completed_at: when the last exchange ended, by `time.monotonic`.
    key, on_lost: as for a `Carrier`.
    on_room, on_going_away: called with the connection when it may take more exchanges, and none any more; for its pool.

    Example: docs/plugins/protocols.md#a-small-protocol
    """

    __slots__ = (
        "_spare", "_was_idle", "completed_at", "error", "is_going_away", "key", "max_streams", "on_going_away", "on_lost",
        "on_room", "opened_streams", "protocol", "streams",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.protocol = ""
        self.max_streams = 100
        self.streams: set[Stream] = set()
        self._spare: list[Stream] = []  # that may serve again
        self.opened_streams = 0
        self._was_idle = False  # before the exchanges that go on now, of which none has ended yet
        self.is_going_away = False
        self.error: BaseException | None = None
        self.completed_at = monotonic()
        self.key: Any = None
        self.on_lost: Callable[[Any], None] | None = None
        self.on_room: Callable[[Any], None] | None = None
        self.on_going_away: Callable[[Any], None] | None = None

    __reduce__ = no_copy("a connection", "it belongs to the loop that opened it")

    # -- what a subclass implements

    def open_stream(self) -> Stream:
        """Return a new `Stream` for one exchange."""
        raise NotImplementedError

    def receive_bytes(self, data: bytes) -> None:
        """Consume the bytes of one read.

        Raises: RemoteProtocolError, which ends the connection and all its exchanges.
        """
        raise NotImplementedError

    # -- what a subclass calls

    def set_max_streams(self, number: int) -> None:
        """Set how many exchanges the connection may carry at once; those that wait for room get it now."""
        self.max_streams = number
        if self.has_room and self.on_room is not None:
            self.on_room(self)

    def go_away(self) -> None:
        """Take no more exchanges: the peer will not process them. The connection is closed after its last one."""
        if not self.is_going_away:
            self.is_going_away = True
            for stream in self.streams:
                stream.reused = 1  # if it is closed without a response, that is as for a connection that was idle
            if self.on_going_away is not None:
                self.on_going_away(self)
            if not self.streams:
                self.close()

    def fail(self, error: BaseException) -> None:
        """End the connection and all its exchanges with an error. Each exchange gets an error of its own.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        self.keep_alive = False
        self.error = self.error or error
        for stream in list(self.streams):
            if isinstance(error, HttpRequestException):
                own = type(error)(str(error))
                own.__cause__ = error.__cause__
                stream.fail(own, by_peer=True)
            else:
                stream.fail(error, by_peer=True)
        self.abort()

    # -- for the pool

    @property
    def has_room(self) -> bool:
        """True if it may take one more exchange.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        return self.alive and self.keep_alive and not self.is_going_away and len(self.streams) < self.max_streams

    @property
    def complete(self) -> bool:
        """True if no exchange is going on.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        return not self.streams

    @property
    def has_unsent(self) -> bool:
        """False: what an exchange has not sent ends with its stream.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        return False

    @property
    def has_unread_input(self) -> bool:
        """True if the kernel holds the end of the connection. Bytes do not count: the rest of an exchange that was given up is on
        its way, or the peer asks for a sign of life.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        return self._asks_kernel(has_ended)

    @property
    def reused(self) -> int:
        return max(0, self.opened_streams - 1)

    def take_stream(self) -> Stream:
        """Return a stream for one exchange; there is room for it.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        stream = self._spare.pop() if self._spare else self.open_stream()
        if not self.streams:
            self._was_idle = self.opened_streams > 0
        # 1 on a connection that was idle: if it turns out to be dead, the peer has not seen the requests that came then
        stream.reused = int(self._was_idle)
        self.streams.add(stream)
        self.opened_streams += 1
        return stream

    def take_stream_at_once(self, *, is_fresh: bool) -> Stream | None:
        """Return a stream for one exchange; None if there is no room for it, or if the pool is to check the connection first.

        is_fresh: an idle connection was used a moment ago. One that carries exchanges needs no check.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        return self.take_stream() if (self.streams or is_fresh) and self.has_room else None

    def take_back(self, stream: Stream) -> None:
        """Take a stream back whose exchange has ended on the fast path, and forget it or keep it for another exchange.

        The pool does for a stream that is kept what `on_room` is for.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        if not stream.serves_again or not stream.alive:
            stream.end()
            stream.abort()
            return
        stream.receiver = stream.waiter = stream.head = None  # type: ignore[assignment]  # `begin` sets them before they are used
        stream.parts = []
        stream.ended()
        self.streams.remove(stream)
        self._was_idle = False
        self.completed_at = stream.completed_at
        if len(self._spare) < MAX_SPARE:
            self._spare.append(stream)
        if self.is_going_away and not self.streams:
            self.close()

    def stream_ended(self, stream: Stream) -> None:
        """Forget a stream, which is over.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        if stream in self.streams:
            self.streams.remove(stream)
            self._was_idle = False
            self.completed_at = monotonic()
            if self.is_going_away and not self.streams:
                self.close()
            elif self.on_room is not None:
                self.on_room(self)

    def facts(self) -> ConnectionFacts:
        """Return the protocol, the address of the peer, and what TLS has agreed on.

        Example: docs/plugins/hooks.md#connection-hooks
        """
        return facts_of(self.protocol, self.transport)

    # -- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.keep_alive = True

    def buffer_updated(self, nbytes: int) -> None:
        self.receive(self._view[:nbytes].tobytes())

    def receive(self, data: bytes) -> None:
        """Consume the bytes of one read; an error ends the connection.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        try:
            self.receive_bytes(data)
        except Exception as error:  # noqa: BLE001  # of the peer, or of the plugin: it reaches the callers through the streams
            self.fail(error)

    def pause_writing(self) -> None:
        for stream in self.streams:
            stream.pause_writing()

    def resume_writing(self) -> None:
        for stream in list(self.streams):
            stream.resume_writing()

    def eof_received(self) -> bool:
        """The peer has sent all that it will send.

        Example: docs/plugins/protocols.md#the-steps-of-an-exchange
        """
        self.keep_alive = False
        return False  # the transport closes

    def lost_error(self) -> HttpRequestException:
        """The error of the exchanges that go on when the connection is lost."""
        when = "the end of the response" if self.opened_streams else "it took a request"
        return ConnectionClosed(f"the server closed the connection before {when}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = self.keep_alive = False
        if exc is not None and any(stream.sending for stream in self.streams):
            for data in self._read_unread_answer():
                self.receive(data)
        error = self.lost_error()
        error.__cause__ = exc
        self.fail(error)
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost(self)
        if self.on_disconnected is not None:
            self._report_disconnected(exc)

    def _forget_after_fork(self) -> None:
        for stream in self.streams:
            stream.alive = stream.keep_alive = False
            stream.error = stream.error or ConnectionClosed("the connection belongs to the parent process")
        super()._forget_after_fork()
