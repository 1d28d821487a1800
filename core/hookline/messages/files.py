"""Files as bodies: how long they are, and reads that do not hold up the loop.

A file that the user opened is read from where it stands, and sought back there when it is sent again; closing it is the
user's. One that stands where our own reading has left it is sent from where that began: by another call, too. A path is
opened when it is sent, and closed by us, however that ends.
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
from weakref import WeakKeyDictionary

from ..errors import LocalProtocolError

PIECE = 256 * 1024
SMALL = 64 * 1024  # a file of so few bytes is read faster than a thread is told to do it (50 us)

T = TypeVar("T")


class Standing:
    """What we know of a file of the user's, for all bodies that are made of it.

    start: where the last of them began. left: where reading has left the file, None before that. is_whole: was it read to
    its end? lock: one at a time looks where the file stands and reads from there, in whichever thread; a read that was
    cancelled goes on in its thread, and whoever comes next (a read, the close) waits for it.
    """

    __slots__ = ("is_whole", "left", "lock", "start")

    def __init__(self) -> None:
        self.start: int | None = None
        self.left: int | None = None
        self.is_whole = False
        self.lock = threading.Lock()


_standings: WeakKeyDictionary[Any, Standing] = WeakKeyDictionary()


def standing_of(file: Any) -> Standing:
    """What is known of a file; of one that Python cannot remember by itself, nothing."""
    try:
        return _standings.setdefault(getattr(file, "file", file), Standing())  # what tempfile gives is a wrapper
    except TypeError:
        return Standing()


class FileChunks:
    """A file as chunks of bytes: an async iterable, again and again where `is_repeatable`.

    file: open for reading bytes. path: opened at each iteration; one of the two is None. start: where to begin, None where
    it cannot be sought. length: bytes from there to the end, None = nobody knows. in_thread: may reads block?

    A file that grows meanwhile is sent as long as it was.
    """

    __slots__ = ("_file", "_in_thread", "_path", "_standing", "_start", "is_repeatable", "length")

    def __init__(self, file: Any, path: Any, start: int | None, length: int | None, *, in_thread: bool) -> None:
        self._file = file
        self._path = path
        self._start = start
        self.length = length
        self.is_repeatable = start is not None
        self._in_thread = in_thread
        self._standing = Standing() if file is None else standing_of(file)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        opened: list[Any] = []  # filled in the thread, so that a file is closed too whose opening was cancelled
        position, left = self._start, self.length
        standing, is_first = self._standing, True
        was_whole = standing.is_whole
        try:
            file = await self._run(lambda: self._begin(opened))
            # what comes when it likes (from a pipe, say) is sent when it is there
            read = file.read if left is not None else getattr(file, "read1", file.read)
            while left is None or left > 0:
                data = await self._run(
                    partial(read_at, file, position, read, PIECE if left is None else min(PIECE, left), standing)
                )
                if not data:
                    if is_first and was_whole and position is None:
                        raise LocalProtocolError(NOTHING_LEFT)
                    break
                is_first = False
                if position is not None:
                    position += len(data)
                if left is not None:
                    left -= len(data)
                yield data
            standing.is_whole = True
        finally:
            if self._path is not None:
                self._close(opened)

    def _begin(self, opened: list[Any]) -> Any:
        """The file, where it is to be read from."""
        if self._path is None:
            if self._start is not None:
                self._file.seek(self._start)
            self._standing.start = self._standing.left = self._start
            self._standing.is_whole = False
            return self._file
        if not opened:  # else it is over already: the opening was cancelled
            opened.append(open(self._path, "rb"))  # noqa: SIM115  # see _close
        return opened[0]

    def _close(self, opened: list[Any]) -> None:
        """Close what we opened: now, or behind a read that goes on in its thread although nobody waits for it."""
        if self._standing.lock.acquire(blocking=False):
            try:
                close_all(opened)
            finally:
                self._standing.lock.release()
        else:
            asyncio.get_running_loop().run_in_executor(None, self._locked, partial(close_all, opened))

    async def _run(self, call: Callable[[], T]) -> T:
        if not self._in_thread and self._standing.lock.acquire(blocking=False):
            try:
                return call()
            finally:
                self._standing.lock.release()
        return await asyncio.get_running_loop().run_in_executor(None, self._locked, call)

    def _locked(self, call: Callable[[], T]) -> T:
        with self._standing.lock:
            return call()


def read_at(file: Any, position: int | None, read: Callable[[int], Any], size: int, standing: Standing) -> Any:
    """The next bytes of a file that stands where we left it.

    Raises: LocalProtocolError, where it does not; TypeError, for str.
    """
    if position is not None and file.tell() != position:
        raise LocalProtocolError("the file was moved while it was sent: is it being read elsewhere?")
    data = read(size)
    if isinstance(data, str):
        raise TypeError(TEXT_MODE)
    if position is not None and data:
        standing.left = position + len(data)
    return data


def close_all(opened: list[Any]) -> None:
    """Close what is in the list, and mark it as over."""
    for file in opened:
        file.close()
    opened[:] = [None]


class AsyncFileChunks:
    """A file whose `read` is a coroutine function, as chunks, once."""

    __slots__ = ("_file", "_is_first", "_standing")

    def __init__(self, file: Any) -> None:
        self._file = file
        self._standing = standing_of(file)
        self._is_first = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data: bytes = await self._file.read(PIECE)
        if isinstance(data, str):
            raise TypeError(TEXT_MODE)
        if not data:
            if self._is_first and self._standing.is_whole:
                raise LocalProtocolError(NOTHING_LEFT)
            self._standing.is_whole = True
            raise StopAsyncIteration
        self._is_first = False
        return data


TEXT_MODE = "a file in text mode cannot be sent: its bytes are not known; open it with 'rb'"
NOTHING_LEFT = "the file was sent before, and nothing is left of it"


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
    """The chunks of a file that the user opened, from where it stands now; see the module for one that was sent before.

    What a file has grown by since it was sent to its end is sent alone.

    Raises: TypeError, for text mode; ValueError, for one that is closed, or open for writing only.
    """
    check_readable(file)
    here = start = position_of(file)
    length = None if here is None else length_from(file, here, here)
    standing = standing_of(file)
    if here is not None and here == standing.left and not (standing.is_whole and length):
        start = standing.start
        length = None if start is None else length_from(file, start, here)
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


def length_from(file: Any, start: int, here: int) -> int | None:
    """The bytes from `start` to the end of a file that stands `here`; None where only reading it could tell.

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
            file.seek(here)
        return max(0, end - start)
    some = inner.read(1)  # empty, or of those that only seem so, as in /proc
    inner.seek(here)
    return None if some else 0
