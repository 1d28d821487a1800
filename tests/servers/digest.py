"""A Digest server with what no other server has: SHA-512-256, -sess, userhash, charset, auth-int with proof (RFC 7616).

    scripted.respond(DigestService("Mufasa", "Circle of Life", algorithm="SHA-512-256-sess"))

It computes every expected response itself, accepts no pair of nonce and count twice, and sends the proof that it knows the
password in Authentication-Info.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from hookline_testing.server import SeenRequest, response

_PARAMETER = re.compile(r'([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^", ]+))(?:, |$)')
_NAMES = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}


def is_computable(algorithm: str) -> bool:
    """Return whether this Python's OpenSSL has the hash of an algorithm."""
    return _NAMES[algorithm.lower().removesuffix("-sess")] in hashlib.algorithms_available


@dataclass
class DigestService:
    """One user of one realm. `seen` has the Digest parameters of each request; None for a request without Authorization."""

    username: str
    password: str
    realm: str = "a realm"
    algorithm: str = "MD5"
    qop: str | None = "auth"
    userhash: bool = False
    # The encoding of the user's name and password, and whether the challenge announces it.
    charset: str = "utf-8"
    announces_charset: bool = True
    nonce: str = "a nonce"
    seen: list[dict[str, str] | None] = field(default_factory=list)
    counts: set[str] = field(default_factory=set)

    def __call__(self, request: SeenRequest) -> bytes:
        """Answer a request: 200 with proof, 401 with a challenge, or 400 for malformed credentials."""
        value = request.header("authorization")
        sent = None if value is None else self.parsed(value)
        self.seen.append(sent)
        if sent is None:
            return self.challenge()
        expected = {"realm": self.realm, "nonce": self.nonce, "uri": request.target, "algorithm": self.algorithm}
        wrong = [name for name, right in expected.items() if sent.get(name) != right]
        if self.qop is not None and (sent.get("qop") != self.qop or sent["nc"] in self.counts):
            wrong.append("qop or nc")
        if wrong or sent.get("userhash", "false") != str(self.userhash).lower():
            return response(f"wrong: {wrong}".encode(), 400)
        if not self.is_user(sent) or sent["response"] != self.response(sent, request.method, request.body):
            return self.challenge()
        self.counts.add(sent.get("nc", ""))
        proof = self.response(sent, "", b"in")
        return response(b"in", 200, [("Authentication-Info", f'rspauth="{proof}"')])

    def challenge(self) -> bytes:
        """Return the 401."""
        value = f'Digest realm="{self.realm}", nonce="{self.nonce}", algorithm={self.algorithm}'
        value += "" if self.qop is None else f', qop="{self.qop}"'
        value += ", userhash=true" if self.userhash else ""
        value += ", charset=UTF-8" if self.announces_charset else ""
        return response(b"", 401, [("WWW-Authenticate", value)])

    def parsed(self, value: str) -> dict[str, str]:
        """Return the parameters of an Authorization field, unquoted; each of its characters must belong to one."""
        scheme, _, rest = value.partition(" ")
        found = {match[1]: match[3] or re.sub(r"\\(.)", r"\1", match[2]) for match in _PARAMETER.finditer(rest)}
        if scheme != "Digest" or "".join(match[0] for match in _PARAMETER.finditer(rest)) != rest:
            raise AssertionError(f"Not an answer by RFC 7616: {value}")
        return found

    def is_user(self, sent: dict[str, str]) -> bool:
        """Return whether the credentials name the user: hashed, extended (RFC 8187), or as octets."""
        if self.userhash:
            return sent.get("username") == self.hash(self.username.encode(self.charset), self.realm.encode())
        if "username*" in sent:
            return unquote(sent["username*"].removeprefix("UTF-8''")) == self.username and "username" not in sent
        return sent.get("username", "").encode("latin-1") == self.username.encode(self.charset)

    def hash(self, *parts: bytes) -> str:
        """Return H of the parts, joined by colons."""
        name = _NAMES[self.algorithm.lower().removesuffix("-sess")]
        return hashlib.new(name, b":".join(parts)).hexdigest()

    def response(self, sent: dict[str, str], method: str, body: bytes) -> str:
        """Return the expected `response` parameter. For the server's proof, the method is empty and the body the server's."""
        secret = self.hash(self.username.encode(self.charset), self.realm.encode(), self.password.encode(self.charset))
        if self.algorithm.endswith("-sess"):
            secret = self.hash(*(part.encode() for part in (secret, sent["nonce"], sent["cnonce"])))
        asked = [method, sent["uri"]]
        if self.qop == "auth-int":
            asked.append(self.hash(body))
        middle = [] if self.qop is None else [sent["nc"], sent["cnonce"], self.qop]
        parts = [secret, sent["nonce"], *middle, self.hash(*(part.encode() for part in asked))]
        return self.hash(*(part.encode() for part in parts))
