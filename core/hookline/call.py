"""What the user gave to one call alone."""

from __future__ import annotations

from .events.implementation import Implementation


class Call:
    """See the module. It goes with every follow-up, and never into sub-requests."""

    __slots__ = ("handlers",)

    def __init__(self, handlers: dict[str, tuple[Implementation, ...]]) -> None:
        self.handlers = handlers
