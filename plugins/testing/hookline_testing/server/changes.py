"""Wait in one thread, or in one event loop, for what happens in another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class Changes:
    """Wakes everybody who waits for a fact, whenever something has changed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._wakers: set[Callable[[], object]] = set()

    def tell(self) -> None:
        """Have every waiter look at its fact again. Callable from any thread."""
        with self._condition:
            self._condition.notify_all()
            # Called under the lock: a waiter whose loop is closed has taken its waker away before.
            for wake in self._wakers:
                wake()

    def wait_for(self, fact: Callable[[], bool], timeout: float, explain: Callable[[], str]) -> None:
        """Block until `fact()` is true, for at most `timeout` seconds.

        Raises:
            AssertionError: it did not become true; the message is `explain()`. No TimeoutError, which a test could take
                for one of the client.
            RuntimeError: called where an event loop runs, which would stand still.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("wait_for() would block the running event loop; await until() instead.")
        with self._condition:
            if not self._condition.wait_for(fact, timeout):
                raise AssertionError(f"{explain()} after {timeout} s")

    async def until(self, fact: Callable[[], bool], timeout: float, explain: Callable[[], str]) -> None:
        """Do as `wait_for`, without blocking the running event loop.

        Raises:
            AssertionError: it did not become true.
        """
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        with self._condition:
            self._wakers.add(wake)
        try:
            async with asyncio.timeout(timeout):
                while not fact():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            raise AssertionError(f"{explain()} after {timeout} s") from None
        finally:
            with self._condition:
                self._wakers.discard(wake)


class Gate:
    """Is closed until somebody opens it: a test, a script or a handler, each in its own thread."""

    def __init__(self) -> None:
        self._changes = Changes()
        self._open = False

    @property
    def is_open(self) -> bool:
        """Tell whether `open()` was called."""
        return self._open

    def open(self) -> None:
        """Let everybody pass, from now on."""
        self._open = True
        self._changes.tell()

    def wait_for(self, timeout: float = 5) -> None:
        """Block until the gate is open, for at most `timeout` seconds.

        Raises:
            AssertionError: it stayed closed.
        """
        self._changes.wait_for(lambda: self._open, timeout, lambda: "The gate is still closed")

    async def until(self, timeout: float = 5) -> None:
        """Do as `wait_for`, without blocking the running event loop.

        Raises:
            AssertionError: it stayed closed.
        """
        await self._changes.until(lambda: self._open, timeout, lambda: "The gate is still closed")
