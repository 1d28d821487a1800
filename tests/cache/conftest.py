"""Caches for these tests: their clock is set by the test, and each test runs with each storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_cache import Cache, MemoryStorage, SQLiteStorage


class Clock:
    """A clock that stands still. `passes` lets seconds pass."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_storage(tmp_path: Path) -> Callable[[str], Any]:
    """A function from the kind of a storage to a new one, or one for the same file."""

    def make(kind: str, **limits: int) -> Any:
        return MemoryStorage(**limits) if kind == "memory" else SQLiteStorage(tmp_path / "cache.sqlite", **limits)

    return make


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, make_storage: Callable[[str], Any]) -> Any:
    return make_storage(request.param)


@pytest.fixture
def cache(storage: Any, clock: Clock) -> Cache:
    return Cache(storage, clock=clock)


@pytest.fixture
async def cached(cache: Cache) -> AsyncIterator[HttpClient]:
    """A client with the cache, and no other plugin."""
    async with HttpClient(autoload=False, plugins=["cache", "cache_vary"], cache=cache, timeout=20) as client:
        yield client
