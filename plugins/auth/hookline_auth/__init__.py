"""Authenticate: Basic, Digest, bearer tokens, netrc, and flows of one's own."""

from importlib import import_module
from typing import TYPE_CHECKING

from .basic import HTTPBasicAuth
from .bearer import BearerAuth
from .digest import HTTPDigestAuth
from .errors import AuthError, BodyNotHashable, ServerNotVerified, UnsupportedAlgorithm
from .flows import Auth, SubRequest, set_field
from .plugin import Basic, Digest

if TYPE_CHECKING:
    from .challenges import Challenge, parse_challenges

__version__ = "0.1.0.dev0"

__all__ = [
    "Auth",
    "AuthError",
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


def __getattr__(name: str) -> object:
    """What reads challenges is imported at first use: most clients meet none."""
    if name in ("Challenge", "parse_challenges"):
        return getattr(import_module(f"{__name__}.challenges"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
