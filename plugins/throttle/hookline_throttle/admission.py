"""The admission of one request: what it has taken of the limits, until the exchange is over."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from weakref import ref


class Limits(Protocol):
    """Where an admission gives back what it has taken."""

    def leave(self, admission: Admission, *, is_unused: bool) -> None:
        """Give back the slot, and what counts for the rate if no request was sent and nobody was admitted since."""

    def hold(self, admission: Admission, seconds: float) -> None:
        """Admit nobody with this key for some seconds."""

    def lose(self, admission: Admission) -> None:
        """Note that nobody will give it back. This may be called anywhere, also while the limits are being changed."""


class Admission:
    """What one request has taken. `leave` gives it back; if an exchange ends without it, the end of this object does.

    state: the limits of its key, which only `limits` knows. has_slot: does it count as one that is under way?
    throttled: the seconds that it has waited. was_sent: has the network been used?
    before, after: what the rate stood at, as `limits` counts it. max_hold: seconds that the server may hold others back.
    connection: refers to the connection, if it is no longer HTTP and has the slot until it is closed. None = it is HTTP.
    """

    __slots__ = (
        "__weakref__", "after", "before", "connection", "has_slot", "is_open", "limits", "loop", "max_hold", "state",
        "throttled", "was_sent",
    )  # fmt: skip

    def __init__(
        self, limits: Limits, state: Any, loop: asyncio.AbstractEventLoop, before: Any, after: Any, has_slot: bool
    ) -> None:
        self.limits, self.state, self.loop = limits, state, loop
        self.before, self.after, self.has_slot = before, after, has_slot
        self.throttled = self.max_hold = 0.0
        self.connection: ref[Any] | None = None
        self.is_open, self.was_sent = True, False

    def leave(self, *, is_unused: bool = False) -> None:
        """Give back the slot; is_unused: and the rest too, because no request was sent. A second call does nothing."""
        if self.is_open:
            self.is_open = False
            if self.has_slot or is_unused:
                self.limits.leave(self, is_unused=is_unused)

    def __del__(self) -> None:
        # The garbage collector may run anywhere, also while the limits are being changed: so it is left to the loop.
        if self.is_open and self.has_slot:
            try:
                self.loop.call_soon_threadsafe(self.leave)
            except RuntimeError:  # the loop is closed
                self.limits.lose(self)
