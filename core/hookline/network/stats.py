"""The counts that `client.stats()` returns."""

from __future__ import annotations

from typing import NamedTuple


class Stats(NamedTuple):
    """Counts over all routes of a client, at one moment.

    connections: connections that are open or being opened.
    in_use: those of them that are not idle.
    waiting: calls that wait for a connection.
    streams: exchanges that share a connection with others.
    reused: exchanges, since the client was made, on a connection that had served another exchange before.

    Example: docs/quickstart.md#connections
    """

    connections: int = 0
    in_use: int = 0
    waiting: int = 0
    reused: int = 0
    streams: int = 0
