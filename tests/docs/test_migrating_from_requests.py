"""docs/migrating-from-requests.md: each row that says "the same" is compared, by sending with requests and with Hookline."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

import hookline
from hookline import HttpClient
from kit.comparing import Same, comparing_server, echoed, rows_that_are_the_same
from kit.migrating import rows_of
from servers.certificates import Certificates

METHODS = ("get", "options", "post", "put", "patch", "delete")


def sent(answer: Any) -> dict[str, Any]:
    """Return what the server saw of a call."""
    return echoed(answer.json())


def fields_sent(answer: Any, *names: str) -> list[str | None]:
    """Return the values of fields that the server saw."""
    fields = sent(answer)["fields"]
    return [fields.get(name) for name in names]


def with_settings(client: Any, **settings: Any) -> Any:
    """Set attributes of a session or a client."""
    for name, value in settings.items():
        setattr(client, name, value)
    return client


def prepared(session: requests.Session, *arguments: Any, **keywords: Any) -> requests.PreparedRequest:
    """Return a request of requests, as `client.build_request` returns one of Hookline."""
    return session.prepare_request(requests.Request(*arguments, **keywords))


def body_of_each_method(client: Any, url: str) -> list[Any]:
    """Return what the server saw of one call of each method, without the Content-Length: 0 that requests sends with DELETE."""
    return [sent(getattr(client, method)(url + "/echo", params={"a": "1"}, data=b"x")) for method in METHODS]


def read_in_parts(client: Any, url: str) -> Any:
    """Look at the head of a stream, and close it."""
    with client.get(url + "/chunks", stream=True) as answer:
        return answer.status_code, answer.headers["transfer-encoding"]


def after_login(client: Any, url: str) -> Any:
    """Return cookies that the client has stored, and those that it sends."""
    client.get(url + "/set?sid=31d4&lang=en")
    known = ["lang" in client.cookies, "none" in client.cookies, client.cookies.get("sid"), client.cookies.get("none")]
    return known, fields_sent(client.get(url + "/echo"), "cookie")


def forms(client: Any, url: str) -> list[Any]:
    """Return what the server saw of each kind of `data=`."""
    kinds = [
        {"a": "x y", "b": ["1", "2"], "none": None, "empty": "", "n": 1},
        [("a", "1"), ("a", "2")],
        b"bytes",
        "text é",
        io.BytesIO(b"of a file"),
        iter([b"one ", b"two"]),
    ]
    return [sent(client.post(url + "/echo", data=kind)) for kind in kinds]


def twice_read(client: Any, url: str) -> Any:
    """Read a stream twice."""
    answer = client.get(url + "/chunks", stream=True)
    if isinstance(client, HttpClient):
        b"".join(answer.raw)
        return b"".join(answer.raw)
    for _ in answer.iter_content(1000):
        pass
    return list(answer.iter_content(1000))


def connections_refused(client: Any, url: str) -> None:
    """Connect to a server that does not listen, to a host without an address, and to one that closes."""
    for wrong in ("http://127.0.0.1:1/", "http://none.invalid/"):
        with pytest.raises((requests.ConnectionError, hookline.ConnectionRefused, hookline.DNSError)):
            client.get(wrong)
    client.get(url + "/gone")


def urls_refused(client: Any, url: str) -> None:
    """Call a URL of an unknown scheme, one without a host, and one without a scheme."""
    for wrong in ("ftp://a.example/", "http://"):
        with pytest.raises((requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL, hookline.InvalidURL)):
            client.get(wrong)
    client.get("a.example/path")


FILES = {"f": ("a.txt", b"content", "text/plain"), "g": ("b.bin", io.BytesIO(b"more").read(), "application/x-own")}
SAME = (
    Same("Session.get", body_of_each_method),
    Same("Session.head", lambda c, u: [c.head(u + "/moved/302").status_code, c.head(u + "/status/200").content]),
    Same("Session.request", lambda c, u: sent(c.request("PATCH", u + "/echo", json={}))),
    Same(
        "Session.headers",
        lambda c, u: [
            c.headers.update({"X-Mine": "1"}),
            c.headers["x-mine"],
            fields_sent(c.get(u + "/echo"), "x-mine"),
        ],
    ),
    Same(
        "Session.params",
        lambda c, u: sent(with_settings(c, params={"a": "1", "b": "2"}).get(u + "/echo", params={"b": "3"}))["target"],
    ),
    Same("Session.auth", lambda c, u: fields_sent(with_settings(c, auth=("u", "p")).get(u + "/echo"), "authorization")),
    Same("Session.cookies", after_login),
    Same(
        "Session.proxies",
        lambda c, u: sent(with_settings(c, proxies={"http": u}).get("http://b.example/echo"))["target"],
    ),
    Same(
        "Session.send",
        lambda c, u: sent(c.send(prepared(c, "GET", u + "/moved/302", cookies={"a": "1"}))),
        lambda c, u: sent(c.send(c.build_request("GET", u + "/moved/302", cookies={"a": "1"}))),
    ),
    Same("Session.request(method=)", lambda c, u: sent(c.request("put", u + "/echo", data=b"x"))["method"]),
    Same("Session.request(url=)", lambda c, u: sent(c.get(u + "/a/../echo?x=1&y=a%2Fb%20c#part"))["target"]),
    Same(
        "Session.request(params=)",
        lambda c, u: [
            sent(c.get(u + "/echo?z=1", params=params))["target"].replace("+", "%20")
            for params in (
                {"a": "x y", "b": ["1", "2"], "none": None, "e": "", "n": 1.5, "u": "é+/&"},
                [("a", "1"), ("a", "2")],
            )
        ],
    ),
    Same("Session.request(data=)", forms),
    Same(
        "Session.request(json=)",
        lambda c, u: [
            json.loads(sent(c.post(u + "/echo", json=value))["body"].encode("latin-1"))
            for value in ({"a": [1, "é", None]}, {}, [], 0)
        ],
    ),
    Same("Session.request(files=)", lambda c, u: sent(c.post(u + "/echo", data={"k": "v", "n": 1}, files=FILES))),
    Same(
        "Session.request(headers=)",
        lambda c, u: [
            c.headers.update({"X-One": "1", "X-Two": "2"}),
            fields_sent(c.get(u + "/echo", headers={"x-one": None, "X-Two": b"3"}), "x-one", "x-two"),
        ],
    ),
    Same(
        "Session.request(cookies=)",
        lambda c, u: [
            fields_sent(c.get(u + "/moved/302", cookies={"a": "1", "b": "x y"}), "cookie"),
            fields_sent(c.get(u + "/echo"), "cookie"),
        ],
    ),
    Same(
        "Session.request(auth=)",
        lambda c, u: [
            fields_sent(c.get(u + "/echo", auth=auth), "authorization")
            for auth in (("u", "p"), requests.auth.HTTPBasicAuth("v", "q"))
        ],
    ),
    Same(
        "Session.request(allow_redirects=)",
        lambda c, u: [
            c.get(u + "/moved/302", allow_redirects=False).status_code,
            c.head(u + "/moved/302", allow_redirects=True).status_code,
            *(sent(c.post(u + f"/moved/{status}", data=b"x")) for status in (301, 302, 303, 307, 308)),
            sent(c.put(u + "/moved/307", data=b"x")),
        ],
    ),
    Same("Session.request(proxies=)", lambda c, u: sent(c.get("http://b.example/echo", proxies={"http": u}))["target"]),
    Same("Session.request(stream=)", read_in_parts),
    Same(
        "Response.status_code",
        lambda c, u: [c.get(f"{u}/status/{status}").status_code for status in (200, 299, 404, 503)],
    ),
    Same("Response.reason", lambda c, u: c.get(u + "/status/299").reason),
    Same("Response.ok", lambda c, u: [c.get(f"{u}/status/{status}").ok for status in (200, 299, 400, 599)]),
    Same(
        "Response.raise_for_status",
        lambda c, u: c.get(u + "/status/404").raise_for_status(),
        raises=(requests.HTTPError, hookline.HttpRequestException),
    ),
    Same(
        "Response.headers", lambda c, u: [c.get(u + "/echo").headers["x-ONE"], c.get(u + "/echo").headers.get("none")]
    ),
    Same("Response.url", lambda c, u: [c.get(u + "/moved/302").url, c.get(u + "/echo", params={"a": "1"}).url]),
    Same(
        "Response.history",
        lambda c, u: [
            [hop.status_code for hop in c.get(u + "/moved/307").history],
            [hop.status_code for hop in c.get(u + "/private", auth=requests.auth.HTTPDigestAuth("u", "p")).history],
            c.get(u + "/echo").history,
        ],
    ),
    Same("Response.request", lambda c, u: [(r.method, r.url) for r in (c.post(u + "/moved/303", data=b"x").request,)]),
    Same("Response.cookies", lambda c, u: dict(c.get(u + "/set?a=1&b=2").cookies)),
    Same("Response.content", lambda c, u: [c.get(u + "/chunks").content, c.get(u + "/status/204").content]),
    Same("Response.text", lambda c, u: [c.get(u + path).text for path in ("/latin", "/utf8")]),
    Same("Response.encoding", lambda c, u: [c.get(u + path).encoding for path in ("/latin", "/utf8")]),
    Same("Response.json", lambda c, u: c.get(u + "/echo").json(parse_int=str)["body"] == ""),
    Same("Response.links", lambda c, u: c.get(u + "/links").links),
    Same(
        "Response.iter_lines",
        lambda c, u: [line.decode() for line in c.get(u + "/lines", stream=True).iter_lines()],
        lambda c, u: list(c.get(u + "/lines", stream=True).raw.iter_lines()),
    ),
    Same(
        "Response.close", lambda c, u: [c.get(u + "/chunks", stream=True).close(), c.get(u + "/echo").status_code][1:]
    ),
    Same(
        "Request.method",
        lambda c, u: prepared(c, "get", u).method,
        lambda c, u: c.build_request("get", u).method,
    ),
    Same(
        "Request.url",
        lambda c, u: prepared(c, "GET", u + "/x#part", params={"a": "1"}).url,
        lambda c, u: c.build_request("GET", u + "/x#part", params={"a": "1"}).url,
    ),
    Same(
        "Request.headers",
        lambda c, u: prepared(c, "GET", u, headers={"X-One": "1"}).headers["x-one"],
        lambda c, u: c.build_request("GET", u, headers={"X-One": "1"}).headers["x-one"],
    ),
    Same(
        "PreparedRequest.path_url",
        lambda c, u: prepared(c, "GET", u + "/x", params={"a": "1"}).path_url,
        lambda c, u: c.build_request("GET", u + "/x", params={"a": "1"}).target,
    ),
    Same(
        "auth.HTTPBasicAuth",
        lambda c, u: fields_sent(c.get(u + "/echo", auth=requests.auth.HTTPBasicAuth("u", "p:q")), "authorization"),
        lambda c, u: fields_sent(c.get(u + "/echo", auth=hookline.HTTPBasicAuth("u", "p:q")), "authorization"),
    ),
    Same(
        "auth.HTTPDigestAuth",
        lambda c, u: c.get(u + "/private", auth=requests.auth.HTTPDigestAuth("u", "p")).text,
        lambda c, u: c.get(u + "/private", auth=hookline.HTTPDigestAuth("u", "p")).text,
    ),
    Same("auth.AuthBase", lambda c, u: fields_sent(c.get(u + "/echo", auth=Ticket()), "x-ticket")),
    Same(
        "cookies.RequestsCookieJar.get",
        lambda c, u: [c.get(u + "/set?a=1&b=2"), c.cookies.get("a"), c.cookies.get("z"), c.cookies.get("z", "d")][1:],
    ),
    Same(
        "RequestException",
        lambda c, u: c.get(u + "/cut"),
        raises=(requests.RequestException, hookline.HttpRequestException),
    ),
    Same(
        "HTTPError",
        lambda c, u: c.get(u + "/status/500").raise_for_status(),
        raises=(requests.HTTPError, hookline.HttpRequestException),
    ),
    Same("ConnectionError", connections_refused, raises=(requests.ConnectionError, hookline.ConnectionClosed)),
    Same(
        "exceptions.ChunkedEncodingError",
        lambda c, u: c.get(u + "/cut"),
        raises=(requests.exceptions.ChunkedEncodingError, hookline.ConnectionClosed),
    ),
    Same(
        "exceptions.ContentDecodingError",
        lambda c, u: c.get(u + "/gzip"),
        raises=(requests.exceptions.ContentDecodingError, hookline.DecodingError),
    ),
    Same(
        "exceptions.SSLError",
        lambda c, u: c.get(u + "/untrusted"),
        raises=(requests.exceptions.SSLError, hookline.SSLError),
    ),
    Same("Timeout", lambda c, u: c.get(u + "/slow", timeout=0.1), raises=(requests.Timeout, hookline.HttpTimeout)),
    Same(
        "ReadTimeout",
        lambda c, u: c.get(u + "/slow", timeout=(30, 0.1)),
        lambda c, u: c.get(u + "/slow", timeout=hookline.Timeout(connect=30, read=0.1)),
        raises=(requests.ReadTimeout, hookline.ReadTimeout),
    ),
    Same(
        "TooManyRedirects",
        lambda c, u: c.get(u + "/loop"),
        raises=(requests.TooManyRedirects, hookline.TooManyRedirects),
    ),
    Same("exceptions.MissingSchema", urls_refused, raises=(requests.exceptions.MissingSchema, hookline.InvalidURL)),
    Same(
        "exceptions.InvalidHeader",
        lambda c, u: c.get(u, headers={"X": "a\r\nb"}),
        raises=(requests.exceptions.InvalidHeader, hookline.LocalProtocolError),
    ),
    Same(
        "JSONDecodeError",
        lambda c, u: c.get(u + "/lines").json(),
        raises=(requests.JSONDecodeError, json.JSONDecodeError),
    ),
    Same(
        "exceptions.StreamConsumedError",
        twice_read,
        raises=(requests.exceptions.StreamConsumedError, hookline.StreamConsumedError),
    ),
)


class Ticket(requests.auth.AuthBase):
    """An authentication object of requests."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Ticket"] = f"{request.method} {request.path_url}"
        return request


@pytest.fixture(scope="module")
def url(certificates: Certificates) -> Iterator[str]:
    with comparing_server(certificates.server_context()) as url:
        yield url


@pytest.mark.parametrize("same", SAME, ids=str)
def test_row_is_the_same_with_requests_and_hookline(same: Same, url: str) -> None:
    theirs, ours = same.results(requests.Session, HttpClient, url)

    assert ours == theirs is not None


def test_every_row_that_says_the_same_is_compared() -> None:
    rows = rows_that_are_the_same(rows_of("migrating-from-requests.md", "requests"))

    assert len(rows) > 25
    assert sorted(rows) == sorted(same.row for same in SAME)
