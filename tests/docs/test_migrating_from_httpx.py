"""docs/migrating-from-httpx.md: each row that says "the same" is compared, by sending with httpx, httpx2 and Hookline."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

import hookline
from hookline import HttpClient
from kit.comparing import Same, comparing_server, echoed, rows_that_are_the_same
from kit.migrating import rows_of
from servers.certificates import Certificates

LIBRARIES = (httpx, httpx2)


def sent(answer: Any) -> dict[str, Any]:
    """Return what the server saw of a call."""
    return echoed(answer.json())


def fields_sent(answer: Any, *names: str) -> list[str | None]:
    """Return the values of fields that the server saw."""
    fields = sent(answer)["fields"]
    return [fields.get(name) for name in names]


def library_of(client: Any) -> Any:
    """Return the module of a client of httpx or httpx2."""
    return httpx if isinstance(client, httpx.Client) else httpx2


def with_settings(client: Any, **settings: Any) -> Any:
    """Set attributes of a client."""
    for name, value in settings.items():
        setattr(client, name, value)
    return client


def followed(function: Callable[[Any, str, dict[str, bool]], Any]) -> dict[str, Callable[[Any, str], Any]]:
    """Return the code of a `Same` for both: httpx follows redirects if it is told to, Hookline as a rule."""
    return {
        "theirs": lambda client, url: function(client, url, {"follow_redirects": True}),
        "ours": lambda client, url: function(client, url, {"allow_redirects": True}),
    }


def redirected(client: Any, url: str, following: dict[str, bool]) -> list[Any]:
    """Return what the server saw after redirects, and what is returned without following one."""
    (keyword,) = following
    seen = [
        sent(client.post(f"{url}/moved/{status}", data={"a": "1"}, **following)) for status in (301, 302, 303, 307, 308)
    ]
    for one in seen:
        if one["method"] == "GET":
            one["fields"].pop("content-type", None)  # httpx keeps it, as the row says
    return [
        *seen,
        client.head(url + "/moved/302", **following).status_code,
        client.get(url + "/moved/302", **{keyword: False}).status_code,
    ]


def after_login(client: Any, url: str) -> Any:
    """Return cookies that the client has stored, and those that it sends."""
    client.get(url + "/set?sid=31d4&lang=en")
    return client.cookies.get("sid"), client.cookies.get("none"), fields_sent(client.get(url + "/echo"), "cookie")


def cookies_of_a_call(client: Any, url: str) -> Any:
    """Return the cookies that the server saw; httpx and httpx2 warn of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        answer = client.get(url + "/echo", cookies={"a": "1", "b": "x y"})
    return fields_sent(answer, "cookie")


def digest(client: Any, url: str) -> Any:
    """Return a body for which credentials were asked."""
    kind = hookline.HTTPDigestAuth if isinstance(client, HttpClient) else library_of(client).DigestAuth
    return client.get(url + "/private", auth=kind("u", "p")).text


def basic(client: Any, url: str) -> Any:
    """Return the credentials that the server saw."""
    kind = hookline.HTTPBasicAuth if isinstance(client, HttpClient) else library_of(client).BasicAuth
    return fields_sent(client.get(url + "/echo", auth=kind("ü", "p:q")), "authorization")


def ticket(base: Any) -> Any:
    """Return an authentication object of httpx or httpx2 that sends a request again."""

    class Ticket(base):  # type: ignore[misc, valid-type]
        def auth_flow(self, request: Any) -> Any:
            answer = yield request
            request.headers["X-Ticket"] = str(answer.status_code)
            yield request

    return Ticket()


def limited(client: Any, url: str) -> None:
    """Ask for a second connection where only one is allowed."""
    if isinstance(client, HttpClient):
        ours = HttpClient(max_connections=1, timeout=hookline.Timeout(pool=0.1))
        with ours, ours.get(url + "/chunks", stream=True):
            ours.get(url + "/echo")
        return
    library = library_of(client)
    limits = {"limits": library.Limits(max_connections=1), "timeout": library.Timeout(30, pool=0.1)}
    theirs = library.Client(**limits, verify=False)  # nothing is sent with TLS
    with theirs, theirs.stream("GET", url + "/chunks"):
        theirs.get(url + "/echo")


