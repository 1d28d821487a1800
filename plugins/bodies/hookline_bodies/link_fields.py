"""Link fields: the links of a response to other resources (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urljoin

_TARGET = re.compile(r"[\s,]*<([^>]*)>").match
# A parameter: its name, and a value in quotes or without (RFC 8288, appendix B.3). Each part ends where the next begins,
# so that the time to parse a hostile field grows only in proportion to its length.
_PARAMETER = re.compile(r'[ \t]*;[ \t]*([^\s=;,"<>]*)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"<>]*)))?').match
_ESCAPED = re.compile(r"\\(.)")
_EXTENDED = re.compile(r"(?i)(utf-8|iso-8859-1)'[^']*'(.*)").fullmatch


def links_of(values: Iterable[str], base: str) -> dict[str, dict[str, str]]:
    """Parse Link fields into a dict of links by relation, in lower case.

    A link with several relations appears under each of them, one without a relation under its URL. If two links have the
    same relation, the later one wins, as in requests. Each link is a dict: "url", "rel" if it has one, and its other
    parameters, with names in lower case.

    base: the URL against which relative URLs are resolved (RFC 3986, section 5).
    """
    found: dict[str, dict[str, str]] = {}
    for value in values:
        for link in parse_links(value):
            link["url"] = absolute_url(base, link["url"])
            for key in link.get("rel", "").lower().split() or [link["url"]]:
                found[key] = link
    return found


def parse_links(value: str) -> Iterator[dict[str, str]]:
    """Iterate over the links of one field, with their targets as written. Whatever follows a syntax error is ignored."""
    at = 0
    while (target := _TARGET(value, at)) is not None:
        at = target.end()
        link = {"url": target[1].strip()}
        extended: dict[str, str] = {}
        while (parameter := _PARAMETER(value, at)) is not None:
            at = parameter.end()
            name, quoted, unquoted = parameter.groups()
            name = name.lower()
            content = _ESCAPED.sub(r"\1", quoted) if quoted is not None else unquoted or ""
            if name.endswith("*"):
                if (decoded := decode_extended(content)) is not None:
                    extended.setdefault(name[:-1], decoded)
            elif name and name != "url":
                link.setdefault(name, content)  # the first one wins (RFC 8288, section 3.3)
        yield link | extended  # `title*` wins over `title` (section 3.4.1)


def decode_extended(value: str) -> str | None:
    """Decode a value with a charset, such as `UTF-8''%e2%82%ac` (RFC 8187); None if it is malformed."""
    match = _EXTENDED(value)
    return None if match is None else unquote(match[2], match[1], errors="replace")


def absolute_url(base: str, target: str) -> str:
    """Resolve a target against the base URL; return it as written if it is not a valid URL."""
    try:
        return urljoin(base, target)
    except ValueError:
        return target
