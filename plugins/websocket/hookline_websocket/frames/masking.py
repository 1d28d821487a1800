"""Masking (RFC 6455, section 5.3): fresh keys, and the masking of a payload.

The C function of the package websockets masks when the package is installed: the extra `hookline-websocket[speedups]`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType

Mask = Callable[[bytes | bytearray, bytes], bytes | bytearray]

_DRAWN = 4096  # bytes of os.urandom at a time: one system call for 1024 keys
_MAX_XOR_SIZE = 512  # bytes; above it, four translations take less time than the XOR of one large integer
_SPEEDUPS = "websockets.speedups"

_keys: list[bytes] = []
_tables: list[bytes] = []  # of the translation, one for each byte of a key; made at first use, because they take 80 KiB


def new_masking_key() -> bytes:
    """Return a fresh key of four unpredictable bytes.

    A key is given out once, whatever threads and forked processes ask: `pop` is atomic, and a child of a fork has no keys
    of its parent's.
    """
    try:
        return _keys.pop()
    except IndexError:
        drawn = os.urandom(_DRAWN)
        # the one that is returned was never in the list, so that no other thread can take it
        _keys.extend(drawn[at : at + 4] for at in range(4, _DRAWN, 4))
        return drawn[:4]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keys.clear)


def mask_in_python(payload: bytes | bytearray, key: bytes) -> bytes | bytearray:
    """Mask a payload, or remove the mask."""
    size = len(payload)
    if size <= _MAX_XOR_SIZE:
        repeated = (key * ((size >> 2) + 1))[:size]
        return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")
    if not _tables:
        _tables.extend(bytes(byte ^ other for byte in range(256)) for other in range(256))
    masked = bytearray(payload)
    for at, byte in enumerate(key):
        masked[at::4] = masked[at::4].translate(_tables[byte])
    return masked


def load_speedups() -> ModuleType | None:
    """Return the compiled module of the package websockets, None = it is not installed, or cannot be loaded.

    The module is loaded without its package, whose import takes far longer (0.3 ms against 22).
    """
    if _SPEEDUPS in sys.modules:
        return sys.modules[_SPEEDUPS]
    try:
        package = find_spec("websockets")
        spec = package and PathFinder.find_spec(_SPEEDUPS, package.submodule_search_locations)
        if not spec or spec.loader is None:
            return None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        # Some modules put themselves there; an import of the package is to find it new.
        sys.modules.pop(_SPEEDUPS, None)
    except (ImportError, ValueError):  # ValueError: a module `websockets` without a spec
        return None
    return module


def choose_mask(module: ModuleType | None) -> Mask:
    """Return the function that masks: that of the compiled module, else the one in Python."""
    return cast(Mask, getattr(module, "apply_mask", mask_in_python))


mask: Mask = choose_mask(load_speedups())
