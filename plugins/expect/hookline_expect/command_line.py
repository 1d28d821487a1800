"""The options of this plugin on the command line."""

from __future__ import annotations

from typing import Any


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "--expect", dest="wait_continue", action="store_true", help="ask the server with Expect before a body is sent"
    )
