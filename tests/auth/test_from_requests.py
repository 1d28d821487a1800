"""Authentication objects of requests, as they are."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from auth.peers import URL, DigestServer, PlainRequest, PlainResponse, run
from hookline_auth import Auth, AuthError
from hookline_auth.auth_option import as_auth

requests: Any = pytest.importorskip("requests", reason="requests is not installed")


def adapted(value: object) -> Auth:
    auth = as_auth(value)
    assert isinstance(auth, Auth)
    return auth


def accepted(_: PlainRequest) -> PlainResponse:
    return PlainResponse(200)


def test_basic_of_requests() -> None:
    request = PlainRequest()

    run(adapted(requests.auth.HTTPBasicAuth("a", "b")), accepted, request)

    assert request.unredirected_headers["Authorization"] == "Basic " + b64encode(b"a:b").decode()
    assert not request.headers


def test_digest_derived_from_requests_runs_through_its_hooks() -> None:
    class Derived(requests.auth.HTTPDigestAuth):  # type: ignore[misc]  # requests may be without types
        pass

    auth, server = adapted(Derived("Mufasa", "Circle of Life")), DigestServer()

    assert [r.status_code for r in run(auth, server)] == [401, 200]
    assert [r.status_code for r in run(auth, server)] == [200]
    assert [r.status_code for r in run(adapted(Derived("Mufasa", "wrong")), DigestServer())] == [401, 401]


def test_auth_that_reads_and_changes_everything() -> None:
    class Signing(requests.auth.AuthBase):  # type: ignore[misc]  # requests may be without types
        def __call__(self, r: Any) -> Any:
            assert (r.method, r.url, r.path_url, r.body) == ("POST", URL, "/private/page?q=1", b"v=1")
            assert r.headers["x-MINE"] == "1, 2"
            r.headers["X-Signature"] = b"s"
            r.headers["Content-Type"] = "text/x"
            del r.headers["X-Gone"]
            r.url += "&signed=1"
            r.body = "v=2ä"
            return r

    request = PlainRequest(method="POST", body=b"v=1")
    request.headers.extend([("X-Mine", "1"), ("X-Mine", "2"), ("X-Gone", "x"), ("Content-Length", "3")])

    run(adapted(Signing()), accepted, request)

    assert request.url == URL + "&signed=1"
    assert request.body == "v=2ä".encode()
    assert list(request.headers.items()) == [("X-Mine", "1"), ("X-Mine", "2"), ("Content-Type", "text/x")]
    assert list(request.unredirected_headers.items()) == [("X-Signature", "s")]


def test_auth_does_not_move_the_request_to_another_origin() -> None:
    class Moving(requests.auth.AuthBase):  # type: ignore[misc]  # requests may be without types
        def __call__(self, r: Any) -> Any:
            r.url = "http://evil.example/"
            return r

    with pytest.raises(AuthError, match="another origin"):
        run(adapted(Moving()), accepted)


def test_hooks_see_the_response_and_their_errors_come_out() -> None:
    class Strict(requests.auth.AuthBase):  # type: ignore[misc]  # requests may be without types
        def __call__(self, r: Any) -> Any:
            r.register_hook("response", self.look)
            return r

        def look(self, r: Any, **_: object) -> None:
            assert (r.url, r.request.url, r.text, r.headers["x-a"]) == (URL, URL, "body", "1, 2")
            r.raise_for_status()

    response = PlainResponse(401, [("X-A", "1"), ("x-a", "2")], b"body")
    with pytest.raises(requests.HTTPError, match="401"):
        run(adapted(Strict()), lambda _: response)


def test_oauth1_of_requests_oauthlib() -> None:
    oauthlib = pytest.importorskip("requests_oauthlib", reason="requests-oauthlib is not installed")
    request = PlainRequest(method="POST", body=b"v=1", headers=PlainRequest().headers)
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"

    run(adapted(oauthlib.OAuth1("key", "secret")), accepted, request)

    assert request.unredirected_headers["Authorization"].startswith("OAuth oauth_nonce=")
    assert request.body == b"v=1"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_repr_shows_the_type_only() -> None:
    class Secret(requests.auth.HTTPBasicAuth):  # type: ignore[misc]  # requests may be without types
        pass

    assert repr(adapted(Secret("hunter2", "hunter2"))) == "AuthFromRequests(Secret)"
