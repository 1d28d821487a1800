"""Compute the answer to a Digest challenge, a field value, from request and credentials (RFC 7616).

    HA1 = H(username:realm:password)            -sess: H(H(username:realm:password):nonce:cnonce)
    HA2 = H(method:uri)                         auth-int: H(method:uri:H(body))
    response = H(HA1:nonce:nc:cnonce:qop:HA2)   no qop, RFC 2069: H(HA1:nonce:HA2)

Quoted strings are hashed unescaped. With -sess, HA1 is computed from the nonce and cnonce of the same answer, because servers
take both from its field. RFC 7616 section 3.4.2 can also be read as "of the first answer": with one cnonce per nonce, as
here, both readings give the same key.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import quote

from .challenges import quoted_string
from .credentials import Credentials
from .digest_challenge import DigestChallenge
from .errors import BodyNotHashable
from .field_text import field_text, octets

_ATTR_CHAR = "!#$&+-.^_`|~"  # RFC 8187 section 3.2.1, besides letters and digits

MAX_COUNT = 0xFFFF_FFFF  # nc is eight hexadecimal digits


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

    uri: the request target. entity: the body as bytes, or its hash as str, in hexadecimal; None = the body is streamed. Only
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


def is_server_verified(
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
    ha1 = challenge.hash(username, octets(challenge.realm), password)
    if challenge.is_session:
        ha1 = challenge.hash(ha1, challenge.nonce, cnonce)
    if challenge.qop == "auth-int":
        if entity is None:
            raise BodyNotHashable("the server asks for auth-int: expected the body as bytes, got a stream")
        ha2 = challenge.hash(method, uri, entity if isinstance(entity, str) else challenge.hash(entity))
    else:
        ha2 = challenge.hash(method, uri)
    if challenge.qop is None:
        return challenge.hash(ha1, challenge.nonce, ha2)
    return challenge.hash(ha1, challenge.nonce, f"{nc:08x}", cnonce, challenge.qop, ha2)


def _username(challenge: DigestChallenge, username: bytes) -> str:
    if challenge.userhash:
        return f'username="{challenge.hash(username, octets(challenge.realm))}"'
    if challenge.utf8 and not username.isascii():
        return f"username*=UTF-8''{quote(username, safe=_ATTR_CHAR)}"
    return f"username={quoted_string(field_text(username))}"
