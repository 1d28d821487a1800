"""How long to wait before a retry: Retry-After in both forms (RFC 9110, section 10.2.3), else exponential back-off.

Full jitter, a random time from 0 to the bound, spreads the clients that failed together better than a part of the bound plus
something random (Brooker, "Exponential Backoff and Jitter", 2015).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

DIGITS = 10  # of a number of seconds; three hundred years


def backoff(base: float, retries: int, longest: float) -> float:
    """A random wait before the next retry, in seconds. retries: how many there were."""
    return random.uniform(0, min(base * 2.0**retries, longest))  # noqa: S311  # spreads load; nothing to guess


def retry_after(values: Sequence[str], date: str | None, now: float) -> float:
    """The seconds that Retry-After asks for; 0 where there is none, or nothing to understand. Of several the longest counts.

    date: the Date field of the response. A time is measured from there, so that it does not matter whose clock is wrong; where
    it is missing, from `now`, in seconds since 1970.
    """
    return max((one_retry_after(value.strip(" \t"), date, now) for value in values), default=0.0)


def one_retry_after(value: str, date: str | None, now: float) -> float:
    """The seconds that one value asks for; infinite for a number that is absurd."""
    if value.isascii() and value.isdigit():
        return float(value) if len(value.lstrip("0")) <= DIGITS else math.inf
    moment = seconds_of(value)
    if moment is None:
        return 0.0
    base = None if date is None else seconds_of(date)
    return max(moment - (now if base is None else base), 0.0)


def seconds_of(date: str) -> float | None:
    """An HTTP-date in one of its three forms (RFC 9110, section 5.6.7) as seconds since 1970; None for what is none."""
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):  # the last three: what the parser makes of some garbage
        return None
