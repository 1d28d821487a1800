"""Timeouts: what users give, and the one timer of a client that watches over all that is in flight.

A deadline costs 0.15 us so, against 3 to 4 for an `asyncio.timeout` around each request. What waits for one of our
own futures is watched by the timer; connecting, a handler, or a body that the user produces is put under
`asyncio.timeout_at`.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any, Protocol

PARTS = ("total", "pool", "connect", "tls", "read", "write")


class Timeout:
    """Seconds for the parts of a call; None (or 0) means that a part may take any time.

    total: from the call to its return, follow-ups and every wait included; up to the hand-out for a stream.
    pool: waiting for a free connection. connect: DNS, TCP and, without `tls`, the handshake. tls: the handshake alone.
    read: between two reads. write: while the peer takes nothing more of the body. The parts begin anew at each hop.

    Raises: TypeError or ValueError, for what is no number of seconds.
    """

    __slots__ = ("connect", "has_parts", "pool", "read", "tls", "total", "write")

    def __init__(
        self,
        total: float | None = None,
        *,
        pool: float | None = None,
        connect: float | None = None,
        tls: float | None = None,
        read: float | None = None,
        write: float | None = None,
    ) -> None:
        self.total = seconds("total", total)
        self.pool = seconds("pool", pool)
        self.connect = seconds("connect", connect)
        self.tls = seconds("tls", tls)
        self.read = seconds("read", read)
        self.write = seconds("write", write)
        self.has_parts = bool(self.pool or self.connect or self.tls or self.read or self.write)

    def __getstate__(self) -> tuple[None, dict[str, Any]]:  # pickle's protocols 0 and 1 ask for it
        return None, {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeout) and all(getattr(self, n) == getattr(other, n) for n in PARTS)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in PARTS))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={getattr(self, name)}" for name in PARTS if getattr(self, name))
        return f"Timeout({given})"


def seconds(name: str, value: Any) -> float:
    """A number of seconds; 0.0 for none.

    Raises: TypeError, ValueError.
    """
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"timeout {name}: expected seconds as a number or None, got {type(value).__name__}")
    if not value >= 0 or math.isinf(value):
        raise ValueError(f"timeout {name}: expected seconds from 0 up, got {value}")
    return float(value)


def as_timeout(value: Any) -> Timeout:
    """What a user gives as `timeout=`: a Timeout, or seconds for the whole call."""
    return value if isinstance(value, Timeout) else Timeout(value)


class Watched(Protocol):
    """Something in flight. `due` is when to look at it, in loop time."""

    _due: float

    def _check_deadline(self, now: float) -> float:
        """Its time has come: end it, and return math.inf; or return when to look again."""


class Timer:
    """The timer: it wakes at the earliest `due` of what is in flight, and not at all when nothing is."""

    __slots__ = ("_due", "_handle", "_loop", "_watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: set[Watched] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._due = math.inf

    def add(self, watched: Watched) -> None:
        self._watched.add(watched)
        if watched._due < self._due:
            self._schedule(watched._due)

    def discard(self, watched: Watched) -> None:
        self._watched.discard(watched)

    def _schedule(self, due: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._due = due
        self._handle = self._loop.call_at(due, self._check)

    def _check(self) -> None:
        self._handle = None
        self._due = math.inf
        now = self._loop.time()
        earliest = math.inf
        for watched in list(self._watched):
            if watched._due <= now:
                watched._due = watched._check_deadline(now)
                if watched._due == math.inf:
                    self._watched.discard(watched)
            earliest = min(earliest, watched._due)
        if earliest < self._due:
            self._schedule(max(earliest, now))

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._due = math.inf
        self._watched.clear()
