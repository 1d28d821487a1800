"""The body as a stream: `response.raw`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from .errors import StreamConsumedError

if TYPE_CHECKING:
    from .response import HttpResponse


class Raw:
    """An iterable over the decoded body, once; `async for` in a running loop, `for` in synchronous mode.

    All that has arrived comes as one chunk, so that many small ones cost no more than one.
    """

    __slots__ = ("_begun", "_iterated", "_kept", "_response")

    def __init__(self, response: HttpResponse) -> None:
        self._response = response
        self._begun = self._iterated = False
        self._kept = b""

    def _begin(self) -> None:
        if self._iterated or self._begun:
            raise StreamConsumedError("the body was already taken: a stream can be read once only")
        self._iterated = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        data = await self._next()
        read = self._response.read_chunk  # without a coroutine around it: 1 us less for each chunk
        while data:
            yield data
            data = await read()

    def __iter__(self) -> Iterator[bytes]:
        self._begin()
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        client = self._response.request.client
        while data := client.wait_for(self._next()):
            yield data

    async def _next(self) -> bytes:
        if not self._begun:
            self._begun = True
            self._kept = self._response.taken()
        if self._kept:
            data, self._kept = self._kept, b""
            return data
        return await self._response.read_chunk()

    def read(self, n: int = -1) -> Any:
        """Read at most n bytes, or all that is left; b"" at the end. In a running loop, await it.

        Read whole, the body is in `response.content` too.

        Raises: StreamConsumedError, when the stream was iterated.
        """
        return self._response.request.client.wait_for(self._read(n))

    async def _read(self, n: int) -> bytes:
        if self._iterated:
            raise StreamConsumedError("the body was already taken: a stream can be read once only")
        response = self._response
        if n < 0:
            was_begun = self._begun
            self._iterated = True
            chunks = []
            while data := await self._next():
                chunks.append(data)
            body = b"".join(chunks)
            if not was_begun:
                response.keep_content(body)
            return body
        data = await self._next()
        self._kept = data[n:]
        return data[:n]
