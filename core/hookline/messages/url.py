"""URLs: split into parts, checked, and sent as written.

A URL of valid ASCII characters is sent byte for byte, so that a presigned query stays valid. Most URLs need no change; what
the others need is in `url_syntax`.
"""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import shown

MAX_HOST = 255  # RFC 1035, section 2.3.4
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):").match
# Does the last label look like a number? Then the host is an IPv4 address, or invalid.
ends_in_number = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?").fullmatch
# A URL that needs no change: a lower-case host, an ASCII target, no dot segments, no userinfo, no fragment.
_CLEAN = re.compile(
    r"([a-z][a-z0-9+.-]*)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([0-9]{1,5}))?"
    r"(/(?:[!$&'()*+,:;=@\w~/-]|%(?!2[eE])|(?<!/)\.)*)?(\?[!$%&'()*+,:;=@\w~./?-]*)?",
    re.ASCII,
).fullmatch


class SplitURL(NamedTuple):
    """The parts of an absolute URL.

    url: the whole URL without userinfo. scheme: in lower case. host: as `canonical_host` returns it. port: None if the URL
    has none. target: path and query, as they are sent; at least "/". userinfo: what stands before the @, in ASCII;
    None if there is no @. fragment: with its #; "" if there is none.
    """

    url: str
    scheme: str
    host: str
    port: int | None
    target: str
    userinfo: str | None
    fragment: str


def split_url(url: str) -> SplitURL:
    """Split an absolute URL into its parts, normalised and percent-encoded for sending.

    Raises: InvalidURL. Its message says what is wrong, but shows nothing that may be part of a password.
    """
    match = _CLEAN(url)
    if match is not None:
        scheme, host, port, path, query = match.groups()
        number = int(port) if port else None
        if (
            (number is None or number < 65536)
            and len(host) <= MAX_HOST
            and "xn--" not in host
            and (ends_in_number(host) is None or is_ipv4(host))
        ):
            return SplitURL(url, scheme, host, number, (path or "/") + (query or ""), None, "")
    from .url_syntax import split_any_url  # imported here, because many programs have no other URLs: 2 ms with `host`

    return split_any_url(url)


def is_ipv4(host: str) -> bool:
    """Is a host an IPv4 address of four decimal numbers?"""
    numbers = host.split(".")
    return len(numbers) == 4 and all(each.isdigit() and int(each) < 256 and str(int(each)) == each for each in numbers)


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


def written_host(host: str) -> str:
    """Write a host for a URL: IPv6 in brackets, with the percent sign before its zone encoded (RFC 6874, section 2)."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host
