"""Compute signatures from canonical requests: the scope, the signing key, and the text that is signed."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from time import gmtime, strftime
from typing import NamedTuple

EMPTY_DIGEST = sha256(b"").hexdigest()


class Scheme(NamedTuple):
    """The words in which services differ that sign in this way.

    algorithm: how the signature is called. key_prefix: what is put before the secret key. terminator: the end of each scope.
    field_prefix: the beginning of the names of fields and parameters.

    Example: docs/sigv4.md#other-services
    """

    algorithm: str = "AWS4-HMAC-SHA256"
    key_prefix: str = "AWS4"
    terminator: str = "aws4_request"
    field_prefix: str = "X-Amz-"


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A key that is good for one day, region and service. secret: the secret key that it comes from, to recognize it."""

    secret: str
    day: str
    key: bytes


def timestamp(seconds: float) -> str:
    """Return a time in seconds since 1970 as signatures have it: `20270115T080000Z`."""
    return strftime("%Y%m%dT%H%M%SZ", gmtime(seconds))


def digest(key: bytes, text: bytes) -> bytes:
    """Return the HMAC-SHA256 of text."""
    return hmac.digest(key, text, "sha256")


def signing_key(scheme: Scheme, secret: str, day: str, region: str, service: str) -> SigningKey:
    """Derive the key for a day, such as "20270115"."""
    key = digest((scheme.key_prefix + secret).encode(), day.encode())
    for word in (region, service, scheme.terminator):
        key = digest(key, word.encode())
    return SigningKey(secret, day, key)


def sign_request(scheme: Scheme, key: bytes, time: str, scope: str, canonical: bytes) -> str:
    """Return the signature of a canonical request, in hexadecimal.

    time: see `timestamp`. scope: day, region, service and terminator, with slashes between them.
    """
    text = f"{scheme.algorithm}\n{time}\n{scope}\n{sha256(canonical).hexdigest()}"
    return digest(key, text.encode()).hex()


def sign_chunk(scheme: Scheme, key: bytes, time: str, scope: str, previous: str, chunk: bytes) -> str:
    """Return the signature of a chunk of a body. previous: that of the chunk before it, of the request for the first one."""
    text = f"{scheme.algorithm}-PAYLOAD\n{time}\n{scope}\n{previous}\n{EMPTY_DIGEST}\n{sha256(chunk).hexdigest()}"
    return digest(key, text.encode()).hex()
