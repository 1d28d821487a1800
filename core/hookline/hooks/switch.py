"""A switch by which a plugin says that it has something to do from now on, whatever the request."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet


class Skipping(Protocol):
    """What is told when a switch is turned on."""

    def stop_skipping(self) -> None: ...


class Switch:
    """Off until `turn_on`; then on for good. See `switch` of `hookimpl`."""

    __slots__ = ("_skippings", "is_on")

    def __init__(self) -> None:
        self.is_on = False
        self._skippings: WeakSet[Skipping] = WeakSet()

    def turn_on(self) -> None:
        """The next request sees it."""
        if not self.is_on:
            self.is_on = True
            while self._skippings:
                self._skippings.pop().stop_skipping()

    def notify(self, skipping: Skipping) -> None:
        """Wake this one when the switch is turned on."""
        self._skippings.add(skipping)

    def __repr__(self) -> str:
        return f"<Switch {'on' if self.is_on else 'off'}>"
