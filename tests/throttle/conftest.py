"""What the tests of the throttle share: a plugin that notes when requests were admitted, and a redis-server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, hookimpl
from servers.redis_program import running_redis


class Admissions:
    """Notes of each request that the throttle has let through: its target, the time, and what the rate stood at then."""

    after = ("throttle",)

    def __init__(self) -> None:
        self.targets: list[str] = []
        self.instants: list[float] = []
        self.rates: list[float] = []

    @hookimpl
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        self.targets.append(response.request.origin_form)
        self.instants.append(time.monotonic())
        if "throttle" in response.notes:
            self.rates.append(response.notes["throttle"].after)


def most_in_window(instants: Sequence[float], seconds: float) -> int:
    """Return how many instants there are at most in any window of this length."""
    ordered = sorted(instants)
    return max((sum(1 for each in ordered if first <= each < first + seconds) for first in ordered), default=0)


@pytest.fixture
def admissions() -> Admissions:
    return Admissions()


Throttling = Callable[..., AbstractAsyncContextManager[HttpClient]]


@pytest.fixture
def throttling(admissions: Admissions) -> Throttling:
    """A function from a Throttle to a client with this plugin, the one that notes admissions, and others that are given."""

    @asynccontextmanager
    async def make(throttle: Any, *plugins: Any, **options: Any) -> AsyncIterator[HttpClient]:
        options = {"timeout": 20, **options}
        async with HttpClient(
            autoload=False, plugins=["throttle", admissions, *plugins], throttle=throttle, **options
        ) as client:
            yield client

    return make


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a redis-server that keeps nothing on the disk."""
    with running_redis() as url:
        yield url
