"""An asyncio event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")
# Seconds that one step of starting or stopping may take; loopback needs milliseconds.
_STEP_TIMEOUT = 10.0


class LoopThread:
    """Runs coroutines in parallel to the thread and the event loop of the test.

    The loop is always asyncio's own, so that a server behaves the same when the client runs on uvloop.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run_loop, name=name, daemon=True)
        self._started = threading.Event()

    def start(self) -> None:
        """Start the thread, and return when its loop runs.

        Raises:
            RuntimeError: the loop did not start in time.
        """
        self._thread.start()
        if not self._started.wait(_STEP_TIMEOUT):
            raise RuntimeError(f"The event loop of {self._name} did not start.")

    def start_with(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Start the thread and run `work` in its loop; the thread ends if that fails.

        Raises:
            RuntimeError: as `start` and `run` do.
        """
        try:
            self.start()
        except BaseException:
            work.close()
            raise
        try:
            return self.run(work)
        except BaseException:
            self.stop()
            raise

    def run(self, work: Coroutine[Any, Any, _Result], timeout: float = _STEP_TIMEOUT) -> _Result:
        """Run `work` in the loop, and block until its result is there, for at most `timeout` seconds.

        Raises:
            RuntimeError: the loop does not run, or the work takes too long.
        """
        if self._loop is None or not self._thread.is_alive():
            work.close()
            raise RuntimeError(f"The event loop of {self._name} does not run.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            if future.done():
                raise  # by the work itself
            future.cancel()
            raise RuntimeError(f"{work!r} in {self._name} took more than {timeout} s.") from None

    def stop(self) -> None:
        """Cancel all tasks of the loop, close it and join the thread.

        Raises:
            RuntimeError: the thread does not end.
        """
        if self._loop is None or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_STEP_TIMEOUT)
        if self._thread.is_alive():
            raise RuntimeError(f"The thread of {self._name} did not end.")

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            self._loop = runner.get_loop()
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._started.set()
        await self._stop.wait()
