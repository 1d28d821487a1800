"""Request bodies: whole as bytes, or a source that gives chunks.

A source says how long it is (None: nobody knows), and whether it can be read again, for a follow-up.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Self
from weakref import WeakSet

from ..errors import LocalProtocolError
from . import files

_begun: WeakSet[Any] = WeakSet()  # what can be read once only, and was begun: by another call, too

TURN_CHUNKS = 64  # after which the loop gets a turn, where the source takes none


class Source:
    """A body that is produced while it is sent: any iterable, or async iterable, of bytes, str or awaitables of them.

    length: in bytes, None = nobody knows. is_repeatable: can the iterable be read again?
    """

    __slots__ = ("_chunks", "_used", "is_repeatable", "length")

    def __init__(self, chunks: Any, length: int | None = None) -> None:
        self._chunks = chunks
        self.length = length
        self.is_repeatable = can_be_read_again(chunks)
        self._used = False

    @classmethod
    def spent(cls, length: int | None) -> Self:
        """One that was sent, and of which nothing else is known."""
        found = cls(iter(()), length)
        found._used = True
        return found

    @property
    def can_be_sent(self) -> bool:
        return self.is_repeatable or not self._used

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body, chunk by chunk; empty ones are left out, and the loop has its turn between many.

        Raises: TypeError, for what is no chunk; LocalProtocolError, for a generator that was begun before; whatever the
        source raises.
        """
        self._used = True
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
                    if data := await as_bytes(chunk):
                        yield data
                    elif (empty := empty + 1) % TURN_CHUNKS == 0:
                        await asyncio.sleep(0)
            finally:
                if inspect.isasyncgen(source):
                    await source.aclose()  # now, and not when it is collected
        else:
            pieces = iter(self._chunks)
            try:
                for chunk in pieces:
                    if data := await as_bytes(chunk):
                        yield data
                    elif (empty := empty + 1) % TURN_CHUNKS == 0:
                        await asyncio.sleep(0)
            finally:
                if inspect.isgenerator(pieces):
                    pieces.close()

    def __repr__(self) -> str:
        return f"<Source of {type(self._chunks).__name__}, length {self.length}>"


def can_be_read_again(chunks: Any) -> bool:
    """Does it say so, or is it no iterator, which can be read once only? Asking by `iter` would begin some streams."""
    if hasattr(chunks, "is_repeatable"):
        return bool(chunks.is_repeatable)
    return not (hasattr(chunks, "__next__") or hasattr(chunks, "__anext__"))


async def as_bytes(chunk: Any) -> bytes:
    """Raises: TypeError."""
    if inspect.isawaitable(chunk):
        chunk = await chunk
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        return chunk.encode("utf-8")
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(f"a body's chunks must be bytes or str, got {type(chunk).__name__}")


def as_content(data: Any, what: str) -> bytes | Source:
    """What is sent for one value that is no form: bytes, or a source. what: the value in words, for messages.

    Raises: TypeError, ValueError, OSError: for what cannot be sent.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode("utf-8")
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    if isinstance(data, os.PathLike):
        chunks = files.of_path(data)
        return Source(chunks, chunks.length)
    read = getattr(data, "read", None)
    if inspect.iscoroutinefunction(read):
        return Source(files.AsyncFileChunks(data))
    if callable(read) and not hasattr(data, "__aiter__"):
        chunks = files.of_file(data)
        return Source(chunks, chunks.length)
    if isinstance(data, Mapping) or not (hasattr(data, "__iter__") or hasattr(data, "__aiter__")):
        raise TypeError(f"{what} takes bytes, str, a file, a path or an iterable of bytes, not {type(data).__name__}")
    if is_exhausted(data):
        raise ValueError(f"nothing is left of this {type(data).__name__}: it was read before; an empty body is b''")
    return Source(data)


def is_exhausted(chunks: Any) -> bool:
    """Is it a generator that has ended? Of other iterators nothing tells an empty one from one that was read."""
    if inspect.isgenerator(chunks):
        return chunks.gi_frame is None
    return inspect.isasyncgen(chunks) and chunks.ag_frame is None
