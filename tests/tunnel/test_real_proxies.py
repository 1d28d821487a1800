"""Real proxies before real servers: squid, tinyproxy, TLS by haproxy; nginx, apache and scripted ones behind them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpProxyError, ReadTimeout, Timeout
from hookline_testing.server import ScriptedServer, response
from servers.addresses import Site, refused_port
from servers.certificates import Certificates
from servers.nginx import MEDIUM
from servers.squid import USERS, Asked, asked

Make = Callable[..., ScriptedServer]
KINDS = ["squid", "squid_basic", "tinyproxy", "tls_proxy"]


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Site:
    """The proxy that the test's parameter names."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def client_of(certificates: Certificates) -> Callable[..., HttpClient]:
    """A client that goes through a proxy, with credentials that all of them take."""

    def make(proxy: Site, **options: Any) -> HttpClient:
        url = f"{proxy.scheme}://user:passwd@127.0.0.1:{proxy.port}"
        given = {"verify": str(certificates.ca_file), "proxies": {"all": url, "no": ""}, "timeout": 10} | options
        return HttpClient(**given)

    return make


ClientOf = Callable[..., HttpClient]


def tunnels(log: list[Asked], port: int) -> int:
    return sum(entry.method == "CONNECT" and entry.target.endswith(f":{port}") for entry in log)


@pytest.mark.parametrize("proxy", KINDS, indirect=True)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_bodies_come_through(proxy: Site, client_of: ClientOf, nginx: Site, nginx_tls: Site, scheme: str) -> None:
    site = nginx if scheme == "http" else nginx_tls
    wanted = (site.directory / "www/1m.bin").read_bytes()
    async with client_of(proxy) as client:
        for _ in range(3):
            answer = await client.get(site.url("/1m.bin"))
            assert hashlib.sha256(answer.content).digest() == hashlib.sha256(wanted).digest()
        assert answer.request.proxy == f"{proxy.scheme}://127.0.0.1:{proxy.port}"
        assert answer.request.tunnel == (f"127.0.0.1:{site.port}" if scheme == "https" else None)
        async with await client.get(site.url("/1m.bin"), stream=True) as answer:
            assert b"".join([chunk async for chunk in answer.raw]) == wanted
        assert (await client.head(site.url("/1m.bin"))).headers["content-length"] == str(MEDIUM)
        assert (await client.get(site.url("/status/404"))).status_code == 404


@pytest.mark.parametrize("proxy", KINDS, indirect=True)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_bodies_go_through(
    proxy: Site,
    client_of: ClientOf,
    aiohttp_server: Site,
    aiohttp_tls_server: Site,
    scheme: str,
    request: pytest.FixtureRequest,
) -> None:
    site = aiohttp_server if scheme == "http" else aiohttp_tls_server
    body = bytes(range(256)) * 8192
    expected = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    async def pieces() -> Any:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    async with client_of(proxy) as client:
        assert (await client.post(site.url("/upload"), data=body)).json() == expected
        if scheme == "https" or request.node.callspec.params["proxy"] != "tinyproxy":  # it takes no chunked request
            assert (await client.put(site.url("/upload"), data=pieces())).json() == expected


async def test_second_request_asks_for_no_tunnel(squid: Site, client_of: ClientOf, nginx_tls: Site) -> None:
    before = tunnels(asked(squid), nginx_tls.port)
    async with client_of(squid) as client:
        for _ in range(5):
            assert (await client.get(nginx_tls.url("/small.json"))).status_code == 200
    for _ in range(100):  # squid writes its line when the tunnel has ended
        if tunnels(asked(squid), nginx_tls.port) > before:
            break
        await asyncio.sleep(0.02)
    assert tunnels(asked(squid), nginx_tls.port) == before + 1


@pytest.mark.parametrize("proxy", ["squid", "tinyproxy", "tls_proxy"], indirect=True)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_fifty_requests_at_once(
    proxy: Site, client_of: ClientOf, nginx: Site, nginx_tls: Site, scheme: str
) -> None:
    site = nginx if scheme == "http" else nginx_tls
    async with client_of(proxy, pool_size=10) as client:
        answers = await asyncio.gather(*(client.get(site.url("/1m.bin")) for _ in range(50)))
        assert {hashlib.sha256(answer.content).hexdigest() for answer in answers} == {
            hashlib.sha256((site.directory / "www/1m.bin").read_bytes()).hexdigest()
        }
        (pool,) = client.connection_pools.values()
        assert pool.opened <= 10


