"""OAuth 1 signatures and OAuth 2 bearer tokens for the HTTP client Hookline.

What a client without OAuth does not need is imported at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import OAuth1Plugin, OAuth2Plugin, OAuthClient, OAuthRequest

if TYPE_CHECKING:
    from .device_authorization import DeviceAuthorization
    from .errors import InsecureTransport, OAuthError, TokenExpired, TokenRefused
    from .oauth1 import OAuth1
    from .oauth2 import OAuth2

__version__ = "0.1.0"

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

__getattr__ = names_at_first_use(
    __name__,
    {
        "DeviceAuthorization": "device_authorization",
        "InsecureTransport": "errors",
        "OAuth1": "oauth1",
        "OAuth2": "oauth2",
        "OAuthError": "errors",
        "TokenExpired": "errors",
        "TokenRefused": "errors",
    },
)
