"""Limits of rate and concurrency for the HTTP client Hookline: `HttpClient(throttle=Throttle(rate="10/s"))`."""

from importlib import import_module
from typing import TYPE_CHECKING

from .plugin import HttpThrottle, ThrottleClient, ThrottleRequest, ThrottleResponse

if TYPE_CHECKING:
    from .redis_limits import RedisLimits, ThrottleUnavailable
    from .throttle import Throttle

__version__ = "0.1.0.dev0"

__all__ = [
    "HttpThrottle",
    "RedisLimits",
    "Throttle",
    "ThrottleClient",
    "ThrottleRequest",
    "ThrottleResponse",
    "ThrottleUnavailable",
]

_AT_FIRST_USE = {"RedisLimits": "redis_limits", "Throttle": "throttle", "ThrottleUnavailable": "redis_limits"}


def __getattr__(name: str) -> object:
    """Import a name at its first use: a client without `throttle=` needs none of them."""
    module = _AT_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
