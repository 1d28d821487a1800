"""How many connections a client may have over all routes: `max_connections`.

Those who wait are served first come, first served over all routes. To make room, an idle connection of another route is
closed, the one that was idle for longest. Only clients with such a limit have pools of this kind.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Hashable, Iterable
from itertools import count

from ..http1.connection import Connection
from .pool import Pool
from .timer import Timer


class QueuePlace(asyncio.Future["Connection | None"]):
    """A place in the line of a pool, with its number in the line of all."""

    number = 0


class ConnectionLimit:
    """See the module. `opened` counts what the pools count.

    Pools whose first waiter could open a connection stand in `_line`, by the number of that waiter as it was when they
    came there; a number that is too low by now is put right when it is looked at.
    """

    def __init__(self, limit: int, pools: Callable[[], Iterable[Pool]]) -> None:
        """pools: all of the client."""
        self.limit = limit
        self.opened = 0
        self._pools = pools
        self._numbers = count()
        self._line: list[tuple[int, SharedPool]] = []  # no two have the same number

    def next_number(self) -> int:
        return next(self._numbers)

    def queue(self, pool: SharedPool) -> None:
        """A pool has a waiter that could open a connection, were it not for the ceiling."""
        number = pool.first_number()
        if number is not None and not pool.is_queued and pool.opened < pool.limit:
            pool.is_queued = True
            heapq.heappush(self._line, (number, pool))

    def first(self) -> SharedPool | None:
        """The pool whose waiter is the first in the line of all."""
        while self._line:
            number, pool = self._line[0]
            now = pool.first_number() if pool.opened < pool.limit else None
            if now == number:
                return pool
            heapq.heappop(self._line)
            pool.is_queued = False
            self.queue(pool)
        return None

    def make_room(self) -> bool:
        """Is there room for one more, once an idle one is closed where that is needed?"""
        if self.opened < self.limit:
            return True
        pools = [pool for pool in self._pools() if pool.idle]
        if pools:
            min(pools, key=lambda pool: pool.idle[0].completed_at).close_oldest()
        return self.opened < self.limit

    def free(self) -> None:
        """A connection is no more: the first in the line may open one."""
        self.opened -= 1
        while self.opened < self.limit and (pool := self.first()) is not None:
            self.opened += 1
            pool.grant_slot()


class SharedPool(Pool):
    """A pool of a client with a limit over all routes."""

    __slots__ = ("_connection_limit", "is_queued")

    def __init__(
        self,
        key: Hashable,
        limit: int,
        keep_alive: float,
        loop: asyncio.AbstractEventLoop,
        watch: Timer,
        ceiling: ConnectionLimit,
    ) -> None:
        super().__init__(key, limit, keep_alive, loop, watch)
        self._connection_limit = ceiling
        self.is_queued = False

    def first_number(self) -> int | None:
        """The number of the first that waits; None when nobody does."""
        return next((turn.number for turn in self.waiters if isinstance(turn, QueuePlace) and not turn.done()), None)

    def reserve_slot(self) -> bool:
        if self.opened >= self.limit or not self._connection_limit.make_room():
            return False
        self.opened += 1
        self._connection_limit.opened += 1
        return True

    def join_queue(self) -> asyncio.Future[Connection | None]:
        turn = QueuePlace(loop=self._loop)
        turn.number = self._connection_limit.next_number()
        self.waiters.append(turn)
        self._connection_limit.queue(self)
        return turn

    def grant_slot(self) -> None:
        """The first that waits here may open a connection."""
        self.opened += 1
        while self.waiters:
            turn = self.waiters.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def free_slot(self) -> None:
        self.opened -= 1
        self._connection_limit.queue(self)
        self._connection_limit.free()

    def release(self, connection: Connection) -> None:
        first = self._connection_limit.first()
        if first is not None and first is not self and not self.is_before(first):
            connection.keep_alive = False  # it is the turn of another route: this connection makes room
        super().release(connection)

    def is_before(self, other: SharedPool) -> bool:
        """Did the first that waits here come before the first that waits there?"""
        own, others = self.first_number(), other.first_number()
        return own is not None and others is not None and own < others
