"""The gate before a held body: a plugin opens it to let the body go, or closes it so that the body is never sent."""

from __future__ import annotations

from collections.abc import Callable


class Gate:
    """See the module.

    seconds: after the head was sent for so long, the gate opens by itself; None = it stays until somebody decides.
    """

    __slots__ = ("_changed", "is_closed", "is_open", "seconds")

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.is_open = False
        self.is_closed = False
        self._changed: Callable[[], None] | None = None

    def open(self) -> None:
        """Send the body now. Nothing happens when the gate was closed."""
        if not self.is_closed:
            self.is_open = True
            self._notify()

    def close(self) -> None:
        """Do not send the body. Nothing happens when the gate was opened."""
        if not self.is_open:
            self.is_closed = True
            self._notify()

    def notify_by(self, changed: Callable[[], None] | None) -> None:
        """CallHandlers `changed` when the gate is opened or closed."""
        self._changed = changed

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed()
