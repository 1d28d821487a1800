"""Limits of rate and concurrency for the HTTP client Hookline: `HttpClient(throttle=Throttle(rate="10/s"))`."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import HttpThrottle, ThrottleClient, ThrottleRequest, ThrottleResponse

if TYPE_CHECKING:
    from .redis_limits import RedisLimits, ThrottleUnavailable
    from .throttle import Throttle

__version__ = "0.1.0"

__all__ = [
    "HttpThrottle",
    "RedisLimits",
    "Throttle",
    "ThrottleClient",
    "ThrottleRequest",
    "ThrottleResponse",
    "ThrottleUnavailable",
]

__getattr__ = names_at_first_use(
    __name__, {"RedisLimits": "redis_limits", "Throttle": "throttle", "ThrottleUnavailable": "redis_limits"}
)
