"""Which event loop a client runs on: the one that runs, or one of its own in synchronous mode."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Hashable
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any

from .scope import Closer, LoopScope
from .stats import Stats

if TYPE_CHECKING:
    from .pool import Pool


class _Nothing:
    """What there is to await when nothing is left to do."""

    def __await__(self) -> Any:
        return iter(())


nothing: Awaitable[None] = _Nothing()


class LoopBound:
    """See the module. A client belongs to one loop at a time, and to one thread.

    loop: the only loop that it may run on; None = any, one after the other.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None, max_connections: int | None = None) -> None:
        self._given_loop = loop
        self._max_connections = max_connections
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._scope: LoopScope | None = None
        self.connection_pools: dict[Hashable, Pool] = {}

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The only loop that this client may run on, as it was given; None = any."""
        return self._given_loop

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        # Most calls come from the loop that the client has: asking for the running loop costs a system call on 3.11
        scope = self._scope
        if scope is not None and get_ident() == self._thread and scope.loop.is_running():
            return coroutine
        return self.wait_for(coroutine)

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """The coroutine itself in a running loop; without one, run it on the client's own and return its result.

        Raises: RuntimeError, when the client belongs to another loop, or its loop runs in another thread.
        """
        running = running_loop()
        try:
            if running is not None:
                self._bind(running)
                return coroutine
            loop = self._given_loop or self._scope_loop() or self._new_loop()
            if loop.is_running():
                raise RuntimeError(
                    "the loop of this client runs in another thread; make a client for each thread,"
                    " or call asyncio.run_coroutine_threadsafe"
                )
            self._bind(loop)
        except BaseException:
            coroutine.close()
            raise
        return run_to_the_end(loop, self._after_turns(coroutine))

    def check_synchronous(self) -> None:
        """Refuse a `for` over a stream where `async for` is needed: it would get coroutines, and never come to an end.

        Raises: RuntimeError, in a running loop.
        """
        if running_loop() is not None:
            raise RuntimeError("a loop runs here: take the stream with `async for`")

    async def _after_turns(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Let the loop see what happened to idle connections while it stood still: a FIN, a stray byte, their age."""
        if any(pool.idle for pool in self.connection_pools.values()):
            for _ in range(3):  # the poll, the read, the transport's end
                await asyncio.sleep(0)
        return await coroutine

    def _scope_loop(self) -> asyncio.AbstractEventLoop | None:
        own = self._own_loop
        return own if own is not None and not own.is_closed() else None

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        self._own_loop = asyncio.new_event_loop()
        return self._own_loop

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to a loop from now on; what belonged to one that is over is dropped."""
        if self._given_loop is not None and loop is not self._given_loop:
            raise RuntimeError("this client was made for another loop: HttpClient(loop=...) runs on that one alone")
        scope = self._scope
        if scope is not None and scope.loop is loop:
            self._thread = get_ident()
            return
        if scope is not None:
            if not scope.loop.is_closed() and (scope.loop.is_running() or scope.is_busy):
                raise RuntimeError(
                    "this client is at work on another loop; use one client per loop, or close() it there first"
                )
            if scope.loop is self._scope_loop():
                self._end_own_loop()
            scope.drop()
        self._scope = LoopScope(loop, self.connection_pools, self._max_connections)
        self._scope.reused = 0 if scope is None else scope.reused
        self._thread = get_ident()

    @property
    def max_connections(self) -> int | None:
        """How many connections there may be over all routes; None = any number."""
        return self._max_connections

    def stats(self) -> Stats:
        """How many connections there are, are in use and are waited for, and how often one was used again."""
        return Stats() if self._scope is None else self._scope.stats()

    @property
    def scope(self) -> LoopScope:
        """What belongs to the loop of now.

        Raises: RuntimeError, without one.
        """
        if self._scope is None:
            self._bind(asyncio.get_running_loop())
        assert self._scope is not None
        return self._scope

    def settle(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[None]:
        """Start something that must happen even if nobody awaits it; without a running loop, run it."""
        running = running_loop()
        if running is None:
            self.wait_for(coroutine)
            return nothing
        if running is not self.scope.loop:
            coroutine.close()
            raise RuntimeError("this belongs to another loop: close it there")
        return self.scope.start(coroutine)

    def add_closer(self, closer: Closer) -> None:
        """Let `close()` await `closer()` before it closes the connections.

        For plugins that keep something open beyond its exchange, such as a connection that they detached. `closer`
        says how long it takes. It is called once; at the end of a loop on which nobody called `close()` it is
        cancelled after a second.
        """
        self.scope.closers.add(closer)

    def remove_closer(self, closer: Closer) -> None:
        """Forget a closer: what it would close is closed."""
        if self._scope is not None:
            self._scope.closers.discard(closer)

    def close(self) -> Awaitable[None]:
        """Close all connections; exchanges in flight end with an error. In a running loop, await it or not.

        Raises: RuntimeError, where the client is at work on another loop.
        """
        scope, own, running = self._scope, self._scope_loop(), running_loop()
        if scope is None or scope.loop.is_closed():
            return nothing
        if own is not None and scope.loop is own and not own.is_running():
            self._end_own_loop()
            return nothing
        if running is not None and running is not scope.loop:
            self._bind(running)  # what another loop left is dropped; there is nothing more to close
            return nothing
        return self.settle(scope.close())

    def _end_own_loop(self) -> None:
        """Close what belongs to the loop of synchronous mode, and the loop.

        Where another loop runs in this thread that takes a thread of its own: no loop runs within another. It is a matter
        of milliseconds.
        """
        own, scope = self._own_loop, self._scope
        assert own is not None
        assert scope is not None

        def end() -> None:
            own.run_until_complete(scope.close())
            own.run_until_complete(cancel_the_rest())
            own.run_until_complete(own.shutdown_asyncgens())
            own.close()

        if running_loop() is None:
            end()
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(1, "hookline") as thread:
                thread.submit(end).result()


async def cancel_the_rest() -> None:
    """End the tasks that handlers and routes left on a loop that is about to be closed, as asyncio.run does."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)  # the transports that they closed end


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def run_to_the_end(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine. When Ctrl-C breaks in, it is cancelled: a half exchange would go on at the next call."""
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except BaseException:
        if not task.done() and not loop.is_running() and not loop.is_closed():
            task.cancel()
            with suppress(Exception, asyncio.CancelledError):  # what broke in goes out
                loop.run_until_complete(task)
        raise
