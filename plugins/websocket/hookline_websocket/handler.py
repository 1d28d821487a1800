"""The handler: the class that users derive from, with a method for each thing that happens on a websocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .websocket import WebSocket


class WS:
    """A handler of websockets: `client.get("ws://…", websocket_handler=Echo())` with `class Echo(WS)`.

    A method may be plain or a coroutine function. Methods are called in the order in which things happen, one at a time:
    the next is called when the one before has ended. If a plain method returns an awaitable, as
    `return websocket.write(…)` does, that is awaited too. An exception closes the websocket with 1011, and
    `await websocket.wait_closed()` raises it.

    One handler may serve any number of websockets at the same time.

    Example: docs/websocket.md#handlers
    """

    def on_open(self, websocket: WebSocket) -> Any:
        """Called first, after the opening handshake.

        Example: docs/websocket.md#handlers
        """

    def on_message(self, websocket: WebSocket, message: str) -> Any:
        """Called with each text message.

        Example: docs/websocket.md#handlers
        """

    def on_bytes(self, websocket: WebSocket, body: bytes) -> Any:
        """Called with each binary message.

        Example::

            from hookline import WS, HttpClient


            class Notes(WS):
                def on_bytes(self, websocket, body):
                    print("binary:", body)
                    websocket.write_close()

                def on_ping(self, websocket, body):
                    print("ping")
                    return super().on_ping(websocket, body)

                def on_pong(self, websocket, body):
                    print("pong")


            async with HttpClient() as client:
                websocket = await client.get("ws://127.0.0.1:8000/websocket", websocket_handler=Notes())
                await websocket.ping()
                await websocket.send(b"some bytes")
                await websocket.wait_closed()
        """

    def on_ping(self, websocket: WebSocket, body: bytes) -> Any:
        """Called with each ping, and answers it.

        Unless a subclass overrides this method, pings are answered at once, even while another method runs.
        """
        websocket.pong(body)

    def on_pong(self, websocket: WebSocket, body: bytes) -> Any:
        """Called with each pong, whether it answers a ping or not."""

    def on_close(self, websocket: WebSocket) -> Any:
        """Called last, and once, when the connection is closed; `websocket.close_reason` says why.

        Example: docs/websocket.md#handlers
        """


def overrides(handler: WS | None, method: str) -> bool:
    """Say whether the class of a handler overrides a method of `WS`."""
    return handler is not None and getattr(type(handler), method) is not getattr(WS, method)
