"""Patterns of URLs: text in which `*` stands for any characters, or a compiled regular expression."""

from __future__ import annotations

import re
import string
from urllib.parse import parse_qsl, quote

from hookline import split_url

from ..memory.origin import DEFAULT_PORTS

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)", re.IGNORECASE)


class UrlPattern:
    """One pattern. Without a query it matches URLs with any query; the pairs of a query may come in any order."""

    def __init__(self, pattern: str | re.Pattern[str]) -> None:
        """Parse a pattern.

        Raises: ValueError, for text that begins neither with a scheme nor with `*`.
        """
        self._written = pattern
        if isinstance(pattern, re.Pattern):
            return
        if not (_ORIGIN.match(pattern) or pattern.startswith("*")):
            raise ValueError(
                f"a pattern begins with a scheme, such as 'https://api.example/*', or with *; not {pattern!r}"
            )
        base, mark, query = normalized(pattern).partition("?")
        self._base = glob(base)
        self._pairs = sorted(parse_qsl(query, keep_blank_values=True)) if mark and "*" not in query else None
        self._query = glob(query) if mark and "*" in query else None

    def matches(self, url: str) -> bool:
        """Say whether a URL matches. url: with scheme, host and path as a client writes them."""
        if isinstance(self._written, re.Pattern):
            return self._written.fullmatch(url) is not None
        base, _, query = url.partition("?")
        if self._base.fullmatch(base) is None:
            return False
        if self._query is not None:
            return self._query.fullmatch(query) is not None
        return self._pairs is None or self._pairs == sorted(parse_qsl(query, keep_blank_values=True))

    def __str__(self) -> str:
        return self._written.pattern if isinstance(self._written, re.Pattern) else self._written


def glob(text: str) -> re.Pattern[str]:
    """Return a regular expression in which `*` stands for any characters, and every other character for itself."""
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def normalized(pattern: str) -> str:
    """Return a pattern in the form of the URLs that clients send: the host in ASCII, no default port, a path, no fragment."""
    pattern = quote(pattern.partition("#")[0], safe=string.punctuation) if "://" not in pattern else pattern
    match = _ORIGIN.match(pattern)
    if match is None:
        return pattern
    scheme, authority = match[1].lower(), match[2]
    rest = quote(pattern[match.end() :].partition("#")[0], safe=string.punctuation)
    if "*" not in authority:
        parts = split_url(f"{scheme}://{authority}")
        host = f"[{parts.host}]" if ":" in parts.host else parts.host
        port = "" if parts.port in (None, DEFAULT_PORTS.get(scheme)) else f":{parts.port}"
        authority = host + port
        if not rest or rest[0] == "?":
            rest = "/" + rest
    return f"{scheme}://{authority}{rest}"
