"""Challenges: what holds for every input."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from hookline_auth.challenges import (
    MAX_CHALLENGES,
    MAX_PARAMETERS,
    Challenge,
    is_quotable,
    parse_challenges,
    parse_parameters,
    quoted_string,
)
from hookline_auth.digest_challenge import read_challenge, strongest_challenge

TOKENS = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12)
TOKENS68 = st.builds(
    str.__add__,
    st.text(string.ascii_letters + string.digits + "-._~+/", min_size=1, max_size=20),
    st.sampled_from(["", "=", "=="]),
)
VALUES = st.text(max_size=20).filter(is_quotable)
PARAMETERS = st.dictionaries(TOKENS.map(str.lower), VALUES, max_size=6)
CHALLENGES = st.one_of(
    st.builds(Challenge, TOKENS.map(str.lower), TOKENS68),
    st.builds(Challenge, TOKENS.map(str.lower), st.none(), PARAMETERS),
)
SEPARATORS = st.sampled_from([",", ", ", " , ", ",,", "\t,\t, "])
# Text that comes near the grammar finds more than random text does.
NEARLY = st.lists(
    st.sampled_from(['"', "\\", ",", " ", "=", "\t", "Digest", "realm", "nonce", "qop", "x", "\x00", "\r\n", "\xff"]),
    max_size=60,
).map("".join)


def written(challenge: Challenge, separator: str) -> str:
    if challenge.token68 is not None:
        return f"{challenge.scheme} {challenge.token68}"
    params = separator.join(f"{name}={quoted_string(value)}" for name, value in challenge.params.items())
    return f"{challenge.scheme} {params}" if params else challenge.scheme


@given(st.lists(CHALLENGES, max_size=5), SEPARATORS)
def test_challenges_survive_writing_and_parsing(challenges: list[Challenge], separator: str) -> None:
    assert parse_challenges(separator.join(written(challenge, separator) for challenge in challenges)) == challenges


@given(st.lists(CHALLENGES, max_size=5))
def test_one_or_many_fields_say_the_same(challenges: list[Challenge]) -> None:
    lines = [written(challenge, ", ") for challenge in challenges]

    assert parse_challenges(lines) == parse_challenges(", ".join(lines))


@given(PARAMETERS, SEPARATORS)
def test_parameters_survive_writing_and_parsing(params: dict[str, str], separator: str) -> None:
    text = separator.join(f"{name}={quoted_string(value)}" for name, value in params.items())

    assert parse_parameters(text) == params


@given(st.lists(st.one_of(st.text(), NEARLY, st.binary()), max_size=4))
def test_any_input_gives_a_bounded_result_and_no_exception(fields: list[str | bytes]) -> None:
    challenges = parse_challenges(fields)
    parse_parameters(fields)

    assert len(challenges) <= MAX_CHALLENGES
    assert all(len(challenge.params) <= MAX_PARAMETERS for challenge in challenges)
    assert strongest_challenge(challenges) is None or any(map(read_challenge, challenges))
