"""Run an ASGI application: one HTTP request, or the life of the application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from ..memory.exchange import Exchange
from ..memory.line import Line
from ..server.seen import SeenRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[Any]]

VERSION = {"version": "3.0", "spec_version": "2.4"}


def scope_of(line: Line, request: SeenRequest, kind: str, state: dict[str, Any] | None) -> dict[str, Any]:
    """The scope of a request; kind: "http" or "websocket"."""
    place = line.place
    scheme = {"http": "ws", "https": "wss"}.get(place.scheme, place.scheme) if kind == "websocket" else place.scheme
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
        "server": (place.host, place.port),
        "extensions": {},
    }
    if kind == "http":
        scope["method"] = request.method
    if state is not None:
        scope["state"] = dict(state)
    return scope


class HttpCycle:
    """What an application receives and sends for one request.

    hold: keep the end of a response of 500 and more back until `release`: its application may be about to raise.
    """

    def __init__(self, exchange: Exchange, *, hold: bool) -> None:
        self.exchange = exchange
        self._hold = hold
        self._held: bytes | None = None
        self._body_is_out = False
        self._reading: asyncio.Future[bytes] | None = None
        self._over = asyncio.Event()

    async def receive(self) -> Message:
        if self._body_is_out:
            await self._until_over()
            return {"type": "http.disconnect"}
        # A task of its own: applications cancel this to see whether the client is gone, and the body must survive.
        if self._reading is None:
            self._reading = asyncio.ensure_future(self.exchange.read_piece())
        try:
            piece = await asyncio.shield(self._reading)
        except (ConnectionError, asyncio.IncompleteReadError):
            self._body_is_out = True
            return {"type": "http.disconnect"}
        self._reading = None
        more = bool(piece) and not self.exchange.has_all_of_the_body
        self._body_is_out = not more
        return {"type": "http.request", "body": piece, "more_body": more}

    async def _until_over(self) -> None:
        if self.exchange.line.gone.is_set() or self._over.is_set():
            return
        waits = [asyncio.ensure_future(event.wait()) for event in (self.exchange.line.gone, self._over)]
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
            if self._held is not None:
                raise RuntimeError("http.response.body was sent behind the end")
            if self._hold and not more and self.exchange.status >= 500:
                self._held = data
                return
            await self.exchange.write(data, more=more)
            if not more:
                self._over.set()
        else:
            raise RuntimeError(f"unexpected message {kind!r}: http.response.start or http.response.body was due")

    async def release(self) -> None:
        """Send what was held back."""
        if self._held is not None:
            data, self._held = self._held, None
            await self.exchange.write(data, more=False)

    async def end(self) -> None:
        """Nobody receives any more."""
        self._over.set()
        if self._reading is not None:
            if not self._reading.done():
                self._reading.cancel()
            await asyncio.wait([self._reading])
            if not self._reading.cancelled():
                self._reading.exception()


async def run_asgi(app: AsgiApp, exchange: Exchange, state: dict[str, Any] | None, *, hold: bool) -> None:
    """Let the application answer one request.

    Raises: whatever the application raises.
    """
    cycle = HttpCycle(exchange, hold=hold)
    try:
        await app(scope_of(exchange.line, exchange.request, "http", state), cycle.receive, cycle.send)
        await cycle.release()
    finally:
        await cycle.end()
