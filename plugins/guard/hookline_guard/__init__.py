"""An egress guard for the HTTP client Hookline: requests to URLs of strangers reach no internal addresses (SSRF)."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .options import GuardClient, GuardRequest
from .plugin import EgressGuard, EgressGuardRoute

if TYPE_CHECKING:
    from .errors import EgressBlocked
    from .guard import Guard

__version__ = "0.1.0"

__all__ = [
    "EgressBlocked",
    "EgressGuard",
    "EgressGuardRoute",
    "Guard",
    "GuardClient",
    "GuardRequest",
]

__getattr__ = names_at_first_use(__name__, {"EgressBlocked": "errors", "Guard": "guard"})
