"""One Digest answer: what is read from a challenge and what is written."""

from __future__ import annotations

import hashlib

import pytest

from auth.peers import parameters
from hookline_auth import BodyNotHashable, UnsupportedAlgorithm, parse_challenges
from hookline_auth.credentials import Credentials
from hookline_auth.digest_answer import answer, is_server_verified
from hookline_auth.digest_challenge import DigestChallenge, openssl_has, read_challenge, strongest_challenge
from hookline_auth.field_text import octets

ME = Credentials("Mufasa", "Circle of Life")


def challenge(text: str) -> DigestChallenge | None:
    return strongest_challenge(parse_challenges(text))


def answered(found: DigestChallenge | None, me: Credentials = ME, body: bytes | str | None = b"") -> str:
    assert found is not None
    return answer(found, "GET", "/dir", body, me, 1, "c")


@pytest.mark.parametrize(
    ("offers", "picked"),
    [
        (["MD5", "SHA-256"], "SHA-256"),
        (["SHA-512-256", "SHA-256", "MD5"], "SHA-512-256"),
        (["SHA-512", "SHA-256"], "SHA-512"),
        (["md5-SESS", "MD5"], "md5-SESS"),
        (["SCRYPT", "MD5"], "MD5"),
        (["SCRYPT", "SHA-1"], None),
        (["-sess", "MD5-sess-sess"], None),
    ],
)
def test_strongest_supported_algorithm_is_picked(offers: list[str], picked: str | None) -> None:
    found = strongest_challenge(
        parse_challenges([f'Digest realm="r", nonce="n", qop="auth", algorithm={a}' for a in offers])
    )

    assert (found.algorithm if found else None) == picked


@pytest.mark.parametrize("order", [1, -1])
def test_downgrade_to_md5_needs_the_strong_challenge_gone(order: int) -> None:
    offers = ['Digest realm="r", nonce="n", algorithm=MD5', 'Digest realm="r", nonce="n", algorithm=SHA-256'][::order]

    found = challenge(", ".join(offers))

    assert found is not None
    assert found.algorithm == "SHA-256"


def test_missing_and_empty_algorithms_mean_md5_and_are_not_echoed() -> None:
    for text in ('Digest realm="r", nonce="n", qop="auth"', 'Digest realm="r", algorithm="", nonce="n", qop=auth'):
        value = answered(challenge(text))

        assert "algorithm" not in parameters(value)
        assert len(parameters(value)["response"]) == 32


@pytest.mark.parametrize(
    ("offered", "qop"),
    [
        ("", None),
        (', qop=""', None),
        (', qop="auth"', "auth"),
        (', qop="auth-int,auth"', "auth"),
        (', qop=" AUTH-INT ,, x"', "auth-int"),
    ],
)
def test_qop_is_auth_wherever_it_is_offered(offered: str, qop: str | None) -> None:
    found = challenge(f'Digest realm="r", nonce="n"{offered}')

    assert found is not None
    assert found.qop == qop
    assert parameters(answered(found)).get("qop") == qop


@pytest.mark.parametrize(
    "text",
    [
        'Digest nonce="n"',
        'Digest realm="r"',
        'Digest realm="r", nonce="n", qop="foo"',
        'Digest realm="r", nonce="n", algorithm=MD4',
        'Digest realm="r", nonce="unterminated',
        'Digest realm="r\\\r\\\nX-Evil: 1", nonce="n"',
        'Digest realm="r", nonce="n\x00"',
        'Digest realm="r", nonce="n", opaque="\\\n"',
        'Basic realm="r", nonce="n"',
    ],
)
def test_challenge_that_must_not_be_answered_is_not(text: str) -> None:
    assert challenge(text) is None


def test_answer_is_written_as_rfc_7616_says() -> None:
    found = challenge('Digest realm="r\\"1", nonce="n\\\\2", qop="auth", opaque="o", algorithm=sha-256')
    value = answered(found, Credentials('M"u\\f', "p"))

    secret = hashlib.sha256(b'M"u\\f:r"1:p').hexdigest()
    request = hashlib.sha256(b"GET:/dir").hexdigest()
    response = hashlib.sha256(f"{secret}:n\\2:00000001:c:auth:{request}".encode()).hexdigest()
    assert value == (
        f'Digest username="M\\"u\\\\f", realm="r\\"1", uri="/dir", algorithm=sha-256, nonce="n\\\\2", nc=00000001, '
        f'cnonce="c", qop=auth, response="{response}", opaque="o"'
    )


def test_rfc_2069_answer_has_no_count() -> None:
    found = parameters(answered(challenge('Digest realm="r", nonce="n"')))

    assert set(found) == {"username", "realm", "uri", "nonce", "response"}


def test_session_key_without_qop_comes_with_its_cnonce() -> None:
    found = parameters(answered(challenge('Digest realm="r", nonce="n", algorithm=MD5-sess')))

    assert found["cnonce"] == "c"
    assert "nc" not in found


