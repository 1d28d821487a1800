"""Authentication for the HTTP client Hookline: Basic, Digest, bearer tokens, netrc, and flows that users write."""

from importlib import import_module
from typing import TYPE_CHECKING

from .auth import Auth
from .basic import HTTPBasicAuth
from .digest import HTTPDigestAuth
from .errors import AuthError, BodyNotHashable, ServerNotVerified, UnsupportedAlgorithm
from .messages import SubRequest, set_field
from .plugin import AuthClient, AuthRequest, Basic, Digest

if TYPE_CHECKING:
    from .bearer import BearerAuth
    from .challenges import Challenge, parse_challenges

__version__ = "0.1.0.dev0"

__all__ = [
    "Auth",
    "AuthClient",
    "AuthError",
    "AuthRequest",
    "Basic",
    "BearerAuth",
    "BodyNotHashable",
    "Challenge",
    "Digest",
    "HTTPBasicAuth",
    "HTTPDigestAuth",
    "ServerNotVerified",
    "SubRequest",
    "UnsupportedAlgorithm",
    "parse_challenges",
    "set_field",
]

_LAZY = {"BearerAuth": "bearer", "Challenge": "challenges", "parse_challenges": "challenges"}


def __getattr__(name: str) -> object:
    """Import bearer tokens and the parser of challenges at their first use, because most clients need neither."""
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
