"""Send a request again when it failed for a reason that may be gone soon."""

from .budget import RetryBudget
from .plugin import Retries
from .policy import Retry

__version__ = "0.1.0.dev0"

__all__ = ["Retries", "Retry", "RetryBudget"]
