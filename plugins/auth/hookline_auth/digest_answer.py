"""Compute the answer to a Digest challenge, a field value, from request and credentials (RFC 7616).

    HA1 = H(username:realm:password)            -sess: H(H(username:realm:password):nonce:cnonce)
    HA2 = H(method:uri)                         auth-int: H(method:uri:H(body))
    response = H(HA1:nonce:nc:cnonce:qop:HA2)   no qop, RFC 2069: H(HA1:nonce:HA2)

Quoted strings are hashed unescaped. With -sess, HA1 is computed from the nonce and cnonce of the same answer, because servers
take both from its field. RFC 7616 section 3.4.2 can also be read as "of the first answer": with one cnonce per nonce, as
here, both readings give the same key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from .challenges import Challenge, is_quotable, quoted_string
from .credentials import Credentials
from .errors import BodyNotHashable, UnsupportedAlgorithm
from .field_text import field_text, octets

# The hashes of the IANA registry, weakest first; and SHA-512, which is not in it, but servers and other clients use it.
_HASHES = {"md5": "md5", "sha-256": "sha256", "sha-512": "sha512", "sha-512-256": "sha512_256"}
_STRENGTHS = {name: strength for strength, name in enumerate(_HASHES)}
_SESSION = "-sess"
_LIST = re.compile(r"[ \t,]+")
_ATTR_CHAR = "!#$&+-.^_`|~"  # RFC 8187 section 3.2.1, besides letters and digits

MAX_COUNT = 0xFFFF_FFFF  # nc is eight hexadecimal digits


@dataclass(frozen=True, slots=True)
class DigestChallenge:
    """A Digest challenge that can be answered.

    algorithm: as the server spells it; None = absent, which means MD5. qop: the one to answer with, "auth" if the server
    offers it, "auth-int" if it offers only that, None for a server of RFC 2069. domain: URIs; None = absent.
    """

    realm: str
    nonce: str
    algorithm: str | None = None
    qop: str | None = None
    opaque: str | None = None
    domain: tuple[str, ...] | None = None
    stale: bool = False
    userhash: bool = False
    utf8: bool = False

    @property
    def hash_name(self) -> str:
        """The name of the hash in lower case, without -sess."""
        return (self.algorithm or "md5").lower().removesuffix(_SESSION)

    @property
    def is_session(self) -> bool:
        """Say whether HA1 is a session key."""
        return (self.algorithm or "").lower().endswith(_SESSION)


def read_challenge(challenge: Challenge) -> DigestChallenge | None:
    """Return what a Digest challenge says; None if it is of another scheme, or must not be answered.

    It must not be answered if realm or nonce is missing, if realm, nonce or opaque holds control characters, or if the
    algorithm or every qop is unknown: an answer with MD5, or by RFC 2069, would let an attacker on the way choose the weakest.
    """
    params = challenge.params
    if challenge.scheme != "digest" or "realm" not in params or "nonce" not in params:
        return None
    if not all(is_quotable(params.get(name, "")) for name in ("realm", "nonce", "opaque")):
        return None
    offered = [qop for qop in _LIST.split(params.get("qop", "").lower()) if qop]
    if offered and not {"auth", "auth-int"}.intersection(offered):
        return None
    result = DigestChallenge(
        realm=params["realm"],
        nonce=params["nonce"],
        algorithm=params.get("algorithm") or None,
        qop=None if not offered else "auth" if "auth" in offered else "auth-int",
        opaque=params.get("opaque"),
        domain=tuple(params["domain"].split()) if params.get("domain", "").strip() else None,
        stale=_is_true(params, "stale"),
        userhash=_is_true(params, "userhash"),
        utf8=params.get("charset", "").lower() == "utf-8",
    )
    return result if is_supported(result.hash_name) else None


def strongest_challenge(challenges: Iterable[Challenge]) -> DigestChallenge | None:
    """Return the Digest challenge with the strongest supported hash, the first of equals; None if there is none."""
    readable = [found for found in map(read_challenge, challenges) if found is not None]
    return max(readable, key=lambda found: _STRENGTHS[found.hash_name], default=None)


@cache
def _is_offered(name: str) -> bool:
    """Say whether this Python's OpenSSL has a hash of that name."""
    try:
        hashlib.new(name)
    except ValueError:  # OpenSSL lacks it, or its policy (FIPS) forbids it
        return False
    return True


def is_supported(hash_name: str) -> bool:
    """Say whether a hash ("sha-512-256") is known, and this Python's OpenSSL has it."""
    return hash_name in _HASHES and _is_offered(_HASHES[hash_name])


