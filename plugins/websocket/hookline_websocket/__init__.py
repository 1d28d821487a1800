"""WebSockets for the HTTP client Hookline: a plugin that makes the opening handshake, and the `WebSocket` it gives."""

from importlib import import_module
from typing import TYPE_CHECKING

from .handler import WS
from .options import WebSocketClient, WebSocketRequest
from .plugin import WebSockets

if TYPE_CHECKING:
    from .compression import Deflate
    from .errors import HandshakeError, WebSocketClosed, WebSocketError
    from .websocket import SyncWebSocket, WebSocket, connect

__version__ = "0.1.0.dev0"

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

_AT_FIRST_USE = {
    "Deflate": "compression",
    "HandshakeError": "errors",
    "SyncWebSocket": "websocket",
    "WebSocket": "websocket",
    "WebSocketClosed": "errors",
    "WebSocketError": "errors",
    "connect": "websocket",
}


def __getattr__(name: str) -> object:
    """Import a name at its first use: most clients open no websocket."""
    module = _AT_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
