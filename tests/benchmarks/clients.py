"""The clients that can be compared: label -> module and class. A label with `+uv` is the same client on uvloop."""

from __future__ import annotations

import importlib

from benchmarks.adapter import Adapter

CLIENTS = {
    "hookline": ("benchmarks.hookline_client", "HooklineClient"),
    "hookline_isal": ("benchmarks.hookline_client", "HooklineIsal"),
    "hookline_core": ("benchmarks.hookline_client", "HooklineCore"),
    "aiohttp": ("benchmarks.aiohttp_client", "AiohttpClient"),
    "floor": ("benchmarks.floor", "FloorClient"),
    "floor_buffered": ("benchmarks.floor", "BufferedFloorClient"),
    "wsproto": ("benchmarks.websocket_clients", "WsprotoClient"),
    "websockets": ("benchmarks.websocket_clients", "WebsocketsClient"),
    "picows": ("benchmarks.websocket_clients", "PicowsClient"),
}
FLOORS = ("floor", "floor_buffered", "wsproto")
ECHO_ONLY = ("wsproto", "websockets", "picows")
NO_ECHO = ("hookline_core", "floor", "floor_buffered")
DECODED_ONLY = ("hookline_isal",)
UV = "+uv"


def adapter(label: str) -> type[Adapter]:
    """Return the adapter's class; this imports its client."""
    module, name = CLIENTS[label.removesuffix(UV)]
    found: type[Adapter] = getattr(importlib.import_module(module), name)
    return found


def can(label: str, operation: str) -> bool:
    """Return whether the client is measured with this operation."""
    name = label.removesuffix(UV)
    if name in DECODED_ONLY:
        return operation == "decoded"
    return name not in (NO_ECHO if operation == "echo" else ECHO_ONLY)
