"""When the steps of opening a connection were over."""

from __future__ import annotations

from typing import NamedTuple


class Opening(NamedTuple):
    """When the steps of opening a connection were over, as `time.monotonic` tells; None for one that was not taken."""

    resolved: float | None = None
    connected: float | None = None
    secured: float | None = None
