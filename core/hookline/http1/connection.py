"""One connection: an asyncio protocol that sends requests as bytes and takes responses apart, one exchange at a time.

Most exchanges see one read, with a whole response in it, and nothing else. They go through `begin`, `_take_first` and `end`,
and leave nothing behind that would have to be cleared; `is_used` says that something else happened. The caller reads `head`
and `parts` then, and nobody is told of the head.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import ConnectionClosed, no_copy
from .heads import Asker, Heads
from .inflow import Tap
from .unread_answer import Unread

if TYPE_CHECKING:
    from ..network.timings import Opening


class Connection(Heads):
    """See the module. An exchange calls `begin`, writes, and awaits `waiter`; then it reads `head` and `parts`."""

    __slots__ = ("_ended", "_in_order", "_unread", "key", "on_lost", "opening", "reused")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.reused = 0  # how often it was taken after its first exchange
        self.on_lost: Callable[[Connection], None] | None = None
        self.key: Any = None  # of the route that it was opened for
        self.opening: Opening | None = None  # how long that took, where its route says so
        self._unread: Unread | None = None

    __reduce__ = no_copy("a Connection", "it belongs to the loop that opened it")

    def _clear(self) -> None:
        super()._clear()
        self._ended = False

    # -- an exchange

    def begin(self, asker: Asker) -> asyncio.Future[None]:
        """Get ready for a response; the future is done when there is something to see.

        What is known of a request that is not like most others comes behind it: see `expect`.
        """
        if self.is_used:
            self._clear()
        self.asker = asker
        self.head = None
        self.complete = False
        self._take = _TAKE_FIRST
        waiter: Future[None] = Future(loop=self.loop)  # what create_future() gives, for a call less
        self.waiter = waiter
        return waiter

    def expect(self, method: str, limit: int = 0, tap: Tap | None = None, *, sending: bool = False) -> None:
        """Look at every head and each read of this response, and tell the asker.

        method: of the request, which decides whether there is a body. limit: the most bytes of body that are taken, 0 =
        any. tap: who sees the bytes as they come. sending: the response may come before the request is sent.
        """
        self.is_used = True
        self.method = method
        self.limit = limit
        self.tap = tap
        self.sending = sending
        self._take = Connection._take_head

    @contextmanager
    def held(self) -> Iterator[None]:
        """While a body is sent over TLS: what the peer says is read even if a write fails meanwhile."""
        if self.transport.get_extra_info("ssl_object") is None:
            yield  # the socket is there when a write fails
            return
        with closing(Unread(self.transport)) as self._unread:
            try:
                yield
            finally:
                self._unread = None

    def flow(self, *, bounded: bool) -> None:
        """Go on behind the head: the handlers have seen it. bounded: stop reading at 256 KiB that nobody took."""
        self.is_used = True
        self.bounded = bounded
        if self._backlog is not None:
            backlog, self._backlog = self._backlog, None
            for rest, data in backlog:
                self._parse(rest, data)
            if self._ended:
                self._end_of_input(None)
        if not bounded:
            self.resume()

    def end(self) -> None:
        """The exchange is over: forget it. Bytes from now on belong to nobody."""
        self.asker = self.waiter = None  # type: ignore[assignment]  # `begin` sets them before they are used
        self.tap = None
        self.parts = []
        self._take = Connection._take_stray

    @property
    def is_reusable(self) -> bool:
        """May another exchange use it?"""
        return (
            self.keep_alive
            and self.complete
            and self.alive
            and not self.paused
            and not self.sending
            and self.can_write is None
        )

    @property
    def has_unsent(self) -> bool:
        """Is a part of the request still to be sent? The response was there first."""
        return self.sending or self.can_write is not None

    # -- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream transport is what create_connection makes
        self.alive = True

    def pause_writing(self) -> None:
        self.is_used = True
        super().pause_writing()

    def eof_received(self) -> bool:
        """The peer has sent all that it will."""
        self.keep_alive = False
        if not self.complete and self.error is None:
            self._end_of_input(None)
        return False  # the transport closes

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = self.keep_alive = False
        if self.sending and exc is not None and not self.complete and self.error is None and not self.paused:
            self._read_unread()
        if not self.complete and self.error is None:
            self._end_of_input(exc)
        self.let_write()
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost(self)

    def leave_parent(self) -> None:
        super().leave_parent()
        if self._unread is not None:
            self._unread.close()

    def _read_unread(self) -> None:
        """A write failed: the peer may have said why."""
        with closing(self._unread or Unread(self.transport)) as unread:
            for data in unread.read():
                self.take_bytes(data)
                if self.complete or self.error is not None:
                    break

    def _end_of_input(self, exc: Exception | None) -> None:
        """Nothing more will come: only a body without length and chunks is complete by that (RFC 9112, section 6.3), and
        over TLS only where that was closed too (section 9.8): a FIN is in the power of anybody on the way."""
        if self._backlog is not None and exc is None:
            # judged when what came before it has been parsed; by then uvloop's TLS would have forgotten
            self._ended, self._in_order = True, self.is_closed_in_order
        elif (
            self._take is Connection._take_until_close
            and exc is None
            and (self._in_order if self._ended else self.is_closed_in_order)
        ):
            self._complete()
        else:
            self.fail(self._lost(exc))

    def _lost(self, exc: Exception | None) -> ConnectionClosed:
        if not self.head:
            what = "before the response" if not self.read_anything else "within the head of the response"
        elif self._take is Connection._take_length:
            what = f"{self._remaining} bytes before the end of the body"
        elif self._take is Connection._take_until_close and exc is None:
            what = "without closing TLS: the body may be cut"
        else:
            what = "within the body"
        error = ConnectionClosed(f"the server closed the connection {what}")
        error.__cause__ = exc
        return error


_TAKE_FIRST = Connection._take_first  # 0.03 us less than to look for it in the class
