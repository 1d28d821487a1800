"""Three Cookie fields become one: a call's cookies take precedence over stored ones, and these over the client's."""

import pytest

from hookline_cookies.cookies_option import as_cookies_option, join_fields
from hookline_cookies.selection import MAX_FIELD


@pytest.mark.parametrize(
    ("asked", "stored", "defaults", "expected"),
    [
        ("", "", "", ""),
        ("a=1", "", "", "a=1"),
        ("", "a=1", "", "a=1"),
        ("", "", "a=1", "a=1"),
        ("a=1", "b=2", "c=3", "a=1; b=2; c=3"),
        ("a=1", "a=2; a=3; b=2", "a=4", "a=1; b=2"),
        ("", "a=2; a=3", "a=4; b=5", "a=2; a=3; b=5"),
        ("a=1; a=2", "", "", "a=1; a=2"),
        ("", "a=x=y", "a=1", "a=x=y"),
        ("A=1", "a=2", "", "A=1; a=2"),
    ],
)
def test_joined_by_rank(asked: str, stored: str, defaults: str, expected: str) -> None:
    assert join_fields(asked, stored, defaults) == expected


@pytest.mark.parametrize("room", [0, 1])
def test_joined_leaves_out_stored_cookies_alone(room: int) -> None:
    asked, defaults, small = "a=1", "c=3", "s=1"
    free = MAX_FIELD - len(asked) - len(defaults) - len(small) - len("; ") * 3
    stored = f"b={'x' * (free - len('b=') + 1 - room)}; {small}"
    result = join_fields(asked, stored, defaults)
    if room:
        assert result == f"{asked}; {stored}; {defaults}"
        assert len(result) == MAX_FIELD
    else:
        assert len(result) < MAX_FIELD
        assert result.startswith("a=1; b=")
        assert result.endswith("; c=3")


def test_defaults_are_joined_once_for_the_same_field() -> None:
    given = as_cookies_option({"a": "1"})
    stored = "b=2"
    assert given.with_stored(stored) is given.with_stored(stored)
    assert given.with_stored("a=3") == "a=3"


def test_given_reads_as_the_dict_and_hides_values() -> None:
    given = as_cookies_option({"a": "s3cret"})
    assert given == {"a": "s3cret"}
    assert "s3cret" not in repr(given)
    assert as_cookies_option(given) is given
