"""BaseConnection fields: where a response says that other resources are (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urljoin

_TARGET = re.compile(r"[\s,]*<([^>]*)>").match
# A parameter: its name, and a value in quotes or without (RFC 8288, appendix B.3). Each part ends where the next begins, so
# that a hostile field costs time in proportion to its length.
_PARAMETER = re.compile(r'[ \t]*;[ \t]*([^\s=;,"<>]*)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"<>]*)))?').match
_ESCAPED = re.compile(r"\\(.)")
_EXTENDED = re.compile(r"(?i)(utf-8|iso-8859-1)'[^']*'(.*)").fullmatch


def links_of(values: Iterable[str], base: str) -> dict[str, dict[str, str]]:
    """The links of all BaseConnection fields, by relation; one that names several stands under each, one that names none under
    its URL. Of two with one relation the later counts, as in requests.

    base: the URL that relative ones are joined to (RFC 3986, section 5).

    Each is a dict: "url", "rel" where there is one, and the other parameters, with names in lower case.
    """
    found: dict[str, dict[str, str]] = {}
    for value in values:
        for link in parse_links(value):
            link["url"] = joined(base, link["url"])
            for key in link.get("rel", "").lower().split() or [link["url"]]:
                found[key] = link
    return found


def parse_links(value: str) -> Iterator[dict[str, str]]:
    """The links of one field, with their targets as written; what follows a mistake is left out."""
    at = 0
    while (target := _TARGET(value, at)) is not None:
        at = target.end()
        link = {"url": target[1].strip()}
        with_handlers: dict[str, str] = {}
        while (parameter := _PARAMETER(value, at)) is not None:
            at = parameter.end()
            name, quoted, plain = parameter.groups()
            name = name.lower()
            content = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain or ""
            if name.endswith("*"):
                if (decoded := decode_extended(content)) is not None:
                    with_handlers.setdefault(name[:-1], decoded)
            elif name and name != "url":
                link.setdefault(name, content)  # the first one counts (RFC 8288, section 3.3)
        yield link | with_handlers  # what has a charset goes before what has none (section 3.4.1)


def decode_extended(value: str) -> str | None:
    """A value that says its charset, as `UTF-8''%e2%82%ac` (RFC 8187); None when it is none."""
    match = _EXTENDED(value)
    return None if match is None else unquote(match[2], match[1], errors="replace")


def joined(base: str, target: str) -> str:
    """A target as an absolute URL; as written where it is no URL."""
    try:
        return urljoin(base, target)
    except ValueError:
        return target
