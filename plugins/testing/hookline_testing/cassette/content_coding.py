"""Content codings (RFC 9110, section 8.4.1): HAR stores bodies decoded, and secrets can only be found in decoded ones."""

from __future__ import annotations

import gzip
import importlib
import sys
import zlib
from collections.abc import Callable
from typing import Any

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
# By coding: the module, and the distribution to install if it is not in the standard library.
_MODULES = {
    "gzip": ("gzip", ""),
    "x-gzip": ("gzip", ""),
    "deflate": ("zlib", ""),
    "br": ("brotli", "brotli"),
    "zstd": (ZSTD, "backports.zstd"),
}


def decode(coding: str, body: bytes) -> bytes | None:
    """Return the decoded body; None if the coding is unknown or its package not installed, and if the body is not valid."""
    try:
        decompress: Callable[[bytes], bytes] = import_module_for(coding).decompress
        return decompress(body)
    except zlib.error:
        return inflate_raw(body) if coding == "deflate" else None
    except (KeyError, ImportError):
        return None
    except Exception:  # noqa: BLE001  # each package has its own error for invalid data
        return None


def encode(coding: str, body: bytes) -> bytes:
    """Return the encoded body.

    Raises: ValueError, for an unknown coding; RuntimeError, if its package is not installed.
    """
    try:
        module = import_module_for(coding)
    except KeyError as error:
        raise ValueError(f"the coding {coding!r} is unknown") from error
    except ImportError as error:
        raise RuntimeError(f"this cassette has bodies in {coding}: pip install {_MODULES[coding][1]}") from error
    compress: Callable[..., bytes] = module.compress
    return compress(body, mtime=0) if module is gzip else compress(body)


def import_module_for(coding: str) -> Any:
    """Import the module for a coding.

    Raises: KeyError, for an unknown coding; ImportError.
    """
    return importlib.import_module(_MODULES[coding][0])


def inflate_raw(body: bytes) -> bytes | None:
    """Decode deflate data without the zlib format around it, as some servers send it; None if it is not valid."""
    try:
        return zlib.decompress(body, -zlib.MAX_WBITS)
    except zlib.error:
        return None
