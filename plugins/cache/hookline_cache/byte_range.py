"""Answering a request for one range of bytes from a stored body (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*", re.IGNORECASE | re.ASCII)
MAX_DIGITS = 18


def parse_range(value: str, size: int) -> tuple[int, int] | None:
    """Return the range that a Range field asks for, as start and end (not included); None if a server has to answer.

    That is so for several ranges, other units, and ranges outside of the body, whose size is given in bytes.
    """
    match = _ONE_RANGE.fullmatch(value)
    if match is None or max(map(len, match.groups())) > MAX_DIGITS:
        return None
    first, last = match.groups()
    if first:
        start = int(first)
        end = int(last) + 1 if last else size
        if last and end <= start:
            return None
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        return None
    end = min(end, size)
    return (start, end) if start < end else None
