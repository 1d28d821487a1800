"""Timeouts: the limits that users set, and the timer that checks the deadlines of all exchanges of a loop.

One timer for all makes a deadline cost 0.15 us; an `asyncio.timeout` around each request costs 3 to 4 us. The timer ends
waits for futures of Hookline. Connecting, handlers and bodies that the user produces run under `asyncio.timeout_at`.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any, Protocol

PARTS = ("total", "pool", "connect", "tls", "read", "write")


class Timeout:
    """Limits on the parts of a call, each in seconds; None or 0 = no limit, which is the default.

    total: the whole call, including follow-ups and every wait; with `stream=True`, until the call returns the response.
    pool: the wait for a free connection. connect: DNS, TCP and, if `tls` is not set, the TLS handshake.
    tls: the TLS handshake alone. read: each wait for the next bytes of the response.
    write: each wait for the peer to accept more of the body. All but `total` start again for each hop, such as a redirect.

    Raises: TypeError or ValueError, if a value is not a number of seconds. A limit that is exceeded raises HttpTimeout or
    one of its subclasses.
    """

    __slots__ = ("_has_parts", "connect", "pool", "read", "tls", "total", "write")

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
        self._has_parts = bool(self.pool or self.connect or self.tls or self.read or self.write)

    def __getstate__(self) -> tuple[None, dict[str, Any]]:  # the pickle protocols 0 and 1 need it for __slots__
        return None, {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeout) and all(getattr(self, n) == getattr(other, n) for n in PARTS)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in PARTS))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={getattr(self, name)}" for name in PARTS if getattr(self, name))
        return f"Timeout({given})"


def seconds(name: str, value: Any) -> float:
    """Check a number of seconds, and return it as a float; 0.0 for None.

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
    """Convert the value of `timeout=`, a Timeout or a number of seconds for the whole call, to a Timeout."""
    return value if isinstance(value, Timeout) else Timeout(value)


class Watched(Protocol):
    """An object with a deadline.

    _due: the loop's time at which the timer calls `_check_deadline`; math.inf = never.
    """

    _due: float

    def _check_deadline(self, now: float) -> float:
        """End what has reached its deadline and return math.inf, or return the loop's time of the next check."""


class Timer:
    """One timer for many deadlines: it wakes at the earliest `_due` of the watched objects, and never while there are none.

    An object may move its `_due` to a later time without a word to the timer, which then schedules it again.
    """

    __slots__ = ("_due", "_handle", "_loop", "_watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: set[Watched] = set()
        self._handle: asyncio.TimerHandle | None = None
        self._due = math.inf

    def add(self, watched: Watched) -> None:
        """Watch an object until its deadline, or until `discard`."""
        self._watched.add(watched)
        if watched._due < self._due:
            self._schedule(watched._due)

    def discard(self, watched: Watched) -> None:
        """Stop watching an object."""
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
        """Cancel the timer, and forget all objects."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._due = math.inf
        self._watched.clear()
