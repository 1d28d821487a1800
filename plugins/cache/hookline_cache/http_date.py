"""Dates of HTTP fields: parsed strictly, in the three forms of RFC 9110, section 5.6.7, in any case."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
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
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            break
    else:
        return None
    parts = match.groupdict()
    if parts.get("short_year") is not None:
        this_year = datetime.fromtimestamp(now, UTC).year
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
