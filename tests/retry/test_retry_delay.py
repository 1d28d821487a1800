"""Retry-After in both forms, and the back-off."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_retry.retry_delay import backoff, retry_after

NOW = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110
LATER = ["Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:50:37 1994"]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("\t 7 ", 7),
        ("0000000000000007", 7),
        ("9" * 5000, math.inf),
        *((date, 60) for date in LATER),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 252618189022.0),
        ("-5", 0),
        ("1.5", 0),
        ("٣", 0),
        ("soon", 0),
        ("", 0),
        ("Sun, 99 Nov 1994 08:50:37 GMT", 0),
    ],
)
def test_retry_after_is_read(value: str, seconds: float) -> None:
    assert retry_after([value], None, NOW) == seconds


def test_date_of_the_response_goes_before_our_clock() -> None:
    assert retry_after([LATER[0]], "Sun, 06 Nov 1994 08:50:30 GMT", 0.0) == 7
    assert retry_after([LATER[0]], "no date", NOW) == 60
    assert retry_after(["3"], "Sun, 06 Nov 1994 08:50:30 GMT", NOW) == 3


def test_longest_of_several_counts() -> None:
    assert retry_after(["1", "soon", LATER[0], "2"], None, NOW) == 60
    assert retry_after([], None, NOW) == 0


@given(st.text(), st.none() | st.text())
def test_no_garbage_raises(value: str, date: str | None) -> None:
    assert retry_after([value], date, NOW) >= 0


@given(
    st.from_regex(
        r"(Sun|X)?,? ?[0-9]{1,3} (Nov|Foo) [0-9]{1,9} [0-9]{1,4}:[0-9]{1,3}:?[0-9]{0,4} ?([+-][0-9]{1,9}|GMT)?"
    )
)
def test_nothing_that_looks_like_a_date_raises(value: str) -> None:
    assert retry_after([value], value, NOW) >= 0


@pytest.mark.parametrize(("retries", "most"), [(0, 0.5), (1, 1.0), (2, 2.0), (6, 20.0), (98, 20.0)])
def test_backoff_doubles_up_to_the_longest(retries: int, most: float) -> None:
    waits = [backoff(0.5, retries, 20.0) for _ in range(2000)]
    assert 0 <= min(waits) < most * 0.1
    assert most * 0.9 < max(waits) <= most
    assert most * 0.4 < sum(waits) / 2000 < most * 0.6  # full jitter: from nothing to the bound, evenly
