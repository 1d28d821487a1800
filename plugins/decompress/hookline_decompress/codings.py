"""The codings that can be undone here: which they are depends on what is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import PathFinder

from hookline import Decoder

from .members import Decoding
from .zlib_members import Deflated, Gzipped


def accept_encoding() -> str:
    """The value of Accept-Encoding: what is understood for certain, without weights."""
    extras = [coding for coding, found in (("br", has_brotli()), ("zstd", has_zstd())) if found]
    return ", ".join(["gzip", "deflate", *extras])


def decoders_for(codings: Iterable[str]) -> tuple[list[Decoder], str | None]:
    """Decoders in the order in which they see the body: the coding applied last comes first (RFC 9110, section 8.4).

    With one coding that nobody here knows there are none, since a half decoded body is of no use; it is the second value.
    """
    decoders: list[Decoder] = []
    for coding in codings:
        decoder = decoder_for(coding)
        if decoder is None:
            return [], coding
        decoders.insert(0, decoder)
    return decoders, None


def decoder_for(coding: str) -> Decoder | None:
    """A fresh decoder; None for a coding that is unknown, or whose package is not installed."""
    if coding in ("gzip", "x-gzip"):
        return Decoding(coding, Gzipped, several=True, padded=True)
    if coding == "deflate":
        return Decoding(coding, Deflated)
    if coding == "br" and has_brotli():
        from .brotli_member import Brotli

        return Decoding(coding, Brotli)
    if coding == "zstd" and has_zstd():
        from .zstd_member import Zstandard

        return Decoding(coding, Zstandard, several=True)
    return None


@cache
def has_brotli() -> bool:
    """Is a brotli there that can be bounded? Before 1.2 it gives all of a bomb at once. The import takes 0.5 ms."""
    try:
        import brotli
    except ImportError:
        return False
    return hasattr(brotli.Decompressor, "can_accept_more_data")


@cache
def has_zstd() -> bool:
    """Is a Zstandard module there? It is not imported: `backports` alone takes 10 ms, by way of pkgutil."""
    if sys.version_info >= (3, 14):
        try:
            import compression.zstd  # noqa: F401  # it takes 2 ms
        except ImportError:  # Python was built without it
            return False
        return True
    package = PathFinder.find_spec("backports")
    if package is None or package.submodule_search_locations is None:
        return False
    return PathFinder.find_spec("backports.zstd", package.submodule_search_locations) is not None
