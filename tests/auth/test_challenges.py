"""Challenges and parameters: the grammar, tolerance, hostile input."""

from __future__ import annotations

import time

import pytest

from hookline_auth.challenges import (
    MAX_CHALLENGES,
    MAX_FIELD,
    MAX_PARAMETERS,
    Challenge,
    parse_challenges,
    parse_parameters,
    quoted_string,
)
from hookline_auth.field_text import field_text, octets


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Basic", [Challenge("basic")]),
        ("BASIC Realm=x", [Challenge("basic", None, {"realm": "x"})]),
        ('Basic realm="a, Digest b"', [Challenge("basic", None, {"realm": "a, Digest b"})]),
        ('Basic realm="a\\"b\\\\\\c"', [Challenge("basic", None, {"realm": 'a"b\\c'})]),
        ('Basic realm=""', [Challenge("basic", None, {"realm": ""})]),
        ('Basic realm \t=  "x"\t,\tcharset = UTF-8', [Challenge("basic", None, {"realm": "x", "charset": "UTF-8"})]),
        ("Negotiate abc+/-._~==", [Challenge("negotiate", "abc+/-._~==")]),
        ("Negotiate abc== , NTLM", [Challenge("negotiate", "abc=="), Challenge("ntlm")]),
        ("NTLM,,Negotiate,", [Challenge("ntlm"), Challenge("negotiate")]),
        (["Basic realm=a", "Basic realm=b"], [Challenge("basic", None, {"realm": r}) for r in "ab"]),
        (b'Basic realm="\xc3\xa4\xe4"', [Challenge("basic", None, {"realm": "\xe4\udce4"})]),
        ("", []),
        (" \t, ,", []),
        ([], []),
    ],
)
def test_challenges_follow_the_grammar(fields: str | list[str], expected: list[Challenge]) -> None:
    assert parse_challenges(fields) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        # What is sent by servers, against the grammar.
        ('Digest realm="x" nonce="n"', [Challenge("digest", None, {"realm": "x", "nonce": "n"})]),
        ("Digest nonce=a/b+c==, opaque=x", [Challenge("digest", None, {"nonce": "a/b+c==", "opaque": "x"})]),
        ("Basic realm=me@example.com", [Challenge("basic", None, {"realm": "me@example.com"})]),
        ("Basic realm=two words, x=y", [Challenge("basic", None, {"realm": "two", "x": "y"})]),
        ('Basic realm="a"junk, x=y', [Challenge("basic", None, {"realm": "a", "x": "y"})]),
        ("Digest realm=a, realm=b", [Challenge("digest", None, {"realm": "a"})]),
        ('realm="x", Basic', [Challenge("basic")]),
        ('@@@ "a, b", Basic', [Challenge("basic")]),
        ("Basic\r\n realm=x", [Challenge("basic", None, {"realm": "x"})]),
        # Cut off: the parameter is left out rather than half taken.
        ('Digest realm="x", nonce="half', [Challenge("digest", None, {"realm": "x"})]),
        ('Digest realm="x", nonce="half\\', [Challenge("digest", None, {"realm": "x"})]),
    ],
)
def test_challenges_tolerate_what_servers_send(field: str, expected: list[Challenge]) -> None:
    assert parse_challenges(field) == expected


def test_unterminated_quote_does_not_swallow_the_next_field() -> None:
    assert [c.scheme for c in parse_challenges(['Basic realm="x', 'Digest realm="y"'])] == ["basic", "digest"]


def test_quoted_comma_and_scheme_do_not_inject_a_challenge() -> None:
    challenges = parse_challenges('Digest realm="x\\", Basic realm=\\"evil", nonce="n"')

    assert [challenge.scheme for challenge in challenges] == ["digest"]
    assert challenges[0].params["realm"] == 'x", Basic realm="evil'


def test_flood_of_challenges_and_parameters_is_bounded() -> None:
    assert len(parse_challenges(["a," * 20_000] * 50)) == MAX_CHALLENGES
    flood = "Digest " + ",".join(f"p{number}=1" for number in range(5_000))
    assert len(parse_challenges(flood)[0].params) == MAX_PARAMETERS


def test_overlong_field_is_ignored_whole() -> None:
    assert parse_challenges(["Basic realm=" + "x" * MAX_FIELD, "NTLM"]) == [Challenge("ntlm")]


@pytest.mark.parametrize(
    "piece",
    [
        '"',
        "\\",
        '"\\',
        '\\"',
        "a",
        "a ",
        "a=",
        "a= ",
        ",",
        " ",
        "=",
        "a=b ",
        '"a" ',
        'a="',
        "a\t",
        "~" * 7 + "=",
        "\x00",
    ],
)
@pytest.mark.parametrize("start", ["", "Digest ", 'Digest realm="', "Digest a="])
def test_repeated_hostile_pieces_take_linear_time(start: str, piece: str) -> None:
    field = (start + piece * MAX_FIELD)[:MAX_FIELD]
    began = time.process_time()

    parse_challenges(field)
    parse_parameters(field)

    # Quadratic time would be many seconds for 64 Ki characters; linear is some milliseconds.
    assert time.process_time() - began < 1


def test_authentication_info_is_parsed() -> None:
    info = parse_parameters(['nextnonce="a\\"b", QOP=auth', " nc=00000001,, cnonce=x"])

    assert info == {"nextnonce": 'a"b', "qop": "auth", "nc": "00000001", "cnonce": "x"}


def test_authentication_info_takes_nothing_from_a_challenge() -> None:
    assert parse_parameters("a=1, Digest nextnonce=evil") == {"a": "1"}


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: b", "a\x00", "\x7f"])
def test_field_injection_is_refused_in_quoted_strings(text: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        quoted_string(text)


def test_octets_give_back_what_came() -> None:
    raw = bytes(range(256)) + "\u20ac".encode()

    assert octets(field_text(raw)) == raw
    assert isinstance(octets("\ud800"), bytes)
