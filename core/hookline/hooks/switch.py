"""A switch with which a plugin has its implementations called from now on, for every request."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet


class Skipper(Protocol):
    """What skips implementations while a switch is off: a dispatch table, or a configuration."""

    def stop_skipping(self) -> None:
        """Skip no implementation any more whose switch is on."""


class Switch:
    """The precondition `switch=` of `hookimpl`: off at first, on for good after `turn_on()`.

    is_on: was it turned on?

    Example: docs/plugins/cost.md#before-the-request
    """

    __slots__ = ("_skippers", "is_on")

    def __init__(self) -> None:
        self.is_on = False
        self._skippers: WeakSet[Skipper] = WeakSet()

    def turn_on(self) -> None:
        """Have the implementations that name this switch called, from the next request on.

        Example: docs/plugins/cost.md#before-the-request
        """
        if not self.is_on:
            self.is_on = True
            while self._skippers:
                self._skippers.pop().stop_skipping()

    def _subscribe(self, skipper: Skipper) -> None:
        """Call its `stop_skipping()` when the switch is turned on."""
        self._skippers.add(skipper)

    def __repr__(self) -> str:
        return f"<Switch {'on' if self.is_on else 'off'}>"
