"""`route.to_address`: the same route to an address that a plugin has looked up, so that nobody looks the host up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hookline import DirectRoute, HttpClient, HttpConnectionError, HttpResponse, Route, hookimpl
from hookline_testing.server import ScriptedServer, response
from servers.certificates import Certificates


class Pin:
    """Sends all requests to one address."""

    def __init__(self, address: str) -> None:
        self.address = address

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        route = response.request.route.to_address(self.address)
        assert route is not None
        response.request.route = route


async def not_asked(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} is looked up")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
async def test_host_is_not_looked_up(make_scripted: Callable[..., ScriptedServer], address: str) -> None:
    server = make_scripted(host=address)
    server.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=[Pin(address)], resolver=not_asked) as client:
        found = await client.get(f"http://name.example:{server.port}/")
        assert (found.content, found.connection) == (b"x", None)
    assert server.requests[0].header("host") == f"name.example:{server.port}"


async def test_tls_still_checks_the_name(
    make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.server_context(), strict=False)
    server.always(response(b"x"))
    options: dict[str, Any] = {"plugins": [Pin("127.0.0.1")], "resolver": not_asked, "verify": certificates.ca_file}
    async with HttpClient(autoload=False, **options) as client:
        assert (await client.get(f"https://localhost:{server.port}/")).ok
        with pytest.raises(HttpConnectionError, match="match"):
            await client.get(f"https://name.example:{server.port}/")


async def test_connections_to_another_address_are_not_shared(make_scripted: Callable[..., ScriptedServer]) -> None:
    server = make_scripted(host="127.0.0.1")
    server.always(response(b"x"))
    async with HttpClient(autoload=False) as client:
        await client.get(server.url(host="localhost"))
        await client.get(server.url(host="localhost"), plugins=[Pin("127.0.0.1")])
        await client.get(server.url(host="localhost"), plugins=[Pin("127.0.0.1")])
    assert [request.connection for request in server.requests] == [1, 2, 2]


def test_route_of_a_third_party_says_that_it_cannot() -> None:
    assert Route().to_address("127.0.0.1") is None
    direct = DirectRoute("http", "name.example", 80)
    assert direct.to_address("127.0.0.1").key != direct.key  # type: ignore[union-attr]
    assert direct.to_address("127.0.0.1").only_by("http/1.1").address == "127.0.0.1"  # type: ignore[union-attr]
