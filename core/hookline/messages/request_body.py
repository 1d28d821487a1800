"""Request bodies: bytes, or a source that yields chunks while it is sent."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Self
from weakref import WeakSet

from ..errors import LocalProtocolError

_begun: WeakSet[Any] = WeakSet()  # generators whose sending has begun, by whichever call

CHUNKS_PER_TURN = 64  # after so many chunks the event loop runs other tasks, even if the source never waits
_HASHED_AT_ONCE = 16 * 1024  # bytes: 64 times that are hashed between two turns of the loop, in 1 to 3 ms


class Source:
    """A body that is produced while it is sent, from an iterable or async iterable of bytes, str or awaitables of these.

    Plugins make one for a body whose length they know, and may read the body of a request with `chunks()`.

    length: in bytes, None = unknown: the body is chunked then. is_repeatable: the iterable can be read again, as a follow-up may
    need it. An attribute `is_repeatable` of the iterable says so; without it, iterators are read once, others again.

    Example::

        from hookline import HttpClient, Source

        body = Source([b"two ", b"pieces"], length=10)
        with HttpClient() as client:
            print(client.post("http://127.0.0.1:8000/echo", data=body).text, body.can_be_sent)
        print(Source.already_sent(10).can_be_sent)
    """

    __slots__ = ("_chunks", "_is_begun", "is_repeatable", "length")

    def __init__(self, chunks: Any, length: int | None = None) -> None:
        self._chunks = chunks
        self.length = length
        self.is_repeatable = can_be_read_again(chunks)
        self._is_begun = False

    @classmethod
    def already_sent(cls, length: int | None) -> Self:
        """Make the source of a body that was sent already, for the snapshot of a request. It cannot be sent again."""
        found = cls(iter(()), length)
        found._is_begun = True
        return found

    def __reduce__(self) -> tuple[Callable[[int | None], Source], tuple[int | None]]:
        """Copy and pickle it as a body that was sent already."""
        return Source.already_sent, (self.length,)

    @property
    def can_be_sent(self) -> bool:
        """Was it not read yet, or can it be read again?"""
        return self.is_repeatable or not self._is_begun

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Iterate over the body in chunks. Empty chunks are left out; after many of them the event loop gets a turn.

        Raises: TypeError, if a chunk is not bytes or str; LocalProtocolError, for a generator that was sent before;
        whatever the source raises.

        Example::

            from hookline import Source

            print([chunk async for chunk in Source([b"two ", b"pieces"]).chunks()])
        """
        self._is_begun = True
        if inspect.isgenerator(self._chunks) or inspect.isasyncgen(self._chunks):
            if self._chunks in _begun:
                raise LocalProtocolError(
                    "a generator was sent before, or is being sent: its body can be read once only"
                )
            _begun.add(self._chunks)
        empty = 0
        if hasattr(self._chunks, "__aiter__"):
            source = aiter(self._chunks)
            try:
                async for chunk in source:
                    # most chunks are bytes already: without that coroutine an upload takes 0.92 to 0.99 of the CPU
                    data = chunk if chunk.__class__ is bytes else await as_bytes(chunk)
                    if data:
                        yield data
                    elif (empty := empty + 1) % CHUNKS_PER_TURN == 0:
                        await asyncio.sleep(0)
            finally:
                if inspect.isasyncgen(source):
                    await source.aclose()  # at once, instead of when it is garbage-collected
        else:
            pieces = iter(self._chunks)
            try:
                for chunk in pieces:
                    data = chunk if chunk.__class__ is bytes else await as_bytes(chunk)
                    if data:
                        yield data
                    elif (empty := empty + 1) % CHUNKS_PER_TURN == 0:
                        await asyncio.sleep(0)
            finally:
                if inspect.isgenerator(pieces):
                    pieces.close()

    def __repr__(self) -> str:
        return f"<Source of {type(self._chunks).__name__}, length {self.length}>"


async def digest_of(body: bytes | Source | None, algorithm: str) -> bytes:
    """Read a body that can be read more than once, and return its digest; that of no bytes for None.

    algorithm: a name that `hashlib.new` knows, such as "sha256".

    Raises: ValueError, for an unknown algorithm, and for one whose digest has no fixed size; what the source raises.
    """
    import hashlib  # here, because few programs sign their requests

    try:  # where FIPS holds, MD5, which Content-MD5 needs, is allowed only if it is not for security
        digest = hashlib.new(algorithm, usedforsecurity=False)
    except (TypeError, ValueError):
        raise ValueError(f"hashlib has no algorithm {algorithm!r}") from None
    if not digest.digest_size:
        raise ValueError(f"the digest of {algorithm!r} has no fixed size")
    pieces = 0
    async with aclosing(body.chunks() if isinstance(body, Source) else one_chunk(body or b"")) as chunks:
        async for chunk in chunks:
            view = memoryview(chunk)
            for start in range(0, len(view), _HASHED_AT_ONCE):
                digest.update(view[start : start + _HASHED_AT_ONCE])
                if (pieces := pieces + 1) % CHUNKS_PER_TURN == 0:
                    await asyncio.sleep(0)
    return digest.digest()


async def one_chunk(body: bytes) -> AsyncGenerator[bytes, None]:
    """Yield a body that is in memory."""
    yield body


def can_be_read_again(chunks: Any) -> bool:
    """Can an iterable be read more than once? Its attribute `is_repeatable` decides; without it, iterators cannot.

    `iter()` is not called to find out, since some streams begin with it.
    """
    if hasattr(chunks, "is_repeatable"):
        return bool(chunks.is_repeatable)
    return not (hasattr(chunks, "__next__") or hasattr(chunks, "__anext__"))


async def as_bytes(chunk: Any) -> bytes:
    """Convert a chunk, or the result of an awaitable, to bytes; a str is encoded as UTF-8.

    Raises: TypeError.
    """
    if inspect.isawaitable(chunk):
        chunk = await chunk
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        return chunk.encode("utf-8")
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(f"a body's chunks must be bytes or str, got {type(chunk).__name__}")


def as_body(value: Any, keyword: str) -> bytes | Source:
    """Convert one value to the bytes or the source that is sent for it.

    value: bytes, a str (sent as UTF-8), a Source, or an iterable or async iterable of bytes. Files and paths are none of these:
    reading them in the right way is left to plugins. keyword: how the value was given, such as `data=`, for messages.

    Raises: TypeError, for a value of another type; ValueError, for a generator that has ended.

    Example::

        from hookline import HttpClient, as_body, hookimpl


        class Signed:
            @hookimpl
            def pre_request(self, response):
                response.request.body = as_body("signed", "data=")


        with HttpClient(plugins=[Signed()]) as client:
            print(client.post("http://127.0.0.1:8000/echo").text)
    """
    if isinstance(value, (bytes, Source)):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    is_async = hasattr(value, "__aiter__")
    is_file = hasattr(value, "read") and not is_async
    if isinstance(value, Mapping) or is_file or not (is_async or hasattr(value, "__iter__")):
        raise TypeError(
            f"{keyword} takes bytes, str or an iterable of bytes, not {type(value).__name__}; files, paths and other values"
            " need a plugin that encodes them"
        )
    if is_exhausted(value):
        raise ValueError(f"this {type(value).__name__} was read to its end before; to send an empty body, use b''")
    return Source(value)


def is_exhausted(chunks: Any) -> bool:
    """Is this a generator that has ended? Other iterators do not show whether they are exhausted."""
    if inspect.isgenerator(chunks):
        return chunks.gi_frame is None
    return inspect.isasyncgen(chunks) and chunks.ag_frame is None
