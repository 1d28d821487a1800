"""Run an ASGI application for a websocket. Needs wsproto, which hookline-websocket requires."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from ..memory.exchange import Exchange
from .asgi import AsgiApp, make_scope
from .asgi import Message as AsgiMessage

_PIECE = 64 * 1024  # bytes of one read
_CLOSE_TIMEOUT = 1.0  # seconds


class WebSocketCycle:
    """The `receive` and `send` of an application for one websocket.

    is_decided: the application has accepted or refused it. is_open: it was accepted and not closed yet.
    """

    def __init__(self, exchange: Exchange) -> None:
        request = exchange.request
        self._exchange = exchange
        self._connection = exchange.connection
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._protocol.initiate_upgrade_connection(request.headers, request.target)
        opening = next(iter(self._protocol.events()))
        assert isinstance(opening, Request)
        self.subprotocols = list(opening.subprotocols)
        self._events: deque[Event] = deque()
        self._parts: list[Any] = []
        self._is_connected = False
        self.is_decided = False
        self.is_open = False

    async def receive(self) -> AsgiMessage:
        if not self._is_connected:
            self._is_connected = True
            return {"type": "websocket.connect"}
        while True:
            while self._events:
                message = await self._to_message(self._events.popleft())
                if message is not None:
                    return message
            data = await self._connection.reader.read(_PIECE)
            if not data:
                self.is_open = False
                return {"type": "websocket.disconnect", "code": 1006, "reason": ""}
            try:
                self._protocol.receive_data(data)
                self._events += self._protocol.events()
            except RemoteProtocolError as error:
                await self._write(error.event_hint or CloseConnection(CloseReason.PROTOCOL_ERROR))
                self.is_open = False
                return {"type": "websocket.disconnect", "code": 1002, "reason": str(error)}

    async def _to_message(self, event: Event) -> AsgiMessage | None:
        """Return the ASGI message for an event of wsproto; None = there is none. Pings and closes are answered here."""
        if isinstance(event, Message):
            self._parts.append(event.data)
            if not event.message_finished:
                return None
            parts, self._parts = self._parts, []
            if isinstance(event, TextMessage):
                return {"type": "websocket.receive", "text": "".join(parts)}
            return {"type": "websocket.receive", "bytes": b"".join(bytes(part) for part in parts)}
        if isinstance(event, Ping):
            await self._write(event.response())
        elif isinstance(event, CloseConnection):
            if self.is_open:
                self.is_open = False
                await self._write(event.response())
            return {"type": "websocket.disconnect", "code": int(event.code), "reason": event.reason or ""}
        return None

    async def send(self, message: AsgiMessage) -> None:
        kind = message["type"]
        if kind == "websocket.accept" and not self.is_decided:
            self.is_decided = self.is_open = self._exchange.has_left_http = True
            await self._write(
                AcceptConnection(
                    subprotocol=message.get("subprotocol"),
                    extensions=[PerMessageDeflate()],
                    extra_headers=[(bytes(name), bytes(value)) for name, value in message.get("headers", ())],
                )
            )
        elif kind == "websocket.close" and not self.is_decided:
            self.is_decided = self._exchange.has_left_http = True
            await self._write(RejectConnection(status_code=403, headers=[(b"content-length", b"0")]))
        elif kind == "websocket.close" and self.is_decided:
            await self.close(int(message.get("code", 1000)), message.get("reason") or "")
        elif kind == "websocket.send" and self.is_open:
            text = message.get("text")
            await self._write(TextMessage(text) if text is not None else BytesMessage(message["bytes"]))
        elif kind == "websocket.send" and self.is_decided:
            raise ConnectionResetError("the websocket is closed")
        else:
            raise RuntimeError(
                f"unexpected message {kind!r}: the websocket is {'open' if self.is_open else 'not open'}"
            )

    async def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, if the websocket is open."""
        if self.is_open:
            self.is_open = False
            await self._write(CloseConnection(code, reason))

    async def wait_for_close(self) -> None:
        """Wait shortly for the client's close frame (RFC 6455, section 7.1.1)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                while (await self.receive())["type"] != "websocket.disconnect":
                    pass

    async def _write(self, event: Event) -> None:
        try:
            data = self._protocol.send(event)
        except LocalProtocolError as error:
            raise RuntimeError(f"the websocket cannot send this now: {error}") from error
        self._connection.writer.write(data)
        await self._connection.writer.drain()


async def run_websocket(app: AsgiApp, exchange: Exchange, state: dict[str, Any] | None) -> None:
    """Let an application serve a websocket to its end.

    Raises: whatever the application raises, after the websocket was closed with 1011.
    """
    connection, request = exchange.connection, exchange.request
    cycle = WebSocketCycle(exchange)
    scope = make_scope(connection, request, "websocket", state)
    scope["subprotocols"] = cycle.subprotocols
    try:
        await app(scope, cycle.receive, cycle.send)
    except BaseException:
        if not connection.gone.is_set():
            await cycle.close(1011)
            await cycle.wait_for_close()
        raise
    if not cycle.is_decided:
        raise RuntimeError("the application returned before it accepted or closed the websocket")
    if cycle.is_open:
        await cycle.close(1000)
        await cycle.wait_for_close()
