"""Byte ranges (RFC 9110, section 14): which bytes of a file a response has, and whether they are of the same file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_CONTENT_RANGE = re.compile(
    r"\s*bytes\s+(?:([0-9]{1,18})\s*-\s*([0-9]{1,18})|\*)\s*/\s*([0-9]{1,18}|\*)\s*", re.I
).fullmatch


@dataclass(frozen=True, slots=True)
class ContentRange:
    """The field Content-Range. first, end: the bytes from `first` up to, not including, `end`; total: of the whole file.

    `first` and `end` are None if the range was refused (416), `total` is None if the server does not know it.
    """

    first: int | None
    end: int | None
    total: int | None


def parse_content_range(value: str) -> ContentRange | None:
    """Return the values of a Content-Range field, None if it has no range in bytes."""
    match = _CONTENT_RANGE(value)
    if match is None:
        return None
    first, last, total = match.groups()
    size = None if total == "*" else int(total)
    if first is None:
        return ContentRange(None, None, size)
    if int(last) < int(first) or (size is not None and int(last) >= size):
        return None
    return ContentRange(int(first), int(last) + 1, size)


@dataclass(frozen=True, slots=True)
class Validator:
    """What tells one version of a file from another: its entity tag, its date and its size; None = unknown.

    etag: without the `W/` of a weak one. is_strong: False for a weak tag, with which ranges cannot be asked for.
    """

    etag: str | None = None
    last_modified: str | None = None
    size: int | None = None
    is_strong: bool = False

    @classmethod
    def of(cls, fields: Mapping[str, Any], size: int | None) -> Validator:
        """Return the validator in these fields. size: of the whole file in bytes, None = unknown."""
        etag: str = fields.get("ETag", "")
        is_weak = etag.startswith("W/")
        return cls(etag[2 * is_weak :] or None, fields.get("Last-Modified"), size, bool(etag) and not is_weak)

    def differs(self, other: Validator) -> str | None:
        """Say in what this version differs from another, as far as both are known; None = in nothing.

        Tags decide alone if both have one, because a file can be touched without being changed.
        """
        if self.size is not None and other.size is not None and self.size != other.size:
            return f"it had {self.size} bytes, and has {other.size}"
        if self.etag is not None and other.etag is not None:
            return None if self.etag == other.etag else "it has another ETag"
        if self.last_modified is not None and other.last_modified is not None:
            return None if self.last_modified == other.last_modified else "it has another Last-Modified"
        return None


def clamp(start: int | None, end: int | None, size: int | None) -> tuple[int, int | None]:
    """Return the bounds of a slice as numbers from 0, as Python counts: negative ones from the end of the file.

    end: None = to the end of the file. size: must be known if a bound is negative.
    """
    first = start or 0
    if first < 0:
        assert size is not None
        first = max(size + first, 0)
    if end is not None and end < 0:
        assert size is not None
        end = max(size + end, 0)
    return first, end


def merge_ranges(
    ranges: list[tuple[str, int | None, int | None]], max_gap: int, max_block: int
) -> list[tuple[str, int, int | None]]:
    """Merge ranges of the same file that overlap, or have at most `max_gap` bytes between them.

    ranges: (path, start, stop); None for start = 0, for stop = the end of the file. max_block: bytes of a merged range;
    0 = any number.

    Returns ranges of which one covers each of those given.
    """
    merged: list[tuple[str, int, int | None]] = []
    for path, begin, stop in sorted(ranges, key=lambda each: (each[0], each[1] or 0, each[2] is None, each[2] or 0)):
        start = begin or 0
        if merged and merged[-1][0] == path:
            _, first, end = merged[-1]
            if end is None:
                continue  # it has all that follows
            if stop is not None and stop <= end:
                continue
            fits = not max_block or (stop is not None and stop - first <= max_block)
            if start <= end + max_gap and fits:
                merged[-1] = (path, first, stop)
                continue
        merged.append((path, start, stop))
    return merged
