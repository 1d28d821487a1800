"""What a plugin has stored and answers with `as_received=True`: the other plugins act on it, and keep nothing of it again."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from hookline import HttpClient, HTTPDigestAuth, HttpRequest, HttpResponse, hookimpl
from hookline_testing.server import ScriptedServer, response

BODY = b"the body " * 50_000


class Stored:
    """Answers with what it was given for a path, once the others have begun what they do for the request."""

    after = "digest"

    def __init__(self, responses: dict[str, dict[str, Any]], *, stored: bool = True) -> None:
        self.responses, self.stored = responses, stored

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse) -> HttpResponse | None:
        request: HttpRequest = response.request
        found = self.responses.get(request.origin_form)
        if found is None or request.has_header("authorization"):
            return None
        status = found.get("status", 200)
        return HttpResponse.build(
            request, status, headers=found["headers"], content=found.get("content", b""), as_received=True,
            stored=self.stored,
        )  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("content", [gzip.compress(BODY), [gzip.compress(BODY)]], ids=["bytes", "iterable"])
async def test_stored_body_is_decompressed(content: Any, stream: bool) -> None:
    stored = Stored({"/": {"headers": {"Content-Encoding": "gzip"}, "content": content}})
    async with HttpClient(plugins=[stored]) as client:
        found = await client.get("http://127.0.0.1:9/", stream=stream)
        assert await found.raw.read() == BODY


async def test_stored_redirect_is_followed(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"here"))
    stored = Stored({"/old": {"status": 301, "headers": {"Location": "/new"}}})
    async with HttpClient(plugins=[stored]) as client:
        found = await client.get(scripted.url("/old"))
    assert found.content == b"here"
    assert [earlier.is_stored for earlier in found.history] == [True]


@pytest.mark.parametrize("is_stored", [False, True])
async def test_jar_takes_no_cookie_of_a_stored_response(is_stored: bool) -> None:
    stored = Stored({"/": {"headers": {"Set-Cookie": "session=old"}}}, stored=is_stored)
    async with HttpClient(plugins=[stored]) as client:
        await client.get("http://127.0.0.1:9/")
        assert [cookie.name for cookie in client.cookies] == ([] if is_stored else ["session"])  # type: ignore[attr-defined]


async def test_stored_challenge_is_answered_and_stored_proof_is_not_taken(scripted: ScriptedServer) -> None:
    challenge = 'Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256'
    info = {"Authentication-Info": 'nextnonce="n9", rspauth="wrong", qop=auth, cnonce="c", nc=00000001'}

    class Answers(Stored):
        """Answers a request with credentials too, as a cache may once the response is public."""

        @hookimpl(trylast=True)
        def pre_request(self, response: HttpResponse) -> HttpResponse | None:
            found = super().pre_request(response)
            if found is None and response.request.origin_form == "/public":
                found = HttpResponse.build(response.request, 200, headers=info, as_received=True, stored=True)
            return found

    scripted.always(response(b"in"))
    stored = Answers({"/": {"status": 401, "headers": {"WWW-Authenticate": challenge}}})
    auth = HTTPDigestAuth("me", "secret")
    async with HttpClient(plugins=[stored], auth=auth) as client:
        first = await client.get(scripted.url())
        assert [earlier.status_code for earlier in first.history] == [401]
        public = await client.get(scripted.url("/public"))
        assert (public.status_code, public.is_stored) == (200, True)
        await client.get(scripted.url("/more"))
    sent = [request.header("Authorization") or "" for request in scripted.requests]
    assert [re.findall(r'nonce="(n\d)"', value) for value in sent] == [["n1"], ["n1"]]
