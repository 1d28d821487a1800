"""The limits of a websocket: the size of messages, and the timeouts."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The limits of one websocket.

    max_message_size: bytes, 0 = no limit. ping_interval: seconds, None = no pings. ping_timeout, close_timeout: seconds,
    None = no limit.
    """

    max_message_size: int
    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None
