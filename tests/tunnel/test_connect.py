"""CONNECT on the wire: what the proxy is asked, what the origin sees, and what a proxy may answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hookline import (
    ClientClosed,
    ConnectionClosed,
    ConnectTimeout,
    HttpClient,
    HttpConnectionError,
    HttpProxyError,
    HttpTimeout,
    PluginError,
    RemoteProtocolError,
    Scheme,
    SSLError,
    Timeout,
    hookimpl,
)
from hookline_testing.server import Script, ScriptedServer, chunked, head, response
from servers.certificates import Certificates

Make = Callable[..., ScriptedServer]
GRANTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
BASIC = "Basic dXNlcjpwYXNz"


@pytest.fixture
def client_of(certificates: Certificates) -> Callable[..., HttpClient]:
    """A client that goes through a scripted server as its proxy, which plays the origin too."""

    def make(proxy: ScriptedServer, **options: Any) -> HttpClient:
        given = {"verify": str(certificates.ca_file), "proxies": {"all": proxy.url(), "no": ""}} | options
        return HttpClient(**given)

    return make


ClientOf = Callable[..., HttpClient]


# What goes out


async def test_proxy_sees_the_authority_and_the_origin_sees_no_proxy(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.server_context(), GRANTED), response(b"one"), response(b"two"))
    proxies = {"https": f"http://user:pass@127.0.0.1:{scripted.port}", "no": ""}
    own = {
        "Proxy-Authorization": "Basic s3cret",
        "Cookie": "a=b",
        "Authorization": "Bearer s3cret",
        "X-Api-Key": "s3cret",
        "User-Agent": "me/1",
    }
    async with client_of(scripted, proxies=proxies, headers=own) as client:
        sent = {"X-Own": "s3cret", "Proxy-Authorization": "Basic s3cret", "Proxy-Connection": "keep-alive"}
        answer = await client.get("https://localhost/path?query", headers=sent)
        assert answer.content == b"one"
        assert (await client.post("https://localhost/", data=b"body")).content == b"two"
    connect, first, second = scripted.requests
    assert connect.raw == (
        b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\nUser-Agent: me/1\r\n"
        b"Proxy-Authorization: " + BASIC.encode() + b"\r\n\r\n"
    )
    assert (first.target, first.header("host")) == ("/path?query", "localhost")
    assert (first.header("x-own"), first.header("x-api-key"), first.header("authorization")) == (
        "s3cret",
        "s3cret",
        "Bearer s3cret",
    )
    assert not [name for name, _ in first.headers if name.lower().startswith(b"proxy")]
    assert second.body == b"body"
    assert answer.request.proxy == f"http://127.0.0.1:{scripted.port}"
    assert answer.request.tunnel == "localhost:443"
    assert "pass" not in repr(answer.request.route) + repr(client.connection_pools)


async def test_proxy_is_not_told_an_agent_that_the_client_has_not(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.server_context(), GRANTED), response())
    async with client_of(scripted, headers={"User-Agent": None}) as client:
        await client.get("https://localhost/")
    assert scripted.requests[0].raw == b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n"


async def test_authority_of_an_ipv6_address_has_brackets(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.server_context(), GRANTED), response())
    async with client_of(scripted) as client:
        await client.get("https://[::1]:8443/")
    assert (scripted.requests[0].target, scripted.requests[0].header("host")) == ("[::1]:8443", "[::1]:8443")
    assert scripted.requests[1].header("host") == "[::1]:8443"


class Plain:
    """Two schemes of somebody else: one that begins as HTTP, one with TLS."""

    @hookimpl
    def declare(self) -> list[Scheme]:
        return [Scheme("plain", 8080), Scheme("safe", 8443, tls=True)]


async def test_other_schemes_go_through_tunnels(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(
        GRANTED, response(b"plain"), response(b"again"), Script().start_tls(certificates.server_context(), GRANTED)
    )
    scripted.answer(response(b"safe"))
    async with client_of(scripted, plugins=[Plain()]) as client:
        assert (await client.get("plain://localhost/x")).content == b"plain"
        assert (await client.get("plain://localhost/x")).content == b"again"
        assert (await client.get("safe://localhost/x")).content == b"safe"
    assert [request.target for request in scripted.requests] == ["localhost:8080", "/x", "/x", "localhost:8443", "/x"]
    assert scripted.requests[1].header("host") == "localhost"


async def test_name_that_tls_checks_has_no_dot_at_its_end(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.server_context(), GRANTED), response(b"one"))
    async with client_of(scripted) as client:
        assert (await client.get("https://localhost./")).content == b"one"
    assert scripted.requests[0].target == "localhost.:443"


async def test_protocol_that_a_context_offered_is_refused_in_a_tunnel_too(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.server_context(alpn=("acme",)), GRANTED))
    context = certificates.client_context()
    context.set_alpn_protocols(["acme", "http/1.1"])
    async with client_of(scripted, verify=context) as client:
        with pytest.raises(SSLError, match="speaks 'acme'"):
            await client.get("https://localhost/")
        assert client.stats().connections == 0


# The pool


async def test_tunnel_that_took_two_requests_is_new_to_the_first_request(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    pytest.importorskip("hookline_auth", reason="this answers a challenge of the proxy")
    challenge = [("Proxy-Authenticate", 'Digest realm="p", nonce="n", qop="auth"')]
    scripted.answer(
        response(b"who?", status=407, headers=challenge),
        Script().start_tls(certificates.server_context(), GRANTED),
        response(b"one"),
    )
    async with client_of(scripted, proxies={"all": f"http://u:p@127.0.0.1:{scripted.port}", "no": ""}) as client:
        answer = await client.get("https://localhost/", timings=True)
        assert client.stats().reused == 0
    assert [request.connection for request in scripted.requests] == [1, 1, 1]
    assert 0 < answer.timings.connect < answer.timings.tls <= answer.timings.sent


async def test_tunnel_is_reused_and_kept_apart(make_scripted: Make, certificates: Certificates) -> None:
    def play(request: Any) -> Any:
        if request.method == "CONNECT":
            return Script().start_tls(certificates.server_context(), GRANTED)
        return response(str(request.connection).encode())

    proxy = make_scripted()
    proxy.respond(play)
    verify = str(certificates.ca_file)
    one = {"all": proxy.url(), "no": ""}
    other = {"all": f"http://user:pass@127.0.0.1:{proxy.port}", "no": ""}
    async with HttpClient(verify=verify, proxies=one) as client:

        async def connection(url: str = "https://localhost/", **options: Any) -> int:
            return int((await client.get(url, **options)).content)

        assert [await connection() for _ in range(3)] == [1, 1, 1]
        assert await connection("https://localhost:444/") == 2
        assert await connection("https://127.0.0.1/") == 3
        assert await connection(proxies=other) == 4
        assert await connection(verify=False) == 5
        assert await connection() == 1
        assert await connection(proxies=dict(other)) == 4
        assert sum(request.method == "CONNECT" for request in proxy.requests) == 5


async def test_tunnels_count_in_the_pool(scripted: ScriptedServer, certificates: Certificates) -> None:
    def play(request: Any) -> Any:
        if request.method == "CONNECT":
            return Script().start_tls(certificates.server_context(), GRANTED)
        return Script().pause(0.01).send(response(b"x"))

    scripted.respond(play)
    verify = str(certificates.ca_file)
    async with HttpClient(verify=verify, proxies={"all": scripted.url(), "no": ""}, pool_size=3) as client:
        answers = await asyncio.gather(*(client.get("https://localhost/") for _ in range(20)))
        assert all(answer.content == b"x" for answer in answers)
        (pool,) = client.connection_pools.values()
        assert pool.opened == len(pool.idle) == 3
    assert scripted.connections == 3
    await scripted.until_closed_connections()


async def test_tunnel_that_died_while_idle_is_replaced(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    tunnel = Script().start_tls(certificates.server_context(), GRANTED)
    scripted.answer(tunnel, response(b"one"), Script().close(), tunnel, response(b"two"))
    async with client_of(scripted) as client:
        assert (await client.get("https://localhost/")).content == b"one"
        assert (await client.get("https://localhost/")).content == b"two"
    assert scripted.connections == 2


# What a proxy may answer


@pytest.mark.parametrize(
    "granted",
    [
        GRANTED,
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 299 Odd\r\n\r\n",
        head(102) + head(103, [("Link", "<x>")]) + GRANTED,
        b"HTTP/1.0 200 OK\n\n",
        b"HTTP/1.1 200 OK\r\nVia: a\n\r\n",
        b"HTTP/1.1 200 OK\r\nVia: a\r\n b\x01\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=[
        "plain",
        "1.0",
        "content-length",
        "chunked",
        "close",
        "204",
        "299",
        "interim heads first",
        "lf",
        "mixed",
        "fold",
    ],
)
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_granted_tunnel_has_no_body(
    make_scripted: Make, certificates: Certificates, client_of: ClientOf, granted: bytes, cut: Any
) -> None:
    proxy = make_scripted()
    proxy.answer(Script(granted[:-1], cut=cut).start_tls(certificates.server_context(), granted[-1:]), response(b"in"))
    async with client_of(proxy) as client:
        assert (await client.get("https://localhost/")).content == b"in"


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (response(b"not you", 403), 403, b"not you"),
        (chunked(b"not ", b"you", status=502), 502, b"not you"),
        (Script(head(503), b"until the end").close(), 503, b"until the end"),
        (response(b"", 407, [("Proxy-Authenticate", "Basic")]), 407, b""),
        (response(b"", 302, [("Location", "https://evil.example/")]), 302, b""),
        (response(b"", 304), 304, b""),
        (Script(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").stall(), 101, b""),
    ],
    ids=["403", "chunked", "until close", "407", "redirect", "304", "101"],
)
async def test_refused_tunnel_is_an_error_with_the_answer(
    scripted: ScriptedServer, client_of: ClientOf, answer: Any, status: int, body: bytes
) -> None:
    scripted.answer(answer)
    async with client_of(scripted) as client:
        with pytest.raises(HttpProxyError, match=f"http://127.*refused a tunnel to localhost:443: {status} ") as caught:
            await client.get("https://localhost/")
        assert (caught.value.response.status_code, caught.value.response.content) == (status, body)
        assert caught.value.request.url == "https://localhost/"
        assert not any(pool.opened for pool in client.connection_pools.values())
    assert len(scripted.requests) == 1
    await scripted.until_closed_connections()


@pytest.mark.parametrize(
    "answer",
    [
        Script(head(403, [("Content-Length", "999999999")]), b"x" * 1000).stall(),
        Script(head(403, [("Transfer-Encoding", "chunked")])).endless(b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        Script(head(403)).endless(b"x" * 10000),
        Script(head(403, [("Content-Length", "10")]), b"half").close(),
    ],
    ids=["length", "chunks", "until close", "cut"],
)
async def test_refusal_with_a_page_that_is_too_long_or_cut(
    scripted: ScriptedServer, client_of: ClientOf, answer: Script
) -> None:
    scripted.answer(answer)
    async with client_of(scripted, timeout=5) as client:
        with pytest.raises(HttpProxyError, match="403 Forbidden") as caught:
            await client.get("https://localhost/")
        assert caught.value.response.status_code == 403
    await scripted.until_closed_connections()


HOSTILE = {
    "body-like tail": (Script(GRANTED + b"hello"), RemoteProtocolError, "before the TLS handshake"),
    "declared body": (
        Script(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        RemoteProtocolError,
        "before the TLS handshake",
    ),
    "garbage before TLS": (Script(GRANTED).pause(0.1).send(b"220 smtp\r\n" * 10).stall(), SSLError, "TLS handshake"),
    "no HTTP": (Script(b"SSH-2.0-x\r\n\r\n").stall(), RemoteProtocolError, "."),
    "end at once": (Script().close(), ConnectionClosed, "before the response"),
    "reset at once": (Script().reset(), ConnectionClosed, "before the response"),
    "end in the head": (Script(b"HTTP/1.1 200 O").close(), ConnectionClosed, "within the head"),
    "end after the head": (Script(GRANTED).until_read().close(), HttpConnectionError, "TLS handshake"),
    "reset after the head": (Script(GRANTED).reset(), HttpConnectionError, "TLS handshake"),
    "endless head": (Script(b"HTTP/1.1 200 OK\r\n").endless(b"X: " + b"y" * 1000 + b"\r\n"), RemoteProtocolError, "."),
    "endless line": (Script(b"HTTP/1.1 200 OK\r\nX: ").endless(b"y" * 10000), RemoteProtocolError, "."),
    "too many fields": (Script(head(200, [("X", "y")] * 2000)).stall(), RemoteProtocolError, "."),
    "endless interim heads": (Script().endless(head(102)), RemoteProtocolError, "interim"),
    "bad length": (Script(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").stall(), RemoteProtocolError, "."),
    "two lengths": (
        Script(b"HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n").stall(),
        RemoteProtocolError,
        ".",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_hostile_proxy_is_an_error(scripted: ScriptedServer, client_of: ClientOf, kind: str) -> None:
    script, error, words = HOSTILE[kind]
    scripted.answer(script)
    async with client_of(scripted, timeout=5) as client:
        with pytest.raises(error, match=words) as caught:
            await client.get("https://localhost/")
        assert caught.value.request.url == "https://localhost/"
        assert not any(pool.opened for pool in client.connection_pools.values())
    await scripted.until_closed_connections()


async def test_bytes_through_a_plain_tunnel_before_the_request_are_an_error(
    scripted: ScriptedServer, client_of: ClientOf
) -> None:
    scripted.answer(Script(GRANTED + response(b"smuggled")))
    async with client_of(scripted, plugins=[Plain()]) as client:
        with pytest.raises(RemoteProtocolError, match="bytes came through the tunnel before the request"):
            await client.get("plain://localhost/")


async def test_attack_answer_to_connect_sets_a_cookie(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    pytest.importorskip("hookline_cookies", reason="this keeps cookies")
    evil = ("Set-Cookie", "evil=1; Path=/; Domain=localhost")
    granted = b"HTTP/1.1 200 OK\r\nSet-Cookie: evil=1; Path=/\r\n\r\n"
    scripted.answer(response(b"", 403, [evil]), Script().start_tls(certificates.server_context(), granted), response())
    async with client_of(scripted) as client:
        with pytest.raises(HttpProxyError):
            await client.get("https://localhost/")
        answer = await client.get("https://localhost/")
        assert answer.cookies == {}
        assert len(client.cookies) == 0
    assert scripted.requests[-1].header("cookie") is None


async def test_certificate_of_the_origin_is_checked(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.wrong_host.server_context(), GRANTED))
    async with client_of(scripted) as client:
        with pytest.raises(SSLError, match="certificate of localhost is not trusted") as caught:
            await client.get("https://localhost/")
    assert f"in a tunnel through http://127.0.0.1:{scripted.port}" in caught.value.__notes__


async def test_client_certificate_goes_to_the_origin_in_the_tunnel(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.server_context(ask_client=True), GRANTED), response())
    cert = (str(certificates.client.cert_file), str(certificates.client.key_file))
    async with client_of(scripted, cert=cert) as client:
        await client.get("https://localhost/")
    assert "the client" in str(scripted.requests[1].peer_certificate)


async def test_server_hostname_is_the_origins(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(Script().start_tls(certificates.wrong_host.server_context(), GRANTED), response(b"in"))
    async with client_of(scripted, server_hostname="elsewhere.example") as client:
        assert (await client.get("https://localhost/")).content == b"in"


# TLS in TLS


async def test_tls_in_tls(make_scripted: Make, certificates: Certificates, client_of: ClientOf) -> None:
    proxy = make_scripted(ssl_context=certificates.server_context())
    body = bytes(range(256)) * 20_000
    proxy.answer(Script().start_tls(certificates.server_context(), GRANTED), response(body), response(b"two"))
    async with client_of(proxy) as client:
        answer = await client.post("https://localhost/", data=body)
        assert answer.content == body
        assert (await client.get("https://localhost/")).content == b"two"
        assert answer.request.proxy == f"https://127.0.0.1:{proxy.port}"
    assert proxy.requests[1].body_size == len(body)
    assert proxy.connections == 1
    await proxy.until_closed_connections()


@pytest.mark.parametrize("kind", ["body-like tail", "garbage before TLS", "end after the head", "reset after the head"])
async def test_hostile_proxy_in_tls_is_an_error(
    make_scripted: Make, certificates: Certificates, client_of: ClientOf, kind: str
) -> None:
    proxy = make_scripted(ssl_context=certificates.server_context())
    script, error, words = HOSTILE[kind]
    proxy.answer(script)
    async with client_of(proxy, timeout=5) as client:
        with pytest.raises(error, match=words):
            await client.get("https://localhost/")
    await proxy.until_closed_connections()


# Time


@pytest.mark.parametrize(
    ("script", "timeout", "error", "words"),
    [
        (Script().stall(), Timeout(connect=0.2), ConnectTimeout, r"connect timeout of 0\.2 s"),
        (Script(GRANTED).stall(), Timeout(connect=0.2), ConnectTimeout, r"connect timeout of 0\.2 s"),
        (Script().drip(GRANTED * 10, 0.05), Timeout(connect=0.3), ConnectTimeout, r"connect timeout of 0\.3 s"),
        (Script(head(403, [("Content-Length", "9")])).stall(), Timeout(connect=0.2), ConnectTimeout, "connect timeout"),
        (Script(GRANTED).stall(), Timeout(tls=0.2), ConnectTimeout, r"tls timeout of 0\.2 s"),
        (Script().stall(), Timeout(0.2), HttpTimeout, r"total timeout of 0\.2 s"),
        (Script(GRANTED).stall(), Timeout(0.2), HttpTimeout, r"total timeout of 0\.2 s"),
    ],
    ids=["silent", "silent in TLS", "slow", "slow refusal", "tls", "total", "total in TLS"],
)
async def test_slow_proxy_is_a_timeout(
    scripted: ScriptedServer, client_of: ClientOf, script: Script, timeout: Timeout, error: type[Exception], words: str
) -> None:
    scripted.answer(script)
    async with client_of(scripted, timeout=timeout) as client:
        with pytest.raises(error, match=words) as caught:
            await client.get("https://localhost/")
        assert caught.value.request.url == "https://localhost/"
        await scripted.until_closed_connections()
        assert not any(pool.opened for pool in client.connection_pools.values())


async def test_read_timeout_is_about_the_origin(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    slow = Script().pause(0.4).start_tls(certificates.server_context(), GRANTED)
    scripted.answer(slow, response(b"in"))
    async with client_of(scripted, timeout=Timeout(read=0.2)) as client:
        assert (await client.get("https://localhost/")).content == b"in"


@pytest.mark.parametrize(
    "script", [Script().stall(), Script(GRANTED).stall(), Script(head(403, [("Content-Length", "9")])).stall()]
)
@pytest.mark.parametrize("outer", [False, True], ids=["http", "https"])
async def test_cancelled_while_connecting(
    make_scripted: Make, certificates: Certificates, client_of: ClientOf, script: Script, outer: bool
) -> None:
    proxy = make_scripted(ssl_context=certificates.server_context() if outer else None)
    proxy.answer(script)
    async with client_of(proxy, pool_size=1) as client:
        task = asyncio.ensure_future(client.get("https://localhost/"))
        await proxy.until(requests=1)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await proxy.until_closed_connections()
        assert not any(pool.opened for pool in client.connection_pools.values())
        proxy.answer(Script().start_tls(certificates.server_context(), GRANTED), response(b"in"))
        assert (await client.get("https://localhost/")).content == b"in"


async def test_client_closed_while_connecting(scripted: ScriptedServer, client_of: ClientOf) -> None:
    scripted.answer(Script().stall())
    client = client_of(scripted)
    task = asyncio.ensure_future(client.get("https://localhost/"))
    await scripted.until(requests=1)
    await client.close()
    with pytest.raises(ClientClosed, match="the client was closed"):
        await task
    await scripted.until_closed_connections()


# Sub-requests and who answers them


class Token:
    """Answers a 407 to CONNECT with a token, as often as it is told."""

    def __init__(self, times: int = 1, method: str | None = None) -> None:
        self.times = times
        self.method = method
        self.seen: list[Any] = []

    @hookimpl
    def pre_request(self, response: Any, cause: str) -> None:
        self.seen.append(("pre_request", cause, response.request.target))

    @hookimpl(statuses=(407,))
    def post_request(self, response: Any, exc: Any, cause: str) -> Any:
        request = response.request
        self.seen.append((cause, request.parent and request.parent.url, request.route.via[-1].credentials))
        self.times -= 1
        if exc is not None or self.times < 0:
            return None
        again = request.copy(cause="auth", **({} if self.method is None else {"method": self.method}))
        again.unredirected_headers["Proxy-Authorization"] = f"Token {self.times}"
        return again


WHO = response(b"who?", 407, [("Proxy-Authenticate", "Token")])


@pytest.mark.parametrize(
    ("refusal", "connections"),
    [
        (WHO, 1),
        (response(b"who?", 407, [("Connection", "close")]), 2),
        (b"HTTP/1.0 407 Who\r\nContent-Length: 4\r\n\r\nwho?", 2),
        (Script(head(407), b"who?").close(), 2),
        (Script(WHO).close(), 2),
        (chunked(b"who", b"?", status=407), 1),
    ],
    ids=["kept open", "close", "1.0", "until close", "closed without a word", "chunked"],
)
async def test_407_is_answered_on_the_same_or_a_new_connection(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf, refusal: Any, connections: int
) -> None:
    scripted.answer(refusal, Script().start_tls(certificates.server_context(), GRANTED), response(b"in"))
    plugin = Token()
    proxies = {"all": f"http://user:pass@127.0.0.1:{scripted.port}", "no": ""}
    async with client_of(scripted, plugins=[plugin], proxies=proxies) as client:
        assert (await client.get("https://localhost/")).content == b"in"
    first, second, third = scripted.requests
    assert first.header_values("proxy-authorization") == [BASIC]
    assert second.header_values("proxy-authorization") == ["Token 0"]
    assert (second.method, second.target, second.header_values("host")) == (
        "CONNECT",
        "localhost:443",
        ["localhost:443"],
    )
    assert second.header("user-agent") == first.header("user-agent")
    assert third.header("proxy-authorization") is None
    assert scripted.connections == connections
    assert plugin.seen[:4] == [
        ("pre_request", "call", "/"),
        ("pre_request", "connect", "localhost:443"),
        ("connect", "https://localhost/", ("user", "pass")),
        ("pre_request", "auth", "localhost:443"),
    ]


async def test_connection_that_dies_under_the_second_question_is_replaced(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    scripted.answer(WHO, Script().close(), connection=1)
    scripted.answer(Script().start_tls(certificates.server_context(), GRANTED), response(b"in"), connection=2)
    async with client_of(scripted, plugins=[Token()]) as client:
        assert (await client.get("https://localhost/")).content == b"in"
    assert [request.header("proxy-authorization") for request in scripted.requests[:3]] == [None, "Token 0", "Token 0"]


async def test_proxy_that_is_never_content_is_asked_ten_times(scripted: ScriptedServer, client_of: ClientOf) -> None:
    scripted.always(WHO)
    async with client_of(scripted, plugins=[Token(1000)]) as client:
        with pytest.raises(HttpProxyError, match="no tunnel to localhost:443 after 10 requests"):
            await client.get("https://localhost/")
    assert len(scripted.requests) == 10


async def test_second_407_is_the_error(scripted: ScriptedServer, client_of: ClientOf) -> None:
    scripted.always(WHO)
    async with client_of(scripted, plugins=[Token(1)]) as client:
        with pytest.raises(HttpProxyError, match=r"407 .*it requires credentials") as caught:
            await client.get("https://localhost/")
    assert caught.value.response.content == b"who?"
    assert [response.status_code for response in caught.value.response.history] == [407]


async def test_connect_answered_with_something_else_is_a_plugin_error(
    scripted: ScriptedServer, client_of: ClientOf
) -> None:
    scripted.always(WHO)
    async with client_of(scripted, plugins=[Token(method="GET")]) as client:
        with pytest.raises(PluginError, match="a CONNECT was answered with a GET"):
            await client.get("https://localhost/")
    await scripted.until_closed_connections()


async def test_handlers_and_plugins_of_the_call_do_not_see_the_question(
    scripted: ScriptedServer, certificates: Certificates, client_of: ClientOf
) -> None:
    seen = []
    scripted.answer(Script().start_tls(certificates.server_context(), GRANTED), response(b"in"))
    async with client_of(scripted, stream=True) as client:
        client.event("on_headers").bind(lambda response: seen.append(response.request.method))
        answer = await client.get("https://localhost/", post_request=lambda r: seen.append(r.request.cause))
        assert await answer.raw.read() == b"in"
        assert answer.history == []
    assert seen == ["GET", "call"]


async def test_secret_of_a_proxy_is_in_no_error(scripted: ScriptedServer, client_of: ClientOf) -> None:
    scripted.always(WHO)
    proxies = {"all": f"http://user:s3cret@127.0.0.1:{scripted.port}", "no": ""}
    async with client_of(scripted, proxies=proxies) as client:
        with pytest.raises(HttpProxyError, match="did not accept the credentials") as caught:
            await client.get("https://localhost/")
    error = caught.value
    everything = [error, error.request, error.response, error.response.request, error.response.request.route]
    assert "s3cret" not in "".join(f"{each!r}{each}" for each in everything)
