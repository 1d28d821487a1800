"""The gate of a held body: a plugin opens it to send the body, or closes it so that the body is never sent."""

from __future__ import annotations

from collections.abc import Callable


class Gate:
    """A gate before the body of one request: `request.hold_body()` returns it. It is decided once, by `open` or `close`.

    is_open: the body may be sent. is_closed: the body will not be sent. While both are False, the body waits.

    seconds: time after the head was sent, after which the gate opens by itself; None = it waits for `open` or `close`.
    """

    __slots__ = ("_on_change", "_opens_after", "is_closed", "is_open")

    def __init__(self, seconds: float | None = None) -> None:
        self._opens_after = seconds
        self.is_open = False
        self.is_closed = False
        self._on_change: Callable[[], object] = lambda: None  # the engine's, called when the gate is opened or closed

    def open(self) -> None:
        """Send the body now. Without effect if the gate was closed."""
        if not self.is_closed:
            self.is_open = True
            self._on_change()

    def close(self) -> None:
        """Do not send the body. Without effect if the gate was opened."""
        if not self.is_open:
            self.is_closed = True
            self._on_change()
