"""URLs that need no change, as most: split into their parts by one expression."""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

import re
from typing import NamedTuple

MAX_HOST = 255  # RFC 1035, section 2.3.4
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

    Example::

        from hookline import SplitURL, split_url

        parts: SplitURL = split_url("https://user:secret@EXAMPLE.com/a b?c=d#e")
        print(parts.scheme, parts.host, parts.port, parts.target, parts.fragment)
    """

    url: str
    scheme: str
    host: str
    port: int | None
    target: str
    userinfo: str | None
    fragment: str


def split_clean_url(url: str) -> SplitURL | None:
    """Split an absolute URL that needs no change; None for any other, and for one that is invalid."""
    match = _CLEAN(url)
    if match is None:
        return None
    scheme, host, port, path, query = match.groups()
    number = int(port) if port else None
    if (
        (number is None or number < 65536)
        and len(host) <= MAX_HOST
        and "xn--" not in host
        and (ends_in_number(host) is None or is_ipv4(host))
    ):
        return SplitURL(url, scheme, host, number, (path or "/") + (query or ""), None, "")
    return None


def is_ipv4(host: str) -> bool:
    """Is a host an IPv4 address of four decimal numbers?"""
    numbers = host.split(".")
    return len(numbers) == 4 and all(each.isdigit() and int(each) < 256 and str(int(each)) == each for each in numbers)


def written_host(host: str) -> str:
    """Write a host for a URL: IPv6 in brackets, with the percent sign before its zone encoded (RFC 6874, section 2)."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host
