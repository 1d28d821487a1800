"""Services that sign in the same way with other words are subclasses."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

from hookline import HttpClient
from hookline_sigv4 import Scheme, SigV4
from hookline_testing.server import ScriptedServer, response
from kit.sigv4 import Clock


class GoogleStorage(SigV4):
    """As docs/sigv4.md has it."""

    scheme = Scheme("GOOG4-HMAC-SHA256", key_prefix="GOOG4", terminator="goog4_request", field_prefix="X-Goog-")
    s3_services = frozenset({"storage"})


class SignsUserAgent(SigV4):
    def signs_field(self, name: str) -> bool:
        return name in ("user-agent", "content-length") or super().signs_field(name)


def signature(key: str, *words: str) -> str:
    found = key.encode()
    for word in words:
        found = hmac.new(found, word.encode(), sha256).digest()
    return found.hex()


async def test_service_with_other_words(signer: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    scripted.answer(response())
    auth = GoogleStorage("storage", "auto", ("GOOGEXAMPLE", "secret", "token"), clock=clock)
    await signer.put(scripted.url("/b//a b"), data=b"x", auth=auth)
    request = scripted.requests[0]
    digest = sha256(b"x").hexdigest()
    canonical = (
        f"PUT\n/b//a%20b\n\nhost:{request.header('host')}\nx-goog-content-sha256:{digest}\n"
        "x-goog-date:20270115T080000Z\nx-goog-security-token:token\n\n"
        f"host;x-goog-content-sha256;x-goog-date;x-goog-security-token\n{digest}"
    )
    scope = "20270115/auto/storage/goog4_request"
    text = f"GOOG4-HMAC-SHA256\n20270115T080000Z\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    assert request.header("authorization") == (
        f"GOOG4-HMAC-SHA256 Credential=GOOGEXAMPLE/{scope}, "
        "SignedHeaders=host;x-goog-content-sha256;x-goog-date;x-goog-security-token, "
        f"Signature={signature('GOOG4secret', *scope.split('/'), text)}"
    )
    assert b"x-amz" not in request.raw.lower()
    assert "&X-Goog-Expires=3600&X-Goog-SignedHeaders=host" in auth.presign("GET", "https://b.test/k")


async def test_fields_that_a_subclass_signs(signer: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    scripted.answer(response())
    await signer.put(scripted.url("/"), data=b"x", auth=SignsUserAgent("lambda", "r", ("key", "secret"), clock=clock))
    assert "SignedHeaders=content-length;host;user-agent;x-amz-date," in (
        scripted.requests[0].header("authorization") or ""
    )


async def test_token_with_another_name(signer: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    scripted.answer(response())

    class Express(SigV4):
        token_name = "S3session-Token"

    auth: Any = Express("s3express", "us-east-1", ("key", "secret", "token"), clock=clock)
    await signer.get(scripted.url("/k"), auth=auth)
    assert scripted.requests[0].header("x-amz-s3session-token") == "token"
    assert scripted.requests[0].header("x-amz-security-token") is None
