"""The connection hooks see each hop of a proxy chain, SOCKS, websockets, follow-ups and applications in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import HttpClient, HttpConnectionError, HttpRequest, hookimpl
from hookline_testing import app_route
from servers.addresses import Site
from servers.certificates import Certificates


class Watch:
    """Notes the dials, the connections that requests get, and those that have not ended."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []
        self.used: list[tuple[str, str, Any]] = []
        self.open: set[Any] = set()

    @hookimpl
    def connecting(self, host: str, port: int) -> None:
        self.dialled.append((host, port))

    @hookimpl
    def connected(self, request: HttpRequest, connection: Any) -> None:
        peer = connection.facts().peer
        self.used.append((request.method, request.cause, peer and peer[1]))
        self.open.add(connection)

    @hookimpl
    def disconnected(self, connection: Any, exc: BaseException | None) -> None:
        assert exc is None
        self.open.remove(connection)

    async def all_ended(self) -> bool:
        """Wait until each connection has ended: transports report it in a later turn of the loop."""
        for _ in range(100):
            if not self.open:
                return True
            await asyncio.sleep(0.02)
        return False


def client_of(watch: Any, certificates: Certificates, **options: Any) -> HttpClient:
    return HttpClient(plugins=[watch], verify=str(certificates.ca_file), timeout=10, **options)


def proxies(scheme: str, site: Site) -> dict[str, str]:
    return {"all": f"{scheme}://user:passwd@127.0.0.1:{site.port}", "no": ""}


@pytest.mark.parametrize("kind", ["squid", "tls_proxy"])
async def test_tunnel_dials_the_proxy_alone(
    kind: str, certificates: Certificates, nginx_tls: Site, request: pytest.FixtureRequest
) -> None:
    site, watch = request.getfixturevalue(kind), Watch()
    async with client_of(watch, certificates, proxies=proxies(site.scheme, site)) as client:
        await client.get(nginx_tls.url("/1m.bin"))
        await client.get(nginx_tls.url("/1m.bin"))
    assert watch.dialled == [("127.0.0.1", site.port)]
    assert watch.used == [("CONNECT", "connect", site.port), ("GET", "call", site.port), ("GET", "call", site.port)]
    assert await watch.all_ended()


async def test_proxy_in_absolute_form(certificates: Certificates, nginx: Site, squid: Site) -> None:
    watch = Watch()
    async with client_of(watch, certificates, proxies=proxies("http", squid)) as client:
        await client.get(nginx.url("/1m.bin"))
    assert (watch.dialled, watch.used) == ([("127.0.0.1", squid.port)], [("GET", "call", squid.port)])
    assert await watch.all_ended()


async def test_socks_dials_the_proxy_alone(certificates: Certificates, nginx_tls: Site, microsocks: Site) -> None:
    watch = Watch()
    async with client_of(watch, certificates, proxies=proxies("socks5h", microsocks)) as client:
        await client.get(nginx_tls.url("/1m.bin"))
    assert (watch.dialled, watch.used) == ([("127.0.0.1", microsocks.port)], [("GET", "call", microsocks.port)])
    assert await watch.all_ended()


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
async def test_proxy_that_a_hook_refuses_is_not_dialled(
    scheme: str, certificates: Certificates, nginx_tls: Site, squid: Site, microsocks: Site
) -> None:
    class Refuse:
        @hookimpl
        def connecting(self, host: str) -> None:
            raise HttpConnectionError(f"{host} is refused")

    site = squid if scheme == "http" else microsocks
    async with client_of(Refuse(), certificates, proxies=proxies(scheme, site)) as client:
        with pytest.raises(HttpConnectionError, match=r"127\.0\.0\.1 is refused"):
            await client.get(nginx_tls.url("/1m.bin"))
        assert client.stats()[:3] == (0, 0, 0)


async def test_websocket(certificates: Certificates, websockets_server: Site) -> None:
    watch = Watch()
    async with client_of(watch, certificates) as client:
        websocket = await client.get(websockets_server.url("/").replace("http", "ws"))
        await websocket.close()
    assert watch.dialled == [("127.0.0.1", websockets_server.port)]
    assert watch.used == [("GET", "call", websockets_server.port)]
    assert await watch.all_ended()


async def test_follow_ups(certificates: Certificates, httpbin: Site) -> None:
    watch = Watch()
    async with client_of(watch, certificates) as client:
        response = await client.get(httpbin.url("/redirect/2"))
    assert len(response.history) == 2
    assert watch.dialled == [("127.0.0.1", httpbin.port)] * len(watch.dialled)
    assert [cause for _, cause, _ in watch.used] == ["call", "redirect", "redirect"]
    assert await watch.all_ended()


async def test_application_in_memory_is_not_dialled() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"app"})

    watch = Watch()
    async with HttpClient(plugins=[watch, app_route(app)]) as client:
        assert (await client.get("http://name.example/")).content == b"app"
    assert watch.dialled == []
    assert [(method, cause) for method, cause, _ in watch.used] == [("GET", "call")]
    assert await watch.all_ended()
