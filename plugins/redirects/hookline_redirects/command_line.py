"""The options of this plugin on the command line."""

from __future__ import annotations

from typing import Any


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument("--no-follow", dest="allow_redirects", action="store_false", help="print a redirect itself")
    options.add_argument(
        "-L",
        "--follow",
        dest="allow_redirects",
        action="store_true",
        help="follow redirects, also of HEAD (default: not of HEAD)",
    )
    options.add_argument("--max-redirects", type=number, metavar="N", help="how many redirects to follow (default: 10)")


def number(text: str) -> int:
    """Convert a number from 0 up. Raises: ValueError."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"expected a number from 0 up, got {text!r}")
    return int(text)