def within_limit(client: Any, url: str) -> Any:
    """Send three requests where only one connection is allowed."""
    if isinstance(client, HttpClient):
        with HttpClient(max_connections=1) as other:
            return [other.get(url + "/echo").status_code for _ in range(3)]
    library = library_of(client)
    with library.Client(limits=library.Limits(max_connections=1), verify=False) as other:
        return [other.get(url + "/echo").status_code for _ in range(3)]


def refused(client: Any, url: str) -> None:
    """Connect to a server that does not speak TLS as it should, one that does not listen, and a name without an address."""
    for wrong in ("http://none.invalid/", "http://127.0.0.1:1/"):
        with pytest.raises((httpx.ConnectError, httpx2.ConnectError, hookline.DNSError, hookline.ConnectionRefused)):
            client.get(wrong)
    client.get(url + "/untrusted", **({} if isinstance(client, HttpClient) else {"follow_redirects": True}))


def iterated(client: Any, url: str) -> bytes:
    """Return the body of a stream."""
    if isinstance(client, HttpClient):
        with client.get(url + "/chunks", stream=True) as answer:
            return b"".join(answer.raw)
    with client.stream("GET", url + "/chunks") as answer:
        return b"".join(answer.iter_bytes())


def read_whole(client: Any, url: str) -> Any:
    """Read a stream at once; return its content."""
    if isinstance(client, HttpClient):
        with client.get(url + "/chunks", stream=True) as answer:
            return answer.raw.read() == answer.content, answer.content
    with client.stream("GET", url + "/chunks") as answer:
        return answer.read() == answer.content, answer.content


def lines(client: Any, url: str) -> list[str]:
    """Return the lines of a stream."""
    if isinstance(client, HttpClient):
        with client.get(url + "/lines", stream=True) as answer:
            return list(answer.raw.iter_lines())
    with client.stream("GET", url + "/lines") as answer:
        return list(answer.iter_lines())


def closed_early(client: Any, url: str) -> Any:
    """Close a stream before its end, and send another request."""
    stream = client.build_request("GET", url + "/chunks")
    client.send(stream, stream=True).close()
    return client.get(url + "/echo").status_code


def twice_iterated(client: Any, url: str) -> None:
    """Read a stream twice."""
    stream = client.build_request("GET", url + "/chunks")
    answer = client.send(stream, stream=True)
    for _ in range(2):
        b"".join(answer.raw if isinstance(client, HttpClient) else answer.iter_bytes())


def unread(client: Any, url: str) -> None:
    """Ask for the content of a stream that was not read."""
    answer = client.send(client.build_request("GET", url + "/chunks"), stream=True)
    try:
        assert answer.content
    finally:
        answer.close()


def timeout_of_reads(client: Any, url: str) -> None:
    """Wait for a server that does not answer."""
    ours = hookline.Timeout(connect=30, read=0.1)
    client.get(
        url + "/slow", timeout=ours if isinstance(client, HttpClient) else library_of(client).Timeout(30, read=0.1)
    )


def no_http(client: Any, url: str) -> None:
    """Get no HTTP, or half of it."""
    for path in ("/gone", "/cut"):
        with pytest.raises((httpx.RemoteProtocolError, httpx2.RemoteProtocolError, hookline.ConnectionClosed)):
            client.get(url + path)
    client.get(url + "/garbage")


def twice_sent(client: Any, url: str) -> list[Any]:
    """Send one request twice."""
    request = client.build_request("POST", url + "/echo", params={"a": "1"}, json={"b": 2}, headers={"X-One": "1"})
    return [sent(client.send(request)) for _ in range(2)]


