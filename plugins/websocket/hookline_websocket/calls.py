"""The calls to a handler: in order, one at a time. Plain ones run at once; what gives something to await gets a task.

There is one task at most, and none while everything is plain: it is made for the first call that cannot end at once,
works off what waits meanwhile, and ends when nothing waits any more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

Call = tuple[Callable[..., Any], tuple[Any, ...], int]


class Calls:
    """See the module.

    released: told how many bytes wait no more. failed: told what a callback raised; where it gives False, the calls that
    wait are dropped. idle: told when nothing waits and nothing runs, unless that was so within `run`.
    """

    __slots__ = ("_failed", "_idle", "_loop", "_released", "_waiting", "is_busy", "task")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        released: Callable[[int], object],
        failed: Callable[[BaseException], bool],
        idle: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._released = released
        self._failed = failed
        self._idle = idle
        self._waiting: deque[Call] = deque()
        self.is_busy = False
        self.task: asyncio.Task[None] | None = None

    def run(self, callback: Callable[..., Any], *arguments: Any) -> None:
        """Call it now; `is_busy` must be False."""
        self.is_busy = True
        try:
            result = callback(*arguments)
        except BaseException as error:  # noqa: BLE001  # the handler's: it goes to whoever waits for the end
            self._raised(error)
            result = None
        if result is None and not self._waiting:
            self.is_busy = False
        else:
            self._go_on(result)

    def wait(self, callback: Callable[..., Any], arguments: tuple[Any, ...], size: int) -> None:
        """Call it when what runs and what waits has ended. size: bytes that it holds."""
        self._waiting.append((callback, arguments, size))

    def _go_on(self, result: Any) -> None:
        """Behind a call that ended or gave something to await: what waits is next."""
        while not is_awaitable(result):
            if not self._waiting:
                self._rest()
                return
            try:
                result = self._next()
            except BaseException as error:  # noqa: BLE001  # as above
                self._raised(error)
                result = None
        # whatever the loop's task factory: an eager one would begin it before `task` is set
        self.task = asyncio.Task(self._work_off(result), loop=self._loop)

    def _next(self) -> Any:
        callback, arguments, size = self._waiting.popleft()
        if size:
            self._released(size)
        return callback(*arguments)

    async def _work_off(self, result: Any) -> None:
        try:
            while True:
                try:
                    if is_awaitable(result):
                        await result
                    if not self._waiting:
                        break
                    result = self._next()
                except Exception as error:  # noqa: BLE001  # as above
                    self._raised(error)
                    result = None
        except asyncio.CancelledError as error:
            self._raised(error)
            self._rest()
            raise
        self._rest()

    def _rest(self) -> None:
        self.task = None
        self.is_busy = False
        self._idle()

    def _raised(self, error: BaseException) -> None:
        """A callback raised: unless `failed` knows better, those that wait are not called. What ends a program goes on."""
        if not self._failed(error):
            waiting, self._waiting = self._waiting, deque()
            self._released(sum(size for _, _, size in waiting))
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._rest()
            raise error


def is_awaitable(value: Any) -> bool:
    return value is not None and hasattr(value, "__await__")
