"""Pairs of name and value as a Cookie field."""

import pytest

from hookline_cookies import CookieRefused, render_pairs


def test_pairs_are_rendered_in_order() -> None:
    assert render_pairs({"b": "1", "a": 'x y, "z" é='}) == 'b=1; a=x y, "z" é='
    assert render_pairs([("a", "1"), ("a", "2")]) == "a=1; a=2"
    assert render_pairs({}) == ""
    assert render_pairs({"a": ""}) == "a="


@pytest.mark.parametrize("name", ["", "a=b", "a;b", " a", "a ", "a\n", "a\0", "a\t", "\ud800"])
def test_name_that_would_not_arrive_is_refused(name: str) -> None:
    with pytest.raises(CookieRefused):
        render_pairs({name: "1"})


@pytest.mark.parametrize("value", ["a;b", " a", "a ", "a\r\nb", "a\0", "\ud800", "a\x7f"])
def test_value_that_would_not_arrive_is_refused(value: str) -> None:
    with pytest.raises(CookieRefused, match="cookie 'sid'"):
        render_pairs({"sid": value})


@pytest.mark.parametrize("pair", [(1, "a"), (b"a", "a"), ("a", 1), ("a", None), ("a", b"1")])
def test_what_is_no_text_is_a_type_error(pair: tuple[str, str]) -> None:
    with pytest.raises(TypeError, match="is a str, not"):
        render_pairs([pair])


def test_name_in_a_message_is_escaped_and_cut() -> None:
    with pytest.raises(CookieRefused) as caught:
        render_pairs({"\n" + "é" * 1000: "1"})

    assert len(str(caught.value)) < 400
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
