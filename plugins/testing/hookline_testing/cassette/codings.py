"""Content codings undone, and done again (RFC 9110, section 8.4.1): HAR has bodies decoded, and secrets are found only there."""

from __future__ import annotations

import gzip
import importlib
import sys
import zlib
from collections.abc import Callable
from typing import Any

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
# coding: the module, and the distribution that has it where the standard library has not
_MODULES = {
    "gzip": ("gzip", ""),
    "x-gzip": ("gzip", ""),
    "deflate": ("zlib", ""),
    "br": ("brotli", "brotli"),
    "zstd": (ZSTD, "backports.zstd"),
}


def decoded(coding: str, body: bytes) -> bytes | None:
    """The body without its coding; None where that is unknown, or not what the body has, or its package is not there."""
    try:
        decompress: Callable[[bytes], bytes] = module_of(coding).decompress
        return decompress(body)
    except zlib.error:
        return without_frame(body) if coding == "deflate" else None
    except (KeyError, ImportError):
        return None
    except Exception:  # noqa: BLE001  # each package has an error of its own for what it cannot read
        return None


def encoded(coding: str, body: bytes) -> bytes:
    """The body with its coding.

    Raises: ValueError, for one that is unknown. RuntimeError, where its package is not there.
    """
    try:
        module = module_of(coding)
    except KeyError as error:
        raise ValueError(f"the coding {coding!r} is unknown") from error
    except ImportError as error:
        raise RuntimeError(f"this cassette has bodies in {coding}: pip install {_MODULES[coding][1]}") from error
    compress: Callable[..., bytes] = module.compress
    return compress(body, mtime=0) if module is gzip else compress(body)


def module_of(coding: str) -> Any:
    """Raises: KeyError, for a coding that is unknown; ImportError."""
    return importlib.import_module(_MODULES[coding][0])


def without_frame(body: bytes) -> bytes | None:
    """What some servers send as deflate, without the zlib format around it."""
    try:
        return zlib.decompress(body, -zlib.MAX_WBITS)
    except zlib.error:
        return None
