"""Pings at an interval, to keep the way open and to notice a peer that is gone."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .channel import Channel


class KeepAlive:
    """See the module. A timer, no task. Whatever the peer sends shows that it is there: a pong is not insisted on.

    interval: seconds between two pings. timeout: seconds of silence after one, None = any.
    """

    __slots__ = ("_asked", "_channel", "_interval", "_next", "_reads", "_timeout", "_timer")

    def __init__(self, channel: Channel, interval: float, timeout: float | None) -> None:
        self._channel = channel
        self._interval = interval
        self._timeout = math.inf if timeout is None else timeout
        self._asked = math.inf  # when the first ping went out that nothing has come behind yet
        self._reads = 0
        self._next = channel.loop.time() + interval
        self._timer: asyncio.TimerHandle = channel.loop.call_at(self._next, self._look)

    def _look(self) -> None:
        channel = self._channel
        now = channel.loop.time()
        if channel.reads != self._reads or channel.is_held:
            self._asked = math.inf  # what we leave unread for lack of room is no silence of the peer either
        elif now >= self._asked + self._timeout:
            channel.lose(f"the peer was silent for {self._timeout:g} s after a ping")
            return
        if now >= self._next:
            channel.keep_alive()
            self._next = now + self._interval
            if self._asked == math.inf:
                self._asked, self._reads = now, channel.reads
        self._timer = channel.loop.call_at(min(self._next, self._asked + self._timeout), self._look)

    def stop(self) -> None:
        self._timer.cancel()
