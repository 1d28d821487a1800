"""The connections to one route: idle ones are used last in, first out; waiters are served first in, first out.

`pool_size` limits how many connections a route has. Each takes a slot, from before it is opened until it is closed. A waiter
gets a connection, or a free slot in which to open one. It is never just woken to try again: other calls would
take the slot first, or more connections would be opened than the limit allows.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Hashable
from time import monotonic

from ..copying import no_copy
from ..errors import ClientClosed
from ..http1.connection import Connection
from .timer import Timer

_NEVER = math.inf
# Seconds of idleness after which the kernel is asked for input: 2 us, which a busy client does not pay
PROBE_AFTER = 0.005


class Pool:
    """The connections to one route.

    key: of the route (see `Route.key`).
    limit: how many connections there may be.
    keep_alive: seconds that an idle connection is kept; 0 = none is kept.
    opened: slots in use, by connections that are open or being opened.
    connections: all open ones.
    idle: those that no exchange uses, the one used last at the end.
    waiters: futures of calls in the queue, the first to be served at the left.
    closing: connections that have given their slot up, but still wait for the peer to end TLS.
    close_count: how often the pool was closed. A call that waits meanwhile sees by it that it must not go on.
    reused_before: `reused` of the connections that have left the pool, added up.
    retired: True if the client has dropped the pool, which keeps no idle connections then.
    """

    __slots__ = (
        "_due", "_loop", "_timer", "close_count", "closing", "connections", "idle", "keep_alive",
        "key", "limit", "opened", "retired", "reused_before", "waiters",
    )  # fmt: skip

    def __init__(
        self, key: Hashable, limit: int, keep_alive: float, loop: asyncio.AbstractEventLoop, timer: Timer
    ) -> None:
        self.key = key
        self.limit = limit
        self.keep_alive = keep_alive
        self._loop = loop
        self._timer = timer
        self.idle: list[Connection] = []
        self.connections: set[Connection] = set()
        self.waiters: deque[asyncio.Future[Connection | None]] = deque()
        self.opened = 0
        self._due = math.inf  # when the timer checks the idle connections, in loop time
        self.retired = False
        self.close_count = 0
        self.reused_before = 0
        self.closing: set[Connection] = set()

    def take(self, now: float) -> Connection | None:
        """Take the idle connection that was used last; None if there is none. now: by `time.monotonic`."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if connection.keep_alive:  # not when it is lost, or about to close
                if now - connection.completed_at >= PROBE_AFTER and self.is_stale(connection, now):
                    self.remove(connection)
                    connection.abort()
                    continue
                connection.reused += 1
                return connection
        return None

    def is_stale(self, connection: Connection, now: float) -> bool:
        """Return True if a connection was idle for too long, or has input that the loop has not read yet: bytes, or its end.

        Such bytes answer no request. A late 408 would be taken for the answer to the next one.
        """
        idle = now - connection.completed_at
        return idle >= PROBE_AFTER and (idle >= self.keep_alive or connection.has_unread_input)

    def reserve_slot(self) -> bool:
        """Take a slot to open a connection in; returns False if all are in use."""
        if self.opened >= self.limit:
            return False
        self.opened += 1
        return True

    def join_queue(self) -> asyncio.Future[Connection | None]:
        """Enter the queue. The future gives a connection, or None for a slot to open one in. See `leave_queue`."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self.waiters.append(waiter)
        return waiter

    def leave_queue(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Leave the queue; what the future has been given already goes to the next in the queue."""
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

    def add(self, connection: Connection) -> None:
        """Add a connection that was opened in a slot from `reserve_slot` or `join_queue`."""
        connection.on_lost = self.remove
        self.connections.add(connection)

    def free_slot(self) -> None:
        """Free a slot: the first in the queue gets it."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.opened -= 1

    def release(self, connection: Connection) -> None:
        """Take back the connection of an exchange that is over: give it to a waiter, keep it idle, or close it."""
        if not (connection.on_fast_path and connection.keep_alive and self.keep_alive):
            if not (connection.is_reusable and self.keep_alive):
                self._close(connection)
                return
            connection.end()
        connection.receiver = None  # type: ignore[assignment]  # on the fast path, this and `parts` are all to clear
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

    def remove(self, connection: Connection) -> None:
        """Remove a connection that is lost, detached or about to be closed, and free its slot."""
        if connection in self.connections:
            self._discard(connection)
            if connection in self.idle:
                self.idle.remove(connection)
            self.free_slot()

    def reclaim_slot(self, connection: Connection) -> None:
        """Close a connection that a waiter got, but that is closing already; the waiter keeps its slot."""
        connection.reused -= 1
        self._discard(connection)
        connection.abort()

    def _discard(self, connection: Connection) -> None:
        connection.on_lost = None
        self.connections.discard(connection)
        self.reused_before += connection.reused

    def _close(self, connection: Connection) -> None:
        self.remove(connection)
        if connection.has_unsent:
            connection.abort()  # a close would first wait until the peer takes the rest
        elif connection.alive:
            self.closing.add(connection)
            connection.on_lost = self.closing.discard
            connection.close()

    @property
    def reused(self) -> int:
        """How many exchanges used a connection that had served another before."""
        return self.reused_before + sum(connection.reused for connection in self.connections)

    def close_oldest(self) -> None:
        """Close the connection that has been idle for longest."""
        self._close(self.idle[0])

    def _check_deadline(self, now: float) -> float:
        """Close connections that were idle for too long; returns when to check again, in loop time, math.inf = never."""
        ended = monotonic() - self.keep_alive
        while self.idle and self.idle[0].completed_at <= ended:
            self.close_oldest()
        if self.idle:
            return now + max(self.idle[0].completed_at - ended, 0.01)
        self._timer.discard(self)
        return math.inf

    def retire(self) -> None:
        """Keep no idle connections from now on: the client has dropped the pool."""
        self.retired = True
        self.keep_alive = 0.0

    @property
    def is_empty(self) -> bool:
        """True without connections, waiters and slots in use."""
        return not self.connections and not self.waiters and not self.opened

    @property
    def has_waiting_calls(self) -> bool:
        """True if a call waits for a connection, or for more of a response."""
        return bool(self.waiters) or any(not connection.complete for connection in self.connections)

    def fail_waiters(self) -> None:
        """End the waits in the queue with ClientClosed."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_exception(ClientClosed("the client was closed"))

    def fail_exchanges(self) -> None:
        """End with ClientClosed what waits for more of a response, and by `close_count` what opens a connection."""
        self.close_count += 1
        for connection in list(self.connections):
            if not connection.complete:
                self.remove(connection)
                connection.fail(ClientClosed("the client was closed"))

    def close(self) -> None:
        """Close all connections, which no exchange uses any more."""
        self._timer.discard(self)
        self._due = math.inf
        for connection in list(self.connections):
            self._close(connection)

    def forget_all(self) -> None:
        """Forget all connections and waiters, without a call to their loop, which is closed."""
        self.reused_before = self.reused
        for connection in self.connections:
            connection.on_lost = None
            connection.alive = connection.keep_alive = False
            connection.transport = None  # type: ignore[assignment]  # its loop is closed
        self.connections.clear()
        self.idle.clear()
        self.waiters.clear()
        self.retire()

    __reduce__ = no_copy("a Pool", "its connections belong to one process")

    def __repr__(self) -> str:
        return f"<Pool {self.opened} of {self.limit} open, {len(self.idle)} idle, {len(self.waiters)} waiting>"
