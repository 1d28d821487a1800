"""Call the callbacks of a handler in order, one at a time.

A plain callback runs at once, without a task. A task is made for the first callback that returns an awaitable; it also runs
the callbacks that queue up meanwhile, and ends when the queue is empty. So there is one task at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

Entry = tuple[Callable[..., Any], tuple[Any, ...], int]


class CallbackQueue:
    """A queue of callbacks.

    on_start: called with the size of an entry when it leaves the queue. on_error: called with what a callback raised; the
    queue is dropped if it returns False. on_idle: called when no callback runs or waits any more, except when that
    happens within `run`.
    is_busy: True while a callback runs. task: the task that runs them, None while there is none.
    """

    __slots__ = ("_entries", "_loop", "_on_error", "_on_idle", "_on_start", "is_busy", "task")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_start: Callable[[int], object],
        on_error: Callable[[BaseException], bool],
        on_idle: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._on_start = on_start
        self._on_error = on_error
        self._on_idle = on_idle
        self._entries: deque[Entry] = deque()
        self.is_busy = False
        self.task: asyncio.Task[None] | None = None

    def run(self, callback: Callable[..., Any], *arguments: Any) -> None:
        """Call a callback now; `is_busy` must be False."""
        self.is_busy = True
        try:
            result = callback(*arguments)
        except BaseException as error:  # noqa: BLE001  # the handler's; `wait_closed` raises it
            self._handle_error(error)
            result = None
        if result is None and not self._entries:
            self.is_busy = False
        else:
            self._run_queue(result)

    def put(self, callback: Callable[..., Any], arguments: tuple[Any, ...], size: int) -> None:
        """Queue a callback after the one that runs; `is_busy` must be True. size: bytes that its arguments take."""
        self._entries.append((callback, arguments, size))

    def _run_queue(self, result: Any) -> None:
        """Run the queue after a callback that returned `result`: without a task up to the first awaitable."""
        while not is_awaitable(result):
            if not self._entries:
                self._set_idle()
                return
            try:
                result = self._call_next()
            except BaseException as error:  # noqa: BLE001  # as above
                self._handle_error(error)
                result = None
        # not create_task: an eager task factory would begin it before `task` is set
        self.task = asyncio.Task(self._await_queue(result), loop=self._loop)

    def _call_next(self) -> Any:
        callback, arguments, size = self._entries.popleft()
        if size:
            self._on_start(size)
        return callback(*arguments)

    async def _await_queue(self, result: Any) -> None:
        """Await `result`, then run the queue until it is empty. The body of the task."""
        try:
            while True:
                try:
                    if is_awaitable(result):
                        await result
                    if not self._entries:
                        break
                    result = self._call_next()
                except Exception as error:  # noqa: BLE001  # as above
                    self._handle_error(error)
                    result = None
        except asyncio.CancelledError as error:
            self._handle_error(error)
            self._set_idle()
            raise
        self._set_idle()

    def _set_idle(self) -> None:
        self.task = None
        self.is_busy = False
        self._on_idle()

    def _handle_error(self, error: BaseException) -> None:
        """Report what a callback raised, and drop the queue unless `on_error` returns True.

        Raises: KeyboardInterrupt and SystemExit, when the error is one.
        """
        if not self._on_error(error):
            dropped, self._entries = self._entries, deque()
            self._on_start(sum(size for _, _, size in dropped))
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._set_idle()
            raise error


def is_awaitable(value: Any) -> bool:
    return value is not None and hasattr(value, "__await__")
