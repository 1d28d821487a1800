"""When an event stream is opened again, and after what time."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

MAX_DOUBLINGS = 32  # of a wait; far beyond any max_delay, and a float can hold it


@dataclass(frozen=True)
class Reconnect:
    """How an event stream is opened again after its end or a lost connection.

    delay: seconds to wait after a stream has ended, until the server sends a `retry` field, which replaces it.
    max_delay: seconds; no wait is longer, whatever the server asks.
    jitter: each wait is a random time from its length to `1 + jitter` times that, so that clients that have lost a server
        together do not come back together. 0 = none.
    attempts: how many attempts may fail one after the other; the error of the last one is raised. An attempt that opens a stream
        ends the count. The wait doubles with each failure, and is then never less than `delay`. None = any number.

    Raises: TypeError, ValueError.

    Example: docs/event-streams.md#reconnecting
    """

    delay: float = 1.0
    max_delay: float = 300.0
    jitter: float = 0.5
    attempts: int | None = 5

    def __post_init__(self) -> None:
        for name in ("delay", "max_delay", "jitter"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name}= takes a number, not {type(value).__name__}")
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}= takes a finite number from 0 up, not {value}")
        if self.attempts is None:
            return
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):
            raise TypeError(f"attempts= takes a number or None, not {type(self.attempts).__name__}")
        if self.attempts < 1:
            raise ValueError(f"attempts= takes 1 or more, or None for any number, not {self.attempts}")

    def wait(self, retry: int | None, failures: int) -> float:
        """Return the seconds to wait before the next attempt.

        retry: the milliseconds that the server asked for; None = it did not. failures: attempts that failed since the last
        stream was open.

        Example::

            from hookline_sse import Reconnect

            print([Reconnect(delay=2, jitter=0).wait(None, failures) for failures in range(4)])
        """
        seconds = self.delay if retry is None else retry / 1000
        if failures:
            seconds = max(seconds, self.delay) * 2.0 ** min(failures - 1, MAX_DOUBLINGS)
        shortest = min(seconds, self.max_delay / (1 + self.jitter))
        return shortest * random.uniform(1, 1 + self.jitter)  # noqa: S311  # spreads load; nothing to guess


def as_reconnect(value: Any, method: str) -> Reconnect | None:
    """Convert the value of `reconnect=`: a Reconnect, True for the default one, False for none; None = as the method says.

    A GET reconnects by default. Another method does not, since the server might do once more what it was asked to do.

    Raises: TypeError.
    """
    if value is None:
        value = method == "GET"
    if isinstance(value, bool):
        return Reconnect() if value else None
    if not isinstance(value, Reconnect):
        raise TypeError(f"reconnect= takes True, False or a Reconnect, not {type(value).__name__}")
    return value
