"""One exchange: it runs in the loop thread, and the thread of the caller waits for its head and for its body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from hookline import HooklineError, HttpClient, HttpResponse, Timeout

from ..as_given import Body, Field, Sender
from ..loop_thread import Errands, LoopThread, loop_thread
from .errors import Peer, body_error

GATHERED = 4 * 1024 * 1024  # bytes that one wait gathers of a body that is wanted whole
AT_ONCE = 1024 * 1024  # bytes that one wait takes of what is here already


class Lease:
    """A client, and the exchanges that go on in it, so that it is closed only when their bodies have been read.

    All but `thread` and `retire` happens in the loop.
    """

    def __init__(self, client: HttpClient[Any]) -> None:
        self.client = client
        self.sender = Sender(client)
        self._thread: LoopThread | None = None
        self._active: set[Exchange] = set()
        self._is_closing = False  # close as soon as no exchange goes on
        self._closing: asyncio.Task[None] | None = None

    def thread(self) -> LoopThread:
        """Return the loop thread of this process, which knows the client from then on."""
        thread = loop_thread()
        if thread is not self._thread:  # the first use, or a forked child, where no exchange goes on
            thread.clients.add(self.client)
            self._active, self._is_closing, self._closing, self._thread = set(), False, None, thread
        return thread

    async def enter(self, exchange: Exchange) -> None:
        """Note an exchange that begins, once the client is not about to close, which would end it."""
        while self._closing is not None:
            await asyncio.shield(self._closing)
        self._active.add(exchange)
        self.client.add_closer(self._end_all)

    def leave(self, exchange: Exchange) -> None:
        """Note that an exchange is over; the last one after `retire` closes the client."""
        self._active.discard(exchange)
        if self._is_closing and not self._active:
            self._is_closing = False
            self._begin_to_close()

    def retire(self) -> None:
        """Close the client as soon as no exchange goes on in it; to be called from any thread, and waits for nothing."""
        thread = self._thread
        if thread is not None:
            thread.call_soon(self._begin_to_close)

    def _begin_to_close(self) -> None:
        if self._active:
            self._is_closing = True
        elif self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        try:
            await self.client.close()
        finally:
            self._closing = None

    async def _end_all(self) -> None:
        """End the streams whose bodies were not read to their end, when the client closes or the interpreter ends."""
        for exchange in list(self._active):
            exchange.is_over = True
            await exchange.end()


class Exchange:
    """One request and its response.

    is_over: True once all of the body has come, or was given up. carrier: the connection that the response came on, or comes on.
    """

    def __init__(self, lease: Lease, peer: Peer, timeout: Timeout, *, gathers: bool) -> None:
        """Make an exchange. peer: for errors. gathers: whether the caller wants the whole body, not its parts as they come."""
        self.is_over = False
        self.carrier: Any = None
        self._lease = lease
        self._thread = lease.thread()
        self._errands = Errands()
        self._peer = peer
        self._timeout = timeout
        self._gathers = gathers
        self._received = 0
        self._response: HttpResponse[Any, Any] | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    def send(
        self, method: str, url: str, fields: Sequence[Field], body: Any, options: dict[str, Any]
    ) -> tuple[HttpResponse[Any, Any], bytes]:
        """Send the request, and return its response at its head, with the whole body if that has come already, else b"".

        body: bytes, None, or an iterable, which is read in this thread.

        Raises: what `Sender.send` raises.
        """
        if body is not None and body.__class__ is not bytes:
            body = self._errands.iterate(body)
        return self._thread.run(self._send(method, url, fields, body, options), self._errands)

    async def _send(
        self, method: str, url: str, fields: Sequence[Field], body: Body, options: dict[str, Any]
    ) -> tuple[HttpResponse[Any, Any], bytes]:
        await self._lease.enter(self)
        try:
            response = await self._lease.sender.send(method, url, fields, body, timeout=self._timeout, **options)
            self._response = response
            self.carrier = connection = response.connection
            received = b""
            if connection is None or connection.complete:
                received = await response.raw.read()
                self._received = len(received)
                self._finish()
        except BaseException:
            self.is_over = True
            self._lease.leave(self)
            raise
        return response, received

    def _finish(self) -> None:
        self.is_over = True
        self._lease.leave(self)

    def next_pieces(self) -> list[bytes]:
        """Wait for more of the body, and return all that has come; nothing at the end.

        Raises: an exception of urllib3.
        """
        if self.is_over:
            return []
        try:
            return self._thread.run(self._gather(GATHERED if self._gathers else 1), self._errands)
        except HooklineError as error:
            assert self._response is not None
            raise body_error(error, self._peer, self._received, self._missing(), self._timeout) from error

    async def _gather(self, least: int) -> list[bytes]:
        """Read until so many bytes have come, or the end, and what is here besides."""
        response = self._response
        assert response is not None
        if self._chunks is None:
            self._chunks = aiter(response.raw)
        pieces: list[bytes] = []
        count = 0
        try:
            while not self.is_over and (count < least or (count < AT_ONCE and self._has_more_at_once())):
                piece = await anext(self._chunks, b"")
                if piece:
                    pieces.append(piece)
                    count += len(piece)
                if not piece or response.connection is None:
                    self._finish()
        except BaseException:
            if not self.is_over:
                self._finish()
            raise
        self._received += count
        return pieces

    def _has_more_at_once(self) -> bool:
        """Say whether the next piece can be read without a wait, so that it needs no hand-over of its own."""
        assert self._response is not None
        connection = self._response.connection
        if connection is None or connection.parts or connection.complete:
            return connection is not None
        if connection.read_at_once is not None:
            connection.read_at_once()
        return bool(connection.parts)

    def _missing(self) -> int | None:
        """Return how many bytes the head has announced beyond those that came; None = it does not say."""
        assert self._response is not None
        length = self._response.headers.get("content-length", "")
        return int(length) - self._received if length.isascii() and length.isdigit() else None

    def abandon(self) -> None:
        """Close the connection if the body has not come to its end; from any thread, and waits for nothing."""
        if not self.is_over:
            self.is_over = True
            self._thread.call_soon(self._begin_to_abandon)

    def _begin_to_abandon(self) -> None:
        self._lease.client.loop_resources.start(self.end())

    async def end(self) -> None:
        """Close the connection if the body has not come to its end; in the loop."""
        if self._response is not None:
            await self._response.aclose()
        self._lease.leave(self)
