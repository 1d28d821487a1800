"""Cookies for the HTTP client Hookline: a jar after RFC 6265bis, and the plugin that uses it."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import Cookies, CookiesClient, CookiesRequest, CookiesResponse

if TYPE_CHECKING:
    from .cookie import Cookie, CookieRefused
    from .cookie_pairs import render_pairs
    from .http_cookiejar import split_source
    from .jar import CookieJar
    from .set_cookie import SetCookie, parse_set_cookie

__version__ = "0.1.0"

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

__getattr__ = names_at_first_use(
    __name__,
    {
        "Cookie": "cookie",
        "CookieJar": "jar",
        "CookieRefused": "cookie",
        "SetCookie": "set_cookie",
        "parse_set_cookie": "set_cookie",
        "render_pairs": "cookie_pairs",
        "split_source": "http_cookiejar",
    },
)
