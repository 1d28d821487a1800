"""The clients that can be compared: label -> module and class. A label with `+uv` is the same client on uvloop."""

from __future__ import annotations

import importlib

from benchmarks.adapter import Adapter

CLIENTS = {
    "hookline": ("benchmarks.hookline_client", "HooklineClient"),
    "hookline_core": ("benchmarks.hookline_client", "HooklineCore"),
    "aiohttp": ("benchmarks.aiohttp_client", "AiohttpClient"),
    "floor": ("benchmarks.floor", "FloorClient"),
    "floor_buffered": ("benchmarks.floor", "BufferedFloorClient"),
    "httpx2": ("benchmarks.httpx2_client", "Httpx2Client"),
    "wsproto": ("benchmarks.websocket_clients", "WsprotoClient"),
    "websockets": ("benchmarks.websocket_clients", "WebsocketsClient"),
    "picows": ("benchmarks.websocket_clients", "PicowsClient"),
}
FLOORS = ("floor", "floor_buffered", "wsproto")
ECHO_ONLY = ("wsproto", "websockets", "picows")
CALL_ONLY = ("httpx2",)
CORE_ALONE = ("hookline_core", "floor", "floor_buffered")
UV = "+uv"


def adapter(label: str) -> type[Adapter]:
    """Return the adapter's class; this imports its client."""
    module, name = CLIENTS[label.removesuffix(UV)]
    found: type[Adapter] = getattr(importlib.import_module(module), name)
    return found


def can(label: str, operation: str) -> bool:
    """Return whether the client is measured with this operation."""
    left_out = {"echo": (*CORE_ALONE, *CALL_ONLY), "call": (*CORE_ALONE, *ECHO_ONLY)}
    return label.removesuffix(UV) not in left_out.get(operation, (*ECHO_ONLY, *CALL_ONLY))
