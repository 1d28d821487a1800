"""`max_connections`: a limit on the connections of a client over all routes.

Waiters of all routes are served in the order in which they came. If the limit is reached, the connection of another route that
has been idle for longest is closed to make room. Only clients with such a limit have pools of this kind.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Hashable, Iterable
from itertools import count

from ..http1.connection import Connection
from .pool import Pool
from .timer import Timer


class NumberedWaiter(asyncio.Future["Connection | None"]):
    """A waiter in the queue of a pool. number: its place in the common order of all routes."""

    number = 0


class ConnectionLimit:
    """The limit on the connections of a client over all routes.

    limit: how many there may be. opened: slots in use, over all pools.

    A pool stands in the heap `_queue` if its first waiter could open a connection but for this limit. It is ordered by the
    number that its first waiter had on entry. That waiter may have left since; `first_pool` corrects the number then.
    """

    def __init__(self, limit: int, pools: Callable[[], Iterable[Pool]]) -> None:
        """limit: connections over all routes. pools: returns all pools of the client."""
        self.limit = limit
        self.opened = 0
        self._pools = pools
        self._numbers = count()
        self._queue: list[tuple[int, SharedPool]] = []  # no two numbers are equal, so pools are never compared

    def next_number(self) -> int:
        return next(self._numbers)

    def enqueue(self, pool: SharedPool) -> None:
        """Put a pool into the queue if its first waiter could open a connection but for this limit."""
        number = pool.first_waiter_number()
        if number is not None and not pool.is_queued and pool.opened < pool.limit:
            pool.is_queued = True
            heapq.heappush(self._queue, (number, pool))

    def first_pool(self) -> SharedPool | None:
        """The pool whose first waiter is the next to be served over all routes; None if no pool waits for this limit."""
        while self._queue:
            number, pool = self._queue[0]
            now = pool.first_waiter_number() if pool.opened < pool.limit else None
            if now == number:
                return pool
            heapq.heappop(self._queue)
            pool.is_queued = False
            self.enqueue(pool)
        return None

    def make_room(self) -> bool:
        """Return True if one more connection may be opened; closes an idle one if that is needed."""
        if self.opened < self.limit:
            return True
        pools = [pool for pool in self._pools() if pool.idle]
        if pools:
            min(pools, key=lambda pool: pool.idle[0].completed_at).close_oldest()
        return self.opened < self.limit

    def free_slot(self) -> None:
        """Free a slot: the first waiter over all routes gets it."""
        self.opened -= 1
        while self.opened < self.limit and (pool := self.first_pool()) is not None:
            self.opened += 1
            pool.grant_slot()


class SharedPool(Pool):
    """A pool of a client with `max_connections`. is_queued: True if it stands in the queue of the limit."""

    __slots__ = ("_connection_limit", "is_queued")

    def __init__(
        self,
        key: Hashable,
        limit: int,
        keep_alive: float,
        loop: asyncio.AbstractEventLoop,
        timer: Timer,
        connection_limit: ConnectionLimit,
    ) -> None:
        super().__init__(key, limit, keep_alive, loop, timer)
        self._connection_limit = connection_limit
        self.is_queued = False

    def first_waiter_number(self) -> int | None:
        """The number of the first waiter; None without waiters."""
        return next(
            (waiter.number for waiter in self.waiters if isinstance(waiter, NumberedWaiter) and not waiter.done()), None
        )

    def reserve_slot(self) -> bool:
        if self.opened >= self.limit or not self._connection_limit.make_room():
            return False
        self.opened += 1
        self._connection_limit.opened += 1
        return True

    def join_queue(self) -> asyncio.Future[Connection | None]:
        waiter = NumberedWaiter(loop=self._loop)
        waiter.number = self._connection_limit.next_number()
        self.waiters.append(waiter)
        self._connection_limit.enqueue(self)
        return waiter

    def grant_slot(self) -> None:
        """Give a slot to the first waiter of this pool."""
        self.opened += 1
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def free_slot(self) -> None:
        self.opened -= 1
        self._connection_limit.enqueue(self)
        self._connection_limit.free_slot()

    def release(self, connection: Connection) -> None:
        first = self._connection_limit.first_pool()
        if first is not None and first is not self and not self.waits_before(first):
            connection.keep_alive = False  # a waiter of another route is next: close this connection to make room
        super().release(connection)

    def waits_before(self, other: SharedPool) -> bool:
        """Return True if the first waiter of this pool came before the first one of the other."""
        own, others = self.first_waiter_number(), other.first_waiter_number()
        return own is not None and others is not None and own < others
