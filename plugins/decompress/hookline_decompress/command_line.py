"""The options of this plugin on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "--no-decompress", dest="decompress", action="store_false", help="print a compressed body as it came"
    )
    options.add_argument(
        "--compressed", dest="decompress", action="store_true", help="undo content codings (the default), as in curl"
    )


def diagnose(client: Any) -> Iterator[tuple[str, str]]:
    """Yield the libraries that decode, for `hookline doctor`."""
    from .codings import accept_encoding
    from .zlib_members import library

    yield "gzip, deflate", library()
    yield "codings", accept_encoding()
