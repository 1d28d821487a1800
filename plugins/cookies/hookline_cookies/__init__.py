"""Cookies for the HTTP client Hookline: a jar after RFC 6265bis, and the plugin that uses it."""

from importlib import import_module
from typing import TYPE_CHECKING

from .plugin import Cookies, CookiesClient, CookiesRequest, CookiesResponse

if TYPE_CHECKING:
    from .cookie import Cookie, CookieRefused
    from .cookie_pairs import render_pairs
    from .http_cookiejar import split_source
    from .jar import CookieJar
    from .set_cookie import SetCookie, parse_set_cookie

__version__ = "0.1.0.dev0"

__all__ = [
    "Cookie",
    "CookieJar",
    "CookieRefused",
    "Cookies",
    "CookiesClient",
    "CookiesRequest",
    "CookiesResponse",
    "SetCookie",
    "parse_set_cookie",
    "render_pairs",
    "split_source",
]

_LAZY = {
    "Cookie": "cookie",
    "CookieJar": "jar",
    "CookieRefused": "cookie",
    "SetCookie": "set_cookie",
    "parse_set_cookie": "set_cookie",
    "render_pairs": "cookie_pairs",
    "split_source": "http_cookiejar",
}


def __getattr__(name: str) -> object:
    """Import the jar and its parts at their first use, because many clients meet no cookie."""
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
