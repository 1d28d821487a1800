"""What is kept of the fields of a response, and what is remembered of their values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hookline_cache import StoredResponse
from hookline_cache.cache_control import parse_directives
from hookline_cache.http_date import parse_http_date
from hookline_cache.stored_response import known_fields, storable_lines

HEAD = b'HTTP/1.1 200 OK\r\nServer: x\r\nETag:\t"1" \r\nVARY: a\r\nx-age: 7\r\nVary:b, c\r\nX-Latin: \xe9\r\n%b\r\n'


def test_fields_are_the_pairs_of_the_lines() -> None:
    stored = StoredResponse("key", (), "", 200, "OK", storable_lines(HEAD % b""), 0.0, 0.0)
    pairs = [
        ("Server", b"x"),
        ("ETag", b'"1"'),
        ("VARY", b"a"),
        ("x-age", b"7"),
        ("Vary", b"b, c"),
        ("X-Latin", b"\xe9"),
    ]
    assert list(stored.fields) == pairs
    again = StoredResponse("key", (), "", 200, "OK", pairs, 0.0, 0.0)
    assert (list(again.fields), again.etag) == (pairs, stored.etag)
    assert stored.etag == '"1"'


def test_fields_that_a_cache_decides_by_are_found_in_any_case() -> None:
    assert known_fields(storable_lines(HEAD % b"age: 1\r\nAGE:\r\n")) == {
        "etag": ['"1"'],
        "vary": ["a", "b, c"],
        "age": ["1", ""],
    }


@pytest.mark.parametrize(
    ("more", "gone"),
    [
        (b"Connection: close\r\n", set()),
        (b"connection: X-Age,  etag\r\nCONNECTION: vary\r\n", {"x-age", "etag", "vary"}),
        (b"Transfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\n", set()),
    ],
    ids=["close", "listed", "framing"],
)
def test_fields_of_one_connection_are_not_kept(more: bytes, gone: set[str]) -> None:
    stored = StoredResponse("key", (), "", 200, "OK", storable_lines(HEAD % more), 0.0, 0.0)
    names = ["server", "etag", "vary", "x-age", "vary", "x-latin"]
    assert [name.lower() for name, _ in stored.fields] == [name for name in names if name not in gone]
    assert (stored.etag is None) == ("etag" in gone)


def test_date_with_two_digits_depends_on_the_time_each_time() -> None:
    text = "Sunday, 06-Nov-94 08:49:37 GMT"
    found = [parse_http_date(text, datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1990, 2026, 2050, 2026)]
    years = [None if each is None else datetime.fromtimestamp(each, UTC).year for each in found]
    assert years == [1994, 1994, 2094, 1994]


@pytest.mark.parametrize("text", ["", "0", "x" * 100_000, "Sun, 06 Nov 1994 08:49:37 GMT" + " " * 20], ids=len)
def test_what_is_no_date(text: str) -> None:
    assert parse_http_date(text, 0.0) is None


def test_directives_of_a_long_field_and_of_several_are_parsed_as_those_of_a_short_one() -> None:
    short = {"max-age": "60", "private": None}
    assert parse_directives(["max-age=60, private"]) == short
    assert parse_directives(["max-age=60", "private"]) == short
    assert parse_directives(["max-age=60, private" + " " * 300]) == short
