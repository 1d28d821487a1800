"""Authentication objects of httpx, as they are."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from auth.peers import URL, DigestServer, PlainRequest, PlainResponse, run, run_async
from hookline_auth import Auth, AuthError, SubRequest
from hookline_auth.auth_option import as_auth

httpx: Any = pytest.importorskip("httpx", reason="httpx is not installed")


def adapted(value: object) -> Auth:
    auth = as_auth(value)
    assert isinstance(auth, Auth)
    return auth


def accepted(_: PlainRequest) -> PlainResponse:
    return PlainResponse(200)


class Refreshing(httpx.Auth):  # type: ignore[misc]  # httpx may be absent for the type checker
    """Fetches a token when it is refused: the pattern of httpx's documentation."""

    requires_response_body = True
    token = "old"

    def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        request.headers["X-Authentication"] = self.token
        response = yield request
        if response.status_code == 401:
            refreshed = yield httpx.Request("POST", "https://tokens.example/t", json={"old": self.token})
            self.token = refreshed.json()["token"]
            request.headers["X-Authentication"] = self.token
            yield request


class Locked(httpx.Auth):  # type: ignore[misc]  # httpx may be absent for the type checker
    """Has an asynchronous flow only."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.closed = False

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        try:
            async with self.lock:
                request.headers["Authorization"] = "Locked 1"
            response = yield request
            if response.status_code == 401:
                assert await response.aread() == b"why"
                request.headers["Authorization"] = "Locked 2"
                yield request
        finally:
            self.closed = True


def token_server(outgoing: PlainRequest | SubRequest) -> PlainResponse:
    if isinstance(outgoing, SubRequest):
        assert (outgoing.method, outgoing.url) == ("POST", "https://tokens.example/t")
        assert outgoing.body.replace(b" ", b"") == b'{"old":"old"}'
        assert dict(outgoing.headers)["content-type"] == "application/json"
        return PlainResponse(200, [("Content-Encoding", "gzip")], b'{"token": "new"}')
    return PlainResponse(200 if outgoing.sent()["X-Authentication"] == "new" else 401)


async def test_basic_of_httpx() -> None:
    for runner in (run, run_async):
        request = PlainRequest()
        result = runner(adapted(httpx.BasicAuth("a", "b")), accepted, request)
        if runner is run_async:
            await result  # type: ignore[misc]  # it is the coroutine then

        assert request.unredirected_headers["Authorization"] == "Basic " + b64encode(b"a:b").decode()
        assert not request.headers


def test_digest_of_httpx() -> None:
    auth, server = adapted(httpx.DigestAuth("Mufasa", "Circle of Life")), DigestServer(extra="qop=auth, algorithm=MD5")

    assert [r.status_code for r in run(auth, server)] == [401, 200]
    assert [r.status_code for r in run(auth, server)] == [200]


def test_flow_that_fetches_a_token() -> None:
    auth = adapted(Refreshing())
    request = PlainRequest()

    assert not auth.is_async
    assert auth.requires_response_body
    assert [r.status_code for r in run(auth, token_server, request)] == [401, 200, 200]
    assert [r.status_code for r in run(auth, token_server, request)] == [200]
    assert request.sent()["X-Authentication"] == "new"


async def test_flow_that_waits() -> None:
    locked = Locked()
    auth = adapted(locked)
    statuses = iter([401, 200])

    responses = await run_async(auth, lambda _: PlainResponse(next(statuses), content=b"why"))

    assert auth.is_async
    assert [r.status_code for r in responses] == [401, 200]
    assert locked.closed


async def test_abandoned_flow_that_waits_is_closed() -> None:
    locked = Locked()
    flow = adapted(locked).async_flow(PlainRequest())
    await anext(flow)

    await flow.aclose()

    assert locked.closed


def test_auth_that_reads_everything() -> None:
    class Signing(httpx.Auth):  # type: ignore[misc]  # httpx may be absent for the type checker
        requires_request_body = True

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            assert (request.method, str(request.url), request.content) == ("POST", URL, b"v=1")
            assert request.headers.get_list("x-mine") == ["1", "2"]
            assert request.headers["host"] == "service.example"
            request.headers["X-Signature"] = "s"
            request.url = request.url.copy_merge_params({"signed": "1"})
            yield request

    request = PlainRequest(method="POST", body=b"v=1")
    request.headers.extend([("X-Mine", "1"), ("X-Mine", "2")])

    run(adapted(Signing()), accepted, request)

    assert request.url == URL + "&signed=1"
    assert list(request.headers.items()) == [("X-Mine", "1"), ("X-Mine", "2")]
    assert list(request.unredirected_headers.items()) == [("X-Signature", "s")]

    with pytest.raises(AuthError, match="expected bytes, got a stream"):
        run(adapted(Signing()), accepted, PlainRequest(body=iter([b"x"])))


def test_fields_outside_ascii_are_passed_on() -> None:
    request = PlainRequest()
    request.headers.extend([("X-Utf8", "ä"), ("X-Latin", "\udce4")])

    run(adapted(httpx.BasicAuth("a", "b")), lambda _: PlainResponse(200, [("X-Utf8", "ä€")]), request)

    assert list(request.headers.items()) == [("X-Utf8", "ä"), ("X-Latin", "\udce4")]
    assert list(request.unredirected_headers) == ["Authorization"]


def test_streamed_body_is_not_touched() -> None:
    body = iter([b"x"])

    run(adapted(httpx.BasicAuth("a", "b")), accepted, PlainRequest(method="POST", body=body))

    assert list(body) == [b"x"]


def test_auth_does_not_move_the_request_to_another_origin() -> None:
    class Moving(httpx.Auth):  # type: ignore[misc]  # httpx may be absent for the type checker
        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            request.url = httpx.URL("http://evil.example/")
            yield request

    with pytest.raises(AuthError, match="another origin"):
        run(adapted(Moving()), accepted)


@pytest.mark.parametrize("url", ["http://service.example", "http://service.example:80/a b/%2f?", "http://s.example/ä"])
def test_url_is_left_as_it_was_written(url: str) -> None:
    request = PlainRequest(url)

    run(adapted(httpx.BasicAuth("a", "b")), accepted, request)

    assert request.url == url


def test_repr_shows_the_type_only() -> None:
    assert repr(adapted(httpx.BasicAuth("hunter2", "hunter2"))) == "AuthFromHttpx(BasicAuth)"
