"""The body as a stream: `response.raw`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from ..copying import no_copy
from ..errors import StreamConsumedError
from .lines import MAX_LINE, Lines, LineSource
from .saving import save


class StreamSource(LineSource, Protocol):
    """A response whose body is read as a stream."""

    async def _read_chunk(self) -> bytes: ...

    def _begin_stream(self) -> bytes: ...

    def _keep_content(self, content: bytes) -> None: ...


class Raw:
    """An iterable over the decoded body, once; `async for` in a running loop, `for` in synchronous mode.

    All that has arrived comes as one chunk, so that many small ones cost no more than one.
    """

    is_repeatable = False  # as the body of another request

    __slots__ = ("_begun", "_iterated", "_kept", "_response")

    def __init__(self, response: StreamSource) -> None:
        self._response = response
        self._begun = self._iterated = False
        self._kept: bytes | memoryview = b""

    __reduce__ = no_copy("a stream", "it is read once; copy what was read of it, or a response whose body was read")

    def _begin(self) -> None:
        if self._iterated or self._begun:
            raise StreamConsumedError("the body was already taken: a stream can be read once only")
        self._iterated = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        data = await self._next()
        read = self._response._read_chunk  # without a coroutine around it: 1 us less for each chunk
        while data:
            yield data
            data = await read()

    def __iter__(self) -> Iterator[bytes]:
        self._response.request._client._check_synchronous()
        self._begin()
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        client = self._response.request._client
        while data := client.run(self._next()):
            yield data

    async def _next(self) -> bytes:
        if not self._begun:
            self._begun = True
            self._kept = self._response._begin_stream()
        if self._kept:
            data, self._kept = bytes(self._kept), b""
            return data
        return await self._response._read_chunk()

    def iter_lines(self, *, limit: int = MAX_LINE) -> Lines:
        r"""The body as lines of text without their ends (\n, \r\n or \r), decoded strictly with its charset, else UTF-8.

        limit: the most characters that one line may have, 0 = any; so much is kept in memory, and no more.

        Raises: LookupError, where `encoding` was set to what Python does not know. The iteration raises StreamConsumedError,
        UnicodeDecodeError, BodyTooLarge (a line of more than `limit`), and what reading raises.
        """
        return Lines(self._response, limit)

    def save(self, path: str | os.PathLike[str]) -> Any:
        """Write the body to a file, and return its size in bytes. In a running loop, await it.

        It goes to a new file in the same folder, which takes the place of `path` when the body is whole. When something
        goes wrong that file is removed, and what was at `path` is unchanged. Threads write, so the loop goes on.

        Raises: OSError, for what cannot be written or is no regular file; StreamConsumedError; what reading raises.
        """
        return self._response.request._client.run(self._save(path))

    async def _save(self, path: str | os.PathLike[str]) -> int:
        self._begin()
        try:
            return await save(self._next, path)
        except BaseException as error:
            await self._response._fail(error)  # of the file: an error of the body has told it already
            raise

    def read(self, n: int | None = -1) -> Any:
        """Read at most n bytes, or (None, -1) all that is left; b"" at the end. In a running loop, await it.

        Read whole, the body is in `response.content` too.

        Raises: StreamConsumedError, when the stream was iterated.
        """
        return self._response.request._client.run(self._read(n))

    async def _read(self, n: int | None) -> bytes:
        if self._iterated:
            raise StreamConsumedError("the body was already taken: a stream can be read once only")
        response = self._response
        if n is None or n < 0:
            was_begun = self._begun
            self._iterated = True
            chunks = []
            while data := await self._next():
                chunks.append(data)
            body = b"".join(chunks)
            if not was_begun:
                response._keep_content(body)
            return body
        kept = self._kept or memoryview(await self._next())  # a view: small reads would copy the rest again and again
        self._kept = kept[n:]
        return bytes(kept[:n])
