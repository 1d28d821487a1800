"""URLs: split into parts, checked, and sent as written.

A URL of valid ASCII characters is sent byte for byte, so that a presigned query stays valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..errors import shown
from .clean_url import SplitURL, split_clean_url

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):").match


def split_url(url: str) -> SplitURL:
    """Split an absolute URL into its parts, normalised and percent-encoded for sending.

    Raises: InvalidURL. Its message says what is wrong, but shows nothing that may be part of a password.

    Example: docs/requests.md#hosts
    """
    found = split_clean_url(url)
    if found is None:
        from .url_syntax import (
            split_any_url,  # imported here, because many programs have no other URLs: 2 ms with `host`
        )

        found = split_any_url(url)
    return found


def scheme_of(url: str) -> str | None:
    """Return the scheme of a URL, in lower case; None if it has none."""
    match = _SCHEME(url.lstrip(" "))
    return None if match is None else match[1].lower()


def explain_unserved_scheme(url: str, scheme: str, served: Iterable[str]) -> str:
    """Return the error message for a URL whose scheme no plugin serves. served: the schemes of core and the plugins."""
    has_slashes = url.lstrip(" ")[len(scheme) :].startswith("://")
    # In name:password@host the scheme is a name, which may be a token.
    named = f" {shown(scheme)}" if has_slashes or "@" not in url else " of this URL"
    hint = "" if has_slashes else "; a host with a port needs a scheme too, as in http://host:port/path"
    return f"no installed plugin serves the scheme{named}; there are {', '.join(sorted(served))}{hint}"


def as_url(name: str, value: Any) -> str:
    """Convert a URL of the user, a str or an object whose str() is the URL, to str. name: the keyword, for messages.

    Raises: TypeError.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (int, float)) or hasattr(type(value), "__iter__"):
        raise TypeError(f"{name}= takes a str, not {type(value).__name__}")
    return str(value)
