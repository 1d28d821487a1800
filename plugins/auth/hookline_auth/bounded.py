"""Dicts that keep what was used last: peers and users choose the keys, so their number has a limit."""

from collections.abc import Hashable
from typing import TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


def touch(entries: dict[_K, _V], key: _K, value: _V, limit: int) -> _V:
    """Make value the youngest entry, and drop the oldest where there are too many."""
    entries.pop(key, None)
    entries[key] = value
    if len(entries) > limit:
        del entries[next(iter(entries))]
    return value
