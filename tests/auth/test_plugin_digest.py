"""Digest in every form that the vectors have, over sockets, at a server that computes each answer for itself."""

from __future__ import annotations

from typing import Any

import pytest

from hookline import HttpClient
from hookline_auth import HTTPDigestAuth, ServerNotVerified
from hookline_testing.server import ScriptedServer
from servers.digest import DigestService, is_computable

pytestmark = [pytest.mark.conformance, pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


def service_for(vector: dict[str, Any], **changes: Any) -> DigestService:
    charset = vector.get("charset", "utf-8")
    service = DigestService(
        vector["user"],
        vector["pw"],
        realm=vector["realm"],
        algorithm=vector["alg"],
        qop=vector.get("qop"),
        userhash="username_hash" in vector,
        charset=charset,
        announces_charset=charset == "utf-8",
        nonce=vector["nonce"],
    )
    for name, value in changes.items():
        setattr(service, name, value)
    return service


def vectors_of(given: dict[str, Any]) -> list[dict[str, Any]]:
    found = [vector for vector in given["digest"] if is_computable(vector["alg"])]
    assert found
    return found


def test_server_computes_what_the_vectors_say(vectors: dict[str, Any]) -> None:
    for vector in vectors_of(vectors):
        sent = {"nc": "00000001", "cnonce": "", **vector}
        found = service_for(vector).response(sent, vector.get("method", "GET"), vector["body"].encode())
        assert found == vector["response"], vector["name"]


async def test_every_vector_is_answered_over_a_socket(vectors: dict[str, Any], scripted: ScriptedServer) -> None:
    for vector in vectors_of(vectors):
        service = service_for(vector)
        scripted.respond(service)
        is_proven = vector.get("qop") is not None
        auth = HTTPDigestAuth(vector["user"], vector["pw"], encoding=service.charset, verify_server=is_proven)
        async with HttpClient(timeout=5, auth=auth) as client:
            for number in range(3):
                method, body = vector.get("method", "GET"), vector["body"].encode()
                got = await client.request(method, scripted.url(vector["uri"]), data=body or None)
                assert (got.status_code, len(got.history)) == (200, 0 if number else 1), (vector["name"], got.text)


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"])
@pytest.mark.parametrize("qop", [None, "auth", "auth-int"])
@pytest.mark.parametrize("userhash", [False, True])
async def test_algorithms_with_names_outside_ascii(
    scripted: ScriptedServer, algorithm: str, qop: str | None, userhash: bool
) -> None:
    if not is_computable(algorithm):
        pytest.skip(f"this Python's OpenSSL does not offer the hash of {algorithm}")
    service = DigestService("Jäsøn Doe", "Sécret, or not?", algorithm=algorithm, qop=qop, userhash=userhash)
    scripted.respond(service)
    auth = HTTPDigestAuth("Jäsøn Doe", "Sécret, or not?", verify_server=qop is not None)
    async with HttpClient(timeout=5, auth=auth) as client:
        for number in range(3):
            got = await client.post(scripted.url("/a?b=%20c"), data=b"v=1")
            assert (got.status_code, len(got.history)) == (200, 0 if number else 1), got.text
    assert [None if sent is None else sent.get("nc") for sent in service.seen][1:] == (
        [None] * 3 if qop is None else ["00000001", "00000002", "00000003"]
    )


async def test_server_that_does_not_know_the_password_is_found_out(scripted: ScriptedServer) -> None:
    service = DigestService("me", "right", qop="auth-int")
    scripted.respond(lambda request: service(request).replace(b'rspauth="', b'rspauth="0'))
    async with HttpClient(timeout=5) as client:
        with pytest.raises(ServerNotVerified) as caught:
            await client.get(scripted.url(), auth=HTTPDigestAuth("me", "right", verify_server=True), stream=True)
    assert caught.value.response is not None
