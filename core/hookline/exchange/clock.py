"""How long an exchange may take: the deadline of its call, and the limits of its parts."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import HttpTimeout, ReadTimeout

if TYPE_CHECKING:
    from ..http1.connection import Connection
    from .request import HttpRequest

T = TypeVar("T")


class Clocked:
    """See the module. Watched by the client's timer while it waits for one of our own futures.

    due: when the timer looks next, in loop time.
    """

    __slots__ = ("__dict__", "__weakref__", "connection", "due", "request")
    request: HttpRequest
    connection: Connection | None
    due: float
    was_handed_out = False
    _waiter: asyncio.Future[Any] | None = None
    _phase: tuple[type[HttpTimeout], float, float] | None = None

    def wait_for(
        self,
        waiter: asyncio.Future[Any] | None,
        kind: type[HttpTimeout] = HttpTimeout,
        seconds: float = 0.0,
        *,
        total: bool = True,
    ) -> None:
        """Watch over a wait: for the pool's future, or (None) for the connection. seconds: of this part of the call."""
        self._waiter = waiter
        scope = self.request.client.scope
        now = scope.loop.time()
        self._phase = (kind, seconds, now) if seconds else None
        deadline = self.request.deadline if total else 0.0
        self.due = min(deadline or math.inf, now + seconds if seconds else math.inf)
        if self.due != math.inf:
            scope.watch.add(self)
        else:
            scope.watch.discard(self)

    def watch_deadline(self) -> None:
        """Watch over a wait for the connection that nothing but the deadline limits."""
        self.due = self.request.deadline
        self.request.client.scope.watch.add(self)

    def unwatch(self) -> None:
        if self.due != math.inf:
            self.due = math.inf
            self.request.client.scope.watch.discard(self)

    def look(self, now: float) -> float:
        """Told by the timer: end what took too long, or say when to look again."""
        deadline = self.request.deadline if not self.was_handed_out else 0.0
        if deadline and now >= deadline:
            self._expire(self.timed_out(HttpTimeout))
            return math.inf
        if self._phase is None:
            return deadline or math.inf
        kind, seconds, start = self._phase
        if kind is ReadTimeout and self.connection is not None:
            start = max(start, self.connection.last_read)
        if now >= start + seconds:
            self._expire(self.timed_out(kind))
            return math.inf
        return min(deadline or math.inf, start + seconds)

    def _expire(self, error: HttpTimeout) -> None:
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_exception(error)
        elif self.connection is not None:
            self.connection.fail(error)

    def timed_out(self, kind: type[HttpTimeout]) -> HttpTimeout:
        """The error for a part of the call that took too long."""
        timeout = self.request.timeout
        part = {"ConnectTimeout": "connect", "PoolTimeout": "pool", "ReadTimeout": "read", "WriteTimeout": "write"}
        name = part.get(kind.__name__, "total")
        return kind(
            f"{self.request.method} {self.request.where.origin}: {name} timeout of {getattr(timeout, name):g} s",
            request=self.request,
        )

    def is_past_deadline(self) -> bool:
        deadline = self.request.deadline
        # a timer may come a millisecond early: uvloop counts in whole ones
        return bool(deadline) and self.request.client.scope.loop.time() >= deadline - 0.002

    async def timed(self, awaitable: Awaitable[T], kind: type[HttpTimeout] = HttpTimeout, seconds: float = 0.0) -> T:
        """Await what is not one of our own futures, under the total timeout and one of its own.

        Raises: `kind` after `seconds`, HttpTimeout at the deadline.
        """
        deadline = self.request.deadline or math.inf
        scope = self.request.client.scope
        with scope.section():
            if deadline == math.inf and not seconds:
                return await awaitable
            own = scope.loop.time() + seconds if seconds else math.inf
            limit = asyncio.timeout_at(min(deadline, own))
            try:
                async with limit:
                    return await awaitable
            except TimeoutError as error:
                if isinstance(error, HttpTimeout) or not limit.expired():
                    raise
                raise self.timed_out(kind if own < deadline else HttpTimeout) from None
