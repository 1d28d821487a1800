"""Files on their way: from a local file, from the server, and from one URL to another."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

from hookline import HttpResponse

from .errors import check_content
from .interfaces import Connected


class FileBody:
    """The body of an upload, read from a file in a thread; from its beginning each time, if it can be sought.

    size: of what is left of the file in bytes, None = unknown.
    """

    def __init__(self, file: Any, chunk_size: int, callback: Any) -> None:
        self._file, self._chunk_size, self._callback = file, chunk_size, callback
        self.is_repeatable = bool(file.seekable()) if hasattr(file, "seekable") else False
        self._begin = file.tell() if self.is_repeatable else 0
        self.size: int | None = file.seek(0, os.SEEK_END) - self._begin if self.is_repeatable else None
        callback.set_size(self.size if self.size is not None else getattr(file, "size", None))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.is_repeatable:
            self._file.seek(self._begin)
        while chunk := await asyncio.to_thread(self._file.read, self._chunk_size):
            yield chunk
            self._callback.relative_update(len(chunk))


class CopyBody:
    """The body of an upload that is a download at the same time."""

    is_repeatable = True

    def __init__(self, connected: Connected, path: str, options: Mapping[str, Any]) -> None:
        self._connected, self._path, self._options = connected, path, options

    async def __aiter__(self) -> AsyncIterator[bytes]:
        client = await self._connected.set_session()
        response: HttpResponse = await client.get(self._path, **{**self._options, "stream": True})
        try:
            check_content(response, self._path)
            async for chunk in response.raw:
                yield chunk
        finally:
            await response.aclose()


async def save(response: HttpResponse, file: Any, chunk_size: int, callback: Any) -> None:
    """Write the body of a response to a file, in a thread."""

    def write(parts: list[bytes]) -> None:
        for part in parts:
            file.write(part)

    parts: list[bytes] = []
    collected = 0
    async for chunk in response.raw:
        parts.append(chunk)
        collected += len(chunk)
        if collected >= chunk_size:
            await asyncio.to_thread(write, parts)
            callback.relative_update(collected)
            parts, collected = [], 0
    if parts:
        await asyncio.to_thread(write, parts)
        callback.relative_update(collected)
