"""The option of this plugin on the command line."""

from __future__ import annotations

from typing import Any


def add_options(options: Any) -> None:
    """Add the option. `dest` is the keyword of the client."""
    options.add_argument(
        "--guard", action="store_true", help="go to public addresses only, also after redirects and behind proxies"
    )
    options.add_argument("--no-guard", dest="guard", action="store_false", help="no guard, as if --guard was not given")