def raising(name: str, *others: str) -> tuple[Any, Any]:
    """Return the exceptions of this name of httpx and httpx2, and those of Hookline."""
    return (getattr(httpx, name), getattr(httpx2, name)), tuple(getattr(hookline, other) for other in others or (name,))


FILES = {"f": ("a.txt", b"content"), "g": ("b.bin", b"more", "application/x-own")}
PARAMS = {"a": "x y", "b": ["1", "2"], "e": "", "n": 1.5, "t": True, "u": "é+/&"}
SAME = (
    Same(
        "Client(auth=)", lambda c, u: fields_sent(with_settings(c, auth=("u", "p")).get(u + "/echo"), "authorization")
    ),
    Same(
        "Client(params=)",
        lambda c, u: sent(with_settings(c, params={"a": "1", "b": "2"}).get(u + "/echo", params={"b": "3"}))["target"],
    ),
    Same(
        "Client(headers=)",
        lambda c, u: [
            c.headers.update({"X-Mine": "1"}),
            c.headers["x-MINE"],
            fields_sent(c.get(u + "/echo"), "x-mine"),
        ],
    ),
    Same("Client(cookies=)", lambda c, u: fields_sent(with_settings(c, cookies={"a": "1"}).get(u + "/echo"), "cookie")),
    Same(
        "Client(max_redirects=)",
        **followed(
            lambda c, u, following: [with_settings(c, max_redirects=1).get(u + "/moved/302", **following).status_code]
        ),
    ),
    Same("Client(base_url=)", lambda c, u: sent(with_settings(c, base_url=u + "/").get("echo", params={"a": "1"}))),
    Same(
        "Client.get",
        lambda c, u: (
            [sent(getattr(c, name)(u + "/echo", params={"a": "1"})) for name in ("get", "options", "delete")]
            + [c.head(u + "/echo").status_code]
        ),
    ),
    Same(
        "Client.post", lambda c, u: [sent(getattr(c, name)(u + "/echo", json={})) for name in ("post", "put", "patch")]
    ),
    Same("Client.request", lambda c, u: sent(c.request("REPORT", u + "/echo", data={"a": "1"}))),
    Same("Client.build_request", twice_sent),
    Same("Client.send", twice_sent),
    Same("Client.request(method=)", lambda c, u: sent(c.request("put", u + "/echo"))["method"]),
    Same("Client.request(url=)", lambda c, u: sent(c.get(u + "/a/../echo?x=%7e&y=a%2Fb%20c&z=é#part"))["target"]),
    Same(
        "Client.request(content=)",
        lambda c, u: [
            sent(c.post(u + "/echo", content=body)) for body in (b"bytes", "text é", iter([b"one ", b"two"]))
        ],
        lambda c, u: [sent(c.post(u + "/echo", data=body)) for body in (b"bytes", "text é", iter([b"one ", b"two"]))],
    ),
    Same("Client.request(data=)", lambda c, u: sent(c.post(u + "/echo", data=PARAMS))),
    Same("Client.request(files=)", lambda c, u: sent(c.post(u + "/echo", data={"k": "v", "n": "1"}, files=FILES))),
    Same(
        "Client.request(json=)",
        lambda c, u: [sent(c.post(u + "/echo", json=value)) for value in ({"a": [1, "é", None]}, {}, [], 0, False)],
    ),
    Same("Client.request(params=)", lambda c, u: sent(c.get(u + "/echo", params=PARAMS))["target"].replace("+", "%20")),
    Same(
        "Client.request(headers=)",
        lambda c, u: sorted(c.get(u + "/echo", headers=[("X-A", "1"), ("X-A", "2"), ("X-B", b"3")]).json()["fields"])[
            -3:
        ],
    ),
    Same("Client.request(cookies=)", cookies_of_a_call),
    Same(
        "Client.request(auth=)",
        lambda c, u: [
            fields_sent(with_settings(c, auth=("u", "p")).get(u + "/echo", auth=auth), "authorization")
            for auth in (("v", "q"), None)
        ],
    ),
    Same("Client.request(follow_redirects=)", **followed(redirected)),
    Same(
        "Response.status_code",
        lambda c, u: [c.get(f"{u}/status/{status}").status_code for status in (200, 299, 404, 503)],
    ),
    Same(
        "Response.reason_phrase",
        lambda c, u: c.get(u + "/status/299").reason_phrase,
        lambda c, u: c.get(u + "/status/299").reason,
    ),
    Same("Response.http_version", lambda c, u: c.get(u).http_version, lambda c, u: c.get(u).version),
    Same(
        "Response.headers", lambda c, u: [c.get(u + "/echo").headers["x-ONE"], c.get(u + "/echo").headers.get("none")]
    ),
    Same("Response.content", lambda c, u: [c.get(u + "/chunks").content, c.get(u + "/status/204").content]),
    Same("Response.text", lambda c, u: [c.get(u + path).text for path in ("/latin", "/utf8", "/cut-not")]),
    Same("Response.encoding", lambda c, u: [c.get(u + path).encoding for path in ("/latin", "/utf8")]),
    Same("Response.json", lambda c, u: c.get(u + "/echo").json(parse_int=str)["body"] == ""),
    Same(
        "Response.request",
        **followed(
            lambda c, u, f: (lambda r: (r.method, str(r.url)))(c.post(u + "/moved/303", data={"a": "1"}, **f).request)
        ),
    ),
    Same(
        "Response.history",
        **followed(lambda c, u, f: [hop.status_code for hop in c.get(u + "/moved/307", **f).history]),
    ),
    Same("Response.cookies", lambda c, u: dict(c.get(u + "/set?a=1&b=2").cookies)),
    Same("Response.links", lambda c, u: c.get(u + "/links").links),
    Same(
        "Response.raise_for_status",
        lambda c, u: [c.get(u).raise_for_status().status_code, c.get(u + "/status/404").raise_for_status()],
        raises=raising("HTTPStatusError", "HttpRequestException"),
    ),
    Same("Response.read", read_whole),
    Same("Response.iter_bytes", iterated),
    Same("Response.iter_lines", lines),
    Same("Response.close", closed_early),
    Same("Request.method", lambda c, u: c.build_request("get", u).method),
    Same("Request.headers", lambda c, u: c.build_request("GET", u, headers={"X-One": "1"}).headers["x-one"]),
    Same(
        "Cookies.get",
        lambda c, u: [after_login(c, u), c.cookies.get("sid"), c.cookies.get("z", "d")],
    ),
    Same("BasicAuth", basic),
    Same("DigestAuth", digest),
    Same(
        "Auth",
        lambda c, u: [fields_sent(c.get(u + "/echo", auth=ticket(library_of(c).Auth)), "x-ticket")],
        lambda c, u: [fields_sent(c.get(u + "/echo", auth=ticket(httpx.Auth)), "x-ticket")],
    ),
    Same("Timeout(read=)", timeout_of_reads, raises=raising("ReadTimeout")),
    Same("Timeout(pool=)", limited, raises=raising("PoolTimeout")),
    Same("Limits", within_limit),
    Same("HTTPError", lambda c, u: c.get(u + "/cut"), raises=raising("HTTPError", "HttpRequestException")),
    Same(
        "HTTPStatusError",
        lambda c, u: c.get(u + "/status/500").raise_for_status(),
        raises=raising("HTTPStatusError", "HttpRequestException"),
    ),
    Same(
        "TimeoutException",
        lambda c, u: c.get(u + "/slow", timeout=0.1),
        raises=raising("TimeoutException", "HttpTimeout"),
    ),
    Same("ReadTimeout", timeout_of_reads, raises=raising("ReadTimeout")),
    Same("PoolTimeout", limited, raises=raising("PoolTimeout")),
    Same("ConnectError", refused, raises=raising("ConnectError", "SSLError")),
    Same("LocalProtocolError", lambda c, u: c.get(u, headers={"X": "a\r\nb"}), raises=raising("LocalProtocolError")),
    Same("RemoteProtocolError", no_http, raises=raising("RemoteProtocolError")),
    Same(
        "UnsupportedProtocol",
        lambda c, u: c.get("ftp://a.example/"),
        raises=raising("UnsupportedProtocol", "InvalidURL"),
    ),
    Same("DecodingError", lambda c, u: c.get(u + "/gzip"), raises=raising("DecodingError")),
    Same(
        "TooManyRedirects",
        **followed(lambda c, u, following: c.get(u + "/loop", **following)),
        raises=raising("TooManyRedirects"),
    ),
    Same("InvalidURL", lambda c, u: c.get("http://a.example:port/"), raises=raising("InvalidURL")),
    Same("StreamConsumed", twice_iterated, raises=raising("StreamConsumed", "StreamConsumedError")),
    Same("ResponseNotRead", unread, raises=raising("ResponseNotRead", "StreamConsumedError")),
)


