"""All of a client that belongs to one event loop: its pools, its timer, its background tasks."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import AsyncGenerator, Callable, Container, Coroutine, Hashable, Iterator
from typing import Any

from ..errors import ClientClosed
from .connection_limit import ConnectionLimit, SharedPool
from .loop_runner import new_task
from .pool import Pool
from .stats import Stats
from .timer import Timer

Closer = Callable[[], Coroutine[Any, Any, object]]

HANDLER_SECONDS = 5.0  # for handlers to end, before closers run although they have not
LAST_SECONDS = 1.0  # for closers when the loop is about to end, and nobody called close()


class LoopResources:
    """See the module. A client has one at a time; see HttpClient for what happens when the loop changes.

    closers: what plugins want to be awaited before the client is closed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_connections: int | None = None) -> None:
        self.loop = loop
        self.timer = Timer(loop)
        self.pools: dict[Hashable, Pool] = {}
        self.closers: set[Closer] = set()
        self.reused = 0  # by connections of pools that are no more
        self._connection_limit = (
            None if max_connections is None else ConnectionLimit(max_connections, self.pools.values)
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pauses: set[asyncio.Future[None]] = set()
        self._sections: dict[asyncio.Future[None], asyncio.Task[Any] | None] = {}
        self._is_over = False
        self._guard = self._until_the_end()
        if loop.is_running():
            # Its first step makes it known to the loop, which closes its generators before it ends (asyncio.run does
            # that). So connections that nobody closed end in order, without warnings of the transports.
            with contextlib.suppress(StopIteration):
                self._guard.__anext__().send(None)

    async def _until_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        except GeneratorExit:  # nothing else: whatever breaks in at the first step goes out
            if not self._is_over:
                await self._run_closers(LAST_SECONDS)
                await self._close_connections()
            raise

    def pool(self, key: Hashable, limit: int, keep_alive: float) -> Pool:
        """The pool of a route; made at its first use."""
        found = self.pools.get(key)
        if found is None:
            if len(self.pools) >= 256:  # a crawler meets many hosts: pools that hold nothing go
                self._retire()
            found = self.pools[key] = self._make_pool(key, limit, keep_alive)
        else:
            found.limit, found.keep_alive = limit, keep_alive  # the client's may have been set anew
        return found

    def _make_pool(self, key: Hashable, limit: int, keep_alive: float) -> Pool:
        if self._connection_limit is None:
            return Pool(key, limit, keep_alive, self.loop, self.timer)
        return SharedPool(key, limit, keep_alive, self.loop, self.timer, self._connection_limit)

    def _retire(self) -> None:
        for key, pool in list(self.pools.items()):
            if pool.is_empty:
                pool.retire()
                self.reused += pool.reused
                del self.pools[key]

    @property
    def is_busy(self) -> bool:
        """Is any connection in use, or being opened or waited for?"""
        return bool(self._tasks or self._pauses or self.closers) or any(
            p.opened > len(p.idle) or p.waiters for p in self.pools.values()
        )

    def stats(self) -> Stats:
        """The counts of now."""
        pools = self.pools.values()
        connections = sum(pool.opened for pool in pools)
        return Stats(
            connections=connections,
            in_use=connections - sum(len(pool.idle) for pool in pools),
            waiting=sum(1 for pool in pools for waiter in pool.waiters if not waiter.done()),
            reused=self.reused + sum(pool.reused for pool in pools),
        )

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in the background that `close` waits for."""
        task = new_task(self.loop, coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def pause(self, seconds: float) -> None:
        """Wait between two exchanges of one call.

        Raises: ClientClosed.
        """
        future: asyncio.Future[None] = self.loop.create_future()
        timer = self.loop.call_later(seconds, settle, future)
        self._pauses.add(future)
        try:
            await future
        finally:
            self._pauses.discard(future)
            timer.cancel()

    @contextlib.contextmanager
    def handler_section(self) -> Iterator[None]:
        """A part of an exchange that awaits what no closed connection ends, such as a handler: `close` waits for it."""
        ended: asyncio.Future[None] = self.loop.create_future()
        self._sections[ended] = asyncio.current_task()
        try:
            yield
        finally:
            del self._sections[ended]
            settle(ended)

    async def close(self, caller: asyncio.Task[Any] | None = None) -> None:
        """Close all connections, and wait for what runs in the background and for the transports to end.

        caller: a task that waits for this, which may be a handler of an exchange.
        """
        await self._end_exchanges({caller, asyncio.current_task()})
        await self._run_closers()
        self.timer.stop()
        await self._close_connections()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    async def _end_exchanges(self, waiting: Container[asyncio.Task[Any] | None]) -> None:
        """End the exchanges in flight with an error, and wait until post_request was told of each.

        One that a handler answers with another request is ended too. waiting: tasks that wait for this.
        """
        deadline = self.loop.time() + HANDLER_SECONDS
        while self._fail_waits() or self._sections:
            await asyncio.sleep(0)  # those who waited go on, into a section or to their end
            busy = [ended for ended, task in self._sections.items() if task not in waiting]
            if busy:
                await asyncio.wait(busy, timeout=max(0.0, deadline - self.loop.time()))
            elif not any(pool.has_waiters for pool in self.pools.values()):
                return
            if self.loop.time() >= deadline:
                return

    async def _run_closers(self, seconds: float | None = None) -> None:
        """Run all closers side by side; what one raises goes to the loop's exception handler. seconds: for all of them."""
        late = {new_task(self.loop, closer()) for closer in self.closers}
        self.closers.clear()
        try:
            if late:
                _, late = await asyncio.wait(late, timeout=seconds)
        finally:
            for task in late:
                task.cancel()
        if late:
            await asyncio.wait(late, timeout=seconds)

    def _fail_waits(self) -> bool:
        """End what waits for a connection, for a response or for a follow-up with an error. Was there any?"""
        pools = list(self.pools.values())
        found = bool(self._pauses) or any(pool.has_waiters for pool in pools)
        for pause in self._pauses:
            if not pause.done():
                pause.set_exception(ClientClosed("the client was closed"))
        for pool in pools:
            pool.fail_waiters()  # before any ends: what one gives up is not for those who wait at another
        for pool in pools:
            pool.end_exchanges()
        return found

    async def _close_connections(self) -> None:
        self._fail_waits()
        pools = list(self.pools.values())
        for pool in pools:
            pool.close()
        await asyncio.sleep(0)  # TLS says goodbye, TCP ends
        for pool in pools:
            for connection in list(pool.closing):
                connection.abort()  # a peer that does not answer the goodbye is not waited for
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def leave_loop(self) -> None:
        """The client goes on to another loop: this one closes the connections, if it runs once more."""
        with contextlib.suppress(RuntimeError):  # it is closed
            for pool in self.pools.values():
                for connection in pool.connections:
                    self.loop.call_soon_threadsafe(connection.transport.abort)
        self.drop()

    def forget_after_fork(self) -> None:
        """In a child of os.fork(): the loop is the parent's, and is told nothing."""
        self.drop()
        with contextlib.suppress(StopIteration, RuntimeError):  # now, and not when it is collected
            self._guard.aclose().send(None)

    def drop(self) -> None:
        """The loop is closed, and nothing can run on it: let go of its sockets."""
        self._is_over = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of transports that their loop left open
            for pool in self.pools.values():
                pool.forget_all()
                self.reused += pool.reused
            self.pools.clear()
            self.closers.clear()
            self._tasks.clear()
            self._pauses.clear()


def settle(future: asyncio.Future[None]) -> None:
    """A pause is over."""
    if not future.done():
        future.set_result(None)
