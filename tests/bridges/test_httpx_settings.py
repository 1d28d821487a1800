"""The parameters of the transports for httpx2 and httpx: TLS, HTTP/2, proxies, sockets, plugins; and a connection after a 101."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hookline import HttpClient, HttpResponse, PluginError, hookimpl
from hookline_bridges import httpx2 as httpx2_bridge
from hookline_bridges.httpx_transport import settings
from hookline_testing.server import Script, ScriptedServer, response
from servers.addresses import Site, refused_port
from servers.certificates import Certificates
from servers.proxies import PASSWORD, USER

Bridge = Any  # of conftest.py


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"bo", b"dy"):
        yield piece


# -- TLS


async def test_context_of_the_user_is_used(
    bridge: Bridge, make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.server_context())
    server.always(response(b"ok"))
    async with (
        bridge.client(verify=certificates.client_context()) as client,
        client.stream("GET", server.url()) as answer,
    ):
        assert answer.extensions["network_stream"].get_extra_info("ssl_object").version() == "TLSv1.3"
        assert await answer.aread() == b"ok"
    async with bridge.client(verify=False) as client:
        assert (await client.get(server.url())).content == b"ok"


async def test_client_certificate_is_sent(
    bridge: Bridge, make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.server_context(ask_client=True))
    server.always(response(b"ok"))
    context = certificates.client_context()
    context.load_cert_chain(certificates.client.cert_file, certificates.client.key_file)
    async with bridge.client(verify=context) as client:
        assert (await client.get(server.url())).content == b"ok"
    async with bridge.client(verify=certificates.client_context()) as client:
        with pytest.raises(bridge.module.TransportError):
            await client.get(server.url())


async def test_extension_sni_hostname_is_the_name_that_is_checked(
    bridge: Bridge, make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.wrong_host.server_context())
    server.always(response(b"ok"))
    async with bridge.client(verify=certificates.client_context()) as client:
        with pytest.raises(bridge.module.ConnectError):
            await client.get(server.url())
        answer = await client.get(server.url(), extensions={"sni_hostname": "elsewhere.example"})
        assert answer.content == b"ok"


def test_old_forms_of_verify_warn_as_in_the_library(bridge: Bridge, certificates: Certificates) -> None:
    with pytest.warns(DeprecationWarning, match="verify"):
        bridge.transport(verify=str(certificates.ca_file))
    with pytest.warns(DeprecationWarning, match="cert"):
        bridge.transport(cert=(str(certificates.client.cert_file), str(certificates.client.key_file)))
    with pytest.warns(DeprecationWarning, match="cert"), pytest.raises(FileNotFoundError):
        bridge.transport(cert="/no/such/file", verify=False)


# -- HTTP/2


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
async def test_http2_is_spoken_where_it_is_asked_for(
    bridge: Bridge, make_scripted: Callable[..., ScriptedServer], certificates: Certificates, http2: bool
) -> None:
    pytest.importorskip("hookline_http2")
    server = make_scripted(ssl_context=certificates.server_context(alpn=("h2", "http/1.1")))
    server.always(response(b"ok", headers={"X-A": "1"}))
    async with bridge.client(verify=certificates.client_context(), http2=http2) as client:
        first, second = await asyncio.gather(
            client.post(server.url("/p?q"), content=b"body", headers={"X-Own": "2"}), client.get(server.url())
        )
        await client.post(server.url("/pieces"), content=pieces())
        async with client.stream("GET", server.url()) as streamed:
            stream = streamed.extensions["network_stream"]
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
            assert [chunk async for chunk in streamed.aiter_raw()] == [b"ok"]
    version = "HTTP/2" if http2 else "HTTP/1.1"
    assert (first.http_version, second.http_version, first.content, first.headers["x-a"]) == (
        version,
        version,
        b"ok",
        "1",
    )
    posted = next(request for request in server.requests if request.method == "POST")
    assert (posted.target, posted.body, posted.header("x-own")) == ("/p?q", b"body", "2")
    assert next(request for request in server.requests if request.target == "/pieces").body == b"body"
    assert ("reason_phrase" in first.extensions) is not http2


async def test_http2_alone_is_spoken_without_asking(bridge: Bridge, scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_http2")
    scripted.always(response(b"ok"))
    async with bridge.client(http1=False, http2=True) as client:
        answer = await client.get(scripted.url())
    assert (answer.http_version, answer.content) == ("HTTP/2", b"ok")


def test_plugins_that_are_missing_are_named(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookline_bridges.as_given.entry_points", lambda group: [])
    with pytest.raises(ImportError, match="pip install hookline-http2"):
        bridge.transport(http2=True)
    with pytest.raises(ImportError, match="pip install hookline-tunnel"):
        bridge.transport(proxy="http://127.0.0.1:1")


# -- proxies


async def test_proxy_with_credentials(
    bridge: Bridge, tinyproxy: Site, scripted: ScriptedServer, make_scripted: Any, certificates: Certificates
) -> None:
    pytest.importorskip("hookline_tunnel")
    tls = make_scripted(ssl_context=certificates.server_context())
    for server in (scripted, tls):
        server.always(response(b"ok"))
    proxy = bridge.module.Proxy(tinyproxy.origin, auth=(USER, PASSWORD))
    for given in (proxy, tinyproxy.origin.replace("://", f"://{USER}:{PASSWORD}@")):
        async with bridge.client(proxy=given, verify=certificates.client_context()) as client:
            assert (await client.get(scripted.url("/a/../b"), extensions={"target": b"/a/../b"})).content == b"ok"
            assert (await client.get(tls.url("/x"))).content == b"ok"
    assert scripted.requests[0].header("via") is not None
    assert scripted.requests[0].header("proxy-authorization") is None
    assert tls.requests[0].header("via") is None
    async with bridge.client(proxy=tinyproxy.origin, verify=certificates.client_context()) as client:
        assert (await client.get(scripted.url())).status_code == 407
        with pytest.raises(bridge.module.ProxyError, match="407"):
            await client.get(tls.url())


async def test_socks_proxy_resolves_names(bridge: Bridge, microsocks: Site, scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_tunnel")
    scripted.always(response(b"ok"))

    async def none(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was resolved here")

    proxy = f"socks5://{USER}:{PASSWORD}@127.0.0.1:{microsocks.port}"
    async with bridge.client(proxy=proxy, resolver=none) as client:
        assert (await client.get(scripted.url(host="localhost"))).content == b"ok"
    with refused_port() as port:
        async with bridge.client(proxy=f"socks5://127.0.0.1:{port}") as client:
            with pytest.raises(bridge.module.ConnectError):
                await client.get(scripted.url())


async def test_proxies_of_the_environment_are_left_to_the_library(
    bridge: Bridge, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.always(response(b"ok"))
    with refused_port() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        async with bridge.client() as client:
            assert (await client.get(scripted.url())).content == b"ok"


async def test_mounts_choose_the_transport(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    mock = bridge.module.MockTransport(lambda request: bridge.module.Response(200, content=b"mocked"))
    mounts = {"all://127.0.0.1": bridge.transport(), "http://none.test": None}
    async with bridge.module.AsyncClient(transport=mock, mounts=mounts) as client:
        assert (await client.get(scripted.url())).content == b"ok"
        assert (await client.get("http://other.test/")).content == b"mocked"


# -- sockets and pools


async def test_unix_socket(bridge: Bridge, make_scripted: Callable[..., ScriptedServer], tmp_path: Path) -> None:
    server = make_scripted(unix_socket=tmp_path / "s")
    server.always(response(b"ok"))
    async with bridge.client(uds=str(tmp_path / "s")) as client:
        assert (await client.get("http://docker.test/version")).content == b"ok"
    assert server.requests[0].header("host") == "docker.test"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has all of 127.0.0.0/8")
async def test_local_address(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with bridge.client(local_address="127.0.0.9") as client, client.stream("GET", scripted.url()) as answer:
        assert answer.extensions["network_stream"].get_extra_info("client_addr")[0] == "127.0.0.9"
        await answer.aread()


async def test_socket_options_are_set_once_for_each_connection(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for given, expected in ((options, 1), (None, 0)):
        async with bridge.client(socket_options=given) as client:
            for _ in range(2):
                async with client.stream("GET", scripted.url()) as answer:
                    sock = answer.extensions["network_stream"].get_extra_info("socket")
                    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == expected
                    await answer.aread()


async def test_retries_are_for_connecting_alone(
    bridge: Bridge, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline_bridges.httpx_transport.transport.FIRST_PAUSE", 0.01)
    attempts = 0

    async def fails_twice(host: str, port: int) -> list[str]:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise socket.gaierror(socket.EAI_AGAIN, "again")
        return ["127.0.0.1"]

    scripted.answer(response(b"ok"), Script().close())
    url = scripted.url(host="flaky.test")
    async with bridge.client(retries=2, resolver=fails_twice) as client:
        assert (await client.post(url, content=pieces())).content == b"ok"
        with pytest.raises(bridge.module.RemoteProtocolError):
            await client.post(url, content=b"x")
    assert (attempts, scripted.requests[0].body) == (3, b"body")
    attempts = 0
    async with bridge.client(retries=1, resolver=fails_twice) as client:
        with pytest.raises(bridge.module.ConnectError):
            await client.get(url)
    assert attempts == 2


async def test_limits(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    limits = bridge.module.Limits
    for given, connections in (
        (limits(max_connections=9, max_keepalive_connections=0), 2),
        (limits(max_connections=None, keepalive_expiry=None), 1),
        (None, 1),
    ):
        before = scripted.connections
        async with bridge.client(limits=given) as client:
            for _ in range(2):
                await client.get(scripted.url())
        assert scripted.connections - before == connections


# -- plugins, and a client of one's own


class Stamp:
    """A plugin that adds a field."""

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.headers["X-Stamp"] = "1"


async def test_plugins_that_are_named_run(bridge: Bridge, scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_retry")
    pytest.importorskip("hookline_cookies")
    scripted.answer(response(status=503), response(headers={"Set-Cookie": "a=1"}), response(b"ok"))
    parameters: dict[str, Any] = {"plugins": [Stamp(), "retry", "cookies"]}
    async with bridge.transport(**parameters) as transport:
        for _ in range(2):
            answer = await transport.handle_async_request(bridge.module.Request("GET", scripted.url()))
            await answer.aread()
    assert [request.header("x-stamp") for request in scripted.requests] == ["1", "1", "1"]
    assert scripted.requests[2].header("cookie") == "a=1"


async def test_client_of_the_user_has_its_plugins(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with HttpClient(plugins=[Stamp()], headers={"X-Default": "1"}) as own:
        async with bridge.client(own) as client:
            assert (await client.get(scripted.url())).content == b"ok"
        assert (await own.get(scripted.url())).content == b"ok"
    assert scripted.requests[0].header("x-stamp") == "1"
    assert scripted.requests[0].header("x-default") is None
    assert scripted.connections == 1


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"tmeout": 5}, TypeError, "unexpected keyword 'tmeout'"),
        ({"pool_sizes": 5}, TypeError, "Did you mean 'pool_size'"),
        ({"pool_size": 5}, TypeError, "the transports of httpx say limits="),
        ({"proxies": {}}, TypeError, "the transports of httpx say proxy="),
        ({"timeout": 5}, TypeError, r"has no timeout=: it is a parameter of httpx2?\.AsyncClient"),
        ({"follow_redirects": True}, TypeError, r"it is a parameter of httpx2?\.AsyncClient"),
        ({"http1": False}, ValueError, "leaves no protocol"),
        ({"client": HttpClient(autoload=False), "http2": True}, TypeError, r"http2=\.\.\.\): give it to HttpClient"),
        ({"client": HttpClient(autoload=False), "max_body": 1}, TypeError, "max_body=.*give it to HttpClient"),
        ({"proxy": "ftp://127.0.0.1"}, ValueError, "Unknown scheme"),
        ({"plugins": ["retrie"]}, PluginError, "retrie"),
    ],
    ids=[
        "unknown", "similar", "other-name", "other-proxy", "of-the-client", "redirects", "no-protocol", "two-clients",
        "option", "proxy-scheme", "plugin",
    ],
)  # fmt: skip
def test_wrong_parameters(bridge: Bridge, given: dict[str, Any], kind: type[Exception], message: str) -> None:
    for make in (bridge.transport, bridge.sync_transport):
        with pytest.raises(kind, match=message):
            make(**given)


def test_settings_of_a_proxy_without_a_counterpart_are_refused(bridge: Bridge) -> None:
    proxy = bridge.module.Proxy
    for given in (
        proxy("http://127.0.0.1:1", headers={"X": "1"}),
        proxy("https://127.0.0.1:1", ssl_context=ssl.create_default_context()),
    ):
        with pytest.raises(ValueError, match="is not supported"):
            bridge.transport(proxy=given)


def test_password_of_a_proxy_is_quoted(bridge: Bridge) -> None:
    proxy = bridge.module.Proxy("http://127.0.0.1:1", auth=("us:er", "p@s/s"))
    assert settings.proxies_of(bridge.module, proxy)["all"] == "http://us%3Aer:p%40s%2Fs@127.0.0.1:1"
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of whatever class: it must not show the password
        bridge.transport(proxy="http://user:secret@[::")
    assert "secret" not in str(caught.value)


# -- a connection that has left HTTP


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Any) -> None:
    """Answer with 101, and with the first bytes of another protocol; then send back in upper case what comes."""
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nHELLO")
    while data := await reader.read(65536):
        writer.write(data.upper())
        await writer.drain()


async def test_connection_after_a_101_is_read_and_written(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(shout)
    core = pytest.importorskip(bridge.module.__name__.replace("httpx", "httpcore"))
    fields = {"Connection": "upgrade", "Upgrade": "shout"}
    async with bridge.client() as client, client.stream("GET", scripted.url(), headers=fields) as answer:
        assert answer.status_code == 101
        stream = answer.extensions["network_stream"]
        assert await stream.read(3) == b"HEL"
        assert await stream.read(100) == b"LO"
        await stream.write(b"abc")
        assert await stream.read(100, timeout=30) == b"ABC"
        with pytest.raises(core.ReadTimeout):
            await stream.read(100, timeout=0.02)
        size = 3_000_000
        sending = asyncio.ensure_future(stream.write(b"x" * size))
        got = 0
        while got < size:
            got += len(await stream.read(65536, timeout=30))
        await sending
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", scripted.port)
        await stream.aclose()
        assert await stream.read(10) == b""
        with pytest.raises(core.WriteError):
            await stream.write(b"x")
    assert client._transport.client.stats().connections == 0


async def test_websockets_of_httpx2(
    websockets_server: Site, websockets_tls_server: Site, certificates: Certificates
) -> None:
    """httpx2 speaks websockets over the network stream of a 101."""
    pytest.importorskip("wsproto")  # as httpx2 needs it
    context = certificates.client_context()
    async with httpx2.AsyncClient(transport=httpx2_bridge.HooklineTransport(verify=context)) as client:
        for site in (websockets_server, websockets_tls_server):
            async with client.websocket(site.url("/echo").replace("http", "ws", 1)) as websocket:
                await websocket.send_text("hello")
                assert await websocket.receive_text() == "hello"
