"""Fields: how they are written, which are refused, and how they are parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from hookline import LocalProtocolError
from hookline.messages.fields import (
    check_fields,
    check_method,
    check_name,
    check_target,
    check_value,
    field_lines,
    field_octets,
    override,
    parse_fields,
)

NAME = st.text("!#$%&'*+-.^_`|~0123456789abcXYZ", min_size=1, max_size=20)
VALUE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize("name", ["A", "x-y", "X_1", "!#$%&'*+-.^_`|~"])
def test_name_is_a_token(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a:", "a\r\nb", "a\n", "\n", "a\0", "ä", "a(b)", "a\t", 'a"'], ids=repr
)
def test_name_that_is_not_a_token_is_refused(name):
    for form in (name, name.encode()):
        with pytest.raises(LocalProtocolError):
            check_name(form)


@pytest.mark.parametrize("name", [None, 1, ("a",)])
def test_name_of_another_type_is_refused(name):
    with pytest.raises(TypeError):
        check_name(name)


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), ("", ""), (b"\xe4", "\udce4"), (1, "1"), (1.5, "1.5"), ("ü\t", "ü\t")]
)
def test_value_is_written_as_text(value, text):
    assert check_value("X", value) == text


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0", "\r\n", b"a\nb"], ids=repr)
def test_value_that_ends_its_line_is_refused_and_not_shown(value):
    with pytest.raises(LocalProtocolError) as caught:
        check_value("X-Secret", value)
    assert "X-Secret" in str(caught.value)
    assert "a" not in str(caught.value).replace("X-Secret", "").replace("value", "").replace("has a CR", "")


def test_value_with_a_lone_surrogate_is_refused():
    assert check_value("X", "\udce4") == "\udce4"  # stands for a received byte, which is sent unchanged
    with pytest.raises(LocalProtocolError, match="surrogate"):
        check_value("X", "\ud800")


@pytest.mark.parametrize("value", [None, True, [], object()])
def test_value_of_another_type_is_refused(value):
    with pytest.raises(TypeError):
        check_value("X", value)


@pytest.mark.parametrize(("method", "written"), [("get", "GET"), ("PROPFIND", "PROPFIND"), ("m-search", "M-SEARCH")])
def test_method_is_written_in_upper_case(method, written):
    assert check_method(method) == written


@pytest.mark.parametrize("method", ["", "GET ", "G ET", "GET\r\n", "GÉT", "GET/"], ids=repr)
def test_method_that_is_not_a_token_is_refused(method):
    with pytest.raises(LocalProtocolError):
        check_method(method)


@pytest.mark.parametrize("target", ["", "/ x", "/\r\n", "/\0", "/ü", "/\x7f", "/a\n"], ids=repr)
def test_target_that_ends_its_line_is_refused(target):
    with pytest.raises(LocalProtocolError):
        check_target(target)


@pytest.mark.parametrize("target", ["/", "*", "example.com:443", "http://a/b?c"])
def test_target_has_four_forms(target):
    assert check_target(target) == target


def test_given_fields_override_others():
    fields = CIMultiDict([("A", "1"), ("B", "2"), ("C", "3")])
    override(fields, check_fields([("a", "x"), ("A", "y"), ("b", None), ("D", 4)]))
    assert list(fields.items()) == [("C", "3"), ("a", "x"), ("A", "y"), ("D", "4")]


def test_fields_are_checked_when_they_are_written():
    with pytest.raises(LocalProtocolError):
        field_lines([("A", "b\r\nEvil: c")])


def test_repeated_fields_are_kept_in_order():
    fields = parse_fields(b"HTTP/1.1 200 OK\r\nSet-X: a\r\nset-x: b\r\nY:\r\n\r\n")
    assert fields.getall("SET-X") == ["a", "b"]
    assert fields["y"] == ""


@given(st.lists(st.tuples(NAME, VALUE), max_size=10))
def test_written_fields_are_parsed_to_the_same_fields(pairs):
    head = f"HTTP/1.1 200 OK\r\n{field_lines(pairs)}\r\n".encode()
    assert list(parse_fields(head).items()) == [(name, value.strip(" \t")) for name, value in pairs]


@given(st.binary(max_size=30))
def test_bytes_of_values_are_kept(value):
    value = value.translate(None, b"\r\n").strip(b" \t")
    fields = parse_fields(b"HTTP/1.1 200 OK\r\nA: " + value + b"\r\n\r\n")
    assert field_octets(fields["A"]) == value
    assert fields["A"].encode().decode() == fields["A"]
