"""The date of Expires, beyond what the conformance data asks."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_cookies.dates import parse_cookie_date

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@given(
    st.datetimes(min_value=datetime(1601, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))
)
def test_date_agrees_with_the_calendar(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    month = _MONTHS[moment.month - 1]
    text = f"{moment.day} {month} {moment.year:04} {moment.hour}:{moment.minute}:{moment.second}"

    assert parse_cookie_date(text) == moment.timestamp()


@pytest.mark.parametrize(("year", "expected"), [("69", 2069), ("70", 1970), ("00", 2000), ("99", 1999)])
def test_date_reads_two_digit_years_around_1970(year: str, expected: int) -> None:
    assert parse_cookie_date(f"1 Jan {year} 00:00:00") == datetime(expected, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "31 Apr 2020 00:00:00",
        "29 Feb 2100 00:00:00",
        "0 Jan 2020 00:00:00",
        "1 Jan 1600 00:00:00",
        "1 Jan 2020 24:00:00",
        "1 Jan 2020 00:60:00",
        "1 Jan 2020 00:00:60",
        "1 Jan 2020 00:00",
        "1 2020 00:00:00",
        "\N{ARABIC-INDIC DIGIT ONE} Jan 2020 00:00:00",
        "",
    ],
)
def test_date_refuses_what_is_no_date(text: str) -> None:
    assert parse_cookie_date(text) is None


def test_date_accepts_leap_days() -> None:
    assert parse_cookie_date("29 Feb 2000 00:00:00") == datetime(2000, 2, 29, tzinfo=UTC).timestamp()


@given(st.text())
def test_date_never_raises(text: str) -> None:
    assert isinstance(parse_cookie_date(text), int | None)
