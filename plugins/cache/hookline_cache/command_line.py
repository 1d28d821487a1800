"""The options of this plugin on the command line."""

from __future__ import annotations

from typing import Any


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "--cache", type=cache_in_file, metavar="FILE", help="answer from a cache in this SQLite file, and store in it"
    )
    options.add_argument("--no-cache", dest="cache", action="store_false", help="no cache, as if --cache was not given")


def cache_in_file(path: str) -> Any:
    """Return the cache in an SQLite file. Raises: ValueError, for a folder that does not exist."""
    import os

    from .cache import Cache
    from .sqlite_storage import SQLiteStorage

    folder = os.path.dirname(os.path.abspath(path))
    if not path or os.path.isdir(path) or not os.path.isdir(folder):
        raise ValueError(f"expected a file in a folder that exists, got {path!r}")
    return Cache(SQLiteStorage(path))


def as_code(keyword: str, value: Any) -> tuple[str, ...] | None:
    """Return a value of `cache=` as Python, and the imports that it needs."""
    if keyword != "cache" or isinstance(value, bool):
        return None
    return f"Cache(SQLiteStorage({str(value.storage.path)!r}))", "from hookline import Cache, SQLiteStorage"
