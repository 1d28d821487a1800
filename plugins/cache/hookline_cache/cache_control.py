"""Cache-Control: its directives, parsed (RFC 9111, section 5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

Directives = Mapping[str, str | None]

NONE: Directives = {}
MAX_REMEMBERED = 200  # characters of a field whose directives are remembered
MAX_SECONDS = 2**31  # what a larger number counts as (RFC 9111, section 1.2.2)

_MEMBER = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_directives(values: Sequence[str]) -> Directives:
    """Return the directives of all Cache-Control fields of a message: name in lower case to value, None = it has none.

    Of a directive that is repeated the first counts (RFC 9111, section 4.2.1). A value loses its quotation marks. A name with
    whitespace before its equals sign is another name, that no cache knows.
    """
    if len(values) == 1 and len(values[0]) <= MAX_REMEMBERED:
        return _parse_remembered(values[0])
    return _parse(values)


@lru_cache(maxsize=256)  # servers send the same few values: 0.1 us, against 3
def _parse_remembered(value: str) -> Directives:
    """Parse one field."""
    return _parse((value,))


def _parse(values: Iterable[str]) -> Directives:
    """Parse the fields."""
    found: dict[str, str | None] = {}
    for value in values:
        for member in _MEMBER.findall(value):
            name, equals, argument = member.strip(" \t").partition("=")
            if len(argument) > 1 and argument[0] == argument[-1] == '"':
                argument = _ESCAPE.sub(r"\1", argument[1:-1])
            found.setdefault(name.lower(), argument if equals else None)
    return found


def seconds(directives: Directives, name: str) -> int | None:
    """Return the seconds that a directive states; None if it is not there.

    A value that is no number counts as 0, so that what it limits is stale (RFC 9111, section 4.2.1).
    """
    if name not in directives:
        return None
    return as_seconds(directives[name]) or 0


def as_seconds(text: str | None) -> int | None:
    """Return a number of seconds (delta-seconds of RFC 9111, section 1.2.2); None for other text."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    return MAX_SECONDS if len(digits) > 10 else min(int(digits or "0"), MAX_SECONDS)
