"""One piece of work at a time, whoever asks for it: the others wait for its end.

Those who ask may be other requests, other clients, or run on other event loops. The work is a task of its own, so that the
request that began it can be cancelled without harm to those who wait. The lock is held for a few statements, and never
while anything is awaited.
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


class Flight(NamedTuple):
    """Work that is under way. The future's result is False when its loop ended before it did."""

    future: Future[bool]
    loop: asyncio.AbstractEventLoop
    http: HttpClient
    process: int


class SingleFlight:
    """See the module."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flight: Flight | None = None

    async def run(self, http: HttpClient, is_needed: Callable[[], bool], work: Work, after: Work) -> None:
        """Do the work, or wait for its end where it is under way.

        http: the client to whose loop the task belongs. is_needed: is asked right before the work begins; plain and
        short. after: runs behind the work, when those who wait are on their way already; only who began it waits for it.

        Raises: what the work raises, for all who wait; what `after` raises.
        """
        while True:
            with self._lock:
                if not is_needed():
                    return
                flight, task = self._under_way(), None
                if flight is None:
                    flight, task = self._begin(http, work, after)
            try:
                is_done = await asyncio.wrap_future(flight.future)
            except OAuthError:
                raise
            except HttpRequestException:
                if flight.http is http:
                    raise
                continue  # another client lost its way, or was closed: this one has its own
            if is_done:
                if task is not None:
                    await asyncio.wait([task])  # which goes on when this is cancelled, and whose error is not lost then
                    task.result()
                return

    def _under_way(self) -> Flight | None:
        """The flight to wait for; None where there is none, or it is on a loop that stands still, or in the parent process."""
        flight = self._flight
        if flight is None or flight.future.done():
            return None
        return flight if flight.loop.is_running() and flight.process == os.getpid() else None

    def _begin(self, http: HttpClient, work: Work, after: Work) -> tuple[Flight, asyncio.Task[None]]:
        future: Future[bool] = Future()
        future.set_running_or_notify_cancel()  # nobody who waits can cancel it
        flight = self._flight = Flight(future, asyncio.get_running_loop(), http, os.getpid())
        task: asyncio.Task[None] = http.loop_resources.start(fly(future, work, after))
        task.add_done_callback(lambda _: self._end(flight))
        return flight, task

    def _end(self, flight: Flight) -> None:
        """The task is over. One that was cancelled before its first step has said nothing."""
        if not flight.future.done():
            flight.future.set_result(False)
        with self._lock:
            if self._flight is flight:
                self._flight = None  # an error in it would keep its request alive


async def fly(future: Future[bool], work: Work, after: Work) -> None:
    """The task. What the work raises goes to those who wait; what `after` raises is the task's own."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
        future.set_exception(error)
        return
    except BaseException:
        future.set_result(False)
        raise
    future.set_result(True)
    await after()
