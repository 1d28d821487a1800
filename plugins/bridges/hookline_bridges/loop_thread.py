"""A thread with an event loop, which runs coroutines for synchronous callers: one for all of them in a process.

    errands = Errands()
    result = loop_thread().run(coroutine(errands), errands)

The caller waits for its coroutine, and does errands for it meanwhile: what must not happen in the loop, such as to iterate over
a generator of the user, happens in the thread of its caller, as it would with a blocking library.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread, get_ident
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakSet

from hookline import HttpClient

T = TypeVar("T")

CANCEL_SECONDS = 1.0  # that a coroutine has to end after its caller was interrupted
STOP_SECONDS = 2.0  # that the clients have to close at the end of the interpreter

logger = logging.getLogger("hookline")


class Errands:
    """What the thread that waits for a coroutine does for it meanwhile. One object serves all calls of one exchange.

    An errand is done while the thread waits for a coroutine, and is kept until then: the upload of a body goes on while the
    response is read.
    """

    def __init__(self) -> None:
        self.queue: SimpleQueue[Callable[[], object]] = SimpleQueue()

    async def ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """Have the waiting thread call a function, and return its result; in the loop.

        Raises: what the function raises; StopIteration becomes RuntimeError.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
            if not future.done():  # cancelled meanwhile
                set_outcome(outcome)

        def call() -> None:
            if future.cancelled():
                return
            try:
                result = function(*arguments)
            except StopIteration as error:
                converted = RuntimeError("the function raised StopIteration")
                converted.__cause__ = error
                loop.call_soon_threadsafe(settle, future.set_exception, converted)
            except Exception as error:  # noqa: BLE001  # the coroutine gets it
                loop.call_soon_threadsafe(settle, future.set_exception, error)
            else:
                loop.call_soon_threadsafe(settle, future.set_result, result)

        self.queue.put(call)
        return await future

    async def iterate(self, iterable: Iterable[T]) -> AsyncGenerator[T, None]:
        """Iterate over an iterable in the waiting thread.

        Raises: what the iterable raises.
        """
        end = object()
        iterator = await self.ask(iter, iterable)
        while (item := await self.ask(next, iterator, end)) is not end:
            yield item


