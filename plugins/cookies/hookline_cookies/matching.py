"""Decide which hosts and paths a cookie belongs to (RFC 6265bis sections 5.1.2 to 5.1.4)."""

import re
from collections.abc import Iterator

import hookline

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNRESERVED = re.compile(r"%(2[de]|3[0-9]|[46][1-9a-f]|[57][0-9a]|5f|7e)", re.IGNORECASE)


def canonical_host(host: str) -> str | None:
    """Return `host` in the form that core writes in URLs; None if it is not a host.

    A trailing dot stays: for the RFC, `example.com.` and `example.com` are two hosts.
    """
    try:
        return hookline.canonical_host(host)
    except hookline.InvalidURL:
        return None


def is_address(host: str) -> bool:
    """Say whether a canonical host is an IP address, not a name.

    A host whose last label is a number is an address (WHATWG URL, "ends in a number"): no top-level domain is a number,
    and 127.1 and 0x7f000001 are parsed as addresses too.
    """
    return ":" in host or _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) is not None


def domain_match(host: str, domain: str) -> bool:
    """Say whether a canonical `host` is `domain`, or is a name below it (RFC 6265bis section 5.1.3)."""
    return host == domain or (host.endswith("." + domain) and not is_address(host))


def domains_of(host: str) -> Iterator[str]:
    """Yield a canonical host and then, unless it is an address, each domain above it."""
    yield host
    if not is_address(host):
        _, dot, host = host.partition(".")
        while dot:
            yield host
            _, dot, host = host.partition(".")


def default_path(path: str) -> str:
    """Return the path of a cookie without Path: the folder of the request's path (a query is cut off)."""
    path = path.partition("?")[0]
    return path[: path.rfind("/")] or "/" if path.startswith("/") else "/"


def path_match(path: str, cookie_path: str) -> bool:
    """Say whether a request's path (without query) is `cookie_path` or below it: /foo/bar is below /foo, /foobar is not."""
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"


def request_paths(path: str) -> tuple[str, ...]:
    """Return the forms of a request's path (without query) that the path of a cookie may match.

    They are the path itself, and the path with those characters decoded that need no percent-encoding: /f%6Fo is equal to
    /foo (RFC 3986 section 6.2.2.2). The cookie's own path is not changed. The http-state tests expect this, and a server
    that decodes paths gets its cookie.
    """
    if "%" not in path:
        return (path,)
    plain = _UNRESERVED.sub(lambda escape: chr(int(escape[1], 16)), path)
    return (path,) if plain == path else (path, plain)
