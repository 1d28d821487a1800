"""Files as bodies: how long they are, and reads that do not hold up the loop.

A file that the user opened is read from where it stands, and sought back there when it is sent again; closing it is the
user's. A path is opened when it is sent, and closed by us, however that ends.
"""

from __future__ import annotations

import asyncio
import io
import os
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from typing import Any, TypeVar

from .errors import LocalProtocolError

PIECE = 256 * 1024
SMALL = 64 * 1024  # a file of so few bytes is read faster than a thread is told to do it (50 us)

T = TypeVar("T")


class FileChunks:
    """A file as chunks of bytes: an async iterable, again and again where `is_repeatable`.

    file: open for reading bytes. path: opened at each iteration; one of the two is None. start: where the file stands, None
    where it cannot be sought. length: bytes from there to the end, None = nobody knows. in_thread: do reads take their time?

    A file that grows meanwhile is sent as long as it was.
    """

    __slots__ = ("_file", "_in_thread", "_lock", "_path", "_start", "is_repeatable", "length")

    def __init__(self, file: Any, path: Any, start: int | None, length: int | None, *, in_thread: bool) -> None:
        self._file = file
        self._path = path
        self._start = start
        self.length = length
        self.is_repeatable = start is not None
        self._in_thread = in_thread
        # A read that was cancelled goes on in its thread; whoever comes next (a read, the close) waits for it there.
        self._lock = threading.Lock()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        opened: list[Any] = []  # filled in the thread, so that a file is closed too whose opening was cancelled
        position, left = self._start, self.length
        try:
            file = await self._run(lambda: self._begin(opened))
            # what comes when it likes (from a pipe, say) is sent when it is there
            read = file.read if left is not None else getattr(file, "read1", file.read)
            while left is None or left > 0:
                data = await self._run(
                    partial(read_at, file, position, read, PIECE if left is None else min(PIECE, left))
                )
                if not data:
                    break
                if position is not None:
                    position += len(data)
                if left is not None:
                    left -= len(data)
                yield data
        finally:
            if self._path is not None:
                self._close(opened)

    def _begin(self, opened: list[Any]) -> Any:
        """The file, where it is to be read from."""
        if self._path is None:
            if self._start is not None:
                self._file.seek(self._start)
            return self._file
        if not opened:  # else it is over already: the opening was cancelled
            opened.append(open(self._path, "rb"))  # noqa: SIM115  # see _close
        return opened[0]

    def _close(self, opened: list[Any]) -> None:
        """Close what we opened: now, or behind a read that goes on in its thread although nobody waits for it."""
        if self._lock.acquire(blocking=False):
            try:
                close_all(opened)
            finally:
                self._lock.release()
        else:
            asyncio.get_running_loop().run_in_executor(None, self._locked, partial(close_all, opened))

    async def _run(self, call: Callable[[], T]) -> T:
        if not self._in_thread:
            return call()
        return await asyncio.get_running_loop().run_in_executor(None, self._locked, call)

    def _locked(self, call: Callable[[], T]) -> T:
        with self._lock:
            return call()


def read_at(file: Any, position: int | None, read: Callable[[int], Any], size: int) -> Any:
    """The next bytes of a file that stands where we left it.

    Raises: LocalProtocolError, where it does not; TypeError, for str.
    """
    if position is not None and file.tell() != position:
        raise LocalProtocolError("the file was moved while it was sent: is it being read elsewhere?")
    data = read(size)
    if isinstance(data, str):
        raise TypeError(TEXT_MODE)
    return data


def close_all(opened: list[Any]) -> None:
    """Close what is in the list, and mark it as over."""
    for file in opened:
        file.close()
    opened[:] = [None]


class AsyncFileChunks:
    """A file whose `read` is a coroutine function, as chunks, once."""

    __slots__ = ("_file",)

    def __init__(self, file: Any) -> None:
        self._file = file

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data: bytes = await self._file.read(PIECE)
        if isinstance(data, str):
            raise TypeError(TEXT_MODE)
        if not data:
            raise StopAsyncIteration
        return data


TEXT_MODE = "a file in text mode cannot be sent: its bytes are not known; open it with 'rb'"


def of_path(path: os.PathLike[Any]) -> FileChunks:
    """The chunks of a file that is opened when it is sent.

    Raises: OSError, where there is none, or a directory.
    """
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"a directory cannot be sent: {os.fspath(path)!r}")
    length = found.st_size if stat.S_ISREG(found.st_mode) and found.st_size else None
    if length is None and stat.S_ISREG(found.st_mode):
        with open(path, "rb") as file:  # empty, or of those that only seem so, as in /proc
            length = None if file.read(1) else 0
    start = 0 if stat.S_ISREG(found.st_mode) else None
    return FileChunks(None, path, start, length, in_thread=length is None or length > SMALL)


def of_file(file: Any) -> FileChunks:
    """The chunks of a file that the user opened, from where it stands now.

    Raises: TypeError, for text mode; ValueError, for one that is closed, or open for writing only.
    """
    check_readable(file)
    start = position_of(file)
    length = None if start is None else length_from(file, start)
    is_quick = isinstance(file, io.BytesIO) or (length is not None and length <= SMALL)
    return FileChunks(file, None, start, length, in_thread=not is_quick)


def check_readable(file: Any) -> None:
    """Raises: TypeError, ValueError."""
    inner = getattr(file, "file", file)  # what tempfile gives is a wrapper
    if isinstance(file, io.TextIOBase) or isinstance(inner, io.TextIOBase):
        raise TypeError(TEXT_MODE)
    if getattr(file, "closed", False) is True:
        raise ValueError("a file that is closed cannot be sent")
    readable = getattr(file, "readable", None)
    if callable(readable) and not readable():
        raise ValueError("a file that is open for writing only cannot be sent; open it with 'rb'")


def position_of(file: Any) -> int | None:
    """Where a file stands; None for one that cannot be sought, such as a pipe."""
    if not hasattr(file, "seek") or not hasattr(file, "tell"):
        return None
    try:
        seekable = getattr(file, "seekable", None)
        if callable(seekable) and not seekable():
            return None
        return int(file.tell())
    except (OSError, AttributeError, NotImplementedError):
        return None


def length_from(file: Any, start: int) -> int | None:
    """The bytes from there to the end of a file; None where only reading it could tell.

    Files of the system are asked; others are sought to their end and back. Readers that compute what they give, such as
    those of compressed files, would have to compute all of it, and their descriptor is that of something else.
    """
    inner = getattr(file, "file", file)
    if isinstance(getattr(inner, "raw", inner), io.FileIO):
        if inner.writable():
            inner.flush()
        found = os.fstat(inner.fileno())
        if not stat.S_ISREG(found.st_mode):
            return None
        if found.st_size:
            return max(0, found.st_size - start)
    elif isinstance(inner, io.BufferedIOBase) and not isinstance(inner, io.BytesIO):
        return None
    else:
        try:
            file.seek(0, os.SEEK_END)
            end = int(file.tell())  # mmap's seek returns nothing before Python 3.13
        except (OSError, ValueError):
            return None
        finally:
            file.seek(start)
        return max(0, end - start)
    some = inner.read(1)  # empty, or of those that only seem so, as in /proc
    inner.seek(start)
    return None if some else 0
