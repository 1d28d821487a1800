"""The time to wait before a retry: Retry-After in both forms (RFC 9110, section 10.2.3), and exponential backoff.

The backoff has full jitter: a random time from 0 to the bound. That spreads clients that failed together better than a fixed
part of the bound plus a random one (Brooker, "Exponential Backoff and Jitter", 2015).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MAX_DIGITS = 10  # of a number of seconds; three hundred years


def backoff(base: float, retries: int, longest: float) -> float:
    """Return a random time to wait, in seconds. base: the bound before the first retry. retries: how many there were."""
    import random  # imported here, as email.utils below, because most programs that load the plugin never wait

    return random.uniform(0, min(base * 2.0**retries, longest))  # noqa: S311  # spreads load; nothing to guess


def retry_after(values: Sequence[str], date: str | None, now: float) -> float:
    """Return the seconds that Retry-After asks for, of several the longest; 0 if there is none, or none can be parsed.

    values: of the Retry-After fields. date: of the Date field, None = absent. A time in Retry-After is measured from Date, so
    that wrong clocks do not matter; without Date from now, in seconds since 1970.
    """
    return max((seconds_of_retry_after(value.strip(" \t"), date, now) for value in values), default=0.0)


def seconds_of_retry_after(value: str, date: str | None, now: float) -> float:
    """Return the seconds that one value asks for; infinity for more than ten digits."""
    if value.isascii() and value.isdigit():
        return float(value) if len(value.lstrip("0")) <= MAX_DIGITS else math.inf
    moment = http_date_seconds(value)
    if moment is None:
        return 0.0
    base = None if date is None else http_date_seconds(date)
    return max(moment - (now if base is None else base), 0.0)


def http_date_seconds(date: str) -> float | None:
    """Return an HTTP-date in any of its three forms (RFC 9110, section 5.6.7) as seconds since 1970; None if it is none."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (
        ValueError,
        TypeError,
        OverflowError,
        IndexError,
    ):  # the parser raises the last three for some malformed dates
        return None
