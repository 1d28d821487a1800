"""Save a body to a file, which threads write, so that the loop is not blocked."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from io import FileIO
from typing import Any


class PartialFile:
    """A new file in the folder of the target, to which the body is written until it is complete.

    All methods block, so threads call them. A target that is a symbolic link stays one: the file that it leads to is replaced.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._given = os.fspath(path)
        self._file: FileIO | None = None
        self._target = self._path = ""

    def open(self) -> None:
        """Make the file.

        Raises: OSError, for a target that is no regular file (a device, a folder) or cannot be written.
        """
        self._target = os.path.realpath(self._given)
        if os.path.exists(self._target) and not os.path.isfile(self._target):
            raise OSError(
                f"save: {self._given!r} is there already and is no regular file; iterate over the body instead"
            )
        self._path = os.path.join(os.path.dirname(self._target), f".hookline-{os.urandom(8).hex()}.part")
        self._file = FileIO(self._path, "x")

    def write(self, data: bytes) -> None:
        """Write all of these bytes.

        Raises: OSError.
        """
        assert self._file is not None
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]

    def finish(self) -> None:
        """Replace the target by the file, which is complete.

        Raises: OSError.
        """
        assert self._file is not None
        self._file.close()
        os.replace(self._path, self._target)

    def discard(self) -> None:
        """Remove the file; the target stays as it was."""
        if self._file is not None:
            self._file.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)


def save(stream: Any, path: str | os.PathLike[str]) -> Any:
    """Write the body to a file, and return its size in bytes: `response.raw.save(path)`. In a running loop, await it.

    The body is written to a new file in the same folder, which replaces `path` when it is complete. If anything fails, the new
    file is removed, and a file at `path` stays unchanged. Threads write, so that the loop is not blocked.

    Raises: OSError, for a path that cannot be written or is no regular file; StreamConsumedError; what reading raises.
    """
    return stream.response.request.client.run(save_chunks(stream, path))


async def save_chunks(stream: Any, path: str | os.PathLike[str]) -> int:
    """Save the chunks of a stream, and return their size in bytes. An error ends the exchange.

    Raises: as `save`.
    """
    chunks = aiter(stream)
    try:
        return await write_file(chunks, path)
    except BaseException as error:
        await stream.response.fail(error)  # ends the exchange if the file failed; an error of the body has done it
        raise


async def write_file(chunks: AsyncIterator[bytes], path: str | os.PathLike[str]) -> int:
    """Write chunks to a new file at `path`, and return its size in bytes.

    Raises: OSError; what the iteration raises. Then no new file is left behind, and a file at `path` stays unchanged.
    """
    file = PartialFile(path)
    size = 0
    try:
        await in_thread(file.open)
        async for data in chunks:
            await in_thread(file.write, data)
            size += len(data)
        await in_thread(file.finish)
    except GeneratorExit:  # the coroutine is closed, so nothing can be awaited
        file.discard()
        raise
    except BaseException:
        await in_thread(file.discard)
        raise
    return size


async def in_thread(function: Callable[..., Any], *args: Any) -> None:
    """Run a function that blocks in a thread. A cancellation waits for its end, so that the file is not closed meanwhile."""
    running = asyncio.get_running_loop().run_in_executor(None, function, *args)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        running.exception()  # retrieved, so that asyncio logs nothing
        raise cancelled
    running.result()
