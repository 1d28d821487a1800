"""Dicts with a limit: the least recently used entry makes room. Their keys come from peers and users, in any number."""

from collections.abc import Hashable
from typing import TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


def set_newest(entries: dict[_K, _V], key: _K, value: _V, limit: int) -> _V:
    """Set an entry, make it the newest, and drop the oldest if there are more than limit; return value."""
    entries.pop(key, None)
    entries[key] = value
    if len(entries) > limit:
        del entries[next(iter(entries))]
    return value
