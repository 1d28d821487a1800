"""Authenticate: Basic, Digest, bearer tokens, netrc, and flows of one's own."""

from importlib import import_module
from typing import TYPE_CHECKING

from .basic import HTTPBasicAuth
from .digest import HTTPDigestAuth
from .errors import AuthError, BodyNotHashable, ServerNotVerified, UnsupportedAlgorithm
from .flows import Auth, SubRequest, set_field
from .plugin import Basic, Digest

if TYPE_CHECKING:
    from .bearer import BearerAuth
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

_AT_FIRST_USE = {"BearerAuth": "bearer", "Challenge": "challenges", "parse_challenges": "challenges"}


def __getattr__(name: str) -> object:
    """Bearer tokens, and what reads challenges, are imported at first use: most clients meet none."""
    module = _AT_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
