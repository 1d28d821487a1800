"""Bodies in every coding."""

from __future__ import annotations

import gzip
import importlib
import random
import sys
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import brotli

PLAIN = b"".join(b"line %d of a text that can be compressed\n" % number for number in range(20_000))
NOISE = random.Random(4).randbytes(300_000)


def deflated(data: bytes) -> bytes:
    """The zlib format."""
    return zlib.compress(data)


def bare(data: bytes) -> bytes:
    """Deflate without a frame."""
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


def members(data: bytes) -> bytes:
    """gzip, of several members, some of them empty."""
    third = len(data) // 3
    parts = data[:third], b"", data[third : 2 * third], b"", b"", data[2 * third :]
    return b"".join(gzip.compress(part) for part in parts)


def zstd(data: bytes) -> bytes:
    """One Zstandard frame."""
    return zstd_module().compress(data)  # type: ignore[no-any-return]  # the module is Any


def frames(data: bytes) -> bytes:
    """Two Zstandard frames, and one to be skipped between them (RFC 8878, section 3.1.2)."""
    return zstd(data[:1000]) + b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + zstd(data[1000:])


def zstd_module() -> Any:
    """The module, wherever it is."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


# A label, the coding, and the encoder.
EVERY: list[tuple[str, str, Callable[[bytes], bytes]]] = [
    ("gzip", "gzip", gzip.compress),
    ("members", "gzip", members),
    ("x-gzip", "x-gzip", gzip.compress),
    ("deflate", "deflate", deflated),
    ("bare", "deflate", bare),
    ("br", "br", partial(brotli.compress, quality=5)),
    ("zstd", "zstd", zstd),
    ("frames", "zstd", frames),
]
