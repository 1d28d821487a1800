"""AWS Signature Version 4 for the HTTP client Hookline: `client.get(url, auth=SigV4("s3", "eu-west-1"))`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import SigV4Client, SigV4Plugin, SigV4Request

if TYPE_CHECKING:
    from .credentials import BotocoreCredentials, Credentials, EnvironmentCredentials, ProfileCredentials
    from .errors import NoCredentials, SigV4Error
    from .signature import Scheme
    from .sigv4 import SigV4

__version__ = "0.1.0"

__all__ = [
    "BotocoreCredentials",
    "Credentials",
    "EnvironmentCredentials",
    "NoCredentials",
    "ProfileCredentials",
    "Scheme",
    "SigV4",
    "SigV4Client",
    "SigV4Error",
    "SigV4Plugin",
    "SigV4Request",
]

__getattr__ = names_at_first_use(
    __name__,
    {
        "BotocoreCredentials": "credentials",
        "Credentials": "credentials",
        "EnvironmentCredentials": "credentials",
        "NoCredentials": "errors",
        "ProfileCredentials": "credentials",
        "Scheme": "signature",
        "SigV4": "sigv4",
        "SigV4Error": "errors",
    },
)
