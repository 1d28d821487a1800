"""Caches for these tests: their clock is set by the test, and each test runs with each storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient
from hookline_cache import Cache, MemoryStorage, RedisStorage, SQLiteStorage
from servers.redis_program import running_redis


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


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a redis-server that keeps nothing on the disk."""
    with running_redis() as url:
        yield url


@pytest.fixture
def make_storage(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A function from the kind of a storage to a new one, or one for the same file or database."""

    def make(kind: str, **limits: int) -> Any:
        if kind == "redis":
            return RedisStorage(request.getfixturevalue("redis_server"), prefix=str(tmp_path), **limits)
        return MemoryStorage(**limits) if kind == "memory" else SQLiteStorage(tmp_path / "cache.sqlite", **limits)

    return make


@pytest.fixture(params=["memory", "sqlite", "redis"])
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
