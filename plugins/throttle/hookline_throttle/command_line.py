"""The option of this plugin on the command line."""

from __future__ import annotations

from typing import Any


def add_options(options: Any) -> None:
    """Add the option. `dest` is the keyword of the client."""
    options.add_argument(
        "--throttle",
        type=of_rate,
        metavar="RATE",
        help="how many requests to send, as 10/s or 100/min; each hop counts",
    )


def of_rate(rate: str) -> Any:
    """Return the limit. Raises: ValueError."""
    from .throttle import Throttle

    return Throttle(rate)


def as_code(keyword: str, value: Any) -> tuple[str, ...] | None:
    """Return a value of `throttle=` as Python, and the imports that it needs."""
    if keyword != "throttle":
        return None
    return f"Throttle({value.rate!r})", "from hookline import Throttle"
