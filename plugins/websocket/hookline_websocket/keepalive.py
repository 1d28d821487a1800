"""Pings at an interval: they keep middleboxes from closing an idle connection, and detect a peer that is gone."""

from __future__ import annotations

import asyncio
import math
from typing import Protocol


class KeptAlive(Protocol):
    """The connection that is kept alive.

    reads: how often data came. is_reading_paused: True while it reads nothing, since its user does not take messages.
    """

    loop: asyncio.AbstractEventLoop
    reads: int
    is_reading_paused: bool

    def send_keepalive_ping(self) -> None:
        """Send a ping."""

    def abort(self, message: str) -> None:
        """End the connection, since the peer is gone. message: for the error that the user gets."""


class KeepAlive:
    """A timer that sends pings and ends the connection when the peer is silent.

    Any data from the peer shows that it is alive; it need not be a pong.
    interval: seconds between two pings. timeout: seconds of silence after a ping, None = no limit.
    """

    __slots__ = ("_connection", "_interval", "_next_ping", "_reads", "_timeout", "_timer", "_unanswered_since")

    def __init__(self, connection: KeptAlive, interval: float, timeout: float | None) -> None:
        self._connection = connection
        self._interval = interval
        self._timeout = math.inf if timeout is None else timeout
        self._unanswered_since = math.inf  # when the first ping was sent after which no data has come
        self._reads = 0  # at that time
        self._next_ping = connection.loop.time() + interval
        self._timer: asyncio.TimerHandle = connection.loop.call_at(self._next_ping, self._check)

    def _check(self) -> None:
        """End the connection or send a ping, if it is time for either, and set the timer again."""
        connection = self._connection
        now = connection.loop.time()
        if connection.reads != self._reads or connection.is_reading_paused:
            self._unanswered_since = math.inf  # while reading is paused, the peer may well have sent data
        elif now >= self._unanswered_since + self._timeout:
            connection.abort(f"the peer was silent for {self._timeout:g} s after a ping")
            return
        if now >= self._next_ping:
            connection.send_keepalive_ping()
            self._next_ping = now + self._interval
            if self._unanswered_since == math.inf:
                self._unanswered_since, self._reads = now, connection.reads
        self._timer = connection.loop.call_at(min(self._next_ping, self._unanswered_since + self._timeout), self._check)

    def stop(self) -> None:
        """Cancel the timer."""
        self._timer.cancel()
