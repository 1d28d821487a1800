"""Retries for the HTTP client Hookline: a request is sent again after a failure that may not last."""

from .budget import RetryBudget
from .plugin import Retries, RetryClient, RetryRequest
from .policy import Retry

__version__ = "0.1.0"

__all__ = [
    "Retries",
    "Retry",
    "RetryBudget",
    "RetryClient",
    "RetryRequest",
]
