"""A limit of the retries of all requests together.

A limit for each call does not protect a server that is down: with three retries for each call it gets four times its load,
just when it can bear least. A budget limits the retries to a share of the requests. The idea and the numbers are those of
Finagle's RetryBudget, which linkerd and tower have too: one retry for each five requests, and ten a second besides for clients
that send few requests, over ten seconds. Finagle deposits and withdraws tokens; here requests and retries are counted, so
that one sentence can state the limit. The count is by whole seconds, so the span is nine to ten seconds.
"""

from __future__ import annotations

import math
from collections import deque


class RetryBudget:
    """In any `seconds` seconds, allow `ratio` retries for each request that is not a retry, and `per_second` a second besides.

    Clients that get the same object share it. `RetryBudget(math.inf)` has no limit.

    Raises: ValueError.

    Example::

        import time
        from hookline import HttpClient, Retry, RetryBudget

        budget = RetryBudget(ratio=0.1, per_second=1)
        client = HttpClient(plugins=["retry"], retry=Retry(budget=budget))
        budget.deposit(time.monotonic())
        print(budget.withdraw(time.monotonic()))
    """

    def __init__(self, ratio: float = 0.2, per_second: float = 10, seconds: int = 10) -> None:
        if not ratio >= 0:
            raise ValueError(f"ratio= takes retries per request from 0 up, not {ratio}")
        if not 0 <= per_second < math.inf:
            raise ValueError(f"per_second= takes retries a second from 0 up, not {per_second}")
        if not 1 <= seconds <= 3600:
            raise ValueError(f"seconds= takes 1 to 3600, not {seconds}")
        self.ratio = ratio
        self.per_second = per_second
        self.seconds = seconds
        self._requests = SlidingWindow(seconds)
        self._retries = SlidingWindow(seconds)

    def deposit(self, now: float) -> None:
        """Count a request that is not a retry. now: seconds of a monotonic clock."""
        self._requests.add(now)

    def withdraw(self, now: float) -> bool:
        """Say whether one more retry is allowed; if so, count it. now: seconds of a monotonic clock."""
        if self.ratio != math.inf:
            allowed = self.ratio * self._requests.count(now) + self.per_second * self.seconds
            if self._retries.count(now) + 1 > allowed:
                return False
        self._retries.add(now)
        return True

    def __repr__(self) -> str:
        return f"RetryBudget(ratio={self.ratio}, per_second={self.per_second}, seconds={self.seconds})"


class SlidingWindow:
    """Count events of the last seconds, the present second included. Times are seconds of a monotonic clock."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._slots: deque[list[int]] = deque(maxlen=seconds)  # second, count
        self._total = 0

    def add(self, now: float) -> None:
        """Count one event."""
        second = int(now)
        slots = self._slots
        if slots and slots[-1][0] == second:
            slots[-1][1] += 1
        else:
            self._drop(second)
            slots.append([second, 1])
        self._total += 1

    def count(self, now: float) -> int:
        """Return the number of events."""
        self._drop(int(now))
        return self._total

    def _drop(self, second: int) -> None:
        slots = self._slots
        while slots and slots[0][0] <= second - self._seconds:
            self._total -= slots.popleft()[1]
