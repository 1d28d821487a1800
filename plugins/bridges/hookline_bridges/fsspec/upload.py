"""One file that is written: sent with PUT in one piece if it is small, else as a stream while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any


class Upload:
    """One file that is written in pieces of any size.

    send: `f(body)`, which sends the file, and raises what went wrong; body: bytes, or an async iterable of bytes.
    """

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._task: asyncio.Task[None] | None = None
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(1)

    async def write(self, piece: bytes) -> None:
        """Send a piece; returns once the piece before it was taken.

        Raises: what `send` raises; BrokenPipeError, if the server answered before the end of the file.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._stream())
        await self._put(piece)

    async def finish(self, last: bytes) -> None:
        """Send the last piece, and wait for the answer of the server.

        Raises: as `write`.
        """
        if self._task is None:
            await self._send(last)
            return
        try:
            if last:
                await self._put(last)
            await self._put(None)
            await self._task
        except BaseException:
            await self.abort()
            raise

    async def abort(self) -> None:
        """End the request without the end of its body, so that no server takes the file for complete."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.exception()  # retrieved, so that asyncio logs nothing

    async def _stream(self) -> None:
        await self._send(self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece

    async def _put(self, piece: bytes | None) -> None:
        assert self._task is not None
        put = asyncio.ensure_future(self._pieces.put(piece))
        try:
            await asyncio.wait([put, self._task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not put.done():
                put.cancel()
        if self._task.done() and (piece is not None or not put.done()):
            await self._task  # raises what went wrong
            raise BrokenPipeError("the server answered before it had all of the file")
