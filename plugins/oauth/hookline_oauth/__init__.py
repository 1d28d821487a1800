"""OAuth 1 signatures and OAuth 2 bearer tokens for the HTTP client Hookline.

What a client without OAuth does not need is imported at its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .plugin import OAuth1Plugin, OAuth2Plugin, OAuthClient, OAuthRequest

if TYPE_CHECKING:
    from .device_authorization import DeviceAuthorization
    from .errors import InsecureTransport, OAuthError, TokenExpired, TokenRefused
    from .oauth1 import OAuth1
    from .oauth2 import OAuth2

__version__ = "0.1.0.dev0"

__all__ = [
    "DeviceAuthorization",
    "InsecureTransport",
    "OAuth1",
    "OAuth1Plugin",
    "OAuth2",
    "OAuth2Plugin",
    "OAuthClient",
    "OAuthError",
    "OAuthRequest",
    "TokenExpired",
    "TokenRefused",
]

_MODULES = {
    "DeviceAuthorization": "device_authorization",
    "InsecureTransport": "errors",
    "OAuth1": "oauth1",
    "OAuth2": "oauth2",
    "OAuthError": "errors",
    "TokenExpired": "errors",
    "TokenRefused": "errors",
}


def __getattr__(name: str) -> object:
    """Import a name at its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    return value
