"""A Digest challenge (RFC 7616 section 3.3), and the choice between several."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from .challenges import Challenge, is_quotable
from .errors import UnsupportedAlgorithm
from .field_text import octets

# The hashes of the IANA registry, weakest first; and SHA-512, which is not in it, but servers and other clients use it.
_HASHES = {"md5": "md5", "sha-256": "sha256", "sha-512": "sha512", "sha-512-256": "sha512_256"}
_STRENGTHS = {name: strength for strength, name in enumerate(_HASHES)}
_SESSION = "-sess"
_LIST = re.compile(r"[ \t,]+")


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

    def hash(self, *parts: str | bytes) -> str:
        """Return the hash of the parts, joined by colons, in hexadecimal.

        Raises:
            UnsupportedAlgorithm: the hash is unknown, or this Python's OpenSSL does not have it.
        """
        name = self.hash_name
        if not is_supported(name):
            raise UnsupportedAlgorithm(f"Digest with {name[:40]!r}: this Python's OpenSSL does not have that hash")
        data = b":".join(octets(part) if isinstance(part, str) else part for part in parts)
        return hashlib.new(_HASHES[name], data).hexdigest()


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
def openssl_has(name: str) -> bool:
    """Say whether this Python's OpenSSL has a hash of that name."""
    try:
        hashlib.new(name)
    except ValueError:  # OpenSSL lacks it, or its policy (FIPS) forbids it
        return False
    return True


def is_supported(hash_name: str) -> bool:
    """Say whether a hash ("sha-512-256") is known, and this Python's OpenSSL has it."""
    return hash_name in _HASHES and openssl_has(_HASHES[hash_name])


def _is_true(params: Mapping[str, str], name: str) -> bool:
    return params.get(name, "").lower() == "true"
