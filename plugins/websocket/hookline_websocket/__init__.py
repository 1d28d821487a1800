"""WebSockets for the HTTP client Hookline: the opening handshake as a plugin, and the websocket that comes of it."""

from .compression import Deflate
from .errors import HandshakeError, WebSocketClosed, WebSocketError
from .handler import WS
from .plugin import WebSockets
from .websocket import WebSocket

__version__ = "0.1.0.dev0"

__all__ = [
    "WS",
    "Deflate",
    "HandshakeError",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketError",
    "WebSockets",
]
