"""The bodies of responses as streams of httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from hookline import HooklineError, HttpResponse

from ..loop_thread import Errands, LoopThread
from .exceptions import translate


class AsyncStream:
    """The body of a response, undecoded. The reader decides how fast it comes.

    library: httpx or httpx2. request: the request of httpx, which exceptions name.
    """

    library: Any

    def __init__(self, response: HttpResponse[Any, Any], request: Any) -> None:
        self._response, self._request = response, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.raw:
                yield chunk
        except HooklineError as error:
            raise translate(self.library, error, self._request) from error

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
        connection = response.connection
        self._content: bytes | None = None
        if is_plain and connection is not None and connection.complete and not connection.has_unsent:
            self._content = b"".join(connection.parts)

    def __iter__(self) -> Iterator[bytes]:
        if self._content is not None:
            if self._content:
                yield self._content
            self.close()
            return
        chunks = aiter(self._response.raw)
        try:
            while chunk := self._thread().run(next_of(chunks), self._errands):
                yield chunk
        except HooklineError as error:
            raise translate(self.library, error, self._request) from error

    def close(self) -> None:
        """Give the body up, if it was not read to its end: its connection is closed."""
        if self._content is not None:
            self._content = None
            self._thread().call_soon(end, self._response)
        elif self._response.connection is not None:
            self._thread().run(self._response.aclose(), self._errands)


async def next_of(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the next chunk; b"" at the end."""
    return await anext(chunks, b"")


def end(response: HttpResponse[Any, Any]) -> None:
    """Give the connection of a response back, all of which has arrived; in the loop."""
    response.request.client.loop_resources.start(response.raw.read())
