"""The protocol of a plugin behind proxies and on other sockets: the peer at the end chooses it."""

from __future__ import annotations

import asyncio

import pytest

from hookline import hookimpl
from servers.mux import ALPN, MuxServer


def through(make_client, scheme, site, **options):
    """A client whose requests go through a proxy."""
    proxies = {"all": f"{scheme}://user:passwd@127.0.0.1:{site.port}", "no": ""}
    return make_client(autoload=True, proxies=proxies, timeout=10, **options)


@pytest.mark.parametrize("kind", ["squid", "squid_basic", "tls_proxy"])
async def test_tunnels_of_http_proxies(make_client, mux, request, kind):
    site = request.getfixturevalue(kind)
    client = through(make_client, site.scheme, site)
    responses = await asyncio.gather(*(client.get(mux.url()) for _ in range(10)))
    assert {(response.version, response.text) for response in responses} == {("ACME/1", "hello")}
    assert mux.connections == 1


@pytest.mark.parametrize("kind", ["squid", "tls_proxy"])
async def test_tunnel_to_a_peer_that_chooses_http_1(make_client, make_mux, request, kind):
    mux = await make_mux(alpn=("http/1.1",))
    site = request.getfixturevalue(kind)
    client = through(make_client, site.scheme, site)
    responses = await asyncio.gather(*(client.get(mux.url("/x")) for _ in range(10)))
    assert {response.version for response in responses} == {"HTTP/1.1"}


async def test_socks(make_client, mux, microsocks):
    client = through(make_client, "socks5h", microsocks)
    responses = await asyncio.gather(*(client.get(mux.url()) for _ in range(10)))
    assert {response.version for response in responses} == {"ACME/1"}
    assert mux.connections == 1


async def test_unix_socket(make_client, certificates, tmp_path, acme_mux):

    mux = MuxServer()
    context = certificates.right.server_context(alpn=(ALPN,))
    path = str(tmp_path / "socket")
    server = await asyncio.start_unix_server(mux.serve, path, ssl=context)
    try:
        client = make_client(unix_socket=path)
        responses = await asyncio.gather(*(client.get("https://localhost/hello") for _ in range(5)))
        assert {response.version for response in responses} == {"ACME/1"}
        assert mux.connections == 1
        await client.close()
        await mux.until_closed()
    finally:
        server.close()


async def test_websockets_are_offered_http_1_alone(make_client, make_mux):
    mux = await make_mux()
    client = make_client(autoload=True)
    response = await client.get(mux.url().replace("https", "wss"))  # it refuses the upgrade
    assert (response.version, mux.requests) == ("HTTP/1.1", [])


async def test_default_plugins_work_over_it(make_client, mux):
    client = make_client(autoload=True)
    response = await client.post(mux.url("/echo"), json={"a": 1}, auth=("user", "password"), cookies={"c": "1"})
    assert response.json() == {"a": 1}
    fields = {name.lower(): value for name, value in mux.requests[0].fields}
    assert fields["cookie"] == "c=1"
    assert fields["authorization"].startswith("Basic ")
    assert "connection" not in fields
    assert "host" not in fields


async def test_prior_knowledge_goes_to_follow_ups(make_client, make_mux, prior_knowledge):
    mux = await make_mux(tls=False)

    class Follows:
        @hookimpl
        def post_request(self, response, exc):
            if exc is None and response.request.cause == "call":
                return response.request.follow(mux.url("/hello"), cause="redirect")

    client = make_client(plugins=[prior_knowledge, Follows()])
    assert (await client.get(mux.url("/bytes/3"))).version == "ACME/1"
    assert mux.connections == 1
