"""The option of this plugin on the command line. If it is given, the plugin is loaded."""

from __future__ import annotations

from typing import Any


def add_options(options: Any) -> None:
    """Add the option. `dest` is the keyword of the client."""
    options.add_argument("--retry", type=number, metavar="N", help="how often to send a failed request again")


def number(text: str) -> int:
    """Convert a number from 0 up. Raises: ValueError."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"expected a number from 0 up, got {text!r}")
    return int(text)
