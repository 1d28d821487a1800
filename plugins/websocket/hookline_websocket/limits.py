"""The limits of a websocket: the size of messages, the timeouts, and how much may wait."""

from __future__ import annotations

from typing import NamedTuple

HIGH_WATER = 256 * 1024  # bytes that wait before reading pauses
LOW_WATER = 64 * 1024  # bytes that wait when it resumes
MESSAGE_OVERHEAD = 64  # bytes that a waiting message takes besides its content, so that empty ones count too


class Limits(NamedTuple):
    """The limits of one websocket.

    max_message_size: bytes, 0 = no limit. ping_interval: seconds, None = no pings. ping_timeout, close_timeout: seconds,
    None = no limit.
    """

    max_message_size: int
    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None
