"""Everything of a client that belongs to one event loop: pools, the timer, background tasks."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Coroutine, Hashable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ClientClosed
from .loop_runner import new_task
from .pool import ConnectionLimit, Pool
from .timer import Timer

if TYPE_CHECKING:
    from .stats import Stats

T = TypeVar("T")
Closer = Callable[[], Coroutine[Any, Any, object]]

HANDLER_SECONDS = 5.0  # that `close` waits for handlers to end, before it runs the closers nevertheless
MOST_POOLS = 256  # that are kept whether they have connections or not
CLOSER_SECONDS = 1.0  # that closers have if the loop ends without a `close`


class LoopResources:
    """Everything of a client that belongs to one event loop. A client has one such object at a time.

    loop: the event loop.
    timer: the timer of all exchanges and pools.
    pools: by the key of their route.
    closers: coroutine functions of plugins, which `close` awaits before it closes the connections.
    states: what plugins keep for this loop, by the function that made it, each with the function that closes it.
    reused: exchanges on reused connections, of pools that were dropped.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        max_connections: int | None = None,
        take_last_closer: Callable[[], Closer | None] = lambda: None,
    ) -> None:
        """take_last_closer: returns what is called after the closers, and before the states are closed; None = nothing."""
        self.loop = loop
        self.timer = Timer(loop)
        self.pools: dict[Hashable, Pool] = {}
        self.closers: set[Closer] = set()
        self.states: dict[Callable[[], Any], tuple[Any, Callable[[Any], object] | None]] = {}
        self._take_last_closer = take_last_closer
        self.reused = 0
        self._most_pools = MOST_POOLS  # before those without connections are dropped
        self._connection_limit = ConnectionLimit(max_connections or math.inf, self.pools.values)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waits: set[asyncio.Timeout] = set()  # of `until_closed`: `close` ends them
        # Running handlers, and other parts of exchanges that `close` waits for: the future of their end, and their task.
        self._sections: dict[asyncio.Future[None], asyncio.Task[Any] | None] = {}
        self._is_dropped = False
        self._closing_generator = self._close_at_end_of_loop()
        if loop.is_running():
            # The first step makes the asynchronous generator known to the loop. asyncio.run closes all such generators before
            # it closes the loop. So connections are closed in order without a `close`, and their transports give no warnings.
            with contextlib.suppress(StopIteration):
                self._closing_generator.__anext__().send(None)

    async def _close_at_end_of_loop(self) -> AsyncGenerator[None, None]:
        """Wait, as a generator, until the loop ends; then close what is still open."""
        try:
            yield
        except GeneratorExit:  # and not what interrupts the first step, such as KeyboardInterrupt
            if not self._is_dropped:
                await self._run_closers(CLOSER_SECONDS)
                await self._close_connections()
            raise

    def pool(self, key: Hashable, limit: int, keep_alive: float) -> Pool:
        """The pool of a route, which is made at its first use. For `limit` and `keep_alive` see `Pool`."""
        found = self.pools.get(key)
        if found is None:
            if len(self.pools) >= self._most_pools:  # a crawler visits many hosts
                self._drop_empty_pools()
                # Twice as many as are left: to look at all of them for each new one would take 0.2 ms with 2,000.
                self._most_pools = max(MOST_POOLS, 2 * len(self.pools))
            found = self.pools[key] = Pool(key, limit, keep_alive, self.loop, self.timer, self._connection_limit)
        else:
            found.limit, found.keep_alive = limit, keep_alive  # the client's may have changed
        return found

    def _drop_empty_pools(self) -> None:
        for key, pool in list(self.pools.items()):
            if pool.is_empty:
                pool.retire()
                self.reused += pool.reused
                del self.pools[key]

    @property
    def is_busy(self) -> bool:
        """True if there is a connection in use, being opened or waited for, a task, a wait or a closer."""
        return bool(self._tasks or self._waits or self.closers) or any(
            p.opened > p.idle_count or p.waiters for p in self.pools.values()
        )

    def stats(self) -> Stats:
        """The counts at this moment."""
        from .stats import Stats  # imported here, because few programs ask

        pools = self.pools.values()
        connections = sum(pool.opened for pool in pools)
        return Stats(
            connections=connections,
            in_use=connections - sum(pool.idle_count for pool in pools),
            waiting=sum(1 for pool in pools for waiter in pool.waiters if not waiter.done()),
            reused=self.reused + sum(pool.reused for pool in pools),
            streams=sum(pool.stream_count for pool in pools),
        )

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine in the background. `close` waits for it, a second at most."""
        task = new_task(self.loop, coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def per_loop(self, make: Callable[[], T], close: Callable[[T], object] | None = None) -> T:
        """What a plugin keeps for this loop: what `make()` has returned at the first call. close: closes it."""
        found = self.states.get(make)
        if found is None:
            found = self.states[make] = make(), close
        return found[0]

    async def until_closed(self, awaitable: Awaitable[T]) -> T:
        """Await what `close` has to end, such as the opening of a connection.

        Raises: ClientClosed if the client is closed meanwhile; whatever the awaitable raises.
        """
        limit = asyncio.timeout(None)
        self._waits.add(limit)
        try:
            async with limit:
                return await awaitable
        except TimeoutError:
            if limit.expired():
                raise ClientClosed("the client was closed") from None
            raise
        finally:
            self._waits.discard(limit)

    async def pause(self, seconds: float) -> None:
        """Wait between two exchanges of one call.

        Raises: ClientClosed if the client is closed meanwhile.
        """
        await self.until_closed(asyncio.sleep(seconds))

    @contextlib.contextmanager
    def handler_section(self) -> Iterator[None]:
        """Make `close` wait for a part of an exchange that closing connections does not end, such as a handler."""
        ended: asyncio.Future[None] = self.loop.create_future()
        self._sections[ended] = asyncio.current_task()
        try:
            yield
        finally:
            del self._sections[ended]
            ended.set_result(None)

    async def close(self, caller: asyncio.Task[Any] | None = None) -> None:
        """End all exchanges, run the closers, close all connections, and wait for the background tasks.

        caller: the task that waits for this. If it is a handler of an exchange, that one is not waited for.
        """
        await self._end_exchanges({caller, asyncio.current_task()})
        await self._run_closers()
        self.timer.stop()
        await self._close_connections()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    async def _end_exchanges(self, waiting: Container[asyncio.Task[Any] | None]) -> None:
        """End the exchanges in flight with an error, and wait until post_request has run for each.

        If a handler answers with another request, that is ended too. waiting: tasks that wait for this call.
        """
        deadline = self.loop.time() + HANDLER_SECONDS
        while self._has_waiting_calls or self._sections:
            self._fail_waiting_calls()
            await asyncio.sleep(0)  # the calls that waited go on, into a handler or to their end
            busy = [ended for ended, task in self._sections.items() if task not in waiting]
            if busy:
                await asyncio.wait(busy, timeout=max(0.0, deadline - self.loop.time()))
            elif not self._has_waiting_calls:
                return
            if self.loop.time() >= deadline:
                return

    async def _run_closers(self, seconds: float | None = None) -> None:
        """Run all closers at the same time, then the last closer, then close the states.

        The loop's exception handler gets what one of them raises. seconds: after which each of these steps is cancelled;
        None = no limit.
        """
        closers = [*self.closers]
        self.closers.clear()
        await self._run_together(closers, seconds)
        last = self._take_last_closer()
        if last is not None:
            await self._run_together([last], seconds)
        await self._run_together(self._take_state_closers(), seconds)

    def _take_state_closers(self) -> list[Closer]:
        """Forget the states, and return what closes them."""
        states = [*self.states.values()]
        self.states.clear()
        return [partial(self._close_state, state, close) for state, close in states if close is not None]

    def _start_closer(self, closer: Closer) -> None:
        self.start(closer())

    async def _close_state(self, state: Any, close: Callable[[Any], object]) -> None:
        result = close(state)
        if inspect.isawaitable(result):
            await result

    async def _run_together(self, closers: Iterable[Closer], seconds: float | None) -> None:
        """Await closers at the same time. seconds: after which they are cancelled; None = no limit."""
        late = {new_task(self.loop, closer()) for closer in closers}
        try:
            if late:
                _, late = await asyncio.wait(late, timeout=seconds)
        finally:
            for task in late:
                task.cancel()
        if late:
            await asyncio.wait(late, timeout=seconds)

    @property
    def _has_waiting_calls(self) -> bool:
        return bool(self._waits) or any(pool.has_waiting_calls for pool in self.pools.values())

    def _fail_waiting_calls(self) -> None:
        """End with ClientClosed what waits for a connection, a response or a follow-up."""
        while self._waits:
            self._waits.pop().reschedule(self.loop.time())
        for pool in self.pools.values():
            pool.fail_waiters()  # all of them first: no waiter may get the slot that the end of an exchange frees
        for pool in self.pools.values():
            pool.fail_exchanges()

    async def _close_connections(self) -> None:
        """Close all connections, and give their transports the turns of the loop that they need for it."""
        self._fail_waiting_calls()
        pools = list(self.pools.values())
        for pool in pools:
            pool.close()
        await asyncio.sleep(0)  # TLS sends its close_notify, TCP ends
        for pool in pools:
            for connection in list(pool.closing):
                connection.abort()  # without waiting for the peer's close_notify
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def leave_loop(self) -> None:
        """Leave the loop, since the client moves to another: the loop closes the connections if it runs once more."""
        with contextlib.suppress(RuntimeError):  # it is closed
            for pool in self.pools.values():
                for connection in pool.connections:
                    self.loop.call_soon_threadsafe(connection.transport.abort)
            for closer in self._take_state_closers():
                self.loop.call_soon_threadsafe(self._start_closer, closer)
        self.forget_all()

    def forget_after_fork(self) -> None:
        """In a child of os.fork(): forget all, without a call to the loop, which belongs to the parent."""
        self.forget_all()
        with contextlib.suppress(StopIteration, RuntimeError):  # now, and not when it is garbage-collected
            self._closing_generator.aclose().send(None)

    def forget_all(self) -> None:
        """Forget all pools and tasks, without a call to the loop, which is closed or left."""
        self._is_dropped = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of transports that were not closed
            for pool in self.pools.values():
                pool.forget_all()
                self.reused += pool.reused
            self.pools.clear()
            self.closers.clear()
            self._tasks.clear()
            self._waits.clear()