class _Run:
    """A coroutine in the loop, and the thread that waits for it.

    task: once the loop has it. has_begun: its first step was made. is_over: it has ended, with `result` or with `error`.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], queue: SimpleQueue[Callable[[], object]]) -> None:
        self.coroutine = coroutine
        self.queue = queue
        self.context = copy_context()
        self.task: asyncio.Task[None] | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.has_begun = self.is_over = False

    def begin(self) -> None:
        """Start the coroutine; in the loop."""
        self.task = asyncio.Task(self.serve(), loop=asyncio.get_running_loop(), context=self.context)

    async def serve(self) -> None:
        """Run the coroutine, and wake the waiting thread in the same step: a callback of the task would take a turn of the loop.

        A turn is a system call, and two changes of the thread that holds the interpreter.
        """
        self.has_begun = True
        try:
            self.result = await self.coroutine
        except BaseException as error:
            self.error = error
            if not isinstance(error, (Exception, asyncio.CancelledError)):
                raise
        finally:
            self.queue.put(self.mark_over)

    def end_without_beginning(self, task: asyncio.Task[None]) -> None:
        """Wake the waiting thread: the task was cancelled before its first step."""
        self.coroutine.close()
        self.error = asyncio.CancelledError()
        self.queue.put(self.mark_over)

    def mark_over(self) -> None:
        """Note that it is over; in the waiting thread."""
        self.is_over = True

    def interrupt(self) -> None:
        """Cancel it; in the loop, which has its task by now, unless the caller was interrupted before it asked for that."""
        if self.task is None:
            self.coroutine.close()
            self.queue.put(self.mark_over)
            return
        if not self.has_begun:
            self.task.add_done_callback(self.end_without_beginning)
        self.task.cancel()


class LoopThread:
    """A daemon thread that runs an event loop until `stop`.

    clients: the clients whose exchanges run in it; `stop` closes them. Add those that it should know.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._process = os.getpid()
        self.clients: WeakSet[HttpClient[Any]] = WeakSet()
        self.is_stopping = False
        self._has_started = Event()
        self._lock = Lock()  # held while a run is handed over, so that none comes after the last turn of the loop
        self._thread = Thread(target=self._serve, name="hookline-bridges", daemon=True)
        self._thread.start()
        self._has_started.wait()

    def _serve(self) -> None:
        """Run the loop; in the thread."""
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._has_started.set)
        while not self.is_stopping:
            try:
                self.loop.run_forever()
            except BaseException:  # SystemExit of a handler leaves the loop; other callers still wait
                logger.exception("the loop thread goes on after an exception that left its loop")

    def run(self, coroutine: Coroutine[Any, Any, T], errands: Errands | None = None) -> T:
        """Run a coroutine in the loop, do its errands meanwhile, and return its result. Any thread may call it, many at once.

        The coroutine has the context variables of the caller. If the caller is interrupted, as by Ctrl-C, the coroutine is
        cancelled first; it has a second to end.

        errands: what the coroutine asks with; None = it has no errands.

        Raises: what the coroutine raises; RuntimeError, in the loop itself, in a forked child, where this thread does not run,
        and at the end of the interpreter.
        """
        if os.getpid() != self._process:
            coroutine.close()
            raise RuntimeError("this belongs to the parent process, which goes on with it; make another request here")
        if get_ident() == self._thread.ident:
            coroutine.close()
            raise RuntimeError(
                "a synchronous call in the loop thread would wait for itself; await the asynchronous one"
            )
        queue = SimpleQueue() if errands is None else errands.queue
        run = _Run(coroutine, queue)
        try:
            with self._lock:
                if self.is_stopping:
                    coroutine.close()
                    run.is_over = True
                    raise RuntimeError("the interpreter is about to exit: no call can be made any more")
                self.loop.call_soon_threadsafe(run.begin)
            while not run.is_over:
                queue.get()()
        except BaseException:
            self._interrupt(run)
            raise
        error = run.error
        if error is None:
            return run.result  # type: ignore[no-any-return]  # what the coroutine returns
        try:
            if isinstance(error, asyncio.CancelledError) and self.is_stopping:
                raise RuntimeError("the interpreter is about to exit: the call was given up") from None
            raise error
        finally:
            run = error = None  # type: ignore[assignment]  # an exception would keep its own frame alive

    def _interrupt(self, run: _Run) -> None:
        """Cancel a run whose caller was interrupted, at whatever point, and wait for its end for a while."""
        try:
            self.loop.call_soon_threadsafe(run.interrupt)
        except RuntimeError:  # the loop is closed, and has not begun it
            run.coroutine.close()
            return
        until = monotonic() + CANCEL_SECONDS
        while not run.is_over and (rest := until - monotonic()) > 0:
            try:
                wake = run.queue.get(timeout=rest)
            except Empty:
                return
            if wake == run.mark_over:  # errands are not done any more
                run.is_over = True

    def call_soon(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have the loop call a function, and do not wait for it.

        Nothing happens at the end of the interpreter, and in a forked child.
        """
        if os.getpid() != self._process:
            return
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *arguments)

    def stop(self) -> None:
        """Close the clients, end the loop and the thread. Runs that still wait end with RuntimeError."""
        with self._lock:
            if self.is_stopping:
                return
            self.is_stopping = True
            ending = asyncio.run_coroutine_threadsafe(self._end_all(), self.loop)
        with contextlib.suppress(TimeoutError):
            ending.result(STOP_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            self.loop.close()

    async def _end_all(self) -> None:
        """Close all clients and cancel all tasks; in the loop."""
        await asyncio.sleep(0)  # runs that were handed over last make their first step
        await asyncio.gather(*(client.close() for client in list(self.clients)), return_exceptions=True)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        await asyncio.sleep(0)  # for the transports that they closed


_running: LoopThread | None = None
_start_lock = Lock()
# Kept for the life of a forked child: their finalisers would act on the files of the parent.
_of_parents: list[LoopThread] = []


def loop_thread() -> LoopThread:
    """Return the loop thread of this process; it is started at the first use, and after a fork anew.

    Raises: RuntimeError, at the end of the interpreter.
    """
    global _running
    found = _running
    if found is None:
        with _start_lock:
            found = _running
            if found is None:
                found = _running = LoopThread()
                atexit.register(found.stop)
    return found


def _forget_after_fork() -> None:
    """In a forked child: the thread does not run here, and its loop is the parent's."""
    global _running, _start_lock
    if _running is not None:
        atexit.unregister(_running.stop)
        _of_parents.append(_running)
    _running, _start_lock = None, Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_after_fork)
