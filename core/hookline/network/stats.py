"""What a client says of its connections: `client.stats()`."""

from __future__ import annotations

from typing import NamedTuple


class Stats(NamedTuple):
    """Counts over all routes of a client, at one moment.

    connections: that are open, or being opened. in_use: those of them that are not idle. waiting: calls that wait for
    one. reused: exchanges, since the client was made, that went over a connection which had carried one before.
    """

    connections: int = 0
    in_use: int = 0
    waiting: int = 0
    reused: int = 0
