"""An egress guard for the HTTP client Hookline: requests to URLs of strangers reach no internal addresses (SSRF)."""

from importlib import import_module
from typing import TYPE_CHECKING

from .options import GuardClient, GuardRequest
from .plugin import EgressGuard, EgressGuardRoute

if TYPE_CHECKING:
    from .errors import EgressBlocked
    from .guard import Guard

__version__ = "0.1.0.dev0"

__all__ = [
    "EgressBlocked",
    "EgressGuard",
    "EgressGuardRoute",
    "Guard",
    "GuardClient",
    "GuardRequest",
]

_AT_FIRST_USE = {"EgressBlocked": "errors", "Guard": "guard"}


def __getattr__(name: str) -> object:
    """Import a name at its first use: a client without `guard=` needs none of them."""
    module = _AT_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
