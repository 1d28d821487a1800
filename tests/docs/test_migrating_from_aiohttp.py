"""docs/migrating-from-aiohttp.md: each row that says "the same" is compared, by sending with aiohttp and with Hookline."""

from __future__ import annotations

import asyncio
import codecs
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial, partialmethod
from typing import Any, Self

import aiohttp
import pytest

import hookline
from hookline import HttpClient
from kit.comparing import Same, comparing_server, echoed, rows_that_are_the_same
from kit.migrating import rows_of
from servers.certificates import Certificates

# aiohttp 3.14 says of BasicAuth that a field is to be given instead; the page has both.
pytestmark = pytest.mark.filterwarnings("ignore:.*BasicAuth is deprecated", "ignore:.*auth.*deprecated")

BINARY = {"Content-Type": "application/octet-stream"}  # what aiohttp says of bytes
TEXT = {"a": "x y", "b": ["1", "2"], "e": "", "n": 1.5, "u": "é+/&"}
OBJECTS = ({"a": [1, "é", None]}, {}, [], 0, False)
METHODS = ("get", "options", "post", "put", "patch", "delete")


class Session:
    """A session of aiohttp whose calls block, in a loop of its own, and return responses that were read.

    options: arguments of the session; a function is called in the loop, and its result given.
    Its jar takes cookies from an IP address, as that of Hookline does.
    """

    def __init__(self, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.options = options

    def __enter__(self) -> Self:
        self.session = self.run(self.make())
        return self

    def __exit__(self, *exc: object) -> None:
        self.run(self.session.close())
        self.loop.close()

    async def make(self) -> aiohttp.ClientSession:
        options = {name: value() if callable(value) else value for name, value in self.options.items()}
        jar = aiohttp.CookieJar(unsafe=True)
        return aiohttp.ClientSession(**{"cookie_jar": jar, "timeout": aiohttp.ClientTimeout(60), **options})

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Await something in the loop."""
        return self.loop.run_until_complete(awaitable)

    def head(self, url: str, *, allow_redirects: bool = False) -> aiohttp.ClientResponse:
        """Send a HEAD request; `session.head` has this default."""
        return self.request("HEAD", url, function="head", **({"allow_redirects": True} if allow_redirects else {}))

    def request(self, method: str, url: str, function: str = "", **keywords: Any) -> aiohttp.ClientResponse:
        """Send a request, and read the response."""

        async def call() -> aiohttp.ClientResponse:
            send = getattr(self.session, function) if function else partial(self.session.request, method)
            answer: aiohttp.ClientResponse = await send(url, **keywords)
            await answer.read()
            return answer

        return self.run(call())

    get = partialmethod(request, "get")
    post = partialmethod(request, "post")

    def stream(self, url: str, read: Callable[[aiohttp.StreamReader], Awaitable[Any]]) -> Any:
        """Send a GET, and return what a coroutine function reads."""

        async def call() -> Any:
            async with self.session.get(url) as answer:
                return await read(answer.content)

        return self.run(call())


def body_of(client: Any, answer: Any) -> bytes:
    """Return the body of a response of either."""
    return answer.content if isinstance(client, HttpClient) else client.run(answer.read())


def status_of(answer: Any) -> int:
    """Return the status of a response of either."""
    return answer.status if isinstance(answer, aiohttp.ClientResponse) else answer.status_code


def sent(client: Any, answer: Any) -> dict[str, Any]:
    """Return what the server saw of a call."""
    return echoed(json.loads(body_of(client, answer)))


def fields_sent(client: Any, answer: Any, *names: str) -> list[str | None]:
    """Return the values of fields that the server saw."""
    fields = sent(client, answer)["fields"]
    return [fields.get(name) for name in names]


def hops(answer: Any) -> list[int]:
    """Return the statuses of the history and of the response."""
    return [*map(status_of, answer.history), status_of(answer)]


def of_each_method(client: Any, url: str) -> list[Any]:
    """Return what the server saw of a call of each method."""
    seen = []
    for method in METHODS:
        function = getattr(client, method) if isinstance(client, HttpClient) else None
        keywords = {"params": {"a": "1"}, "data": b"x", "headers": BINARY}
        answer = function(url + "/echo", **keywords) if function else client.request(method, url + "/echo", **keywords)
        seen.append(sent(client, answer))
    return seen


def redirected(client: Any, url: str) -> list[Any]:
    """Return what came of redirects, and the method and body that the server saw last."""
    found: list[Any] = [hops(client.get(url + "/moved/302", allow_redirects=False))]
    for status in (301, 302, 303, 307, 308):
        answer = client.post(f"{url}/moved/{status}", data={"a": "1"})
        seen = sent(client, answer)
        found.append([hops(answer), seen["method"], seen["body"]])
    return found


def bodies(client: Any, url: str) -> list[Any]:
    """Return what the server saw of each kind of `data=`."""

    async def pieces() -> Any:
        yield b"one "
        yield b"two"

    kinds = ({"a": "x y", "b": "é"}, [("a", "1"), ("a", "2")])
    forms = [sent(client, client.post(url + "/echo", data=kind)) for kind in kinds]
    return forms + [
        sent(client, client.post(url + "/echo", data=kind, headers=BINARY)) for kind in (b"bytes", pieces())
    ]


def parts_of(client: Any, answer: Any) -> list[list[str]]:
    """Return the parts that the server saw, each as its lines in order, without the type that aiohttp states for text."""
    stated = "Content-Type: text/plain; charset=utf-8\r\n"
    parts = sent(client, answer)["body"].replace(stated, "").split("--BOUNDARY")
    return [sorted(part.split("\r\n")) for part in parts]


def form() -> aiohttp.FormData:
    """Return a form of aiohttp with a field and a file."""
    made = aiohttp.FormData()
    made.add_field("k", "v")
    made.add_field("f", b"content", filename="a.txt", content_type="text/x-own")
    return made


def stored_cookies(client: Any, url: str) -> Any:
    """Return the cookies that are sent after a response has set some."""
    client.get(url + "/set?sid=31d4&lang=en")
    return sorted(fields_sent(client, client.get(url + "/echo"), "cookie")[0].split("; "))


def with_options(theirs: dict[str, Any], ours: dict[str, Any], call: Callable[[Any, str], Any]) -> dict[str, Any]:
    """Return the code of a `Same` whose session and client have arguments."""

    def run(kind: Any, options: dict[str, Any], url: str) -> Any:
        with kind(
            **{name: value.replace("URL", url) if isinstance(value, str) else value for name, value in options.items()}
        ) as other:
            return call(other, url)

    return {
        "theirs": lambda client, url: run(Session, theirs, url),
        "ours": lambda client, url: run(HttpClient, ours, url),
    }


def ports(client: Any, url: str) -> int:
    """Return over how many connections three requests came."""
    return len({body_of(client, client.get(url + "/peer")).partition(b":")[2] for _ in range(3)})


def address(client: Any, url: str) -> bytes:
    """Return the address from which a request came."""
    return body_of(client, client.get(url + "/peer")).partition(b":")[0]


def their_websocket(client: Session, url: str) -> list[Any]:
    async def talk() -> list[Any]:
        async with client.session.ws_connect(url + "/websocket", protocols=("one", "two")) as socket:
            await socket.send_str("text é")
            await socket.send_bytes(b"\x00binary")
            found = [await socket.receive_str(), await socket.receive_bytes(), socket.protocol]
            await socket.close(code=1001, message=b"bye")
            return found

    return client.run(talk())


def our_websocket(client: HttpClient, url: str) -> list[Any]:
    with client.get(url.replace("http", "ws") + "/websocket", subprotocols=["one", "two"]) as socket:
        socket.send("text é")
        socket.send(b"\x00binary")
        found = [socket.receive(), socket.receive(), socket.subprotocol]
        socket.close(1001, "bye")
        return found


async def parts_of_stream(content: aiohttp.StreamReader) -> list[Any]:
    return [await content.readexactly(10), await content.read(), await content.read()]


async def chunks_of_stream(content: aiohttp.StreamReader) -> bytes:
    return b"".join([chunk async for chunk in content.iter_any()])


async def lines_of_stream(content: aiohttp.StreamReader) -> list[str]:
    return [line.decode().rstrip("\r\n") async for line in content]


def parts_of_raw(client: HttpClient, url: str) -> list[Any]:
    with client.get(url + "/chunks", stream=True) as answer:
        first = b""
        while len(first) < 10:
            first += answer.raw.read(10 - len(first))
        return [first, answer.raw.read(), b""]


def chunks_of_raw(client: HttpClient, url: str) -> bytes:
    with client.get(url + "/chunks", stream=True) as answer:
        return b"".join(answer.raw)


def lines_of_raw(client: HttpClient, url: str) -> list[str]:
    with client.get(url + "/lines", stream=True) as answer:
        return list(answer.raw.iter_lines())


def broken_bodies(client: Any, url: str) -> None:
    """Get a body that is not gzip, then one that ends too early."""
    with pytest.raises((aiohttp.ClientPayloadError, hookline.DecodingError)):
        client.get(url + "/gzip")
    client.get(url + "/cut")


def wrong_urls(client: Any, url: str) -> None:
    """Call URLs that cannot be called."""
    with pytest.raises((aiohttp.InvalidURL, hookline.InvalidURL)):
        client.get("http:///path")
    with pytest.raises((aiohttp.NonHttpUrlClientError, hookline.InvalidURL)):
        client.get("ftp://a.example/")
    client.get("http://a.example:port/")


def wrong_locations(client: Any, url: str) -> None:
    """Follow a Location that is no URL, then one of another scheme."""
    with pytest.raises((aiohttp.InvalidUrlRedirectClientError, hookline.RemoteProtocolError)):
        client.get(url + "/to-nowhere")
    client.get(url + "/to-ftp")


def read_timeout(client: Any, url: str) -> None:
    theirs, ours = aiohttp.ClientTimeout(sock_read=0.1), hookline.Timeout(read=0.1)
    client.get(url + "/slow", timeout=ours if isinstance(client, HttpClient) else theirs)


def total_timeout(client: Any, url: str) -> None:
    theirs, ours = aiohttp.ClientTimeout(total=0.1), hookline.Timeout(total=0.1)
    client.get(url + "/slow", timeout=ours if isinstance(client, HttpClient) else theirs)


def basic(client: Any, url: str) -> Any:
    kind = hookline.HTTPBasicAuth if isinstance(client, HttpClient) else aiohttp.BasicAuth
    return fields_sent(client, client.get(url + "/echo", auth=kind("u", "p:q")), "authorization")


def digest(client: Any, url: str) -> bytes:
    theirs, ours = aiohttp.DigestAuthMiddleware("u", "p"), hookline.HTTPDigestAuth("u", "p")
    keywords = {"auth": ours} if isinstance(client, HttpClient) else {"middlewares": (theirs,)}
    return body_of(client, client.get(url + "/private", **keywords))


def of_status(client: Any, url: str) -> None:
    client.get(url + "/status/404").raise_for_status()


ECHO = "/echo"
SAME = (
    Same(
        "ClientSession(base_url=)",
        **with_options(
            {"base_url": "URL/"}, {"base_url": "URL/"}, lambda c, u: sent(c, c.get("echo", params={"a": "1"}))
        ),
    ),
    Same(
        "ClientSession(cookies=)",
        **with_options(
            {"cookies": {"a": "1"}}, {"cookies": {"a": "1"}}, lambda c, u: fields_sent(c, c.get(u + ECHO), "cookie")
        ),
    ),
    Same(
        "ClientSession(headers=)",
        **with_options(
            {"headers": {"X-One": "1", "X-Two": "2"}},
            {"headers": {"X-One": "1", "X-Two": "2"}},
            lambda c, u: fields_sent(c, c.get(u + ECHO, headers={"x-two": "3"}), "x-one", "x-two"),
        ),
    ),
    Same(
        "ClientSession(auth=)",
        **with_options(
            {"auth": lambda: aiohttp.BasicAuth("u", "p")},
            {"auth": ("u", "p")},
            lambda c, u: fields_sent(c, c.get(u + ECHO), "authorization"),
        ),
    ),
    Same(
        "ClientSession(auto_decompress=)",
        **with_options({"auto_decompress": False}, {"decompress": False}, lambda c, u: body_of(c, c.get(u + "/gzip"))),
    ),
    Same("ClientSession.get", of_each_method),
    Same(
        "ClientSession.head",
        lambda c, u: [hops(c.head(u + "/moved/302")), hops(c.head(u + "/moved/302", allow_redirects=True))],
    ),
    Same(
        "ClientSession.request",
        lambda c, u: [sent(c, c.request("post", u + ECHO, json={})), hops(c.get(u + "/moved/302"))],
    ),
    Same("ClientSession.request(method=)", lambda c, u: sent(c, c.request("put", u + ECHO))["method"]),
    Same(
        "ClientSession.request(params=)",
        lambda c, u: [
            sent(c, c.get(u + "/echo?z=1", params=params))["target"].replace("+", "%20").replace("%2F", "/")
            for params in (TEXT, [("a", "1"), ("a", "2")])
        ],
    ),
    Same("ClientSession.request(data=)", bodies),
    Same(
        "ClientSession.request(json=)",
        lambda c, u: [json.loads(sent(c, c.post(u + ECHO, json=value))["body"].encode("latin-1")) for value in OBJECTS],
    ),
    Same(
        "ClientSession.request(cookies=)",
        lambda c, u: [fields_sent(c, c.get(u + ECHO, **given), "cookie") for given in ({"cookies": {"a": "1"}}, {})],
    ),
    Same(
        "ClientSession.request(headers=)",
        lambda c, u: fields_sent(c, c.get(u + ECHO, headers=[("X-One", "1"), ("X-Two", "2")]), "x-one", "x-two"),
    ),
    Same("ClientSession.request(auth=)", basic),
    Same("ClientSession.request(allow_redirects=)", redirected),
    Same(
        "ClientSession.request(max_redirects=)",
        lambda c, u: c.get(u + "/loop", max_redirects=3),
        raises=(aiohttp.TooManyRedirects, hookline.TooManyRedirects),
    ),
    Same(
        "ClientSession.request(proxy=)",
        lambda c, u: sent(c, c.get("http://b.example/echo", proxy=u))["target"],
        lambda c, u: sent(c, c.get("http://b.example/echo", proxies={"all": u}))["target"],
    ),
    Same(
        "ClientSession.request(auto_decompress=)",
        lambda c, u: body_of(c, c.get(u + "/gzip", auto_decompress=False)),
        lambda c, u: body_of(c, c.get(u + "/gzip", decompress=False)),
    ),
    Same(
        "ClientResponse.status",
        lambda c, u: [c.get(f"{u}/status/{status}").status for status in (200, 299, 404, 503)],
        lambda c, u: [c.get(f"{u}/status/{status}").status_code for status in (200, 299, 404, 503)],
    ),
    Same("ClientResponse.reason", lambda c, u: c.get(u + "/status/299").reason),
    Same("ClientResponse.ok", lambda c, u: [c.get(f"{u}/status/{status}").ok for status in (200, 299, 400, 503)]),
    Same(
        "ClientResponse.headers",
        lambda c, u: [c.get(u + ECHO).headers["x-ONE"], c.get(u + ECHO).headers.getall("None", [])],
    ),
    Same("ClientResponse.history", lambda c, u: [hops(c.get(u + "/moved/307")), hops(c.get(u + ECHO))]),
    Same(
        "ClientResponse.cookies",
        lambda c, u: {name: morsel.value for name, morsel in c.get(u + "/set?a=1&b=2").cookies.items()},
        lambda c, u: c.get(u + "/set?a=1&b=2").cookies,
    ),
    Same(
        "ClientResponse.links",
        lambda c, u: {name: str(link["url"]) for name, link in c.get(u + "/links").links.items()},
    ),
    Same(
        "ClientResponse.get_encoding",
        lambda c, u: [codecs.lookup(c.get(u + path).get_encoding()).name for path in ("/latin", "/utf8")],
        lambda c, u: [codecs.lookup(c.get(u + path).encoding).name for path in ("/latin", "/utf8")],
    ),
    Same(
        "ClientResponse.read",
        lambda c, u: [c.run(c.get(u + path).read()) for path in ("/chunks", "/status/204")],
        lambda c, u: [c.get(u + path).content for path in ("/chunks", "/status/204")],
    ),
    Same(
        "ClientResponse.text",
        lambda c, u: [c.run(c.get(u + path).text()) for path in ("/latin", "/utf8", "/lines")],
        lambda c, u: [c.get(u + path).text for path in ("/latin", "/utf8", "/lines")],
    ),
    Same(
        "ClientResponse.json",
        lambda c, u: c.run(c.get(u + ECHO).json())["target"],
        lambda c, u: c.get(u + ECHO).json()["target"],
    ),
    Same(
        "ClientResponse.raise_for_status",
        of_status,
        raises=(aiohttp.ClientResponseError, hookline.HttpRequestException),
    ),
    Same("StreamReader.read", lambda c, u: c.stream(u + "/chunks", parts_of_stream), parts_of_raw),
    Same("StreamReader.iter_any", lambda c, u: c.stream(u + "/chunks", chunks_of_stream), chunks_of_raw),
    Same("StreamReader.readline", lambda c, u: c.stream(u + "/lines", lines_of_stream), lines_of_raw),
    Same(
        "FormData.add_field",
        lambda c, u: parts_of(c, c.post(u + ECHO, data=form())),
        lambda c, u: parts_of(
            c, c.post(u + ECHO, files=[("k", (None, "v")), ("f", ("a.txt", b"content", "text/x-own"))])
        ),
    ),
    Same("CookieJar", stored_cookies),
    Same("BasicAuth", basic),
    Same("DigestAuthMiddleware", digest),
    Same("ClientTimeout(total=)", total_timeout, raises=(TimeoutError, TimeoutError)),
    Same("ClientTimeout(sock_read=)", read_timeout, raises=(aiohttp.SocketTimeoutError, hookline.ReadTimeout)),
    Same(
        "TCPConnector(force_close=)",
        **with_options(
            {"connector": lambda: aiohttp.TCPConnector(force_close=True)}, {"close_connections": True}, ports
        ),
    ),
    Same(
        "TCPConnector(local_addr=)",
        **with_options(
            {"connector": lambda: aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))},
            {"source_address": ("127.0.0.2", 0)},
            address,
        ),
    ),
    Same("ClientSession.ws_connect(protocols=)", their_websocket, our_websocket),
    Same("ClientWebSocketResponse.receive", their_websocket, our_websocket),
    Same("ClientWebSocketResponse.send_str", their_websocket, our_websocket),
    Same("ClientWebSocketResponse.protocol", their_websocket, our_websocket),
    Same("ClientError", lambda c, u: c.get(u + "/cut"), raises=(aiohttp.ClientError, hookline.HttpRequestException)),
    Same("ClientResponseError", of_status, raises=(aiohttp.ClientResponseError, hookline.HttpRequestException)),
    Same(
        "ClientConnectorError",
        lambda c, u: c.get("http://127.0.0.1:1/"),
        raises=(aiohttp.ClientConnectorError, hookline.ConnectionRefused),
    ),
    Same(
        "ClientConnectorDNSError",
        lambda c, u: c.get("http://none.invalid/"),
        raises=(aiohttp.ClientConnectorDNSError, hookline.DNSError),
    ),
    Same("ClientSSLError", lambda c, u: c.get(u + "/untrusted"), raises=(aiohttp.ClientSSLError, hookline.SSLError)),
    Same(
        "ServerConnectionError",
        lambda c, u: c.get(u + "/gone"),
        raises=(aiohttp.ServerDisconnectedError, hookline.ConnectionClosed),
    ),
    Same("SocketTimeoutError", read_timeout, raises=(aiohttp.SocketTimeoutError, hookline.ReadTimeout)),
    Same("ClientPayloadError", broken_bodies, raises=(aiohttp.ClientPayloadError, hookline.ConnectionClosed)),
    Same(
        "TooManyRedirects",
        lambda c, u: c.get(u + "/loop"),
        raises=(aiohttp.TooManyRedirects, hookline.TooManyRedirects),
    ),
    Same("InvalidURL", wrong_urls, raises=(aiohttp.InvalidURL, hookline.InvalidURL)),
    Same(
        "RedirectClientError",
        wrong_locations,
        raises=(aiohttp.NonHttpUrlRedirectClientError, hookline.RemoteProtocolError),
    ),
    Same(
        "ClientHttpProxyError",
        lambda c, u: c.get("https://b.example/", proxy=u),
        lambda c, u: c.get("https://b.example/", proxies={"all": u}),
        raises=(aiohttp.ClientHttpProxyError, hookline.HttpProxyError),
    ),
)


@pytest.fixture(scope="module")
def url(certificates: Certificates) -> Iterator[str]:
    with comparing_server(certificates.server_context()) as url:
        yield url


@pytest.mark.parametrize("same", SAME, ids=str)
def test_row_is_the_same_with_aiohttp_and_hookline(same: Same, url: str) -> None:
    theirs, ours = same.results(Session, HttpClient, url)

    assert ours == theirs is not None


def test_every_row_that_says_the_same_is_compared() -> None:
    rows = rows_that_are_the_same(rows_of("migrating-from-aiohttp.md", "aiohttp"))

    assert len(rows) > 25
    assert sorted(rows) == sorted(same.row for same in SAME)
