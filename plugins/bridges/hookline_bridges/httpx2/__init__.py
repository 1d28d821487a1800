"""Transports for httpx2: its clients send their requests with Hookline.

client = httpx2.AsyncClient(transport=HooklineTransport())
"""

from __future__ import annotations

import httpx2

from ..httpx_transport.streams import AsyncStream, SyncStream
from ..httpx_transport.transport import AsyncTransport, SyncTransport

__all__ = ["HooklineTransport", "SyncHooklineTransport"]


class _AsyncStream(AsyncStream, httpx2.AsyncByteStream):
    """The body of a response of an `AsyncClient`."""

    library = httpx2


class _SyncStream(SyncStream, httpx2.SyncByteStream):
    """The body of a response of a `Client`."""

    library = httpx2


class HooklineTransport(AsyncTransport, httpx2.AsyncBaseTransport):
    """A transport for `httpx2.AsyncClient`, on asyncio. Each request is sent as httpx2 has prepared it.

    Example: docs/bridges/httpx.md#httpx2-and-httpx
    """

    library = httpx2
    stream_type = _AsyncStream

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and return its response when the head is here. The stream of the response is its body.

        Raises: the exceptions of httpx2, with that of Hookline as `__cause__`; RuntimeError, if asyncio does not run.

        Example::

            import httpx2
            from hookline_bridges.httpx2 import HooklineTransport

            transport = HooklineTransport()
            response = await transport.handle_async_request(httpx2.Request("GET", "http://127.0.0.1:8000/"))
            print(await response.aread())
            await transport.aclose()
        """
        response: httpx2.Response = await self._handle(request)
        return response

    async def aclose(self) -> None:
        """Close the connections. A client that was given to the transport stays open."""
        await self._close()


class SyncHooklineTransport(SyncTransport, httpx2.BaseTransport):
    """A transport for `httpx2.Client`. Threads may share it. Each request is sent as httpx2 has prepared it.

    Example: docs/bridges/httpx.md#httpx2-and-httpx
    """

    library = httpx2
    stream_type = _SyncStream

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and return its response when the head is here. The stream of the response is its body.

        Raises: the exceptions of httpx2, with that of Hookline as `__cause__`.

        Example::

            import httpx2
            from hookline_bridges.httpx2 import SyncHooklineTransport

            transport = SyncHooklineTransport()
            print(transport.handle_request(httpx2.Request("GET", "http://127.0.0.1:8000/")).read())
            transport.close()
        """
        response: httpx2.Response = self._handle(request)
        return response

    def close(self) -> None:
        """Close the connections, those of a client that was given to the transport too. It can be used again."""
        self._close()
