"""A jar with a clock that stands still until a test moves it."""

import pytest

from hookline_cookies import CookieJar


@pytest.fixture
def clock() -> list[float]:
    """The one item is the time of the jar, in seconds since 1970."""
    return [1_700_000_000.0]


@pytest.fixture
def jar(clock: list[float]) -> CookieJar:
    return CookieJar(now=lambda: clock[0])
