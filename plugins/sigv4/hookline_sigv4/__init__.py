"""AWS Signature Version 4 for the HTTP client Hookline: `client.get(url, auth=SigV4("s3", "eu-west-1"))`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .plugin import SigV4Client, SigV4Plugin, SigV4Request

if TYPE_CHECKING:
    from .credentials import BotocoreCredentials, Credentials, EnvironmentCredentials, ProfileCredentials
    from .errors import NoCredentials, SigV4Error
    from .signature import Scheme
    from .sigv4 import SigV4

__version__ = "0.1.0.dev0"

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

_MODULES = {
    "BotocoreCredentials": "credentials",
    "Credentials": "credentials",
    "EnvironmentCredentials": "credentials",
    "NoCredentials": "errors",
    "ProfileCredentials": "credentials",
    "Scheme": "signature",
    "SigV4": "sigv4",
    "SigV4Error": "errors",
}


def __getattr__(name: str) -> object:
    """Import a name at its first use: a client that signs nothing needs none of them."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    return value
