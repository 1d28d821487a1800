"""`route.to_address` behind proxies: they get the address, and look nothing up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, hookimpl
from hookline_testing.server import ScriptedServer, response
from servers.addresses import Site
from servers.certificates import Certificates

Make = Callable[..., ScriptedServer]


class Pin:
    """Has the proxy connect to 127.0.0.1. It runs when the proxy is chosen."""

    after = ("tunnel",)

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse) -> None:
        route = response.request.route.to_address("127.0.0.1")
        if route is not None:
            response.request.route = route


def options_of(scheme: str, site: Site, certificates: Certificates) -> dict[str, Any]:
    proxies = {"all": f"{scheme}://user:passwd@127.0.0.1:{site.port}", "no": ""}
    return {"proxies": proxies, "verify": str(certificates.ca_file), "timeout": 10}


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_proxy_gets_the_address(
    scheme: str, certificates: Certificates, make_scripted: Make, squid: Site, microsocks: Site
) -> None:
    if scheme != "http":
        pytest.importorskip("python_socks", reason="LOUD: hookline-tunnel[socks] is not installed")
    server = make_scripted(ssl_context=certificates.server_context())
    server.always(response(b"x"))
    site = squid if scheme == "http" else microsocks
    options = options_of(scheme, site, certificates)
    async with HttpClient(plugins=[Pin()], server_hostname="localhost", **options) as client:
        for _ in range(2):
            found = await client.get(f"https://nowhere.invalid:{server.port}/")
            assert found.content == b"x"
        assert found.request.route.only_by("http/1.1").address == "127.0.0.1"  # as for a request that is sent again
    assert [(seen.connection, seen.header("host")) for seen in server.requests] == [
        (1, f"nowhere.invalid:{server.port}")
    ] * 2


async def test_absolute_form_has_the_name_in_any_case(certificates: Certificates, nginx: Site, squid: Site) -> None:
    options = options_of("http", squid, certificates)
    async with HttpClient(plugins=[Pin()], **options) as client:
        found = await client.get(nginx.url("/1m.bin", host="localhost"))
        assert found.ok
        assert found.request.route.to_address("127.0.0.1") is None
