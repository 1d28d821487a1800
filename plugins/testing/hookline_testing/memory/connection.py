"""The server's end of a connection in memory."""

from __future__ import annotations

import asyncio

from hookline import Connection

from ..server.request_reader import RequestReader
from ..server.seen_request import SeenRequest
from .origin import Origin

KEEP = 16 * 1024 * 1024  # bytes of a request's body to keep


class ServerConnection:
    """The server's end of one connection.

    origin: where the client believes it connects to. gone: set when the client has closed. is_idle: True between two
    requests.
    """

    def __init__(
        self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client_end: Connection
    ) -> None:
        self.origin = origin
        self.reader = reader
        self.writer = writer
        self.gone = asyncio.Event()
        self.is_idle = True
        self._client_end = client_end
        self._request_reader = RequestReader(reader, 1, KEEP, lambda: None)

    async def next_request(self) -> SeenRequest | None:
        """Return the next request, its body not read yet; None when the client closes.

        Raises:
            MalformedRequest: what came is not a request.
        """
        self.is_idle = True
        request = None if self.writer.is_closing() else await self._request_reader.read_head()
        if request is not None:
            self.is_idle = False
            request.url = f"{self.origin}{request.target}" if request.target.startswith("/") else request.target
        return request

    def fail(self, error: BaseException) -> None:
        """Raise this error in the client's call that waits for the response."""
        self._client_end.fail(error)
