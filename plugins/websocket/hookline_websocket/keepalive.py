"""Pings at an interval, to keep the way open and to notice a peer that is gone."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .channel import Channel


class KeepAlive:
    """See the module. A timer, no task. Whatever the peer sends shows that it is there: a pong is not insisted on.

    interval: seconds between two pings. timeout: seconds of silence after one, None = any.
    """

    __slots__ = ("_channel", "_interval", "_reads", "_timeout", "_timer")

    def __init__(self, channel: Channel, interval: float, timeout: float | None) -> None:
        self._channel = channel
        self._interval = interval
        self._timeout = timeout
        self._reads = 0
        self._timer: asyncio.TimerHandle = channel.loop.call_later(interval, self._ping)

    def _ping(self) -> None:
        channel = self._channel
        self._reads = channel.reads
        channel.transport.write(channel.parser.ping(os.urandom(4)))
        if self._timeout is None:
            self._timer = channel.loop.call_later(self._interval, self._ping)
        else:
            self._timer = channel.loop.call_later(self._timeout, self._judge)

    def _judge(self) -> None:
        # what we leave unread for lack of room is no silence of the peer
        channel = self._channel
        if channel.reads == self._reads and not channel.is_held:
            channel.lose(f"the peer was silent for {self._timeout:g} s after a ping")
        else:
            self._timer = channel.loop.call_later(max(self._interval - (self._timeout or 0.0), 0.0), self._ping)

    def stop(self) -> None:
        self._timer.cancel()
