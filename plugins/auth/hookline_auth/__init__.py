"""Authentication for the HTTP client Hookline: Basic, Digest, bearer tokens, netrc, and flows that users write."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .auth import Auth
from .basic import HTTPBasicAuth
from .digest import HTTPDigestAuth
from .messages import SubRequest, set_field
from .plugin import AuthClient, AuthRequest, Basic, Digest

if TYPE_CHECKING:
    from .bearer import BearerAuth
    from .challenges import Challenge, parse_challenges
    from .errors import AuthError, BodyNotHashable, ServerNotVerified, UnsupportedAlgorithm

__version__ = "0.1.0"

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

__getattr__ = names_at_first_use(
    __name__,
    {
        "AuthError": "errors",
        "BearerAuth": "bearer",
        "BodyNotHashable": "errors",
        "Challenge": "challenges",
        "ServerNotVerified": "errors",
        "UnsupportedAlgorithm": "errors",
        "parse_challenges": "challenges",
    },
)
