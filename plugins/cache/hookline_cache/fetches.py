"""What a client fetches at this moment, on one event loop: calls for the same response share one fetch."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any

from .cache import Cache

MAX_UNSHARED = 1024  # URLs that are remembered


class Fetch:
    """One fetch that other calls wait for.

    outcome: "stored"; "not stored", so that the others have to fetch themselves; "failed": one of the others may try; "closed":
    the client was closed. None = it runs.
    """

    __slots__ = ("_ended", "outcome", "task")

    def __init__(self) -> None:
        self.task = asyncio.current_task()
        self.outcome: str | None = None
        self._ended: asyncio.Event | None = None  # made for the first who waits

    async def wait(self) -> str:
        """Wait for the end, and return the outcome."""
        if self.outcome is None:
            if self._ended is None:
                self._ended = asyncio.Event()
            await self._ended.wait()
        return self.outcome or "failed"

    def end(self, outcome: str) -> None:
        """Set the outcome, unless there is one, and wake those who wait."""
        if self.outcome is None:
            self.outcome = outcome
            if self._ended is not None:
                self._ended.set()


class Fetches:
    """The fetches of one client on one event loop, and the tasks that validate responses in the background.

    stored_count: how many fetches have stored or renewed a response so far.
    caches: those that were used, whose storages `close` closes.
    """

    def __init__(self) -> None:
        self.stored_count = 0
        self._running: dict[Hashable, Fetch] = {}
        self._unshared: dict[
            Hashable, None
        ] = {}  # those whose response was not stored: nobody waits for them the next time
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}
        self.caches: set[Cache] = set()

    def running(self, key: Hashable) -> Fetch | None:
        """Return the fetch to wait for; None if there is none, or if its response will hardly be stored.

        The task that runs a fetch does not wait for itself, when it sends another request from a handler.
        """
        found = self._running.get(key)
        return None if found is None or key in self._unshared or found.task is asyncio.current_task() else found

    def begin(self, key: Hashable) -> Fetch:
        """Begin a fetch. While another runs, that one stays the one to wait for."""
        fetch = Fetch()
        self._running.setdefault(key, fetch)
        return fetch

    def end(self, key: Hashable, fetch: Fetch, outcome: str, *, remember: bool = True) -> None:
        """End a fetch. remember: False = the next calls wait for a fetch again, even if this one was not stored."""
        fetch.end(outcome)
        if self._running.get(key) is fetch:
            del self._running[key]
        if fetch.outcome == "stored":
            self.stored_count += 1
            self._unshared.pop(key, None)
        elif fetch.outcome == "not stored" and remember:
            self._unshared[key] = None
            if len(self._unshared) > MAX_UNSHARED:
                del self._unshared[next(iter(self._unshared))]

    def is_in_background(self, key: Hashable) -> bool:
        """Say whether a task with this key runs."""
        return key in self._tasks

    def start(self, key: Hashable, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine in the background, until the client closes at the latest."""
        task = asyncio.get_running_loop().create_task(coroutine)
        if not task.done():  # an eager task may be over already
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def close(self) -> None:
        """End the tasks, and close the storages."""
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for cache in self.caches:
            closing = cache.storage.close()
            if closing is not None:
                await closing
