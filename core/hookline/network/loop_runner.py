"""Run a coroutine on a loop that does not run, and leave loop and task in order after Ctrl-C or another interruption."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, Self, TypeVar

T = TypeVar("T")

TASK_END_SECONDS = 1.0  # that a task has to end after its run was interrupted


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread; None without one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def new_task(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Make a task that begins with the next turn of the loop, whatever the task factory of the loop.

    An eager task factory would begin it at once, before the caller has the task.
    """
    return asyncio.Task(coroutine, loop=loop)


class CtrlC:
    """The handler of SIGINT while a client runs its loop: the first signal cancels the task, the second raises at once.

    `asyncio.Runner` does the same. An exception that is raised wherever the loop happens to be would leave it in the middle of a
    step. As a context manager it raises KeyboardInterrupt at its end, if a signal came.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._signals = 0  # how many came
        self._came_without_task = False  # True if one has no task to cancel yet

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            raise KeyboardInterrupt
        task = self._task
        if task is None:
            self._came_without_task = True
        elif not task.done():
            task.cancel()
            task.get_loop().call_soon_threadsafe(int)  # the loop may sleep in its selector

    def set_task(self, task: asyncio.Task[Any] | None) -> None:
        """Cancel this task at the first signal, or now, if that has come already; None = no task."""
        self._task = task
        if task is not None and self._came_without_task:
            self._came_without_task = False
            task.cancel()

    def __enter__(self) -> Self:
        """Replace Python's own handler; a handler that the user has set stays."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            with suppress(ValueError):  # a subinterpreter: it gets no signals
                signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, *error: object) -> None:
        if signal.getsignal(signal.SIGINT) is self:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._signals:
            raise KeyboardInterrupt


def run_to_completion(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any],
    ctrl_c: CtrlC,
    on_broken_loop: Callable[[], object],
) -> Any:
    """Run a coroutine, and return its result.

    on_broken_loop: called if the run was interrupted and its task cannot be ended, so that the loop is unusable.

    Raises: whatever the coroutine raises; CancelledError after Ctrl-C; whatever interrupted the loop itself.
    """
    task = loop.create_task(coroutine)
    try:
        ctrl_c.set_task(task)
        return loop.run_until_complete(task)
    except BaseException as error:
        if not task.done() or (not task.cancelled() and task.exception() is not error):
            stop_broken_run(loop, task, on_broken_loop)
        raise
    finally:
        ctrl_c.set_task(None)


def stop_broken_run(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], on_broken_loop: Callable[[], object]
) -> None:
    """End the task and the run after an exception in the loop itself, such as one of a signal handler.

    The interrupted run may have left a callback that stops the loop, which would end the next run at once. So the loop runs
    once more here.
    """
    if loop.is_running() or loop.is_closed():
        return
    loop.call_soon(loop.stop)
    loop.run_forever()
    if not task.done():
        task.cancel()
        loop.run_until_complete(asyncio.wait([task], timeout=TASK_END_SECONDS))
    if not task.done():
        on_broken_loop()
    elif not task.cancelled():
        task.exception()  # marked as retrieved: the caller gets the exception that interrupted the loop


async def cancel_remaining_tasks() -> None:
    """Cancel and await what handlers and routes left running on a loop that is about to be closed, as asyncio.run does."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)  # for the transports that they closed
    await asyncio.get_running_loop().shutdown_asyncgens()