@pytest.mark.parametrize("proxy", ["squid_basic", "tinyproxy"], indirect=True)
async def test_wrong_password_is_refused(proxy: Site, client_of: ClientOf, nginx: Site, nginx_tls: Site) -> None:
    wrong = {"all": f"http://user:s3cret@127.0.0.1:{proxy.port}", "no": ""}
    async with client_of(proxy) as client:
        answer = await client.get(nginx.url("/small.json"), proxies=wrong)
        assert answer.status_code in (401, 407)  # tinyproxy 1.11 says 401 to a wrong password
        with pytest.raises(HttpProxyError, match=r"refused a tunnel to .*: (407|401) ") as caught:
            await client.get(nginx_tls.url("/small.json"), proxies=wrong)
        assert caught.value.response.content
        assert "s3cret" not in f"{caught.value!r}"
        assert (await client.get(nginx_tls.url("/small.json"))).status_code == 200


async def test_password_with_every_kind_of_character(squid_basic: Site, client_of: ClientOf, nginx_tls: Site) -> None:
    from urllib.parse import quote

    url = f"http://other:{quote(USERS['other'], safe='')}@127.0.0.1:{squid_basic.port}"
    async with client_of(squid_basic, proxies={"https": url}) as client:
        assert (await client.get(nginx_tls.url("/small.json"))).status_code == 200


@pytest.mark.parametrize("proxy", ["squid", "tinyproxy", "tls_proxy"], indirect=True)
async def test_unreachable_origin_is_told(proxy: Site, client_of: ClientOf) -> None:
    with refused_port() as port:
        async with client_of(proxy) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code >= 500
            with pytest.raises(HttpProxyError, match="refused a tunnel") as caught:
                await client.get(f"https://127.0.0.1:{port}/")
            assert caught.value.response.status_code >= 500
            assert not any(pool.opened > len(pool.idle) for pool in client.connection_pools.values())


@pytest.mark.parametrize("proxy", ["squid", "tinyproxy", "tls_proxy"], indirect=True)
async def test_timeouts_by_part(
    proxy: Site, client_of: ClientOf, scripted: ScriptedServer, make_scripted: Make, certificates: Certificates
) -> None:
    from hookline_testing.server import Script

    secure = make_scripted(ssl_context=certificates.server_context())
    for server in (scripted, secure):
        server.answer(Script().stall(), response(b"fine"))
    async with client_of(proxy, timeout=Timeout(10, connect=5, tls=5, read=0.3)) as client:
        for server in (scripted, secure):
            with pytest.raises(ReadTimeout):
                await client.get(server.url())
            assert (await client.get(server.url())).content == b"fine"


@pytest.mark.parametrize("proxy", ["squid", "tls_proxy"], indirect=True)
async def test_storm_of_cancellations_leaves_whole_pools(
    proxy: Site, client_of: ClientOf, nginx: Site, nginx_tls: Site
) -> None:
    async with client_of(proxy, pool_size=3) as client:
        tasks = []
        for number in range(40):
            site = (nginx, nginx_tls)[number % 2]
            tasks.append(asyncio.ensure_future(client.get(site.url("/1m.bin"))))
        for number, task in enumerate(tasks):
            if number % 3 == 0:
                await asyncio.sleep(0.002 * (number % 7))
                task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) or len(end.content) == MEDIUM for end in ends)
        for pool in client.connection_pools.values():
            assert pool.opened == len(pool.connections) == len(pool.idle) <= 3
            assert not pool.waiters
        assert (await client.get(nginx_tls.url("/small.json"))).status_code == 200


def test_synchronous_mode(squid: Site, tls_proxy: Site, client_of: ClientOf, nginx: Site, nginx_tls: Site) -> None:
    for proxy in (squid, tls_proxy):
        with client_of(proxy) as client:
            for site in (nginx, nginx_tls):
                for _ in range(2):
                    assert len(client.get(site.url("/1m.bin")).content) == MEDIUM
                assert sum(map(len, client.get(site.url("/1m.bin"), stream=True).raw)) == MEDIUM


