"""Cookies for the HTTP client Hookline: a jar after RFC 6265bis, and the plugin that fills and sends it."""

from .cookie import Cookie, CookieRefused
from .cookiejar import split_source
from .jar import CookieJar
from .parsing import SetCookie, parse_set_cookie
from .plugin import Cookies
from .rendering import render_pairs

__version__ = "0.1.0.dev0"

__all__ = [
    "Cookie",
    "CookieJar",
    "CookieRefused",
    "Cookies",
    "SetCookie",
    "parse_set_cookie",
    "render_pairs",
    "split_source",
]
