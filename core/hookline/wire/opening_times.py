"""When the steps of opening a connection were over."""

from __future__ import annotations

from typing import NamedTuple


class OpeningTimes(NamedTuple):
    """When the steps of opening a connection were over, by `time.monotonic`; None for a step that was not needed.

    resolved: the addresses of the host were known.
    connected: TCP, or a connection of another kind, was there.
    secured: the TLS handshake was over.
    """

    resolved: float | None = None
    connected: float | None = None
    secured: float | None = None