def entity_hash(challenge: DigestChallenge, body: bytes) -> str:
    """Return the hash of a body for auth-int, in hexadecimal."""
    return _hash(challenge, body)


def answer(
    challenge: DigestChallenge,
    method: str,
    uri: str,
    entity: bytes | str | None,
    credentials: Credentials,
    nc: int,
    cnonce: str,
) -> str:
    """Return the value of Authorization or Proxy-Authorization.

    uri: the request target. entity: the body as bytes, or its entity_hash as str; None = the body is streamed. Only
    auth-int uses it. nc: the number of this answer among those with this nonce, from 1.

    Raises:
        BodyNotHashable: the challenge asks for auth-int and entity is None.
        UnsupportedAlgorithm: the hash is unknown, or this Python's OpenSSL does not have it.
        ValueError: nc is out of range, or a value holds control characters.
    """
    if not 1 <= nc <= MAX_COUNT:
        raise ValueError(f"nc: expected 1 to {MAX_COUNT}, got {nc}")
    username, _ = credentials.octets(challenge.utf8)
    fields = [_username(challenge, username)]
    fields += [f"{name}={quoted_string(text)}" for name, text in (("realm", challenge.realm), ("uri", uri))]
    if challenge.algorithm is not None:
        fields.append(f"algorithm={challenge.algorithm}")
    fields.append(f"nonce={quoted_string(challenge.nonce)}")
    if challenge.qop is not None:
        fields += [f"nc={nc:08x}", f"cnonce={quoted_string(cnonce)}", f"qop={challenge.qop}"]
    elif challenge.is_session:
        fields.append(f"cnonce={quoted_string(cnonce)}")  # the server cannot know the session key without it
    response = _response(challenge, method, uri, entity, credentials, nc, cnonce)
    fields.append(f'response="{response}"')
    if challenge.opaque is not None:
        fields.append(f"opaque={quoted_string(challenge.opaque)}")
    if challenge.userhash:
        fields.append("userhash=true")
    return "Digest " + ", ".join(fields)


def verifies_server(
    info: Mapping[str, str],
    challenge: DigestChallenge,
    uri: str,
    entity: bytes | str | None,
    credentials: Credentials,
    nc: int,
    cnonce: str,
) -> bool:
    """Say whether Authentication-Info proves that the server knows the password (RFC 7616 section 3.5).

    info: its parameters. entity: the body of the response. The other arguments are those of the answer to which it belongs.
    """
    sent = {"qop": challenge.qop or "", "nc": f"{nc:08x}", "cnonce": cnonce}
    if "rspauth" not in info or any(info.get(name, text).lower() != text.lower() for name, text in sent.items()):
        return False
    expected = _response(challenge, "", uri, entity, credentials, nc, cnonce)
    return hmac.compare_digest(octets(info["rspauth"].lower()), expected.encode("ascii"))


def _response(
    challenge: DigestChallenge,
    method: str,
    uri: str,
    entity: bytes | str | None,
    credentials: Credentials,
    nc: int,
    cnonce: str,
) -> str:
    username, password = credentials.octets(challenge.utf8)
    ha1 = _hash(challenge, username, octets(challenge.realm), password)
    if challenge.is_session:
        ha1 = _hash(challenge, ha1, challenge.nonce, cnonce)
    if challenge.qop == "auth-int":
        if entity is None:
            raise BodyNotHashable("the server asks for auth-int: expected the body as bytes, got a stream")
        ha2 = _hash(challenge, method, uri, entity if isinstance(entity, str) else _hash(challenge, entity))
    else:
        ha2 = _hash(challenge, method, uri)
    if challenge.qop is None:
        return _hash(challenge, ha1, challenge.nonce, ha2)
    return _hash(challenge, ha1, challenge.nonce, f"{nc:08x}", cnonce, challenge.qop, ha2)


def _username(challenge: DigestChallenge, username: bytes) -> str:
    if challenge.userhash:
        return f'username="{_hash(challenge, username, octets(challenge.realm))}"'
    if challenge.utf8 and not username.isascii():
        return f"username*=UTF-8''{quote(username, safe=_ATTR_CHAR)}"
    return f"username={quoted_string(field_text(username))}"


def _hash(challenge: DigestChallenge, *parts: str | bytes) -> str:
    name = challenge.hash_name
    if not is_supported(name):
        raise UnsupportedAlgorithm(f"Digest with {name[:40]!r}: this Python's OpenSSL does not offer that hash")
    data = b":".join(octets(part) if isinstance(part, str) else part for part in parts)
    return hashlib.new(_HASHES[name], data).hexdigest()


def _is_true(params: Mapping[str, str], name: str) -> bool:
    return params.get(name, "").lower() == "true"
