"""Work that several callers need at once and that is done once: one task does it, and all await its end.

The callers may be other requests, other clients, or run on other event loops. Because the work is a task of its own, the
request that began it can be cancelled, and the other callers still get the result. The lock is held for a few statements,
and never while anything is awaited.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from threading import Lock
from typing import NamedTuple

from hookline import HttpClient, HttpRequestException

from .errors import OAuthError

Work = Callable[[], Awaitable[None]]


class RunningTask(NamedTuple):
    """The task in progress.

    future: its end, for callers on any event loop; False if the event loop of the task ended before the work did.
    http: the client to which the task belongs. process: the id of the process, which is another one after a fork.
    """

    future: Future[bool]
    loop: asyncio.AbstractEventLoop
    http: HttpClient
    process: int


class SharedTask:
    """Do work in one task at a time, for all callers that need it meanwhile."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: RunningTask | None = None

    async def run(self, http: HttpClient, is_needed: Callable[[], bool], work: Work, after: Work) -> None:
        """Do the work, or wait for its end if a task is doing it.

        http: the client to which a new task belongs. is_needed: called right before the task begins; plain and short.
        after: runs when the work is done; only the caller that began the task waits for it.

        Raises: what the work raises, in all callers; what `after` raises, in the one that waits for it.
        """
        while True:
            with self._lock:
                if not is_needed():
                    return
                running, task = self._find(), None
                if running is None:
                    running, task = self._begin(http, work, after)
            try:
                is_done = await asyncio.wrap_future(running.future)
            except OAuthError:
                raise
            except HttpRequestException:
                if running.http is http:
                    raise
                continue  # the connection of another client failed, or it was closed; this client tries for itself
            if is_done:
                if task is not None:
                    await asyncio.wait([task])  # unlike `await task`: if this is cancelled, the task goes on
                    task.result()
                return

    def _find(self) -> RunningTask | None:
        """Return the task to wait for; None if there is none, its loop has stopped, or it is in the parent process."""
        running = self._running
        if running is None or running.future.done():
            return None
        return running if running.loop.is_running() and running.process == os.getpid() else None

    def _begin(self, http: HttpClient, work: Work, after: Work) -> tuple[RunningTask, asyncio.Task[None]]:
        future: Future[bool] = Future()
        future.set_running_or_notify_cancel()  # from here on, no caller can cancel it
        running = self._running = RunningTask(future, asyncio.get_running_loop(), http, os.getpid())
        task: asyncio.Task[None] = http.loop_resources.start(do_work(future, work, after))
        task.add_done_callback(lambda _: self._end(running))
        return running, task

    def _end(self, running: RunningTask) -> None:
        """Forget a task that is over. If it was cancelled before its first step, it has not set its future."""
        if not running.future.done():
            running.future.set_result(False)
        with self._lock:
            if self._running is running:
                self._running = None  # an error in it would keep its request alive


async def do_work(future: Future[bool], work: Work, after: Work) -> None:
    """Be the task: set the future when the work ends, then run `after`, whose exception is the task's own."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001  # all callers that await the future raise it
        future.set_exception(error)
        return
    except BaseException:
        future.set_result(False)
        raise
    future.set_result(True)
    await after()
