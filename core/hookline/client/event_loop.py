"""The event loop of a client: the running one or, in synchronous mode, one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any, TypeVar

from .. import forks
from ..network.loop_resources import Closer, LoopResources
from ..network.loop_runner import CtrlC, cancel_remaining_tasks, run_to_completion, running_loop
from ..network.pool import Pool

if TYPE_CHECKING:
    from ..network.stats import Stats

T = TypeVar("T")


class _Completed:
    """An awaitable that is done: awaiting it returns at once."""

    def __await__(self) -> Any:
        return iter(())


COMPLETED: Awaitable[None] = _Completed()

OTHER_THREAD = (
    "the loop of this client runs in another thread; make a client for each thread,"
    " or call asyncio.run_coroutine_threadsafe"
)
OTHER_LOOP = "this client is at work on another loop; use one client per loop, or close() it there first"


class LoopBinding:
    """A base class of clients: it binds a client to the event loop that its methods are called in.

    A client belongs to one loop at a time, to one thread, and to one process. In synchronous mode, when no loop is running, it
    has a loop of its own, which runs during each call only.

    _loop_resources: all that belongs to the loop of now; None before the first call, and after a fork.
    _own_loop: the loop of synchronous mode, once there was need of one.
    _loop_thread: the id of the thread that runs the loop of now; 0 = not known. It is set before the loop runs.
    _claim: {"thread": id} while a thread runs the loop in synchronous mode, else empty.
    _bind_lock: held while the loop changes.
    _is_opened: True if the hooks `closed` have not run since the client was made, or used.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None,
        max_connections: int | None = None,
        closed_hooks: Callable[[], Closer | None] = lambda: None,
    ) -> None:
        """Make a client that is bound to no loop yet.

        loop: the only one that the client may run on; None = any. max_connections: over all routes; None = any number.
        closed_hooks: returns what runs the hooks `closed`; None = there are none.
        """
        self._given_loop = loop
        self._find_closed_hooks = closed_hooks
        self._is_opened = True
        self._max_connections = max_connections
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._claim: dict[str, int] = {}
        self._bind_lock = Lock()
        self._loop_resources: LoopResources | None = None
        forks.clients.add(self)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The only loop that this client may run on, as it was given to `HttpClient(loop=)`; None = any.

        Example: docs/synchronous.md#a-loop-of-your-own
        """
        return self._given_loop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Run a coroutine as the methods of the client do; for plugins that have such methods.

        In a running loop, return the coroutine itself, to be awaited. Without one, run it on the client's own loop, and return
        its result; `SyncHttpClient.run` has that type.

        Raises: RuntimeError, if the client is in use on another loop or in another thread; whatever the coroutine raises.

        Example::

            from hookline import HttpClient


            async def both(client):
                first = await client.get("http://127.0.0.1:8000/")
                return first.status_code, (await client.get("http://127.0.0.1:8000/json")).json()


            with HttpClient() as client:
                print(client.run(both(client)))
        """
        # Most calls come from the loop that the client is bound to; `get_running_loop` costs a system call on Python 3.11
        resources = self._loop_resources
        # (in this order: `_loop_thread` is valid once the loop runs)
        if resources is not None and resources.loop.is_running() and get_ident() == self._loop_thread:
            return coroutine
        try:
            running = running_loop()
            if running is not None:
                self._bind(running)
                return coroutine
            with CtrlC() as ctrl_c, self._claim_thread():
                loop = self._given_loop or self._usable_own_loop()
                if loop is None:
                    self._check_not_busy()
                    loop = self._own_loop = asyncio.new_event_loop()
                if loop.is_running():
                    raise RuntimeError(OTHER_THREAD)
                self._bind(loop)
                return run_to_completion(loop, self._run_after_poll(coroutine), ctrl_c, self._discard_own_loop)  # type: ignore[no-any-return]
        except BaseException:
            coroutine.close()
            raise

    @contextmanager
    def _claim_thread(self) -> Iterator[None]:
        """Let no other thread run the loop of synchronous mode meanwhile.

        Raises: RuntimeError, if another thread runs it.
        """
        thread = get_ident()
        try:
            # `setdefault` is one step: no other thread and no signal handler can come between
            if self._claim.setdefault("thread", thread) != thread:
                raise RuntimeError(OTHER_THREAD)
            yield
        finally:
            if self._claim.get("thread") == thread:
                del self._claim["thread"]

    def check_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check that objects of this loop may be used here; for plugins, before they write to a connection.

        Raises: RuntimeError, if the client has left the loop, if this is a forked child, or if the loop runs in another thread.

        Example::

            import asyncio
            from hookline import HttpClient

            async with HttpClient() as client:
                await client.get("http://127.0.0.1:8000/")
                client.check_loop(asyncio.get_running_loop())
        """
        resources, thread = self._loop_resources, get_ident()
        if resources is None or resources.loop is not loop:
            raise RuntimeError("this belongs to a loop that the client has left, or to the parent process")
        if thread == self._loop_thread or running_loop() is loop:
            return
        if loop.is_running() or self._claim.get("thread", thread) != thread:
            raise RuntimeError(OTHER_THREAD)

    def _check_synchronous(self) -> None:
        """Refuse `for` over a stream in a running loop, where it would yield coroutines without end.

        Raises: RuntimeError, in a running loop.
        """
        if running_loop() is not None:
            raise RuntimeError("an event loop is running: read the stream with `async for`")

    async def _run_after_poll(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine, after the loop has processed what happened to idle connections while it did not run.

        That may be a FIN, an unexpected byte, or the end of their `keep_alive`.
        """
        if any(pool.idle_count for pool in self.connection_pools.values()):
            for _ in range(3):  # the selector, the read, the end of the transport
                await asyncio.sleep(0)
        return await coroutine

    def _usable_own_loop(self) -> asyncio.AbstractEventLoop | None:
        own = self._own_loop
        return own if own is not None and not own.is_closed() else None

    def _discard_own_loop(self) -> None:
        """Close the loop of synchronous mode, which is broken, with all that belongs to it. The next call makes another."""
        own, self._own_loop = self._own_loop, None
        if own is not None and self._loop_resources is not None:
            own.close()
            self._loop_resources.forget_all()
            self._loop_resources = None

    def _check_not_busy(self) -> None:
        """Raises: RuntimeError, if another loop has work of this client, or another thread runs the client's own loop."""
        resources, thread = self._loop_resources, get_ident()
        if (
            resources is not None
            and not resources.loop.is_closed()
            and (resources.loop.is_running() or resources.is_busy)
        ):
            raise RuntimeError(OTHER_LOOP)
        if self._claim.get("thread", thread) != thread:
            raise RuntimeError(OTHER_THREAD)

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Bind the client to a loop. What belonged to another one, which must be over, is dropped.

        Raises: RuntimeError, if the client may not run on this loop, or is in use on another one.
        """
        if self._given_loop is not None and loop is not self._given_loop:
            raise RuntimeError("this client was made for another loop: HttpClient(loop=...) runs on that one alone")
        resources = self._loop_resources
        if resources is not None and resources.loop is loop:
            self._loop_thread = get_ident()
            self._is_opened = True
            return
        with self._bind_lock:  # if two threads come at once, the second finds what the first has made
            resources = self._loop_resources
            self._check_not_busy()
            if resources is not None:
                if resources.loop is self._usable_own_loop():
                    with self._claim_thread():
                        self._close_own_loop()
                resources.leave_loop()
            new = LoopResources(loop, self._max_connections, self._take_closed_hooks)
            self._is_opened = True
            new.reused = 0 if resources is None else resources.reused
            self._loop_thread = get_ident()
            self._loop_resources = new

    @property
    def connection_pools(self) -> dict[Hashable, Pool]:
        """The pool of each route that was used, by `Route.key`; empty before the first call.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                client.get("http://127.0.0.1:8000/")
                print(len(client.connection_pools))
        """
        return {} if self._loop_resources is None else self._loop_resources.pools

    @property
    def max_connections(self) -> int | None:
        """The most connections over all routes; None = no limit.

        Example::

            from hookline import HttpClient

            client = HttpClient(max_connections=100)
            print(client.max_connections)
        """
        return self._max_connections

    def stats(self) -> Stats:
        """Count the connections: open, in use, waited for, and how often one was reused. See `Stats`.

        Example: docs/quickstart.md#connections
        """
        if self._loop_resources is not None:
            return self._loop_resources.stats()
        from ..network.stats import Stats

        return Stats()

    @property
    def loop_resources(self) -> LoopResources:
        """All that belongs to the client's event loop; for plugins that start background tasks with `loop_resources.start`.

        Raises: RuntimeError, if no loop is running and the client has none.

        Example::

            from hookline import HttpClient


            async def watch():
                print("watching")


            async with HttpClient() as client:
                await client.loop_resources.start(watch())
        """
        if self._loop_resources is None:
            self._bind(asyncio.get_running_loop())
        assert self._loop_resources is not None
        return self._loop_resources

    def _run_in_background(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[None]:
        """Start a coroutine that must run even if the result is not awaited; without a running loop, run it.

        Raises: RuntimeError, if the client belongs to another loop than the running one.
        """
        running = running_loop()
        if running is None:
            _ = self.run(coroutine)  # the result, since no loop runs
            return COMPLETED
        if running is not self.loop_resources.loop:
            coroutine.close()
            raise RuntimeError("this belongs to another loop: close it there")
        return self.loop_resources.start(coroutine)

    def _take_closed_hooks(self) -> Closer | None:
        """Return what runs the hooks `closed`, which is to be called now; None = there are none, or they have run."""
        run_hooks = self._find_closed_hooks() if self._is_opened else None
        if run_hooks is None:
            return None

        async def run_once() -> None:
            try:
                await run_hooks()
            finally:
                self._is_opened = False
                self._loop_thread = 0  # so that `run` binds the client again at its next use

        return run_once

    def per_loop(self, make: Callable[[], T], close: Callable[[T], object] | None = None) -> T:
        """Return what a plugin keeps for the event loop of this client, such as connections to a store; for plugins.

        It is made by `make()` when it is first asked for on a loop, and returned from then on. When the client closes, or the
        loop ends, `close(it)` is called, and awaited if it returns an awaitable: after the last post_request, and after the
        hooks `closed`. A forked child has none of it, and makes its own.

        make: a function that awaits nothing; it is the key, so give the same one each time, such as a method of the plugin.
        close: None: nothing is to be done.

        Raises: RuntimeError, if no loop is running and the client has none; whatever `make` raises.

        Example: docs/plugins/hooks.md#where-to-keep-state
        """
        return self.loop_resources.per_loop(make, close)

    def add_closer(self, closer: Closer) -> None:
        """Let `close()` await `closer()`, after the last post_request and before it closes the connections.

        For plugins that keep something open beyond its exchange, such as a connection that they detached. `closer` may take any
        time. It is called once; if the loop ends without a call of `close()`, it is cancelled after a second.

        Example::

            from hookline import HttpClient


            async def say_goodbye():
                print("closing")


            async with HttpClient() as client:
                client.add_closer(say_goodbye)
                client.remove_closer(say_goodbye)  # it was closed in another way
                client.add_closer(say_goodbye)
        """
        self.loop_resources.closers.add(closer)

    def remove_closer(self, closer: Closer) -> None:
        """Remove a closer, because what it would close is closed. One that is not there is ignored."""
        if self._loop_resources is not None:
            self._loop_resources.closers.discard(closer)

    def close(self) -> Awaitable[None]:
        """Close all connections. Exchanges in flight end with ClientClosed. The client can be used again afterwards.

        Returns an awaitable. In a running loop the client closes whether it is awaited or not; without one it is closed already.

        Raises: RuntimeError, if the client is in use on another loop or in another thread.

        Example: docs/synchronous.md#notebooks
        """
        running = running_loop()
        if self._is_opened and self._has_no_loop and self._find_closed_hooks() is not None:
            if running is not None:
                self._bind(running)
            else:
                _ = self.run(asyncio.sleep(0))
        resources, own = self._loop_resources, self._usable_own_loop()
        if resources is None or resources.loop.is_closed():
            return COMPLETED
        if resources.loop is own and not resources.loop.is_running():
            with self._claim_thread():
                if self._usable_own_loop() is own:  # no other thread has closed it in the meantime
                    self._close_own_loop()
            return COMPLETED
        if running is not None and running is not resources.loop:
            self._bind(running)  # what another loop left is dropped; there is nothing more to close
            return COMPLETED
        return self._run_in_background(resources.close(None if running is None else asyncio.current_task()))

    @property
    def _has_no_loop(self) -> bool:
        """True if the client is bound to no loop, or to one that is closed."""
        return self._loop_resources is None or self._loop_resources.loop.is_closed()

    def _close_own_loop(self) -> None:
        """Close the loop of synchronous mode, with all that belongs to it.

        If another loop is running in this thread, this takes another thread, because loops cannot be nested. It blocks for some
        milliseconds.
        """
        own, resources = self._own_loop, self._loop_resources
        assert own is not None
        assert resources is not None
        self._loop_thread = 0

        async def close_all() -> None:
            try:
                await resources.close()
            finally:
                await cancel_remaining_tasks()

        def end() -> None:
            with CtrlC() as ctrl_c:
                try:
                    run_to_completion(own, close_all(), ctrl_c, own.close)
                finally:
                    own.close()

        if running_loop() is None:
            end()
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(1, "hookline") as thread:
                thread.submit(end).result()

    def _forget_after_fork(self) -> None:
        """In a child of os.fork(): forget the loop and the connections, which are the parent's. See `hookline.forks`."""
        resources, own = self._loop_resources, self._own_loop
        forks.kept.append((resources, own))  # for the life of the child: their finalizers would act on the parent's
        self._loop_resources = self._own_loop = self._given_loop = None
        self._loop_thread = 0
        self._is_opened = False  # what the plugins have opened belongs to the parent
        self._claim, self._bind_lock = {}, Lock()
        if own is not None:
            selector = getattr(own, "_selector", None)  # closing the loop would unregister its files in the parent too
            if selector is not None:
                forks.replace_descriptor(selector.fileno())
        if resources is not None:
            resources.forget_after_fork()
