"""A body into a file: threads write it, so that the loop goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from io import FileIO
from typing import Any


class Part:
    """The file beside the target that the body goes to until it is whole. All methods block: they run in threads.

    A target that is a symbolic link stays one: the file that it leads to is replaced.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._given = os.fspath(path)
        self._file: FileIO | None = None
        self._target = self._part = ""

    def open(self) -> None:
        """Raises: OSError, where the target is no regular file (a device, a folder), or cannot be written."""
        self._target = os.path.realpath(self._given)
        if os.path.exists(self._target) and not os.path.isfile(self._target):
            raise OSError(
                f"save: {self._given!r} is there already and is no regular file; iterate over the body instead"
            )
        self._part = os.path.join(os.path.dirname(self._target), f".hookline-{os.urandom(8).hex()}.part")
        self._file = FileIO(self._part, "x")

    def write(self, data: bytes) -> None:
        """Raises: OSError."""
        assert self._file is not None
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]

    def finish(self) -> None:
        """Put the file in the place of the target."""
        assert self._file is not None
        self._file.close()
        os.replace(self._part, self._target)

    def discard(self) -> None:
        """Remove what came; the target is as it was."""
        if self._file is not None:
            self._file.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._part)


async def save(read: Callable[[], Awaitable[bytes]], path: str | os.PathLike[str]) -> int:
    """Write what `read` gives, until it gives b"", to a new file; returns how many bytes.

    Raises: OSError; whatever `read` raises. Then no file is left behind, and one that was there is unchanged.
    """
    part = Part(path)
    size = 0
    try:
        await in_thread(part.open)
        while data := await read():
            await in_thread(part.write, data)
            size += len(data)
        await in_thread(part.finish)
    except GeneratorExit:  # the loop is no more: nothing can be awaited
        part.discard()
        raise
    except BaseException:
        await in_thread(part.discard)
        raise
    return size


async def in_thread(function: Callable[..., Any], *args: Any) -> None:
    """Run what blocks in a thread. A cancellation waits for its end: the file may not be closed under it."""
    running = asyncio.get_running_loop().run_in_executor(None, function, *args)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        running.exception()  # seen
        raise cancelled
    running.result()
