"""The pings that wait for their pongs (RFC 6455, section 5.5.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic


class PendingPings:
    """The pings that the user has sent and that no pong has answered yet, in the order in which they were sent."""

    __slots__ = ("_sent",)

    def __init__(self) -> None:
        self._sent: dict[bytes, tuple[asyncio.Future[float], float]] = {}

    def add(self, body: bytes, pong: asyncio.Future[float]) -> None:
        """Note that a ping is sent now. pong: gets the seconds until its pong.

        Raises: ValueError, when a ping with the same body waits already.
        """
        if body in self._sent:
            raise ValueError("a ping with the same body is still waiting for its pong")
        self._sent[body] = pong, monotonic()

    def resolve(self, body: bytes) -> None:
        """Note a pong: it answers its ping, and all pings that were sent before that."""
        if body not in self._sent:
            return
        now = monotonic()  # not the loop's time, which may stand still within a turn of the loop
        for earlier in list(self._sent):
            pong, sent = self._sent.pop(earlier)
            if not pong.done():
                pong.set_result(now - sent)
            if earlier == body:
                return

    def fail(self, new_error: Callable[[], Exception]) -> None:
        """Fail all pings, each with an error of its own, since no pong can come any more."""
        sent, self._sent = self._sent, {}
        for pong, _ in sent.values():
            if not pong.done():
                pong.set_exception(new_error())
                pong.exception()  # marks it as retrieved: asyncio does not log a ping that the user did not await
