"""The budget over all requests, without a clock and without a network."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_retry import RetryBudget


def spend(budget: RetryBudget, now: float, tries: int = 10_000) -> int:
    return sum(budget.withdraw(now) for _ in range(tries))


def test_ten_a_second_and_a_fifth_of_the_requests_by_default() -> None:
    budget = RetryBudget()
    assert spend(budget, 0.0) == 100
    for _ in range(50):
        budget.deposit(1.0)
    assert spend(budget, 1.0) == 10


def test_what_is_older_than_the_span_counts_no_more() -> None:
    budget = RetryBudget(0.5, per_second=0, seconds=10)
    for _ in range(10):
        budget.deposit(3.0)
    assert spend(budget, 3.9) == 5
    assert spend(budget, 12.9) == 0
    assert spend(budget, 13.0) == 0  # the retries are forgotten, and so are the requests that paid for them
    budget.deposit(13.0)
    budget.deposit(13.5)
    assert spend(budget, 14.0) == 1


def test_budget_of_nothing_and_of_no_limit() -> None:
    assert spend(RetryBudget(0, per_second=0), 0.0) == 0
    assert spend(RetryBudget(math.inf), 0.0) == 10_000


@given(
    ratio=st.sampled_from([0.0, 0.2, 1.0]),
    events=st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=200),
)
def test_no_span_has_more_retries_than_the_sentence_says(ratio: float, events: list[tuple[float, bool]]) -> None:
    budget = RetryBudget(ratio, per_second=1, seconds=5)
    now, requests, retries = 0.0, [], []
    for step, is_retry in events:
        now += step
        if not is_retry:
            budget.deposit(now)
            requests.append(now)
        elif budget.withdraw(now):
            retries.append(now)
            recent = [[moment for moment in kind if int(moment) > int(now) - 5] for kind in (requests, retries)]
            assert len(recent[1]) <= ratio * len(recent[0]) + 5


@pytest.mark.parametrize(
    "options", [{"ratio": -1}, {"ratio": math.nan}, {"per_second": -1}, {"per_second": math.inf}, {"seconds": 0}]
)
def test_budget_refuses_nonsense(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))}= takes"):
        RetryBudget(**options)  # type: ignore[arg-type]


def test_budget_shows_its_numbers() -> None:
    assert repr(RetryBudget(0.1, 5)) == "RetryBudget(ratio=0.1, per_second=5, seconds=10)"
