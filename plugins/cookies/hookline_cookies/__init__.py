"""Cookies for the HTTP client Hookline: a jar after RFC 6265bis, and the plugin that fills and sends it."""

from importlib import import_module
from typing import TYPE_CHECKING

from .plugin import Cookies

if TYPE_CHECKING:
    from .cookie import Cookie, CookieRefused
    from .cookiejar import split_source
    from .jar import CookieJar
    from .parsing import SetCookie, parse_set_cookie
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

_AT_FIRST_USE = {
    "Cookie": "cookie",
    "CookieJar": "jar",
    "CookieRefused": "cookie",
    "SetCookie": "parsing",
    "parse_set_cookie": "parsing",
    "render_pairs": "rendering",
    "split_source": "cookiejar",
}


def __getattr__(name: str) -> object:
    """The jar and all that belongs to it is imported at first use: many clients meet no cookie."""
    module = _AT_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
