"""The handler: what users derive from, to be told what happens on a websocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .websocket import WebSocket


class WS:
    """A handler of websockets: `client.get("ws://…", websocket_handler=Echo())` with `class Echo(WS)`.

    Each method may be plain or a coroutine function. They are called in the order of what happened, one at a time: the
    next begins when the one before has ended. A plain one that gives something to await, as `return websocket.write(…)`
    does, is awaited too. An exception closes the websocket with 1011, and `await websocket.wait_closed()` raises it.

    One handler may serve any number of websockets at the same time.
    """

    def on_open(self, websocket: WebSocket) -> Any:
        """The opening handshake is done. Comes before everything else."""

    def on_message(self, websocket: WebSocket, message: str) -> Any:
        """A text message."""

    def on_bytes(self, websocket: WebSocket, body: bytes) -> Any:
        """A binary message."""

    def on_ping(self, websocket: WebSocket, body: bytes) -> Any:
        """A ping. Unless a subclass does something else, it is answered at once, even while another method still runs."""
        websocket.pong(body)

    def on_pong(self, websocket: WebSocket, body: bytes) -> Any:
        """A pong, asked for or not."""

    def on_close(self, websocket: WebSocket) -> Any:
        """The connection is gone, `websocket.close_reason` says why. Comes last, and once."""
