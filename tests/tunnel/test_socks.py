"""SOCKS: dante (4 and 5), microsocks (5 with a password), and proxies that break the rules."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hookline import (
    ConnectionRefused,
    ConnectTimeout,
    DNSError,
    HttpClient,
    HttpConnectionError,
    HttpProxyError,
    PluginError,
    SSLError,
    Timeout,
)
from hookline_testing.server import Script, ScriptedServer, response
from servers.addresses import Site, refused_port
from servers.certificates import Certificates

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

pytest.importorskip("python_socks", reason="LOUD: hookline-tunnel[socks] is not installed")

Make = Callable[..., ScriptedServer]


@pytest.mark.parametrize("kind", ["socks4", "socks5", "socks5h"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_dante_carries_requests(
    dante: Site, make_scripted: Make, certificates: Certificates, kind: str, scheme: str
) -> None:
    server = make_scripted(ssl_context=certificates.server_context() if scheme == "https" else None)
    server.always(response(b"carried"))
    proxies = {"all": f"{kind}://127.0.0.1:{dante.port}", "no": ""}
    async with HttpClient(proxies=proxies, verify=str(certificates.ca_file), timeout=10) as client:
        for host in ("127.0.0.1", "localhost", "localhost"):
            answer = await client.get(server.url("/x", host=host), headers={"Proxy-Authorization": "own"})
            assert answer.content == b"carried"
    assert [request.target for request in server.requests] == ["/x"] * 3
    assert [request.connection for request in server.requests] == [1, 2, 2]
    assert [request.header("proxy-authorization") for request in server.requests] == [None] * 3
    assert answer.request.proxy == f"{kind}://127.0.0.1:{dante.port}"
    assert answer.request.tunnel == f"localhost:{server.port}"


async def test_microsocks_wants_a_password(microsocks: Site, make_scripted: Make, certificates: Certificates) -> None:
    server = make_scripted(ssl_context=certificates.server_context())
    server.always(response(b"x" * 1_000_000))
    right, wrong, none = (
        {"all": f"socks5h://{user}127.0.0.1:{microsocks.port}"} for user in ("user:passwd@", "user:s3cret@", "")
    )
    async with HttpClient(proxies=right, verify=str(certificates.ca_file), timeout=10) as client:
        answers = await asyncio.gather(*(client.get(server.url()) for _ in range(30)))
        assert all(len(answer.content) == 1_000_000 for answer in answers)
        assert server.connections <= 10
        for proxies in (wrong, none):
            with pytest.raises(HttpProxyError, match=f"socks5h://127.0.0.1:{microsocks.port} refused") as caught:
                await client.get(server.url(), proxies=proxies)
            assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert (await client.get(server.url())).status_code == 200


def test_synchronous_mode(dante: Site, scripted: ScriptedServer) -> None:
    scripted.always(response(b"carried"))
    with HttpClient(proxies={"all": f"socks5://127.0.0.1:{dante.port}"}) as client:
        assert [client.get(scripted.url()).content for _ in range(2)] == [b"carried"] * 2
    assert scripted.connections == 1


async def test_each_address_of_the_proxy_is_tried(dante: Site, scripted: ScriptedServer) -> None:
    scripted.always(response(b"carried"))
    async with HttpClient(proxies={"all": f"socks5://localhost:{dante.port}"}) as client:
        assert (await client.get(scripted.url())).content == b"carried"


async def test_target_that_nobody_listens_at(dante: Site) -> None:
    with refused_port() as port:
        async with HttpClient(proxies={"all": f"socks5://127.0.0.1:{dante.port}"}, timeout=10) as client:
            with pytest.raises(HttpProxyError, match=r"refused a connection to 127\.0\.0\.1"):
                await client.get(f"http://127.0.0.1:{port}/")
            assert not any(pool.opened for pool in client.connection_pools.values())


async def test_proxy_that_nobody_listens_at() -> None:
    with refused_port() as port:
        async with HttpClient(proxies={"all": f"socks5://user:s3cret@127.0.0.1:{port}"}) as client:
            with pytest.raises(ConnectionRefused, match=f"no server listens at the proxy socks5://127.0.0.1:{port}"):
                await client.get("http://origin.example/")


async def test_name_that_is_unknown_here_is_a_dns_error(dante: Site) -> None:
    async with HttpClient(proxies={"all": f"socks5://127.0.0.1:{dante.port}"}, timeout=20) as client:
        with pytest.raises(DNSError, match=r"nowhere\.invalid"):
            await client.get("http://nowhere.invalid/")


async def test_certificate_behind_socks_is_checked(
    dante: Site, make_scripted: Make, certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.wrong_host.server_context())
    async with HttpClient(
        proxies={"all": f"socks5://127.0.0.1:{dante.port}"}, verify=str(certificates.ca_file)
    ) as client:
        with pytest.raises(SSLError, match="is not trusted"):
            await client.get(server.url())
    await server.until_closed_connections()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("user", ["", "me"])
async def test_socks4a_gives_the_name_to_the_proxy(
    make_scripted: Make, certificates: Certificates, scheme: str, user: str
) -> None:
    asked = []

    async def handshake(connection: Any) -> None:
        reader = connection.reader
        asked.append(await reader.readexactly(8) + await reader.readuntil(b"\0") + await reader.readuntil(b"\0"))
        granted = b"\0\x5a\0\0\0\0\0\0"
        if scheme == "https":
            await connection.start_tls(certificates.server_context(), granted)
        else:
            await connection.send(granted)

    proxy = make_scripted()
    proxy.greet(Script().then(handshake))
    proxy.always(response(b"carried"))
    proxies = {"all": f"socks4a://{user + '@' if user else ''}127.0.0.1:{proxy.port}", "no": ""}
    async with HttpClient(proxies=proxies, verify=str(certificates.ca_file), timeout=5) as client:
        for _ in range(2):
            assert (await client.get(f"{scheme}://localhost:258/x")).content == b"carried"
    assert asked == [b"\x04\x01\x01\x02\0\0\0\x01" + user.encode() + b"\0localhost\0"]
    assert proxy.requests[0].target == "/x"


HOSTILE = [
    b"",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x05\xff",
    b"\x05\x02",
    b"\x05\x77",
    b"\x04\x00",
    b"\x05\x00\x05\x01\x00\x01" + b"\0" * 6,
    b"\x05\x00\x05\x63\x00\x01" + b"\0" * 6,
    b"\x05\x00\x05\x00\x00\x09" + b"\0" * 6,
    b"\x05\x00\x05\x00\x00\x03\x02\xff\xff\0\0",
    b"\x05\x00\x05\x00\x00\x01\0",
    b"\x05\x00\x06\x00\x00\x01" + b"\0" * 6,
]


@pytest.mark.parametrize("reply", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("user", ["", "user:passwd@"])
async def test_hostile_proxy_is_an_error(scripted: ScriptedServer, reply: bytes, user: str) -> None:
    scripted.greet(Script(reply).pause(0.05).close())
    proxies = {"all": f"socks5://{user}127.0.0.1:{scripted.port}"}
    async with HttpClient(proxies=proxies, timeout=5) as client:
        with pytest.raises(HttpConnectionError) as caught:
            await client.get("http://127.0.0.1:1/")
        assert "passwd" not in f"{caught.value!r}"
        assert not any(pool.opened for pool in client.connection_pools.values())
    await scripted.until_closed_connections()


async def test_silent_proxy_is_a_timeout(scripted: ScriptedServer) -> None:
    scripted.greet(Script().stall())
    proxies = {"all": f"socks5://127.0.0.1:{scripted.port}"}
    async with HttpClient(proxies=proxies, timeout=Timeout(connect=0.2)) as client:
        with pytest.raises(ConnectTimeout):
            await client.get("http://127.0.0.1:1/")
        assert not any(pool.opened for pool in client.connection_pools.values())
        await scripted.until_closed_connections()


async def test_cancelled_in_the_handshake(scripted: ScriptedServer) -> None:
    scripted.greet(Script().stall())
    async with HttpClient(proxies={"all": f"socks5://127.0.0.1:{scripted.port}"}) as client:
        task = asyncio.ensure_future(client.get("http://127.0.0.1:1/"))
        await scripted.until(connections=1)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(pool.opened for pool in client.connection_pools.values())
        await scripted.until_closed_connections()


async def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "python_socks":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "python_socks", None)
    async with HttpClient(proxies={"all": "socks5://127.0.0.1:1"}) as client:
        with pytest.raises(PluginError, match=r"pip install 'hookline-tunnel\[socks\]'"):
            await client.get("http://origin.example/")


def test_library_is_imported_at_its_first_use_only() -> None:
    code = (
        "import sys; from hookline import HttpClient; HttpClient(proxies={'all': 'socks5://p'}).configuration;"
        "sys.exit('python_socks' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0
