"""Transports for httpx: its clients send their requests with Hookline.

client = httpx.AsyncClient(transport=HooklineTransport())
"""

from __future__ import annotations

import httpx

from ..httpx_transport.streams import AsyncStream, SyncStream
from ..httpx_transport.transport import AsyncTransport, SyncTransport

__all__ = ["HooklineTransport", "SyncHooklineTransport"]


class _AsyncStream(AsyncStream, httpx.AsyncByteStream):
    """The body of a response of an `AsyncClient`."""

    library = httpx


class _SyncStream(SyncStream, httpx.SyncByteStream):
    """The body of a response of a `Client`."""

    library = httpx


class HooklineTransport(AsyncTransport, httpx.AsyncBaseTransport):
    """A transport for `httpx.AsyncClient`, on asyncio. Each request is sent as httpx has prepared it.

    Example: docs/bridges/httpx.md#exceptions
    """

    library = httpx
    stream_type = _AsyncStream

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its response when the head is here. The stream of the response is its body.

        Raises: the exceptions of httpx, with that of Hookline as `__cause__`; RuntimeError, if asyncio does not run.

        Example::

            import httpx
            from hookline_bridges.httpx import HooklineTransport

            transport = HooklineTransport()
            response = await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1:8000/"))
            print(await response.aread())
            await transport.aclose()
        """
        response: httpx.Response = await self._handle(request)
        return response

    async def aclose(self) -> None:
        """Close the connections. A client that was given to the transport stays open."""
        await self._close()


class SyncHooklineTransport(SyncTransport, httpx.BaseTransport):
    """A transport for `httpx.Client`. Threads may share it. Each request is sent as httpx has prepared it.

    Example: docs/bridges/httpx.md#httpx2-and-httpx
    """

    library = httpx
    stream_type = _SyncStream

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its response when the head is here. The stream of the response is its body.

        Raises: the exceptions of httpx, with that of Hookline as `__cause__`.

        Example::

            import httpx
            from hookline_bridges.httpx import SyncHooklineTransport

            transport = SyncHooklineTransport()
            print(transport.handle_request(httpx.Request("GET", "http://127.0.0.1:8000/")).read())
            transport.close()
        """
        response: httpx.Response = self._handle(request)
        return response

    def close(self) -> None:
        """Close the connections, those of a client that was given to the transport too. It can be used again."""
        self._close()
