"""Which event loop a client runs on: the one that runs, or one of its own in synchronous mode."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any

from .. import forks
from ..network.loop_resources import Closer, LoopResources
from ..network.loop_runner import CtrlC, cancel_the_rest, run_to_the_end, running_loop
from ..network.pool import Pool
from ..network.stats import Stats


class _Nothing:
    """What there is to await when nothing is left to do."""

    def __await__(self) -> Any:
        return iter(())


nothing: Awaitable[None] = _Nothing()

OTHER_THREAD = (
    "the loop of this client runs in another thread; make a client for each thread,"
    " or call asyncio.run_coroutine_threadsafe"
)
OTHER_LOOP = "this client is at work on another loop; use one client per loop, or close() it there first"


class LoopBinding:
    """See the module. A client belongs to one loop at a time, to one thread, and to one process.

    loop: the only loop that it may run on; None = any, one after the other.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None, max_connections: int | None = None) -> None:
        self._given_loop = loop
        self._max_connections = max_connections
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0  # set by whoever is about to run the loop, before it runs
        self._runner: dict[str, int] = {}  # the thread that runs the loop in synchronous mode
        self._binding = Lock()
        self._loop_resources: LoopResources | None = None
        forks.clients.add(self)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The only loop that this client may run on, as it was given; None = any."""
        return self._given_loop

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """The coroutine itself in a running loop; without one, run it on the client's own and return its result.

        Raises: RuntimeError, when the client belongs to another loop, or its loop runs in another thread.
        """
        # Most calls come from the loop that the client has: asking for the running loop costs a system call on 3.11
        scope = self._loop_resources
        if scope is not None and scope.loop.is_running() and get_ident() == self._thread:  # in this order: see _thread
            return coroutine
        try:
            running = running_loop()
            if running is not None:
                self._bind(running)
                return coroutine
            with CtrlC() as ctrl_c, self._only_thread():
                loop = self._given_loop or self._usable_own_loop() or self._new_loop()
                if loop.is_running():
                    raise RuntimeError(OTHER_THREAD)
                self._bind(loop)
                return run_to_the_end(loop, self._after_idle_checks(coroutine), ctrl_c, self._give_up_loop)
        except BaseException:
            coroutine.close()
            raise

    @contextmanager
    def _only_thread(self) -> Iterator[None]:
        """Be the one thread that runs the loop of synchronous mode.

        Raises: RuntimeError, while another is that.
        """
        thread = get_ident()
        try:
            # one step, with which no signal handler can interfere
            if self._runner.setdefault("thread", thread) != thread:
                raise RuntimeError(OTHER_THREAD)
            yield
        finally:
            if self._runner.get("thread") == thread:
                del self._runner["thread"]

    def check_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Refuse to touch what belongs to this loop from where that must not be. For plugins, before they write.

        Raises: RuntimeError, when the client has left the loop, or its process; in another thread, while it runs.
        """
        scope, thread = self._loop_resources, get_ident()
        if scope is None or scope.loop is not loop:
            raise RuntimeError("this belongs to a loop that the client has left, or to the parent process")
        if thread != self._thread and (loop.is_running() or self._runner.get("thread", thread) != thread):
            raise RuntimeError(OTHER_THREAD)

    def _check_synchronous(self) -> None:
        """Refuse a `for` over a stream where `async for` is needed: it would get coroutines, and never come to an end.

        Raises: RuntimeError, in a running loop.
        """
        if running_loop() is not None:
            raise RuntimeError("a loop runs here: take the stream with `async for`")

    async def _after_idle_checks(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Let the loop see what happened to idle connections while it stood still: a FIN, a stray byte, their age."""
        if any(pool.idle for pool in self.connection_pools.values()):
            for _ in range(3):  # the poll, the read, the transport's end
                await asyncio.sleep(0)
        return await coroutine

    def _usable_own_loop(self) -> asyncio.AbstractEventLoop | None:
        own = self._own_loop
        return own if own is not None and not own.is_closed() else None

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        self._check_idle()
        self._own_loop = asyncio.new_event_loop()
        return self._own_loop

    def _give_up_loop(self) -> None:
        """The loop of synchronous mode is broken: the next call gets another."""
        own, self._own_loop = self._own_loop, None
        if own is not None and self._loop_resources is not None:
            own.close()
            self._loop_resources.drop()
            self._loop_resources = None

    def _check_idle(self) -> None:
        """Raises: RuntimeError, where another loop still has work of this client, or another thread runs its own."""
        scope, thread = self._loop_resources, get_ident()
        if scope is not None and not scope.loop.is_closed() and (scope.loop.is_running() or scope.is_busy):
            raise RuntimeError(OTHER_LOOP)
        if self._runner.get("thread", thread) != thread:
            raise RuntimeError(OTHER_THREAD)

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to a loop from now on; what belonged to one that is over is dropped."""
        if self._given_loop is not None and loop is not self._given_loop:
            raise RuntimeError("this client was made for another loop: HttpClient(loop=...) runs on that one alone")
        scope = self._loop_resources
        if scope is not None and scope.loop is loop:
            self._thread = get_ident()
            return
        with self._binding:  # of two threads that come at once, one finds what the other has made
            scope = self._loop_resources
            self._check_idle()
            if scope is not None:
                if scope.loop is self._usable_own_loop():
                    with self._only_thread():
                        self._end_own_loop()
                scope.leave_loop()
            new = LoopResources(loop, self._max_connections)
            new.reused = 0 if scope is None else scope.reused
            self._thread = get_ident()
            self._loop_resources = new

    @property
    def connection_pools(self) -> dict[Hashable, Pool]:
        """The pools of all routes, by their keys."""
        return {} if self._loop_resources is None else self._loop_resources.pools

    @property
    def max_connections(self) -> int | None:
        """How many connections there may be over all routes; None = any number."""
        return self._max_connections

    def stats(self) -> Stats:
        """How many connections there are, are in use and are waited for, and how often one was used again."""
        return Stats() if self._loop_resources is None else self._loop_resources.stats()

    @property
    def loop_resources(self) -> LoopResources:
        """What belongs to the loop of now.

        Raises: RuntimeError, without one.
        """
        if self._loop_resources is None:
            self._bind(asyncio.get_running_loop())
        assert self._loop_resources is not None
        return self._loop_resources

    def _run_in_background(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[None]:
        """Start something that must happen even if nobody awaits it; without a running loop, run it."""
        running = running_loop()
        if running is None:
            self.run(coroutine)
            return nothing
        if running is not self.loop_resources.loop:
            coroutine.close()
            raise RuntimeError("this belongs to another loop: close it there")
        return self.loop_resources.start(coroutine)

    def add_closer(self, closer: Closer) -> None:
        """Let `close()` await `closer()` behind the last post_request, before it closes the connections.

        For plugins that keep something open beyond its exchange, such as a connection that they detached. `closer`
        says how long it takes. It is called once; at the end of a loop on which nobody called `close()` it is
        cancelled after a second.
        """
        self.loop_resources.closers.add(closer)

    def remove_closer(self, closer: Closer) -> None:
        """Forget a closer: what it would close is closed."""
        if self._loop_resources is not None:
            self._loop_resources.closers.discard(closer)

    def close(self) -> Awaitable[None]:
        """Close all connections; exchanges in flight end with an error. In a running loop, await it or not.

        Raises: RuntimeError, where the client is at work on another loop.
        """
        scope, own, running = self._loop_resources, self._usable_own_loop(), running_loop()
        if scope is None or scope.loop.is_closed():
            return nothing
        if own is not None and scope.loop is own and not own.is_running():
            with self._only_thread():
                if self._usable_own_loop() is own:  # no other thread was faster
                    self._end_own_loop()
            return nothing
        if running is not None and running is not scope.loop:
            self._bind(running)  # what another loop left is dropped; there is nothing more to close
            return nothing
        return self._run_in_background(scope.close(None if running is None else asyncio.current_task()))

    def _end_own_loop(self) -> None:
        """Close what belongs to the loop of synchronous mode, and the loop.

        Where another loop runs in this thread that takes a thread of its own: no loop runs within another. It is a matter
        of milliseconds.
        """
        own, scope = self._own_loop, self._loop_resources
        assert own is not None
        assert scope is not None
        self._thread = 0

        def end() -> None:
            with CtrlC() as ctrl_c:
                try:
                    run_to_the_end(own, scope.close(), ctrl_c, own.close)
                finally:
                    try:
                        if not own.is_closed():
                            run_to_the_end(own, cancel_the_rest(), ctrl_c, own.close)
                    finally:
                        own.close()

        if running_loop() is None:
            end()
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(1, "hookline") as thread:
                thread.submit(end).result()

    def _forget_after_fork(self) -> None:
        """In a child of os.fork(): have no loop and no connections. See `hookline.forks`."""
        scope, own = self._loop_resources, self._own_loop
        forks.kept.append((scope, own))  # as long as the child lives, or their finalizers would act on the parent's
        self._loop_resources = self._own_loop = self._given_loop = None
        self._thread = 0
        self._runner, self._binding = {}, Lock()
        if own is not None:
            selector = getattr(own, "_selector", None)  # closing the loop unregisters with it, and so in the parent
            if selector is not None:
                forks.replace_descriptor(selector.fileno())
        if scope is not None:
            scope.forget_after_fork()
