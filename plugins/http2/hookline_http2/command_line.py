"""The options of this plugin on the command line."""

from __future__ import annotations

from typing import Any

from .options import PRIOR_KNOWLEDGE


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "--http2",
        "--http2-prior-knowledge",
        dest="http2",
        action="store_const",
        const=PRIOR_KNOWLEDGE,
        help="speak HTTP/2 for http:// too (default: for https://, if the server does)",
    )
    options.add_argument(
        "--priority", type=priority, metavar="0-7", help="how urgent the response is; 0 is first, 3 the default"
    )


def priority(text: str) -> int | str:
    """Convert an urgency, or the text of a field Priority."""
    return int(text) if text in tuple("01234567") else text
