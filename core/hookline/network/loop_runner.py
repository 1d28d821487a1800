"""Run a coroutine on a loop that stands still, to its end, whatever breaks in."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, Self, TypeVar

T = TypeVar("T")

LAST_SECONDS = 1.0  # for a task to end into which something broke


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def new_task(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that begins with the next turn of the loop, whatever the task factory: an eager one begins it at once, before
    anybody has the task."""
    return asyncio.Task(coroutine, loop=loop)


class CtrlC:
    """The handler of SIGINT while a client runs its loop, as in `asyncio.Runner`: the first cancels the task, the second
    breaks in. As a context: when it ends, KeyboardInterrupt comes out.

    An exception that is raised wherever the loop happens to be would leave it with half a step done.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._count = 0
        self._is_unheard = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            raise KeyboardInterrupt
        task = self._task
        if task is None:
            self._is_unheard = True
        elif not task.done():
            task.cancel()
            task.get_loop().call_soon_threadsafe(int)  # the loop may sleep in its selector

    def watch(self, task: asyncio.Task[Any] | None) -> None:
        """Cancel this task from now on; None = there is none."""
        self._task = task
        if task is not None and self._is_unheard:
            self._is_unheard = False
            task.cancel()

    def __enter__(self) -> Self:
        """Take the place of Python's own handler; one that the user has set stays."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            with suppress(ValueError):  # an interpreter that gets no signals
                signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, *error: object) -> None:
        if signal.getsignal(signal.SIGINT) is self:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._count:
            raise KeyboardInterrupt


def run_to_the_end(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any],
    ctrl_c: CtrlC,
    give_up: Callable[[], object],
) -> Any:
    """Run a coroutine and return its result. give_up: told when its task cannot be ended: the loop is broken.

    Raises: whatever the coroutine raises; CancelledError, behind Ctrl-C.
    """
    task = loop.create_task(coroutine)
    try:
        ctrl_c.watch(task)
        return loop.run_until_complete(task)
    except BaseException as error:
        if not task.done() or (not task.cancelled() and task.exception() is not error):
            recover(loop, task, give_up)
        raise
    finally:
        ctrl_c.watch(None)


def recover(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], give_up: Callable[[], object]) -> None:
    """Something broke into the loop itself, such as an exception of a signal handler: end the task, and the run.

    What that left behind to stop the loop would stop the next run at once.
    """
    if loop.is_running() or loop.is_closed():
        return
    loop.call_soon(loop.stop)
    loop.run_forever()
    if not task.done():
        task.cancel()
        loop.run_until_complete(asyncio.wait([task], timeout=LAST_SECONDS))
    if not task.done():
        give_up()
    elif not task.cancelled():
        task.exception()  # seen: what broke in goes out


async def cancel_the_rest() -> None:
    """End the tasks that handlers and routes left on a loop that is about to be closed, as asyncio.run does."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)  # the transports that they closed end
    await asyncio.get_running_loop().shutdown_asyncgens()
