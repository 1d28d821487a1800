"""The body as a stream: `response.raw`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, Protocol

from ..copying import no_copy
from ..errors import StreamConsumedError
from .interfaces import Client


class StreamSource(Protocol):
    """What a stream needs of the response whose body it reads."""

    request: Any

    async def _read_chunk(self) -> bytes:
        """Read the next decoded bytes; b"" at the end."""

    def _begin_stream(self) -> bytes:
        """Begin the stream, and return the part of the body that is here already."""

    def _keep_content(self, content: bytes) -> None:
        """Keep the whole body, which one call has read, as the response's content."""


class ResponseStream:
    """The decoded body of a response as a stream, which can be read once: `response.raw`.

    In a running loop: `async for chunk in stream`, and `await stream.read(n)`. Without one: the same with `for` and without
    `await`. Plugins may add more.

    A chunk is all that has arrived since the last one, so that many small reads cost no more than one; of more than 64 KiB on a
    connection that carries many exchanges, about 64 KiB. While the program does not read, the client receives no more than
    256 KiB in advance.

    Example::

        from hookline import HttpClient, ResponseStream

        async with HttpClient() as client:
            async with await client.get("http://127.0.0.1:8000/large", stream=True) as response:
                stream: ResponseStream = response.raw
                print(stream.response is response)
                print(len(await stream.read(100)), len(await stream.read()))
    """

    is_repeatable = False  # if it is given to another request as its body

    __slots__ = ("_begun", "_iterated", "_kept", "_response")

    def __init__(self, response: StreamSource) -> None:
        self._response = response
        self._begun = self._iterated = False
        self._kept: bytes | memoryview = b""

    __reduce__ = no_copy("a stream", "it is read once; copy what was read of it, or a response whose body was read")

    @property
    def response(self) -> Any:
        """The HttpResponse whose body this is."""
        return self._response

    def _begin(self) -> None:
        """Begin to read the whole stream.

        Raises: StreamConsumedError.
        """
        if self._iterated or self._begun:
            raise StreamConsumedError("the body was already taken: a stream can be read once only")
        self._iterated = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        data = await self._next()
        read = self._response._read_chunk  # called directly and not through _next: 1 us less for each chunk
        while data:
            yield data
            data = await read()

    def __iter__(self) -> Iterator[bytes]:
        self._response.request.configuration.client._check_synchronous()
        self._begin()
        return self._chunks_synchronously()

    def _chunks_synchronously(self) -> Iterator[bytes]:
        client = self._response.request.configuration.client
        while data := client.run(self._next()):
            yield data

    async def _next(self) -> bytes:
        """Return the next chunk, the rest of one that was read in part first; b"" at the end."""
        if not self._begun:
            self._begun = True
            self._kept = self._response._begin_stream()
        if self._kept:
            data, self._kept = bytes(self._kept), b""
            return data
        return await self._response._read_chunk()

    def read(self, n: int | None = -1) -> Coroutine[Any, Any, bytes]:
        """Return at most n bytes, or all that is left with n=-1 or None; b"" at the end. In a running loop, await it.

        If one call reads the whole body, `response.content`, `text` and `json()` have it too.

        Raises: StreamConsumedError, if the stream was iterated, saved or read to the end before; what ended the exchange.
        """
        client: Client = self._response.request.configuration.client
        return client.run(self._read(n))

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
        kept = self._kept or memoryview(
            await self._next()
        )  # a view, so that small reads do not copy the rest each time
        self._kept = kept[n:]
        return bytes(kept[:n])
