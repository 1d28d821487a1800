"""All of a client that belongs to one event loop: its pools, its timer, its background tasks."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Coroutine, Hashable
from typing import Any

from .pool import Pool
from .timeouts import Watch


class LoopScope:
    """See the module. A client has one at a time; see HttpClient for what happens when the loop changes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pools: dict[Hashable, Pool]) -> None:
        self.loop = loop
        self.watch = Watch(loop)
        self.pools = pools
        self._tasks: set[asyncio.Task[Any]] = set()

    def pool(self, key: Hashable, limit: int, keep_alive: float) -> Pool:
        """The pool of a route; made at its first use."""
        found = self.pools.get(key)
        if found is None:
            if len(self.pools) >= 256:  # a crawler meets many hosts: pools that hold nothing go
                self._retire()
            found = self.pools[key] = Pool(key, limit, keep_alive, self.loop, self.watch)
        return found

    def _retire(self) -> None:
        for key, pool in list(self.pools.items()):
            if pool.is_empty:
                pool.retired = True
                del self.pools[key]

    @property
    def is_busy(self) -> bool:
        """Is any connection in use, or being opened or waited for?"""
        return bool(self._tasks) or any(p.opened > len(p.idle) or p.waiters for p in self.pools.values())

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in the background that `close` waits for."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Close all connections, and wait for what runs in the background and for the transports to end."""
        for pool in list(self.pools.values()):
            pool.close()
        self.watch.stop()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        await asyncio.sleep(0)  # transports end in the next turn

    def drop(self) -> None:
        """The loop is closed, and nothing can run on it: let go of its sockets."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of transports that their loop left open
            for pool in self.pools.values():
                pool.drop()
            self.pools.clear()
            self._tasks.clear()
