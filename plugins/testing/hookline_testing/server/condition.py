"""A condition that works across threads and event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class Condition:
    """Lets threads and coroutines wait until a predicate is true. Whoever changes a fact calls `notify_all`."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._wakers: set[Callable[[], object]] = set()  # one for each coroutine that waits

    def notify_all(self) -> None:
        """Make every waiter check its predicate again. Thread-safe."""
        with self._condition:
            self._condition.notify_all()
            # Under the lock, so that no waker belongs to a loop that is closed: waiters remove theirs under it.
            for wake in self._wakers:
                wake()

    def wait_for(self, predicate: Callable[[], bool], timeout: float, explain: Callable[[], str]) -> None:
        """Block until `predicate()` is true, for at most `timeout` seconds.

        Raises:
            AssertionError: it did not become true; the message is `explain()`. Not TimeoutError, which a test could
                mistake for one of the client.
            RuntimeError: called in a running event loop, which would be blocked.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("wait_for() would block the running event loop; await until() instead.")
        with self._condition:
            if not self._condition.wait_for(predicate, timeout):
                raise AssertionError(f"{explain()} after {timeout} s")

    async def until(self, predicate: Callable[[], bool], timeout: float, explain: Callable[[], str]) -> None:
        """Do the same as `wait_for`, without blocking the running event loop.

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
                while not predicate():
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            raise AssertionError(f"{explain()} after {timeout} s") from None
        finally:
            with self._condition:
                self._wakers.discard(wake)
