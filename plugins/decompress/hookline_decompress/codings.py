"""The content codings that can be decoded; which they are depends on the packages that are installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookline import Decoder


def accept_encoding() -> str:
    """Return the value of Accept-Encoding: all codings that can be decoded, without weights."""
    extras = [coding for coding, found in (("br", has_brotli()), ("zstd", has_zstd())) if found]
    return ", ".join(["gzip", "deflate", *extras])


def decoders_for(codings: Iterable[str]) -> tuple[list[Decoder], str | None]:
    """Return decoders in the order in which the body passes them, and None; that of the coding applied last comes first.

    If one of the codings is unknown, return no decoders, since a body that is decoded in part is of no use, and that coding.

    codings: in the order in which they were applied (RFC 9110, section 8.4).
    """
    decoders: list[Decoder] = []
    for coding in codings:
        decoder = decoder_for(coding)
        if decoder is None:
            return [], coding
        decoders.insert(0, decoder)
    return decoders, None


def decoder_for(coding: str) -> Decoder | None:
    """Return a new decoder; None for a coding that is unknown, or whose package is not installed."""
    # imported here, because some clients meet no coded body: 0.7 ms with zlib
    from .member_decoder import MemberDecoder

    if coding in ("gzip", "x-gzip"):
        from .zlib_members import Gzipped

        return MemberDecoder(coding, Gzipped, has_several=True, is_padded=True)
    if coding == "deflate":
        from .zlib_members import Deflated

        return MemberDecoder(coding, Deflated)
    if coding == "br" and has_brotli():
        from .brotli_member import Brotli

        return MemberDecoder(coding, Brotli)
    if coding == "zstd" and has_zstd():
        from .zstd_member import Zstandard

        return MemberDecoder(coding, Zstandard, has_several=True)
    return None


@cache
def has_brotli() -> bool:
    """Say whether a brotli is installed whose output can be limited; before 1.2 it decodes a whole bomb at once.

    The import takes 0.5 ms.
    """
    try:
        import brotli
    except ImportError:
        return False
    return hasattr(brotli.Decompressor, "can_accept_more_data")


@cache
def has_zstd() -> bool:
    """Say whether a Zstandard module is installed.

    `backports.zstd` is not imported for that: `backports` alone takes 10 ms, because it imports pkgutil.
    """
    if sys.version_info >= (3, 14):
        try:
            import compression.zstd  # noqa: F401  # the import takes 2 ms
        except ImportError:  # this Python was built without it
            return False
        return True
    package = PathFinder.find_spec("backports")
    if package is None or package.submodule_search_locations is None:
        return False
    return PathFinder.find_spec("backports.zstd", package.submodule_search_locations) is not None