def websocket_echo(client: Any, url: str) -> Any:
    """Send two messages, and return the answers."""
    url = url.replace("http", "ws") + "/websocket"
    if isinstance(client, HttpClient):
        with client.get(url) as socket:
            socket.send("text é")
            socket.send(b"\x00binary")
            return [socket.receive(), socket.receive()]
    with client.websocket(url) as socket:
        socket.send_text("text é")
        socket.send_bytes(b"\x00binary")
        return [socket.receive_text(), socket.receive_bytes()]


def event_of_stream(client: Any, url: str) -> Any:
    """Return the events of a stream."""
    if isinstance(client, HttpClient):
        with client.get(url + "/events", stream=True) as answer:
            found = list(answer.events())
    else:
        with client.sse(url + "/events") as source:
            found = list(source)
    return [(event.event, event.data, event.id, event.retry) for event in found]


SAME_OF_HTTPX2 = (
    Same(
        "query",
        lambda c, u: sent(c.query(u + "/echo", json={"a": 1})),
        lambda c, u: sent(c.request("QUERY", u + "/echo", json={"a": 1})),
    ),
    Same("ServerSentEvent", event_of_stream),
    Same("websocket", websocket_echo),
    Same("websockets.WebSocketSession.receive", websocket_echo),
)


@pytest.fixture(scope="module")
def url(certificates: Certificates) -> Iterator[str]:
    with comparing_server(certificates.server_context()) as url:
        yield url


