"""The connections to one route: idle ones last in first out, waiters first in first out.

A waiter gets the connection itself, or the right to open one, never a wake-up after which it has to look: others
would be faster, and more connections would be opened than the limit allows.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Hashable
from time import monotonic

from ..copying import no_copy
from ..errors import ClientClosed
from ..http1.connection import Connection
from ..messages.timeout import Timer

_NEVER = math.inf
ASK_AFTER = 0.005  # seconds of idleness behind which the kernel is asked: 2 us, which a busy client does not pay


class Pool:
    """See the module. `opened` counts connections that are open, and those that somebody is opening.

    limit: how many at most. keep_alive: seconds that an idle one is kept. closing: those that are no more counted, but
    wait for the peer to end TLS. closings: how often it was closed.
    """

    __slots__ = (
        "_due", "_loop", "_openings", "_timer", "close_count", "closing", "connections", "idle", "keep_alive",
        "key", "limit", "opened", "retired", "reused_before", "waiters",
    )  # fmt: skip

    def __init__(
        self, key: Hashable, limit: int, keep_alive: float, loop: asyncio.AbstractEventLoop, watch: Timer
    ) -> None:
        self.key = key
        self.limit = limit
        self.keep_alive = keep_alive
        self._loop = loop
        self._timer = watch
        self.idle: list[Connection] = []
        self.connections: set[Connection] = set()
        self.waiters: deque[asyncio.Future[Connection | None]] = deque()
        self.opened = 0
        self._due = math.inf
        self.retired = False
        self.close_count = 0
        self.reused_before = 0  # how often those were used again that are no more
        self._openings: set[asyncio.Timeout] = set()
        self.closing: set[Connection] = set()

    def take(self, now: float) -> Connection | None:
        """An idle connection, the one that was used last; None when there is none. now: as `time.monotonic` tells."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if connection.keep_alive:  # not when it is lost, or about to close
                if now - connection.completed_at >= ASK_AFTER and self.is_stale(connection, now):
                    self.remove(connection)
                    connection.abort()
                    continue
                connection.reused += 1
                return connection
        return None

    def is_stale(self, connection: Connection, now: float) -> bool:
        """Was it idle for too long, or did the peer close it, or send something, while the loop was blocked?

        Whatever came belongs to no request: a late 408 would be taken for the answer to the next one.
        """
        idle = now - connection.completed_at
        return idle >= ASK_AFTER and (idle >= self.keep_alive or connection.has_unread_input)

    def reserve_slot(self) -> bool:
        """Take the right to open a connection, where the limit allows it."""
        if self.opened >= self.limit:
            return False
        self.opened += 1
        return True

    def join_queue(self) -> asyncio.Future[Connection | None]:
        """Stand in line. The future gives a connection, or None for the right to open one. See `leave`."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self.waiters.append(waiter)
        return waiter

    def leave_queue(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Somebody waits no more; what was given to it already goes on to the next."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self.free_slot()
            else:
                self.release(connection)
        else:
            waiter.cancel()
            if waiter in self.waiters:
                self.waiters.remove(waiter)

    async def await_opening(self, connect: Awaitable[Connection]) -> Connection:
        """Await a connection that is being opened; `close` ends that.

        Raises: ClientClosed, when the client was closed meanwhile; whatever the opening raises.
        """
        limit = asyncio.timeout(None)
        self._openings.add(limit)
        try:
            async with limit:
                return await connect
        except TimeoutError:
            if limit.expired():
                raise ClientClosed("the client was closed") from None
            raise
        finally:
            self._openings.discard(limit)

    def add(self, connection: Connection) -> None:
        """A connection was opened with a right that `reserve` or `wait` gave."""
        connection.on_lost = self._lost
        self.connections.add(connection)

    def free_slot(self) -> None:
        """A right, or a connection, is no more: the next in line may open one."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.opened -= 1

    def release(self, connection: Connection) -> None:
        """An exchange is over: hand its connection on, or close it when it cannot serve another."""
        if not (connection.on_fast_path and connection.keep_alive and self.keep_alive):
            if not (connection.is_reusable and self.keep_alive):
                self._end(connection)
                return
            connection.end()
        connection.receiver = None  # type: ignore[assignment]  # after one read (see Connection) this is all that is left
        connection.parts = []
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                connection.reused += 1
                waiter.set_result(connection)
                return
        self.idle.append(connection)
        if self._due == _NEVER:
            self._due = self._loop.time() + self.keep_alive
            self._timer.add(self)

    def _end(self, connection: Connection) -> None:
        self.remove(connection)
        if connection.has_unsent:
            connection.abort()  # closing in order would wait for a peer that takes no more
        else:
            self._close(connection)

    def remove(self, connection: Connection) -> None:
        """Count a connection no more: it is closed, detached or lost."""
        if connection in self.connections:
            connection.on_lost = None
            self._forget(connection)
            self.free_slot()

    def replace_closing(self, connection: Connection) -> None:
        """Count a connection no more that was given to a waiter and is closing; its right to one is the waiter's."""
        connection.on_lost = None
        connection.reused -= 1
        self._forget(connection)
        connection.abort()

    def _close(self, connection: Connection) -> None:
        if connection.alive:
            self.closing.add(connection)
            connection.on_lost = self.closing.discard
            connection.close()

    def _lost(self, connection: Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)
        self._forget(connection)
        self.free_slot()

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.reused_before += connection.reused

    @property
    def reused(self) -> int:
        """How many exchanges went over a connection that had carried one before."""
        return self.reused_before + sum(connection.reused for connection in self.connections)

    def close_oldest(self) -> None:
        """Close the idle connection that was not used for longest."""
        connection = self.idle.pop(0)
        self.remove(connection)
        self._close(connection)

    def _check_deadline(self, now: float) -> float:
        """Close what was idle for too long; returns when to look again, in loop time."""
        ended = monotonic() - self.keep_alive
        while self.idle and self.idle[0].completed_at <= ended:
            self.close_oldest()
        if self.idle:
            return now + max(self.idle[0].completed_at - ended, 0.01)
        self._timer.discard(self)
        return math.inf

    def retire(self) -> None:
        """Nobody asks it for a connection any more, and it keeps none."""
        self.retired = True
        self.keep_alive = 0.0

    @property
    def is_empty(self) -> bool:
        return not self.connections and not self.waiters and not self.opened

    @property
    def has_waiters(self) -> bool:
        """Does anybody wait for a connection, or for more of a response?"""
        return bool(self.waiters or self._openings) or any(not c.complete for c in self.connections)

    def end_exchanges(self) -> None:
        """Those who wait for a connection, or for more of a response, get an error."""
        self.close_count += 1
        self.fail_waiters()
        while self._openings:
            self._openings.pop().reschedule(self._loop.time())
        for connection in list(self.connections):
            if not connection.complete:
                self.remove(connection)
                connection.fail(ClientClosed("the client was closed"))

    def close(self) -> None:
        """Close all connections; those who use one, or wait, get an error."""
        self.end_exchanges()
        self._timer.discard(self)
        self._due = math.inf
        self.idle.clear()
        for connection in list(self.connections):
            self.remove(connection)
            self._close(connection)

    def fail_waiters(self) -> None:
        """Those who wait get an error."""
        waiters, self.waiters = self.waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(ClientClosed("the client was closed"))

    def forget_all(self) -> None:
        """Forget everything: the loop of these connections is closed."""
        self.reused_before = self.reused
        for connection in self.connections:
            connection.on_lost = None
            connection.alive = connection.keep_alive = False
            connection.transport = None  # type: ignore[assignment]  # it belongs to a loop that is no more
        self.connections.clear()
        self.idle.clear()
        self.waiters.clear()
        self.retire()

    __reduce__ = no_copy("a Pool", "its connections belong to one process")

    def __repr__(self) -> str:
        return f"<Pool {self.opened} of {self.limit} open, {len(self.idle)} idle, {len(self.waiters)} waiting>"
