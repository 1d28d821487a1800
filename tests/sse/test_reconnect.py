"""How long to wait before the next attempt, and what `Reconnect` takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_sse import Reconnect
from hookline_sse.reconnect import as_reconnect

EXACT = Reconnect(delay=1, max_delay=60, jitter=0)


@pytest.mark.parametrize(
    ("retry", "failures", "seconds"),
    [
        (None, 0, 1),
        (None, 1, 1),
        (None, 2, 2),
        (None, 3, 4),
        (None, 7, 60),
        (None, 10**6, 60),
        (5000, 0, 5),
        (5000, 2, 10),
        (0, 0, 0),
        (0, 1, 1),  # a server that is down is not asked without a pause
        (0, 3, 4),
        (10**15, 0, 60),
    ],
)
def test_wait(retry: int | None, failures: int, seconds: float) -> None:
    assert EXACT.wait(retry, failures) == seconds


@given(
    st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 10), st.none() | st.integers(0, 10**15), st.integers(0, 10**9)
)
def test_wait_is_bounded(delay: float, max_delay: float, jitter: float, retry: int | None, failures: int) -> None:
    policy = Reconnect(delay, max_delay, jitter)
    assert 0 <= policy.wait(retry, failures) <= max_delay * 1.0000001  # a float is not exact


def test_wait_is_random_and_never_shorter_than_the_server_asked() -> None:
    waits = [Reconnect(jitter=0.5).wait(2000, 0) for _ in range(200)]
    assert len(set(waits)) > 100
    assert 2 <= min(waits) < 2.1
    assert 2.9 < max(waits) <= 3


def test_longest_wait_is_random_too() -> None:
    waits = [Reconnect(max_delay=30).wait(None, 50) for _ in range(200)]
    assert len(set(waits)) > 100
    assert max(waits) <= 30


@pytest.mark.parametrize(
    ("value", "method", "expected"),
    [
        (None, "GET", Reconnect()),
        (None, "POST", None),
        (True, "POST", Reconnect()),
        (False, "GET", None),
        (EXACT, "GET", EXACT),
    ],
)
def test_keyword_takes(value: Any, method: str, expected: Reconnect | None) -> None:
    assert as_reconnect(value, method) == expected


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"delay": -1}, ValueError),
        ({"delay": "1"}, TypeError),
        ({"max_delay": float("inf")}, ValueError),
        ({"max_delay": float("nan")}, ValueError),
        ({"jitter": True}, TypeError),
        ({"attempts": 0}, ValueError),
        ({"attempts": 1.5}, TypeError),
        ({"attempts": True}, TypeError),
    ],
    ids=str,
)
def test_reconnect_refuses(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{next(iter(options))}= takes"):
        Reconnect(**options)
