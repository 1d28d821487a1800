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
}
FLOORS = ("floor", "floor_buffered")
UV = "+uv"


def adapter(label: str) -> type[Adapter]:
    """The adapter's class; imports its client."""
    module, name = CLIENTS[label.removesuffix(UV)]
    found: type[Adapter] = getattr(importlib.import_module(module), name)
    return found
