"""The parts of a URL that authentication needs: its origin and its request target."""

from __future__ import annotations

import re
from contextlib import suppress

from hookline import InvalidURL, split_url

Origin = tuple[str, str, int]

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*(?P<path>[^?#]*)(?P<query>\?[^#]*)?")


def origin(url: str) -> Origin:
    """Return scheme, host and port as core reads them; the port is the default of the scheme if the URL has none.

    Raises:
        ValueError: url is not absolute, or core refuses it.
    """
    parts = None
    if _URL.match(url) is not None:
        with suppress(InvalidURL):
            parts = split_url(url)
    if parts is None:
        raise ValueError("expected an absolute URL with a plain authority")
    return parts.scheme, parts.host, _DEFAULT_PORTS.get(parts.scheme, 0) if parts.port is None else parts.port


def request_target(url: str) -> str:
    """Return the request target in origin-form (RFC 9112 section 3.2.1).

    It is cut out of url unchanged, so that it equals that of the request line, also if its query is a lone "?".

    Raises:
        ValueError: url is not absolute, or core refuses it.
    """
    origin(url)
    match = _URL.match(url)
    assert match is not None
    return (match["path"] or "/") + (match["query"] or "")
