"""Hosts, paths and public suffixes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_cookies.matching import (
    canonical_host,
    default_path,
    domain_match,
    domains_of,
    is_address,
    path_match,
    request_paths,
)
from hookline_cookies.public_suffixes import is_public_suffix


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com."),
        ("[::1]", "::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a b", None),
        ("a\tb", None),
        ("", None),
        ("é" * 100 + ".example", None),
        ("127.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("256.0.0.1", None),
        ("a.1", None),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("FE80::1%eth0", "fe80::1%eth0"),
        ("☃.NET", "xn--n3h.net"),
        ("faß.example", "xn--fa-hia.example"),
        ("xn--pokxncvks", None),
        ("-a.example", "-a.example"),
    ],
)
def test_host_is_made_canonical(host: str, expected: str | None) -> None:
    assert canonical_host(host) == expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "::1", "fe80::1%eth0", "1.2.3.4.", "a.1"]
)
def test_addresses_are_told_from_names(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize("host", ["example.com", "1.example", "localhost", "0x.com", "1e100.net", "a.0xg"])
def test_names_are_told_from_addresses(host: str) -> None:
    assert not is_address(host)


@pytest.mark.parametrize(
    ("host", "domain", "matches"),
    [
        ("example.com", "example.com", True),
        ("www.example.com", "example.com", True),
        ("example.com", "www.example.com", False),
        ("badexample.com", "example.com", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.1", False),
    ],
)
def test_domain_match(host: str, domain: str, matches: bool) -> None:
    assert domain_match(host, domain) is matches


def test_domains_above_a_host() -> None:
    assert list(domains_of("a.b.example.com")) == ["a.b.example.com", "b.example.com", "example.com", "com"]
    assert list(domains_of("127.0.0.1")) == ["127.0.0.1"]


@given(st.from_regex(r"[a-c]{1,2}(\.[a-c0-2]{1,2}){0,4}\.?", fullmatch=True), st.data())
def test_domains_above_a_host_are_those_that_match(host: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(host)))
    domain = host[start:]

    if domain:
        assert (domain in domains_of(host)) is domain_match(host, domain)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "/"), ("x", "/"), ("*", "/"), ("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("/a/b?c/d", "/a")],
)
def test_default_path(path: str, expected: str) -> None:
    assert default_path(path) == expected


@pytest.mark.parametrize(
    ("path", "cookie_path", "matches"),
    [
        ("/", "/", True),
        ("/foo", "/", True),
        ("/foo", "/foo", True),
        ("/foo/", "/foo", True),
        ("/foo/bar", "/foo", True),
        ("/foo/bar", "/foo/", True),
        ("/foo", "/foo/", False),
        ("/foobar", "/foo", False),
        ("/Foo", "/foo", False),
    ],
)
def test_path_match(path: str, cookie_path: str, matches: bool) -> None:
    assert path_match(path, cookie_path) is matches


def test_escapes_of_unreserved_characters_are_undone_only() -> None:
    assert request_paths("/foo") == ("/foo",)
    assert request_paths("/f%6Fo%7e%2D%5f%41") == ("/f%6Fo%7e%2D%5f%41", "/foo~-_A")
    assert request_paths("/a%2Fb%00%3b") == ("/a%2Fb%00%3b",)


@given(st.integers(0, 255))
def test_every_octet_but_the_unreserved_stays_escaped(octet: int) -> None:
    unreserved = chr(octet).isascii() and (chr(octet).isalnum() or chr(octet) in "-._~")

    assert request_paths(f"/%{octet:02X}")[-1] == (f"/{chr(octet)}" if unreserved else f"/%{octet:02X}")


@pytest.mark.parametrize("domain", ["com", "co.uk", "github.io", "com.", "COM", "localhost", "a..com", ".com", "com.."])
def test_public_suffixes_are_known(domain: str) -> None:
    assert is_public_suffix(domain)


@pytest.mark.parametrize("domain", ["example.com", "example.co.uk", "me.github.io", "example.com."])
def test_registrable_domains_are_no_public_suffixes(domain: str) -> None:
    assert not is_public_suffix(domain)


@given(st.text())
def test_public_suffix_question_never_raises(domain: str) -> None:
    host = canonical_host(domain)

    assert host is None or isinstance(is_public_suffix(host), bool)
