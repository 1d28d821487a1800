"""`Cache`, the value of `cache=`, and what a value of this option means for one request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .memory_storage import MemoryStorage

if TYPE_CHECKING:
    from .storage import Storage
    from .stored_response import StoredResponse


class Cache:
    """A private cache (RFC 9111): `HttpClient(cache=Cache())`. Several clients may share one.

    storage: where responses are kept: a MemoryStorage, SQLiteStorage, RedisStorage or another `Storage`; None = a
    MemoryStorage of 64 MiB.
    clock: a function that returns the seconds since the epoch, for tests that let time pass.

    Raises: TypeError, for an object that is no storage.

    Example: docs/caching.md#caching
    """

    def __init__(self, storage: Storage | None = None, *, clock: Callable[[], float] = time.time) -> None:
        if storage is not None and not all(hasattr(storage, name) for name in ("find", "open", "add")):
            raise TypeError(
                "Cache takes a storage, such as MemoryStorage() or SQLiteStorage('cache.sqlite'),"
                f" not {type(storage).__name__}"
            )
        self.storage: Storage = MemoryStorage() if storage is None else storage
        self.clock = clock

    def __repr__(self) -> str:
        return f"<Cache in {self.storage!r}>"


@dataclass(frozen=True, slots=True, eq=False)
class CacheOption:
    """What `cache=` says for a request.

    cache: None = that of the client.
    mode: "default", "off", "only-if-cached" or "reload"; of requests that this plugin sends itself also "revalidate" (ask the
    server about a stale response) and "stale" (answer with `stored`, because the server has failed).
    """

    cache: Cache | None
    mode: str = "default"
    stored: StoredResponse | None = None


OFF = CacheOption(None, "off")
MODES = {"only-if-cached": CacheOption(None, "only-if-cached"), "reload": CacheOption(None, "reload")}


def as_cache_option(value: Any) -> CacheOption:
    """Convert the value of `cache=`.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, Cache):
        return CacheOption(value)
    if value is False:
        return OFF
    if isinstance(value, CacheOption):
        return value
    if isinstance(value, str):
        if value in MODES:
            return MODES[value]
        raise ValueError(f"cache= takes 'only-if-cached' or 'reload' as text, not {value[:40]!r}")
    raise TypeError(f"cache= takes a Cache, False, 'only-if-cached' or 'reload', not {type(value).__name__}")
