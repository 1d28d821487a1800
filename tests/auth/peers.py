"""Requests, responses and a checking Digest server, all in memory, for the flows of the auth plugin."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

from hookline_auth.auth import Auth, advance, advance_async
from hookline_auth.interfaces import Request
from hookline_auth.messages import SubRequest

URL = "http://service.example/private/page?q=1"


@dataclass
class PlainRequest:
    """A request as the flows see it."""

    url: str = URL
    method: str = "GET"
    body: Any = None
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    unredirected_headers: CIMultiDict[str] = field(default_factory=CIMultiDict)

    def sent(self) -> CIMultiDict[str]:
        """Return the fields as they go out: one for this hop takes the place of the user's."""
        user = [(name, value) for name, value in self.headers.items() if name not in self.unredirected_headers]
        return CIMultiDict([*user, *self.unredirected_headers.items()])


@dataclass
class PlainResponse:
    """A response as the flows see it."""

    status_code: int = 200
    fields: Iterable[tuple[str, str]] = ()
    content: bytes = b""
    request: Request = field(default_factory=PlainRequest)
    is_stored: bool = False

    @property
    def headers(self) -> CIMultiDict[str]:
        return CIMultiDict(self.fields)


Server = Callable[[Any], PlainResponse]


def run(auth: Auth, server: Server, request: PlainRequest | None = None) -> list[PlainResponse]:
    """Run a flow against a server to its end; return all responses, the last of which is the answer."""
    request = request or PlainRequest()
    flow = auth.flow(request)
    responses: list[PlainResponse] = []
    outgoing = advance(flow)
    while outgoing is not None:
        responses.append(_sent_to(server, outgoing))
        assert len(responses) < 10, "the flow does not end"
        outgoing = advance(flow, responses[-1])
    return responses


async def run_async(auth: Auth, server: Server, request: PlainRequest | None = None) -> list[PlainResponse]:
    """Run an asynchronous flow as run() does."""
    request = request or PlainRequest()
    flow = auth.async_flow(request)
    responses: list[PlainResponse] = []
    outgoing = await advance_async(flow)
    while outgoing is not None:
        responses.append(_sent_to(server, outgoing))
        assert len(responses) < 10, "the flow does not end"
        outgoing = await advance_async(flow, responses[-1])
    return responses


def _sent_to(server: Server, outgoing: Any) -> PlainResponse:
    response = server(outgoing)
    if not isinstance(outgoing, SubRequest):
        response.request = outgoing
    return response


_PARAMETER = re.compile(r'([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^, ]*))(?:, |$)')


def parameters(value: str) -> dict[str, str]:
    """Return the parameters of a Digest answer, which must be well-formed."""
    scheme, _, rest = value.partition(" ")
    assert scheme == "Digest"
    assert "".join(match[0] for match in _PARAMETER.finditer(rest)) == rest
    return {
        match[1]: re.sub(r"\\(.)", r"\1", match[2]) if match[3] is None else match[3]
        for match in _PARAMETER.finditer(rest)
    }


@dataclass
class DigestServer:
    """A server with one user, which checks every answer by a computation of its own and never takes a count twice."""

    username: str = "Mufasa"
    password: str = "Circle of Life"
    realm: str = "pride rock"
    hash_name: str = "md5"
    extra: str = "qop=auth"
    qop: str | None = "auth"
    is_session: bool = False
    uses: int = 1_000_000  # of a nonce before it is stale
    says_stale: bool = True
    nextnonce: bool = False
    proof: str | None = None  # "right" or a wrong value
    nonce: str = "nonce-0"
    issued: int = 0
    counts: set[tuple[str, str]] = field(default_factory=set)
    seen: list[dict[str, str] | None] = field(default_factory=list)

    def hash(self, *parts: str) -> str:
        return hashlib.new(self.hash_name, ":".join(parts).encode()).hexdigest()

    def response(self, answer: dict[str, str], method: str, body: bytes) -> str:
        secret = self.hash(self.username, self.realm, self.password)
        if self.is_session:
            secret = self.hash(secret, answer["nonce"], answer["cnonce"])
        parts = [method, answer["uri"]]
        if self.qop == "auth-int":
            parts.append(hashlib.new(self.hash_name, body).hexdigest())
        if self.qop is None:
            return self.hash(secret, answer["nonce"], self.hash(*parts))
        return self.hash(secret, answer["nonce"], answer["nc"], answer["cnonce"], self.qop, self.hash(*parts))

    def __call__(self, request: PlainRequest) -> PlainResponse:
        value = request.sent().get("Authorization")
        answer = parameters(value) if value else None
        self.seen.append(answer)
        if answer is None:
            return self.challenge()
        target = re.sub(r"^[a-z]+://[^/]*", "", request.url) or "/"
        if answer["uri"] != target or answer["realm"] != self.realm or answer.get("qop") != self.qop:
            return PlainResponse(400)
        if answer["response"] != self.response(answer, request.method, request.body or b""):
            return self.challenge()
        used = len([nonce for nonce, _ in self.counts if nonce == answer["nonce"]])
        if answer["nonce"] != self.nonce or used >= self.uses:
            return self.challenge(", stale=true" if self.says_stale else "")
        if self.qop:
            assert (answer["nonce"], answer["nc"]) not in self.counts, "a count was sent twice"
            self.counts.add((answer["nonce"], answer["nc"]))
        return PlainResponse(200, [("Authentication-Info", self.info(answer))])

    def challenge(self, more: str = "") -> PlainResponse:
        self.issued += 1
        self.nonce = f"nonce-{self.issued}"
        extra = f", {self.extra}" if self.extra else ""
        value = f'Digest realm="{self.realm}", nonce="{self.nonce}", opaque="o\\"paque"{extra}{more}'
        return PlainResponse(401, [("WWW-Authenticate", value)])

    def info(self, answer: dict[str, str]) -> str:
        fields = []
        if self.nextnonce:
            self.issued += 1
            self.nonce = f"nonce-{self.issued}"
            fields.append(f'nextnonce="{self.nonce}"')
        if self.proof:
            right = self.response(answer, "", b"")
            fields.append(f'rspauth="{right if self.proof == "right" else self.proof}", qop={self.qop}')
            fields.append(f'cnonce="{answer["cnonce"]}", nc={answer["nc"]}')
        return ", ".join(fields)
