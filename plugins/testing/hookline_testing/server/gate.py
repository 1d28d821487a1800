"""A gate between threads: one waits until another opens it."""

from __future__ import annotations

from .condition import Condition


class Gate:
    """Closed until `open` is called. Tests, scripts and handlers can wait for it and open it, each in its own thread."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._open = False

    @property
    def is_open(self) -> bool:
        """True after `open()`."""
        return self._open

    def open(self) -> None:
        """Open the gate, for good."""
        self._open = True
        self._condition.notify_all()

    def wait_for(self, timeout: float = 5) -> None:
        """Block until the gate is open, for at most `timeout` seconds.

        Raises:
            AssertionError: it stayed closed.
        """
        self._condition.wait_for(lambda: self._open, timeout, lambda: "The gate is still closed")

    async def until(self, timeout: float = 5) -> None:
        """Do the same as `wait_for`, without blocking the running event loop.

        Raises:
            AssertionError: it stayed closed.
        """
        await self._condition.until(lambda: self._open, timeout, lambda: "The gate is still closed")
