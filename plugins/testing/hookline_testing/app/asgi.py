"""Run an ASGI application for one HTTP request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from ..memory.connection import ServerConnection
from ..memory.exchange import Exchange
from ..server.seen_request import SeenRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[Any]]

VERSION = {"version": "3.0", "spec_version": "2.4"}


def make_scope(
    connection: ServerConnection, request: SeenRequest, kind: str, state: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the scope of a request. kind: "http" or "websocket". state: of the lifespan, None = there is none."""
    origin = connection.origin
    scheme = {"http": "ws", "https": "wss"}.get(origin.scheme, origin.scheme) if kind == "websocket" else origin.scheme
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": dict(VERSION),
        "http_version": request.version,
        "scheme": scheme,
        "path": unquote(request.path),
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": ("127.0.0.1", 0),
        "server": (origin.host, origin.port),
        "extensions": {},
    }
    if kind == "http":
        scope["method"] = request.method
    if state is not None:
        scope["state"] = dict(state)
    return scope


class HttpCycle:
    """The `receive` and `send` of an application for one request.

    delay_5xx: send the end of a response with status 500 or more only in `release`, since the application may still raise
    the exception that it stands for.
    """

    def __init__(self, exchange: Exchange, *, delay_5xx: bool) -> None:
        self.exchange = exchange
        self._delay_5xx = delay_5xx
        self._delayed: bytes | None = None
        self._is_body_read = False
        self._reading: asyncio.Future[bytes] | None = None
        self._over = asyncio.Event()

    async def receive(self) -> Message:
        if self._is_body_read:
            await self._wait_until_over()
            return {"type": "http.disconnect"}
        # In a task of its own: applications cancel `receive` to check for a disconnect, and no part of the body may get lost.
        if self._reading is None:
            self._reading = asyncio.ensure_future(self.exchange.read_piece())
        try:
            piece = await asyncio.shield(self._reading)
        except (ConnectionError, asyncio.IncompleteReadError):
            self._is_body_read = True
            return {"type": "http.disconnect"}
        self._reading = None
        more = bool(piece) and not self.exchange.has_whole_body
        self._is_body_read = not more
        return {"type": "http.request", "body": piece, "more_body": more}

    async def _wait_until_over(self) -> None:
        if self.exchange.connection.gone.is_set() or self._over.is_set():
            return
        waits = [asyncio.ensure_future(event.wait()) for event in (self.exchange.connection.gone, self._over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            if self.exchange.is_started:
                raise RuntimeError("http.response.start was sent twice")
            self.exchange.start(message["status"], [(bytes(n), bytes(v)) for n, v in message.get("headers", ())])
        elif kind == "http.response.body":
            data, more = bytes(message.get("body", b"")), bool(message.get("more_body", False))
            if self._delayed is not None:
                raise RuntimeError("http.response.body was sent after the end of the response")
            if self._delay_5xx and not more and self.exchange.status >= 500:
                self._delayed = data
                return
            await self.exchange.write(data, more=more)
            if not more:
                self._over.set()
        else:
            raise RuntimeError(f"unexpected message {kind!r}: http.response.start or http.response.body was expected")

    async def release(self) -> None:
        """Send the delayed end of a response, if there is one."""
        if self._delayed is not None:
            data, self._delayed = self._delayed, None
            await self.exchange.write(data, more=False)

    async def end(self) -> None:
        """Stop reading the request, since the application has ended."""
        self._over.set()
        if self._reading is not None:
            if not self._reading.done():
                self._reading.cancel()
            await asyncio.wait([self._reading])
            if not self._reading.cancelled():
                self._reading.exception()


async def run_asgi(app: AsgiApp, exchange: Exchange, state: dict[str, Any] | None, *, delay_5xx: bool) -> None:
    """Let an application answer one request.

    Raises: whatever the application raises.
    """
    cycle = HttpCycle(exchange, delay_5xx=delay_5xx)
    try:
        await app(make_scope(exchange.connection, exchange.request, "http", state), cycle.receive, cycle.send)
        await cycle.release()
    finally:
        await cycle.end()