def test_empty_realm_and_opaque_are_echoed() -> None:
    found = parameters(answered(challenge('Digest realm="", nonce="n", opaque=""')))

    assert (found["realm"], found["opaque"]) == ("", "")


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
def test_octets_outside_ascii_go_back_as_they_came(coding: str) -> None:
    (parsed,) = parse_challenges('Digest realm="Löwe", nonce="n", qop=auth'.encode(coding))
    value = answered(read_challenge(parsed), Credentials("Jäsøn", "pä", coding))

    assert 'realm="Löwe"'.encode(coding) in octets(value)
    assert 'username="Jäsøn"'.encode(coding) in octets(value)
    secret = hashlib.md5("Jäsøn:Löwe:pä".encode(coding)).hexdigest()
    request = hashlib.md5(b"GET:/dir").hexdigest()
    response = hashlib.md5(f"{secret}:n:00000001:c:auth:{request}".encode()).hexdigest()
    assert parameters(value)["response"] == response


def test_realm_that_was_decoded_already_is_hashed_as_utf8() -> None:
    decoded, raw = 'Digest realm="Löwe", nonce="n", qop=auth', 'Digest realm="Löwe", nonce="n", qop=auth'.encode()

    assert answered(strongest_challenge(parse_challenges(decoded))) == answered(
        strongest_challenge(parse_challenges(raw))
    )


def test_username_outside_ascii_is_extended_where_utf8_is_announced() -> None:
    found = challenge('Digest realm="r", nonce="n", qop="auth", charset="utf-8"')

    assert parameters(answered(found, Credentials("Jäs øn's", "p")))["username*"] == "UTF-8''J%C3%A4s%20%C3%B8n%27s"
    assert parameters(answered(found, Credentials("Jason", "p")))["username"] == "Jason"


def test_announced_utf8_wins_over_the_encoding_given() -> None:
    found = challenge('Digest realm="r", nonce="n", qop="auth", charset=UTF-8')

    assert answered(found, Credentials("ä", "ö", "latin-1")) == answered(found, Credentials("ä", "ö"))
    found = challenge('Digest realm="r", nonce="n", qop="auth", charset=KOI8-R')
    assert answered(found, Credentials("ä", "ö", "latin-1")) != answered(found, Credentials("ä", "ö"))


def test_username_is_hashed_where_the_server_asks() -> None:
    found = challenge('Digest realm="r", nonce="n", qop="auth", userhash=true, charset=UTF-8, algorithm=SHA-256')
    sent = parameters(answered(found, Credentials("Jäsøn", "p")))

    assert sent["username"] == hashlib.sha256("Jäsøn:r".encode()).hexdigest()
    assert sent["userhash"] == "true"
    assert "username*" not in sent


@pytest.mark.parametrize("hash_name", ["MD5", "SHA-256", "SHA-256-sess"])
def test_auth_int_takes_body_or_its_hash(hash_name: str) -> None:
    found = challenge(f'Digest realm="r", nonce="n", qop="auth-int", algorithm={hash_name}')
    assert found is not None

    assert answered(found, body=b"v=1") == answered(found, body=found.hash(b"v=1"))
    assert answered(found, body=b"v=1") != answered(found, body=b"")
    with pytest.raises(BodyNotHashable, match="auth-int"):
        answered(found, body=None)


def test_auth_needs_no_body() -> None:
    found = challenge('Digest realm="r", nonce="n", qop="auth-int, auth"')

    assert answered(found, body=None) == answered(found, body=b"x")


@pytest.mark.parametrize("nc", [0, -1, 2**32])
def test_count_out_of_range_is_refused(nc: int) -> None:
    with pytest.raises(ValueError, match="nc: expected"):
        answer(DigestChallenge("r", "n"), "GET", "/", b"", ME, nc, "c")


@pytest.mark.parametrize("uri", ["/\r\nX-Evil: 1", "/\x00"])
def test_target_does_not_inject_a_field(uri: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        answer(DigestChallenge("r", "n", qop="auth"), "GET", uri, b"", ME, 1, "c")


def test_hash_that_openssl_lacks_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def new(name: str, *_: bytes) -> None:
        raise ValueError(f"unsupported hash type {name}")

    openssl_has.cache_clear()
    monkeypatch.setattr(hashlib, "new", new)
    try:
        with pytest.raises(UnsupportedAlgorithm, match="'sha-512-256'"):
            answer(DigestChallenge("r", "n", "SHA-512-256", "auth"), "GET", "/", b"", ME, 1, "c")
        assert challenge('Digest realm="r", nonce="n", algorithm=SHA-512-256') is None
    finally:
        openssl_has.cache_clear()


def test_unknown_hash_is_a_clear_error() -> None:
    with pytest.raises(UnsupportedAlgorithm, match="'scrypt'"):
        answer(DigestChallenge("r", "n", "SCRYPT"), "GET", "/", b"", ME, 1, "c")


def test_server_proves_itself_with_the_same_secret() -> None:
    found = DigestChallenge("r", "n", qop="auth")
    secret = hashlib.md5(b"Mufasa:r:Circle of Life").hexdigest()
    request = hashlib.md5(b":/dir").hexdigest()
    proof = hashlib.md5(f"{secret}:n:00000002:c:auth:{request}".encode()).hexdigest()

    def proven(**info: str) -> bool:
        return is_server_verified(info, found, "/dir", b"", ME, 2, "c")

    assert proven(rspauth=proof)
    assert proven(rspauth=proof.upper(), qop="auth", nc="00000002", cnonce="c")
    assert not proven()
    assert not proven(rspauth="")
    assert not proven(rspauth="\u00e4")
    assert not proven(rspauth=proof[::-1])
    assert not proven(rspauth=proof, nc="00000001")
    assert not proven(rspauth=proof, cnonce="d")
    assert not proven(rspauth=proof, qop="auth-int")
