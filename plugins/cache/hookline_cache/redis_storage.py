"""A storage in Redis, for several machines.

A URL has one hash: variant to the head of a response. A body is in pieces of 1 MiB, under an id that no other body has. The
pieces are written first, with a short time to live, and the head last: a crash amid writing leaves pieces that soon expire.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable
from tempfile import SpooledTemporaryFile
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .memory_storage import MAX_VARIANTS, MemoryBody, check_limits
from .storage import StorageError
from .stored_response import StoredResponse

T = TypeVar("T")

PIECE = 1024 * 1024  # bytes
SMALL = 64 * 1024  # bytes of a body that are kept in memory until it is complete; more are in a temporary file
WRITE_SECONDS = 3600  # time to live of the pieces of a body that is being written
READ_SECONDS = 600  # of one that was replaced or removed, and may still be read
COMMAND_SECONDS = 5.0  # that Redis may take for one command


class RedisStorage:
    """Keeps responses in Redis. It needs the package redis: `pip install 'hookline-cache[redis]'`.

    url: of the server, such as `redis://127.0.0.1:6379/0`, as `redis.asyncio.from_url` takes it. prefix: of all keys, so that
    several caches may share a database. max_body: the largest body that is stored, in bytes. max_age: the seconds after which a
    response that is not used any more expires. How much all of them may take is a setting of Redis (`maxmemory`).

    Raises: ImportError, without that package; ValueError, for a limit below 1.

    Example::

        from hookline import HttpClient
        from hookline_cache import Cache, RedisStorage

        storage = RedisStorage("redis://127.0.0.1:6379/0", max_age=3600)
        client = HttpClient(plugins=["cache"], cache=Cache(storage))
        await storage.close()
    """

    def __init__(
        self, url: str, *, prefix: str = "hookline", max_body: int = 64 * 1024 * 1024, max_age: int = 7 * 86_400
    ) -> None:
        try:
            import redis.asyncio as redis
        except ImportError as error:
            raise ImportError("RedisStorage needs the package redis: pip install 'hookline-cache[redis]'") from error
        self._redis: Any = redis
        self._failures = (redis.RedisError, OSError)
        self._url, self._prefix = url, prefix
        self._max_body = check_limits(max_body, max_body)[0]
        self._max_age = check_limits(max_age, max_age)[0]
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[int, Any]] = WeakKeyDictionary()

    # -- the storage

    async def find(self, key: str) -> list[StoredResponse]:
        heads = await self._run(self._client().hgetall(self._key(key)))
        return [self._unpack(key, variant.decode(), packed) for variant, packed in heads.items()]

    async def open(self, stored: StoredResponse) -> MemoryBody | RedisBody | None:
        if not stored.size:
            return MemoryBody()
        pieces = self._pieces(stored)
        client = self._client()
        present = await self._run(client.exists(*pieces))
        if present != len(pieces):
            return None
        await self._keep(client, [self._key(stored.key), *pieces], self._max_age)
        return RedisBody(self, pieces)

    def write(self, size: int | None) -> SpooledBody | None:
        return None if size is not None and size > self._max_body else SpooledBody(self._max_body)

    async def add(self, stored: StoredResponse, body: SpooledBody) -> bool:
        try:
            client = self._client()
            stored = stored.with_body(stored.size, secrets.token_hex(16))
            pieces = self._pieces(stored)
            body.file.seek(0)
            for piece in pieces:
                data = await asyncio.to_thread(body.file.read, PIECE)
                await self._run(client.set(piece, data, ex=WRITE_SECONDS))
            key = self._key(stored.key)
            before = await self._run(client.hgetall(key))
            gone = [stored.variant.encode()] if stored.variant.encode() in before else []
            others = [variant for variant in before if variant not in gone]
            others.sort(key=lambda variant: self._unpack(stored.key, "", before[variant]).received_at)
            gone += others[: max(0, len(others) + 1 - MAX_VARIANTS)]
            await self._run(client.hset(key, stored.variant, self._pack(stored)))
            await self._keep(client, [key, *pieces], self._max_age)
            for variant in gone:
                await self._forget(client, self._unpack(stored.key, "", before[variant]))
            removed = [variant for variant in gone if variant != stored.variant.encode()]
            if removed:
                await self._run(client.hdel(key, *removed))
            return True
        finally:
            body.discard()

    async def renew(self, stored: StoredResponse) -> None:
        client, key = self._client(), self._key(stored.key)
        packed = await self._run(client.hget(key, stored.variant))
        if packed is not None and self._unpack(stored.key, "", packed).body == stored.body:
            await self._run(client.hset(key, stored.variant, self._pack(stored)))

    async def remove(self, key: str) -> None:
        client, hashed = self._client(), self._key(key)
        heads = await self._run(client.hgetall(hashed))
        await self._run(client.delete(hashed))
        for packed in heads.values():
            await self._forget(client, self._unpack(key, "", packed))

    async def close(self) -> None:
        """Close the connections of this loop. The next use opens new ones."""
        pid, client = self._clients.pop(asyncio.get_running_loop(), (0, None))
        if client is not None and pid == os.getpid():
            await client.aclose()

    # -- Redis

    def _client(self) -> Any:
        """Return the client of this loop, and of this process."""
        loop = asyncio.get_running_loop()
        pid, client = self._clients.get(loop, (0, None))
        if client is None or pid != os.getpid():
            client = self._redis.from_url(
                self._url, socket_timeout=COMMAND_SECONDS, socket_connect_timeout=COMMAND_SECONDS
            )
            self._clients[loop] = os.getpid(), client
        return client

    async def _run(self, command: Awaitable[Any]) -> Any:
        """Await a command.

        A cancellation during a command may come out of the client of Redis as an error of the connection, or not at all.

        Raises: StorageError; CancelledError.
        """
        task = asyncio.current_task()
        cancellations = task.cancelling() if task is not None else 0
        try:
            result = await command
        except self._failures as error:
            if task is not None and task.cancelling() > cancellations:
                raise asyncio.CancelledError from error
            raise StorageError(f"Redis: {error}") from error
        if task is not None and task.cancelling() > cancellations:
            raise asyncio.CancelledError
        return result

    async def _keep(self, client: Any, keys: list[str], seconds: int) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.expire(key, seconds)
            await self._run(pipeline.execute())

    async def _forget(self, client: Any, stored: StoredResponse) -> None:
        """Let a body expire that no head names any more."""
        if stored.size:
            await self._keep(client, self._pieces(stored), READ_SECONDS)

    def _key(self, key: str) -> str:
        return f"{self._prefix}:1:{hashlib.sha256(key.encode()).hexdigest()}"

    def _pieces(self, stored: StoredResponse) -> list[str]:
        return [f"{self._prefix}:1:{stored.body}:{number}" for number in range(-(-stored.size // PIECE))]

    def _pack(self, stored: StoredResponse) -> bytes:
        head = [
            stored.vary, stored.variant, stored.status, stored.reason, stored.requested_at, stored.received_at,
            stored.size, stored.body,
        ]  # fmt: skip
        return json.dumps(head).encode() + b"\n" + stored.lines

    def _unpack(self, key: str, variant: str, packed: bytes) -> StoredResponse:
        head, _, fields = packed.partition(b"\n")
        vary, variant, status, reason, requested_at, received_at, size, body = json.loads(head)
        return StoredResponse(key, vary, variant, status, reason, fields, requested_at, received_at, size, body)

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("a RedisStorage cannot be copied or pickled; make one for the same url")

    def __repr__(self) -> str:
        return f"<RedisStorage {self._prefix!r}>"  # the url may hold a password


class SpooledBody:
    """Takes a body: in memory while it is small, then in a temporary file that has no name.

    file: has the body.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self.file = SpooledTemporaryFile(max_size=SMALL)  # noqa: SIM115  # `discard` closes it

    def write(self, data: bytes) -> bool:
        self._size += len(data)
        if self._size > self._limit:
            return False
        try:
            self.file.write(data)
        except OSError:  # the disk is full, for instance
            return False
        return True

    def discard(self) -> None:
        self.file.close()

    def __del__(self) -> None:
        self.discard()


class RedisBody:
    """Reads a body piece by piece."""

    def __init__(self, storage: RedisStorage, pieces: list[str]) -> None:
        self._storage, self._pieces = storage, pieces

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        for number in range(start // PIECE, -(-end // PIECE)):
            command = self._storage._client().get(self._pieces[number])
            data = await self._storage._run(command)
            if data is None:
                raise StorageError("Redis: a stored body has expired while it was read")
            yield data[max(0, start - number * PIECE) : end - number * PIECE]

    def close(self) -> None:
        """Do nothing: the connections are the storage's."""
