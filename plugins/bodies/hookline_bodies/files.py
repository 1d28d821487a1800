"""Files as bodies: their length, and reads that do not block the event loop.

A file that the user opened is sent from its current position, and sought back there to be sent again. If it still is at
the position where an earlier send stopped, in whichever call, it is sent from where that send began. The user closes it.
A path is opened when it is sent, and closed afterwards, also after an error.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import os
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from hookline import LocalProtocolError, Source, as_body

READ_SIZE = 256 * 1024  # bytes of one read
# bytes: reading a file up to this size takes less time than handing the read to a thread (50 us)
SMALL_FILE = 64 * 1024

T = TypeVar("T")


class ReadState:
    """How far a file of the user was read, shared by all bodies that are made of this file.

    start: the position at which the last body began. stopped_at: the position at which reading stopped; None before the
    first read. was_read_to_end: the last body was read to the end of the file.
    lock: held by each read together with its check of the position, in whichever thread. A read whose task was cancelled
    continues in its thread; the next read, or the close, waits for it.
    """

    __slots__ = ("lock", "start", "stopped_at", "was_read_to_end")

    def __init__(self) -> None:
        self.start: int | None = None
        self.stopped_at: int | None = None
        self.was_read_to_end = False
        self.lock = threading.Lock()


_read_states: WeakKeyDictionary[Any, ReadState] = WeakKeyDictionary()


def read_state_of(file: Any) -> ReadState:
    """Return the state of a file; a new one if the file object cannot be weakly referenced."""
    try:
        return _read_states.setdefault(getattr(file, "file", file), ReadState())  # tempfile returns wrappers
    except TypeError:
        return ReadState()


class FileChunks:
    """A file as an async iterable of chunks; if `is_repeatable`, it can be iterated more than once.

    file: a file open for reading bytes. path: a path that is opened at each iteration; one of the two is None.
    start: the position of the first byte, None if the file cannot be sought. length: bytes from there to the end, None =
    unknown. in_thread: reads may block, so they run in a thread.

    Of a file that grows while it is sent, only `length` bytes are sent.
    """

    __slots__ = ("_file", "_in_thread", "_path", "_start", "_state", "is_repeatable", "length")

    def __init__(self, file: Any, path: Any, start: int | None, length: int | None, *, in_thread: bool) -> None:
        self._file = file
        self._path = path
        self._start = start
        self.length = length
        self.is_repeatable = start is not None
        self._in_thread = in_thread
        self._state = ReadState() if file is None else read_state_of(file)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        opened: list[Any] = []  # filled in the thread, so that a file is closed even if its opening was cancelled
        position, remaining = self._start, self.length
        state, is_first = self._state, True
        was_sent_before = state.was_read_to_end
        try:
            file = await self._run(lambda: self._open(opened))
            # of a pipe and the like, send what has arrived instead of waiting for a full chunk
            read = file.read if remaining is not None else getattr(file, "read1", file.read)
            while remaining is None or remaining > 0:
                size = READ_SIZE if remaining is None else min(READ_SIZE, remaining)
                data = await self._run(partial(read_at, file, position, read, size, state))
                if not data:
                    if is_first and was_sent_before and position is None:
                        raise LocalProtocolError(NOTHING_LEFT)
                    break
                is_first = False
                if position is not None:
                    position += len(data)
                if remaining is not None:
                    remaining -= len(data)
                yield data
            state.was_read_to_end = True
        finally:
            if self._path is not None:
                self._close(opened)

    def _open(self, opened: list[Any]) -> Any:
        """Return the open file, at the position where reading begins."""
        if self._path is None:
            if self._start is not None:
                self._file.seek(self._start)
            self._state.start = self._state.stopped_at = self._start
            self._state.was_read_to_end = False
            return self._file
        if not opened:  # else the opening was cancelled, and `close_all` ran already
            opened.append(open(self._path, "rb"))  # noqa: SIM115  # see _close
        return opened[0]

    def _close(self, opened: list[Any]) -> None:
        """Close the file that `_open` opened: now, or after a cancelled read that continues in its thread."""
        if self._state.lock.acquire(blocking=False):
            try:
                close_all(opened)
            finally:
                self._state.lock.release()
        else:
            asyncio.get_running_loop().run_in_executor(None, self._run_locked, partial(close_all, opened))

    async def _run(self, call: Callable[[], T]) -> T:
        """Call a function under the lock: here if it cannot block, else in a thread."""
        if not self._in_thread and self._state.lock.acquire(blocking=False):
            try:
                return call()
            finally:
                self._state.lock.release()
        return await asyncio.get_running_loop().run_in_executor(None, self._run_locked, call)

    def _run_locked(self, call: Callable[[], T]) -> T:
        with self._state.lock:
            return call()


def read_at(file: Any, position: int | None, read: Callable[[int], Any], size: int, state: ReadState) -> Any:
    """Read the next bytes of a file, which must be at `position`; None = it cannot be sought.

    Raises: LocalProtocolError, if the file is at another position; TypeError, if it returns str.
    """
    if position is not None and file.tell() != position:
        raise LocalProtocolError(
            "the position of the file changed while it was sent; it must not be read or sought elsewhere"
        )
    data = read(size)
    if isinstance(data, str):
        raise TypeError(TEXT_MODE)
    if position is not None and data:
        state.stopped_at = position + len(data)
    return data


def close_all(opened: list[Any]) -> None:
    """Close the files in the list, and replace them by None, which tells `_open` not to open another."""
    for file in opened:
        file.close()
    opened[:] = [None]


class AsyncFileChunks:
    """A file whose `read` is a coroutine function, as an async iterator of chunks. It can be read only once."""

    __slots__ = ("_file", "_is_first", "_state")

    def __init__(self, file: Any) -> None:
        self._file = file
        self._state = read_state_of(file)
        self._is_first = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data: bytes = await self._file.read(READ_SIZE)
        if isinstance(data, str):
            raise TypeError(TEXT_MODE)
        if not data:
            if self._is_first and self._state.was_read_to_end:
                raise LocalProtocolError(NOTHING_LEFT)
            self._state.was_read_to_end = True
            raise StopAsyncIteration
        self._is_first = False
        return data


def as_content(value: Any, keyword: str) -> bytes | Source:
    """Convert one value, other than a form, to the bytes or the source that is sent for it.

    value: bytes, a str, a file, a path, or an iterable or async iterable. keyword: how it was given, for messages.

    Raises: TypeError, ValueError or OSError, for a value that cannot be sent.
    """
    if isinstance(value, os.PathLike):
        chunks = chunks_of_path(value)
        return Source(chunks, chunks.length)
    read = getattr(value, "read", None)
    if inspect.iscoroutinefunction(read):
        return Source(AsyncFileChunks(value))
    if callable(read) and not hasattr(value, "__aiter__"):
        chunks = chunks_of_file(value)
        return Source(chunks, chunks.length)
    if isinstance(value, Mapping) or not (hasattr(value, "__iter__") or hasattr(value, "__aiter__")):
        raise TypeError(
            f"{keyword} takes bytes, str, a file, a path or an iterable of bytes, not {type(value).__name__}"
        )
    return as_body(value, keyword)


TEXT_MODE = "a file in text mode cannot be sent; open it with 'rb'"
NOTHING_LEFT = "the file was sent to its end before, and cannot be sent again"


def chunks_of_path(path: os.PathLike[Any]) -> FileChunks:
    """Make the chunks of a path, which is opened when it is sent.

    Raises: OSError, if there is no such file, or if it is a directory.
    """
    info = os.stat(path)
    if stat.S_ISDIR(info.st_mode):
        raise IsADirectoryError(f"a directory cannot be sent: {os.fspath(path)!r}")
    length = info.st_size if stat.S_ISREG(info.st_mode) and info.st_size else None
    if length is None and stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:  # a size of 0: the file is empty, or reports no size, as in /proc
            length = None if file.read(1) else 0
    start = 0 if stat.S_ISREG(info.st_mode) else None
    return FileChunks(None, path, start, length, in_thread=length is None or length > SMALL_FILE)


def chunks_of_file(file: Any) -> FileChunks:
    """Make the chunks of an open file, from its current position, or from where the last send of this file began.

    The latter applies if the file still is where that send stopped. If it has grown since it was sent to its end, only the
    new bytes are sent.

    Raises: TypeError, for text mode; ValueError, for a file that is closed, or open for writing only.
    """
    check_readable(file)
    here = start = position_of(file)
    length = None if here is None else length_from(file, here, here)
    state = read_state_of(file)
    if here is not None and here == state.stopped_at and not (state.was_read_to_end and length):
        start = state.start
        length = None if start is None else length_from(file, start, here)
    is_quick = isinstance(file, io.BytesIO) or (length is not None and length <= SMALL_FILE)
    return FileChunks(file, None, start, length, in_thread=not is_quick)


def check_readable(file: Any) -> None:
    """Check that a file is open for reading bytes.

    Raises: TypeError, ValueError.
    """
    inner = getattr(file, "file", file)  # tempfile returns wrappers
    if isinstance(file, io.TextIOBase) or isinstance(inner, io.TextIOBase):
        raise TypeError(TEXT_MODE)
    if getattr(file, "closed", False) is True:
        raise ValueError("a closed file cannot be sent")
    readable = getattr(file, "readable", None)
    if callable(readable) and not readable():
        raise ValueError("a file that is open for writing only cannot be sent; open it with 'rb'")


def position_of(file: Any) -> int | None:
    """Return the current position of a file; None if it cannot be sought, such as a pipe."""
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
    """Return the number of bytes from `start` to the end of a file; None if only reading the file could tell.

    here: the current position of the file, at which it is left. For files of the operating system, fstat gives the size;
    others are sought to their end and back. Not so readers that compute their output, such as those of compressed files:
    seeking would compute all of it, and their descriptor belongs to the compressed file.
    """
    inner = getattr(file, "file", file)
    if isinstance(getattr(inner, "raw", inner), io.FileIO):
        if inner.writable():
            inner.flush()
        info = os.fstat(inner.fileno())
        if not stat.S_ISREG(info.st_mode):
            return None
        if info.st_size:
            return max(0, info.st_size - start)
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
    first_byte = inner.read(1)  # a size of 0: the file is empty, or reports no size, as in /proc
    inner.seek(here)
    return None if first_byte else 0
