"""Redirects for the HTTP client Hookline."""

from .errors import TooManyRedirects
from .plugin import Redirects, RedirectsClient, RedirectsRequest

__version__ = "0.1.0"

__all__ = [
    "Redirects",
    "RedirectsClient",
    "RedirectsRequest",
    "TooManyRedirects",
]
