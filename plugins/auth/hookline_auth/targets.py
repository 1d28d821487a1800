"""Take from a URL what authentication needs: its origin and its request target."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

Origin = tuple[str, str, int]

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?")
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")


def origin(url: str) -> Origin:
    """Return scheme, host and port, in lower case and with the scheme's default port filled in.

    Raises:
        ValueError: url is not absolute, its port is no number, or its authority holds a backslash, a space or a
            control character, which URL parsers read differently.
    """
    match = _URL.match(url)
    if match is None or _AMBIGUOUS.search(match["authority"]):
        raise ValueError("expected an absolute URL with a plain authority")
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else _DEFAULT_PORTS.get(parts.scheme, 0)
    return parts.scheme, parts.hostname or "", port


def request_target(url: str) -> str:
    """Return the request target in origin-form (RFC 9112 section 3.2.1).

    It is cut from url as it stands, so that it equals the request line, a lone "?" included.

    Raises:
        ValueError: as for origin().
    """
    origin(url)
    match = _URL.match(url)
    assert match is not None
    return (match["path"] or "/") + (match["query"] or "")
