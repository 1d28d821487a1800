"""The plugin's computations against vectors from the RFCs, recomputed."""

from __future__ import annotations

from typing import Any

import pytest

from auth.peers import parameters
from hookline_auth import HTTPBasicAuth, parse_challenges
from hookline_auth.credentials import Credentials
from hookline_auth.digest_answer import answer
from hookline_auth.digest_challenge import DigestChallenge, is_supported, read_challenge, strongest_challenge

pytestmark = pytest.mark.conformance


def test_digest_answers_are_the_vectors(vectors: dict[str, Any]) -> None:
    missing = set()
    for vector in vectors["digest"]:
        hash_name = vector["alg"].lower().removesuffix("-sess")
        if not is_supported(hash_name):
            missing.add(hash_name)
            continue
        challenge = DigestChallenge(
            realm=vector["realm"],
            nonce=vector["nonce"],
            algorithm=vector["alg"],
            qop=vector.get("qop"),
            userhash="username_hash" in vector,
            utf8="username_hash" in vector,
        )
        credentials = Credentials(vector["user"], vector["pw"], vector.get("charset", "utf-8"))

        value = answer(
            challenge,
            vector.get("method", "GET"),
            vector["uri"],
            vector["body"].encode(),
            credentials,
            int(vector.get("nc", "1"), 16),
            vector.get("cnonce", ""),
        )

        found = parameters(value)
        assert found["response"] == vector["response"], vector["name"]
        if "username_hash" in vector:
            assert found["username"] == vector["username_hash"], vector["name"]
            assert found["userhash"] == "true"
    if missing:
        pytest.skip(f"this Python's OpenSSL does not offer {missing}")


def test_basic_values_are_the_vectors(vectors: dict[str, Any]) -> None:
    for vector in vectors["basic"]:
        auth = HTTPBasicAuth(vector["user"], vector["pw"], encoding=vector["charset"])

        assert auth.value == vector["header"]


def test_challenges_are_parsed_as_the_vectors_say(vectors: dict[str, Any]) -> None:
    for vector in vectors["challenges"]:
        challenges = parse_challenges(vector["lines"])

        assert [challenge.scheme for challenge in challenges] == vector["schemes"], vector
        pick = strongest_challenge(challenges)
        if vector.get("pick", "").startswith("none"):
            assert pick is None, vector
        elif "pick" in vector:
            assert pick is not None, vector
            assert pick.algorithm == "SHA-256"
        if "params" in vector:
            digest = read_challenge(challenges[0])
            assert digest is not None, vector
            assert {name: getattr(digest, name) for name in vector["params"]} == vector["params"]
