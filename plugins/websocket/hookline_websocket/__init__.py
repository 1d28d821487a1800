"""WebSockets for the HTTP client Hookline: a plugin that makes the opening handshake, and the `WebSocket` it gives."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .handler import WS
from .options import WebSocketClient, WebSocketRequest
from .plugin import WebSockets

if TYPE_CHECKING:
    from .compression import Deflate
    from .errors import HandshakeError, WebSocketClosed, WebSocketError
    from .websocket import SyncWebSocket, WebSocket, connect

__version__ = "0.1.0"

__all__ = [
    "WS",
    "Deflate",
    "HandshakeError",
    "SyncWebSocket",
    "WebSocket",
    "WebSocketClient",
    "WebSocketClosed",
    "WebSocketError",
    "WebSocketRequest",
    "WebSockets",
    "connect",
]

__getattr__ = names_at_first_use(
    __name__,
    {
        "Deflate": "compression",
        "HandshakeError": "errors",
        "SyncWebSocket": "websocket",
        "WebSocket": "websocket",
        "WebSocketClosed": "errors",
        "WebSocketError": "errors",
        "connect": "websocket",
    },
)
