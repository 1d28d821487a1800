"""Redirects for the HTTP client Hookline."""

from .errors import TooManyRedirects
from .plugin import Redirects

__version__ = "0.1.0.dev0"

__all__ = ["Redirects", "TooManyRedirects"]
