"""Dates of HTTP fields: parsed strictly, in the three forms of RFC 9110, section 5.6.7, in any case."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
MAX_LENGTH = 40  # characters; the longest date, with Wednesday, has 33
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"(?:mon|tue|wed|thu|fri|sat|sun), (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} gmt",
        rf"(?:mon|tues|wednes|thurs|fri|satur|sun)day, (?P<day>\d\d)-{_MONTH}-(?P<short_year>\d\d) {_TIME} gmt",
        rf"(?:mon|tue|wed|thu|fri|sat|sun) {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",
    )
)


def parse_http_date(text: str, now: float) -> float | None:
    """Return the seconds since the epoch that a date stands for; None if it is no date of HTTP.

    now: seconds since the epoch. A year of two digits that seems to be more than 50 years ahead of it is a past one.
    """
    if len(text) > MAX_LENGTH:
        return None
    return _parse(text, datetime.fromtimestamp(now, UTC).year if "-" in text else 0)


@lru_cache(maxsize=256)  # responses of one second have the same Date: 0.2 us, against 4
def _parse(text: str, this_year: int) -> float | None:
    """Parse a date. this_year: counts for years of two digits alone."""
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            break
    else:
        return None
    parts = match.groupdict()
    if parts.get("short_year") is not None:
        year = this_year - this_year % 100 + int(parts["short_year"])
        if year > this_year + 50:
            year -= 100
    else:
        year = int(parts["year"])
    try:
        return datetime(
            year,
            MONTHS[parts["month"].lower()],
            int(parts["day"]),
            int(parts["hour"]),
            int(parts["minute"]),
            min(int(parts["second"]), 59),  # a leap second is 60
            tzinfo=UTC,
        ).timestamp()
    except ValueError:  # such as 31 Feb
        return None