def test_client_moves_to_another_loop(squid: Site, client_of: ClientOf, nginx_tls: Site) -> None:
    client = client_of(squid)

    async def fetch() -> int:
        return int((await client.get(nginx_tls.url("/small.json"))).status_code)

    assert [asyncio.run(fetch()), asyncio.run(fetch())] == [200, 200]


@pytest.mark.parametrize("proxy", ["squid", "tinyproxy", "tls_proxy"], indirect=True)
async def test_redirects_between_schemes_and_origins(
    proxy: Site,
    client_of: ClientOf,
    make_scripted: Make,
    certificates: Certificates,
    request: pytest.FixtureRequest,
) -> None:
    pytest.importorskip("hookline_redirects", reason="this follows redirects")
    plain, secure = make_scripted(), make_scripted(ssl_context=certificates.server_context())
    plain.answer(
        response(b"", 302, [("Location", "/same")]),
        response(b"", 302, [("Location", secure.url("/in"))]),
        response(b"the end"),
    )
    secure.answer(response(b"", 307, [("Location", "/again")]), response(b"", 302, [("Location", plain.url("/back"))]))
    async with client_of(proxy) as client:
        answer = await client.get(plain.url("/"), headers={"Authorization": "Bearer s3cret"})
    assert answer.content == b"the end"
    assert [hop.request.tunnel is not None for hop in answer.history] == [False, False, True, True]
    assert [one.target for one in secure.requests] == ["/in", "/again"]
    # tinyproxy hands on the field that was for itself; a client cannot keep it from that
    seen = [*([] if request.node.callspec.params["proxy"] == "tinyproxy" else plain.requests), *secure.requests]
    assert not [name for one in seen for name, _ in one.headers if name.lower().startswith(b"proxy-")]
    assert [one.header("authorization") for one in plain.requests] == ["Bearer s3cret"] * 2 + [None]
    assert [one.header("authorization") for one in secure.requests] == [None, None]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_cookies_and_decompression_work_through_proxies(
    squid: Site,
    client_of: ClientOf,
    aiohttp_server: Site,
    aiohttp_tls_server: Site,
    make_scripted: Make,
    certificates: Certificates,
    scheme: str,
) -> None:
    pytest.importorskip("hookline_cookies", reason="this keeps cookies")
    pytest.importorskip("hookline_decompress", reason="this decodes bodies")
    server = make_scripted(ssl_context=certificates.server_context() if scheme == "https" else None)
    server.answer(response(headers=[("Set-Cookie", "a=1; Path=/")]), response())
    async with client_of(squid) as client:
        for _ in range(2):
            await client.get(server.url())
        site = aiohttp_server if scheme == "http" else aiohttp_tls_server
        answer = await client.get(site.url("/gzip"))
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json() == {"gzipped": True}
    assert [request.header("cookie") for request in server.requests] == [None, "a=1"]


async def test_timings_of_a_tunnel(squid: Site, client_of: ClientOf, nginx_tls: Site) -> None:
    async with client_of(squid) as client:
        first, second = [(await client.get(nginx_tls.url("/small.json"), timings=True)).timings for _ in range(2)]
    assert 0 < first.connect < first.tls <= first.sent < first.first_byte < first.done
    assert (second.connect, second.tls) == (None, None)


@pytest.mark.parametrize("proxy", ["squid", "tls_proxy"], indirect=True)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_websockets_go_through_tunnels(
    proxy: Site, client_of: ClientOf, aiohttp_server: Site, aiohttp_tls_server: Site, scheme: str
) -> None:
    pytest.importorskip("hookline_websocket", reason="this opens websockets")
    site = aiohttp_server if scheme == "ws" else aiohttp_tls_server
    url = f"{proxy.scheme}://127.0.0.1:{proxy.port}"
    async with client_of(proxy, proxies={"http": url, "https": url, "no": ""}) as client:
        websocket = await client.get(f"{scheme}://127.0.0.1:{site.port}/websocket")
        for message in ("hello", b"x" * 200_000):
            await websocket.send(message)
            assert await websocket.receive() == message
        await websocket.close()
        assert not any(pool.opened for pool in client.connection_pools.values())