@pytest.fixture(scope="module")
def contexts() -> dict[str, Any]:
    """A TLS context of each library, since each client would make one."""
    return {library.__name__: library.create_ssl_context() for library in LIBRARIES}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
@pytest.mark.parametrize("same", SAME, ids=str)
def test_row_is_the_same_with_both_and_hookline(
    same: Same, library: ModuleType, contexts: dict[str, Any], url: str
) -> None:
    theirs, ours = same.results(lambda: library.Client(verify=contexts[library.__name__], timeout=60), HttpClient, url)

    assert ours == theirs is not None


@pytest.mark.parametrize("same", SAME_OF_HTTPX2, ids=str)
def test_row_is_the_same_with_httpx2_and_hookline(same: Same, contexts: dict[str, Any], url: str) -> None:
    theirs, ours = same.results(lambda: httpx2.Client(verify=contexts["httpx2"], timeout=60), HttpClient, url)

    assert ours == theirs is not None


@pytest.mark.parametrize(("table", "compared"), [("httpx", SAME), ("httpx2", SAME_OF_HTTPX2)], ids=["httpx", "httpx2"])
def test_every_row_that_says_the_same_is_compared(table: str, compared: tuple[Same, ...]) -> None:
    rows = rows_that_are_the_same(rows_of("migrating-from-httpx.md", table))

    assert len(rows) > 25 or table == "httpx2"
    assert sorted(rows) == sorted(same.row for same in compared)
