"""The bodies of responses as streams of httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from hookline import HooklineError, HttpResponse

from ..loop_thread import Errands, LoopThread
from .exceptions import raise_as


class AsyncStream:
    """The body of a response, undecoded. The reader decides how fast it comes.

    A second iteration goes on where the first has ended, as with the streams of httpcore: SDKs read the rest in this way.

    library: httpx or httpx2. request: the request of httpx, which exceptions name.
    """

    library: Any

    def __init__(self, response: HttpResponse[Any, Any], request: Any) -> None:
        self._response, self._request = response, request
        self._chunks: AsyncIterator[bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            if self._chunks is None:
                self._chunks = aiter(self._response.raw)
            async for chunk in self._chunks:
                yield chunk
        except HooklineError as error:
            raise_as(self.library, error, self._request)

    async def aclose(self) -> None:
        """Give the body up, if it was not read to its end: its connection is closed."""
        await self._response.aclose()


class SyncStream:
    """The same for synchronous clients: the body is read in the loop thread, chunk by chunk.

    A body that arrived with the head is taken without asking the loop thread, and its connection is given back without waiting
    for that: each of these costs two changes of the thread.

    library: httpx or httpx2. errands: of the upload, which may go on while the response is read. is_plain: no plugin can decode
    the body.
    """

    library: Any

    def __init__(
        self,
        response: HttpResponse[Any, Any],
        request: Any,
        thread: Callable[[], LoopThread],
        errands: Errands,
        is_plain: bool,
    ) -> None:
        self._response, self._request, self._thread, self._errands = response, request, thread, errands
        self._chunks: AsyncIterator[bytes] | None = None
        connection = response.connection
        self._content = b""
        self._is_here = is_plain and connection is not None and connection.complete and not connection.has_unsent
        self._is_given_back = False
        if self._is_here:
            self._content = b"".join(connection.parts)  # type: ignore[union-attr]

    def __iter__(self) -> Iterator[bytes]:
        if self._is_here:
            content, self._content = self._content, b""
            if content:
                yield content
            self._give_back()
            return
        try:
            if self._chunks is None:
                self._chunks = aiter(self._response.raw)
            while chunk := self._thread().run(next_of(self._chunks), self._errands):
                yield chunk
        except HooklineError as error:
            raise_as(self.library, error, self._request)

    def close(self) -> None:
        """Give the body up, if it was not read to its end: its connection is closed."""
        if self._is_here:
            self._give_back()
        elif self._response.connection is not None:
            thread = self._thread()
            if not thread.is_stopping:  # else it is closed by now
                thread.run(self._response.aclose(), self._errands)

    def _give_back(self) -> None:
        """Have the loop give the connection back, and do not wait for it."""
        if not self._is_given_back:
            self._is_given_back = True
            self._thread().call_soon(end, self._response)


async def next_of(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the next chunk; b"" at the end."""
    return await anext(chunks, b"")


def end(response: HttpResponse[Any, Any]) -> None:
    """Give the connection of a response back, all of which has arrived; in the loop."""
    response.request.client.loop_resources.start(response.raw.read())
