"""Parse the date of an Expires attribute (RFC 6265bis section 5.1.1)."""

import re
from collections.abc import Callable

# All ASCII characters but letters, digits, colons and control characters other than the tab.
_DELIMITERS = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME: Callable[[str], re.Match[str] | None] = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])").match
_DAY: Callable[[str], re.Match[str] | None] = re.compile(r"([0-9]{1,2})(?![0-9])").match
_YEAR: Callable[[str], re.Match[str] | None] = re.compile(r"([0-9]{2,4})(?![0-9])").match

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_BEFORE = tuple(sum(_MONTH_LENGTHS[:month]) for month in range(12))
_DAYS_TO_1970 = 719162  # from 1 January of year 1, in the proleptic Gregorian calendar


def parse_cookie_date(text: str) -> int | None:
    """Return a cookie date as seconds since 1970; None if `text` is not a cookie date.

    The first token of each kind (time, day, month, year) counts, in any order. Time zones are ignored: every date is UTC.
    """
    clock: re.Match[str] | None = None
    day = month = year = None
    for token in _DELIMITERS.split(text):
        if clock is None and (clock := _TIME(token)) is not None:
            continue
        if day is None and (found := _DAY(token)) is not None:
            day = int(found[1])
        elif month is None and (number := _MONTHS.get(token[:3].lower())) is not None:
            month = number
        elif year is None and (found := _YEAR(token)) is not None:
            year = int(found[1])
    if clock is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    return _timestamp(year, month, day, int(clock[1]), int(clock[2]), int(clock[3]))


def _timestamp(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """Return the seconds since 1970; None for a date that does not exist, or that the RFC refuses (before 1601)."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1601 or hour > 23 or minute > 59 or second > 59:
        return None
    if not 1 <= day <= _MONTH_LENGTHS[month - 1] + (leap and month == 2):
        return None
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - _DAYS_TO_1970
    days += _DAYS_BEFORE[month - 1] + (leap and month > 2) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second
