"""The connections of one client, on one event loop, to the Redis of a shared throttle.

Commands go one after the other over a connection of their own, without the client of the package redis: that takes 50 us of CPU
for a command instead of 140. Waiting for messages goes over connections of a client, one for each key that waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar
from weakref import ref

from .admission import Slot
from .redis_script import SCRIPT

T = TypeVar("T")

COMMAND_SECONDS = 5.0  # that Redis may take for a command
FLUSH_SECONDS = 0.002  # after which slots are given back, if no request takes them along to Redis


def packed(*words: Any) -> bytes:
    """Return a command as Redis reads it (RESP 2, an array of bulk strings): that of the package redis takes 20 us more."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        text = str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(parts)


class Turns:
    """The requests of this loop with one key that wait: one of them at a time asks Redis, the others wait for the lock.

    count: how many there are.
    """

    __slots__ = ("count", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()  # first come, first served
        self.count = 0


class RedisLink:
    """The connections, what is still to be said to Redis, and the slots whose leases are renewed.

    redis: the module redis.asyncio. url: of the server. lease: seconds. process: the name of this link in Redis.
    """

    def __init__(self, redis: Any, url: str, lease: float) -> None:
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff  # type: ignore[import-untyped, unused-ignore]

        settings = {"socket_connect_timeout": COMMAND_SECONDS, "socket_timeout": None, "retry": Retry(NoBackoff(), 0)}
        self._redis, self._pool = redis, redis.ConnectionPool.from_url(url, **settings)
        self._mail = redis.Redis(connection_pool=self._pool)
        self._failures = (redis.RedisError, OSError, asyncio.IncompleteReadError)
        self._connection: Any = None
        self._given_up: Any = None  # the last connection on which Redis did not answer in time
        self._lock = asyncio.Lock()
        self._digest = ""
        self._lease = lease
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._flush_handle: asyncio.TimerHandle | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._is_flushing = self._is_closed = False
        self._turns: dict[str, Turns] = {}
        self.process = secrets.token_hex(8)
        self._last_slot = 0
        self.over: dict[str, list[str]] = {}  # by key: slots that are over and the rate that they leave, in turns
        self._commands: list[tuple[str, Sequence[Any]]] = []  # key and arguments, of which nobody awaits the result
        self._held: dict[str, tuple[str, Sequence[Any], ref[Slot]]] = {}  # by slot: key, and arguments that renew it

    # -- the script

    async def run(self, key: str, *arguments: Any) -> tuple[bool, float, str]:
        """Run the script for a key. Returns: is it granted? the seconds to wait; the rate as it stands then.

        Raises: ConnectionError, if Redis does not answer; CancelledError.
        """
        command = (1, key, *arguments)
        async with self._lock:
            was_open = self._connection is not None
            try:
                found = await self._guarded(self._run(command))
            except ConnectionError as error:
                if not was_open or isinstance(error.__cause__, TimeoutError):
                    raise
                found = await self._guarded(self._run(command))  # Redis may have closed an idle connection
        granted, wait, *rate = found.decode().split(" ")
        return granted == "1", int(wait) / 1e6, rate[0] if rate else ""

    async def _run(self, command: tuple[Any, ...]) -> Any:
        connection = self._connection
        if connection is None:
            connection = self._pool.make_connection()
            try:
                async with asyncio.timeout(COMMAND_SECONDS):  # its own limit ends before the first words with Redis
                    await connection.connect()
            except BaseException:
                self._discard(connection)
                raise
            self._connection = connection
        # a timer takes 1 us, asyncio.timeout() 4
        limit = self._loop.call_later(COMMAND_SECONDS, self._give_up, connection)
        try:
            if not self._digest:
                await connection.send_command("SCRIPT", "LOAD", SCRIPT)
                self._digest = (await connection.read_response()).decode()
            await connection.send_packed_command([packed("EVALSHA", self._digest, *command)])
            try:
                return await connection.read_response()
            except self._redis_error("NoScriptError"):
                await connection.send_command("EVAL", SCRIPT, *command)
                return await connection.read_response()
        except BaseException as error:
            self._connection = None
            self._discard(connection)
            if connection is self._given_up:
                raise TimeoutError(f"no answer within {COMMAND_SECONDS:g} s") from error
            raise
        finally:
            limit.cancel()

    def _give_up(self, connection: Any) -> None:
        """Close a connection on which a command has taken too long."""
        self._given_up = connection
        self._discard(connection)

    def _redis_error(self, name: str) -> Any:
        import redis.exceptions

        return getattr(redis.exceptions, name)

    async def _guarded(self, awaitable: Awaitable[T]) -> T:
        """Await something of Redis. A cancellation may come out of the package redis as an error, or not at all.

        Raises: ConnectionError; CancelledError.
        """
        task = asyncio.current_task()
        cancellations = task.cancelling() if task is not None else 0
        try:
            result = await awaitable
        except (*self._failures, TimeoutError) as error:
            if task is not None and task.cancelling() > cancellations:
                raise asyncio.CancelledError from error
            raise ConnectionError(str(error) or type(error).__name__) from error
        if task is not None and task.cancelling() > cancellations:
            raise asyncio.CancelledError
        return result

    def _discard(self, connection: Any) -> None:
        """Close a connection that may be amid a command."""
        self._start(connection.disconnect(nowait=True))

    # -- waiting

    def join(self, key: str) -> Turns:
        """Return the turns of a key, which count the request from now on. `part` is to be called when it has had its own."""
        turns = self._turns.get(key)
        if turns is None:
            turns = self._turns[key] = Turns()
        turns.count += 1
        return turns

    def part(self, key: str, turns: Turns) -> None:
        """Do not count a request any more."""
        turns.count -= 1
        if not turns.count:
            del self._turns[key]

    async def message(self, key: str, seconds: float) -> None:
        """Wait for a message about a key; seconds: not longer.

        Raises: ConnectionError; CancelledError.
        """

        async def wait() -> None:
            async with asyncio.timeout(seconds + COMMAND_SECONDS):
                await self._mail.blpop([f"{key}:m:{self.process}"], timeout=max(seconds, 0.001))

        await self._guarded(wait())

    # -- slots

    def new_slot(self) -> str:
        """Return the name of a slot that no other has."""
        self._last_slot += 1
        return f"{self.process}:{self._last_slot}"

    def hold_slot(self, key: str, slot: str, arguments: Sequence[Any], lease: ref[Slot]) -> None:
        """Renew the lease of a slot until it is over. arguments: of the script, up to the slots."""
        self._held[slot] = key, arguments, lease
        if self._renewal is None or self._renewal.done():
            self._renewal = self._start(self._renew())

    def leases(self, key: str) -> list[ref[Slot]]:
        """Return the leases of the slots of a key."""
        return [lease for held, _, lease in self._held.values() if held == key]

    def note_end(self, key: str, slot: str, lease: ref[Slot]) -> None:
        """Give a slot back that nobody gave back. The garbage collector may call this anywhere, so it is left to the loop."""
        if slot in self._held:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody renews the slot any more
                self._loop.call_soon_threadsafe(self.end_slot, key, slot, "")

    async def _renew(self) -> None:
        known: set[str] = set()
        while self._held:
            by_key: dict[tuple[str, Any], list[str]] = {}
            for slot, (key, arguments, _) in self._held.items():
                if slot in known:
                    by_key.setdefault((key, arguments), []).append(slot)
            known = {*self._held}
            for (key, arguments), held in by_key.items():
                with contextlib.suppress(ConnectionError):  # the next time
                    await self.run(key, "renew", *arguments, *held)
            await asyncio.sleep(self._lease / 3)

    def end_slot(self, key: str, slot: str, rate: str) -> None:
        """Give a slot back soon. rate: that of its admission, if no request was sent; "" = one was."""
        self._held.pop(slot, None)
        self.give_back(key, (slot, rate))

    def give_back(self, key: str, over: Sequence[str]) -> None:
        """Do as `end_slot` for several: slots and rates, in turns."""
        if over:
            self.over.setdefault(key, []).extend(over)
            self._flush_soon()

    def say(self, key: str, arguments: Sequence[Any]) -> None:
        """Run the script soon."""
        self._commands.append((key, arguments))
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._flush_handle is None and not self._is_flushing and not self._is_closed:
            self._flush_handle = self._loop.call_later(FLUSH_SECONDS, self._begin_flush)

    def _begin_flush(self) -> None:
        self._flush_handle = None
        if self.over or self._commands:
            self._start(self._flush())

    async def _flush(self) -> None:
        """Say what is to be said. If Redis does not answer, it is forgotten: leases end by themselves."""
        self._is_flushing = True
        try:
            while self.over or self._commands:
                if self._commands:
                    key, arguments = self._commands.pop(0)
                else:
                    key, over = self.over.popitem()
                    arguments = ("leave", self.process, "0 0 1 0", "", *over)
                with contextlib.suppress(ConnectionError):
                    await self.run(key, *arguments)
        finally:
            self._is_flushing = False

    def _start(self, coroutine: Any) -> asyncio.Task[Any]:
        task = self._loop.create_task(coroutine)
        if not task.done():  # an eager task may be over already
            self._tasks.add(task)
            task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of a connection that could not be closed: it is gone

    async def close(self) -> None:
        """Give everything back, and close the connections. The exchanges are over, even if some callers do not know it yet."""
        self._is_closed = True
        for slot, (key, _, _) in [*self._held.items()]:
            self.end_slot(key, slot, "")
        if self._flush_handle is not None:
            self._flush_handle.cancel()
        if self._renewal is not None:
            self._renewal.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._flush()
        finally:
            connection, self._connection = self._connection, None
            if connection is not None:
                self._discard(connection)
            with contextlib.suppress(*self._failures):
                await self._pool.disconnect()
            await asyncio.gather(*self._tasks, return_exceptions=True)
