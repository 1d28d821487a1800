"""Where a Location leads to, without any I/O."""

from __future__ import annotations

import pytest

from hookline import RemoteProtocolError
from hookline_redirects.location import resolve, single_location

BASE = "http://a/b/c/d;p?q"

# RFC 3986, section 5.4.1; dot segments are removed later, by the one who takes the URL.
RFC_3986 = [
    ("http://g:80/h", "http://g:80/h"),
    ("g", "http://a/b/c/g"),
    ("./g", "http://a/b/c/./g"),
    ("g/", "http://a/b/c/g/"),
    ("/g", "http://a/g"),
    ("//g", "http://g"),
    ("?y", "http://a/b/c/d;p?y"),
    ("g?y", "http://a/b/c/g?y"),
    ("#s", "http://a/b/c/d;p?q#s"),
    ("g#s", "http://a/b/c/g#s"),
    (";x", "http://a/b/c/;x"),
    ("../g", "http://a/b/c/../g"),
]


@pytest.mark.parametrize(("location", "expected"), RFC_3986)
def test_location_is_resolved_as_the_rfc_says(location: str, expected: str) -> None:
    assert resolve(BASE, location) == expected


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        ("http://a", "g", "http://a/g"),
        ("http://a/x?y=1", "?", "http://a/x?"),
        ("http://a/", "http://b/p?X-Sig=%2f+~&e=", "http://b/p?X-Sig=%2f+~&e="),
        ("http://a/x", "/r\udce9sum\udce9", "http://a/r%E9sum%E9"),
        ("http://a/x", "/é", "http://a/é"),
        ("http://a/x", "HTTPS://B/", "https://B/"),
    ],
)
def test_location_keeps_what_was_written(base: str, location: str, expected: str) -> None:
    assert resolve(base, location) == expected


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        ("http://a/#old", "/new", "http://a/new#old"),
        ("http://a/#old", "/new#own", "http://a/new#own"),
        ("http://a/#old", "/new#", "http://a/new#"),
        ("http://a/#old", "https://b/", "https://b/#old"),
    ],
)
def test_fragment_is_inherited_unless_there_is_one(base: str, location: str, expected: str) -> None:
    assert resolve(base, location) == expected


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        ("ws://a/x", "http://b/", "ws://b/"),
        ("ws://a/x", "https://b/", "wss://b/"),
        ("wss://a/x", "/y", "wss://a/y"),
        ("wss://a/x", "wss://b/", "wss://b/"),
        ("mem://a/x", "y", "mem://a/y"),
        ("mem://a/x", "http://b/", "http://b/"),
    ],
)
def test_scheme_of_the_call_goes_on(base: str, location: str, expected: str) -> None:
    assert resolve(base, location) == expected


@pytest.mark.parametrize("location", ["ftp://b/", "file:///etc/passwd", "ws://b/", "javascript:alert(1)", "data:,x"])
def test_foreign_scheme_is_refused(location: str) -> None:
    with pytest.raises(RemoteProtocolError, match="not followed"):
        resolve("http://a/", location)


def test_two_locations_are_taken_when_equal_and_refused_when_not() -> None:
    assert single_location(["/a", "/a"]) == "/a"
    assert single_location([]) == ""
    with pytest.raises(RemoteProtocolError, match="2 Location fields"):
        single_location(["/a", "/b"])
