"""Values of Set-Cookie fields, whoever sent them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_cookies import SetCookie, parse_set_cookie
from hookline_cookies.set_cookie import MAX_ATTRIBUTE, MAX_PAIR


def parsed(line: str | bytes) -> SetCookie:
    cookie = parse_set_cookie(line)
    assert cookie is not None
    return cookie


def test_parser_reads_every_attribute() -> None:
    line = (
        "sid=1; Path=/a; Domain=.Example.COM; Secure; HttpOnly; SameSite=lax; Max-Age=60; Expires=1 Jan 2030 00:00:00"
    )

    assert parsed(line) == SetCookie(
        "sid",
        "1",
        expires=1893456000,
        max_age=60,
        domain="example.com",
        path="/a",
        secure=True,
        http_only=True,
        same_site="Lax",
    )


@pytest.mark.parametrize("line", [b"foo=\xe6\x98\xa5", b"foo=\xff\xfe", b"foo=\xed\xa0\x80", b"\xffoo=1"])
def test_parser_keeps_octets_that_are_not_ascii(line: bytes) -> None:
    cookie = parsed(line)

    assert f"{cookie.name}={cookie.value}".encode("utf-8", "surrogateescape") == line


@pytest.mark.parametrize("line", ["foo", "=foo", "", ";", " ; foo=bar", "=", " = ; Path=/"])
def test_parser_ignores_nameless_cookies(line: str) -> None:
    assert parse_set_cookie(line) is None


@pytest.mark.parametrize("control", [chr(code) for code in (*range(9), *range(10, 32), 127)])
def test_parser_refuses_control_characters(control: str) -> None:
    assert parse_set_cookie(f"a=b{control}c; Path=/") is None
    assert parse_set_cookie(f"a=b; Path=/{control}c") is None
    assert parse_set_cookie(f"a{control}=b; Path=/") is None


@pytest.mark.parametrize("line", ["a=b\tc", "a\tb=c"])
def test_parser_refuses_tabs_inside(line: str) -> None:
    assert parse_set_cookie(line) is None


@pytest.mark.parametrize("name_size", [1, 2000, MAX_PAIR - 1])
def test_parser_takes_4096_octets_of_name_and_value_and_no_more(name_size: int) -> None:
    name = "n" * name_size

    assert parse_set_cookie(f"{name}={'v' * (MAX_PAIR - name_size)}") is not None
    assert parse_set_cookie(f"{name}={'v' * (MAX_PAIR - name_size + 1)}") is None


def test_parser_counts_octets_not_characters() -> None:
    assert parse_set_cookie("a=" + "é" * 2047) is not None
    assert parse_set_cookie("a=" + "é" * 2048) is None


def test_parser_passes_over_attributes_longer_than_1024_octets() -> None:
    assert parsed("a=b; Path=/" + "p" * (MAX_ATTRIBUTE - 1)).path is not None
    assert parsed("a=b; Path=/" + "p" * MAX_ATTRIBUTE).path is None
    assert parsed("a=b; Path=/" + "é" * (MAX_ATTRIBUTE // 2)).path is None


@pytest.mark.parametrize("text", ["", "-", "+1", "1.5", "1 2", "x", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_parser_passes_over_max_age_that_is_no_number(text: str) -> None:
    assert parsed(f"a=b; Max-Age=60; Max-Age={text}").max_age == 60


def test_parser_takes_the_last_of_several_attributes() -> None:
    assert parsed("a=b; Max-Age=1; Max-Age=2").max_age == 2
    assert parsed("a=b; SameSite=Strict; SameSite=what").same_site is None


def test_repr_of_a_parsed_cookie_has_no_value() -> None:
    assert "hunter2" not in repr(parsed("sid=hunter2"))


def test_parser_refuses_surrogates_that_stand_for_no_octet() -> None:
    assert parse_set_cookie("a=\ud800") is None


@given(st.binary() | st.text(st.characters(codec=None)))
def test_parser_never_raises(line: bytes | str) -> None:
    cookie = parse_set_cookie(line)

    assert cookie is None or cookie.name


@given(st.lists(st.sampled_from([";", "=", " ", "\t", "a", "Path", "Domain", "Max-Age", "-", "9" * 400, ".", "\xff"])))
def test_parser_gives_what_can_be_sent_back(parts: list[str]) -> None:
    cookie = parse_set_cookie("".join(parts))

    if cookie is not None:
        again = parsed(f"{cookie.name}={cookie.value}")
        assert (again.name, again.value) == (cookie.name, cookie.value)
