"""Other ways to a server: a unix socket, IPv6, a local address, a name with several addresses, a route of a plugin's own."""

import asyncio
import contextlib
import ipaddress
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline import Connection, HttpClient, HttpRequestException, Route
from hookline.errors import HttpConnectionError
from hookline_testing.server import Script, ScriptedServer, chunked, response


async def test_unix_socket_is_used(make_scripted, tmp_path):
    path = tmp_path / "socket"
    server = make_scripted(unix_socket=path)
    server.always(response(b"local"))
    async with HttpClient(autoload=False, unix_socket=str(path)) as client:
        assert (await client.get("http://anything.example/x")).content == b"local"
        assert (await client.get("http://anything.example/y")).content == b"local"
    assert server.connections == 1
    assert server.requests[0].header("host") == "anything.example"


async def test_missing_unix_socket_is_named(tmp_path):
    async with HttpClient(autoload=False) as client:
        with pytest.raises(HttpConnectionError, match="nowhere"):
            await client.get("http://anything.example/", unix_socket=str(tmp_path / "nowhere"))


async def test_ipv6_address_is_used(make_scripted):
    server = make_scripted(host="::1")
    server.answer(response(b"six"))
    async with HttpClient(autoload=False) as client:
        assert (await client.get(server.url())).content == b"six"
    assert server.requests[0].header("host") == f"[::1]:{server.port}"


def link_local():
    """An IPv6 address with its zone, percent-encoded; None where this machine has none."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            digits, _, _, scope, _, name = line.split()
            if scope == "20":
                return f"{ipaddress.IPv6Address(bytes.fromhex(digits))}%25{name}"
    return None


@pytest.mark.skipif(link_local() is None, reason="no interface with a link-local IPv6 address")
async def test_zone_of_an_address_is_used_and_stays_here():
    seen = []

    async def answer(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response(b"near"))
        writer.close()

    async def resolver(host, port):
        raise AssertionError("an address is not resolved")

    server = await asyncio.start_server(answer, "::", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://[{link_local()}]:{port}/"
    async with server, HttpClient(autoload=False, resolver=resolver) as client:
        found = await client.get(url)
    assert (found.content, found.url) == (b"near", url)
    host = link_local().partition("%")[0]
    assert f"\r\nHost: [{host}]:{port}\r\n".encode() in seen[0]


async def test_name_is_resolved(scripted):
    scripted.always(response(b"named"))
    async with HttpClient(autoload=False) as client:
        assert (await client.get(scripted.url(host="localhost"))).content == b"named"


@pytest.mark.parametrize("address", [("127.0.0.2", 0), ["127.0.0.2", 0], "127.0.0.2"])
async def test_source_address_is_used(scripted, address):
    peers = []

    async def answer(reader, writer, request):
        peers.append(writer.get_extra_info("peername")[0])
        writer.write(response(b""))

    scripted.answer(answer, answer)
    async with HttpClient(autoload=False, source_address=address) as client:
        await client.get(scripted.url())
        await client.get(scripted.url(), source_address=("127.0.0.3", 0))
    assert peers == ["127.0.0.2", "127.0.0.3"]


async def test_unix_socket_of_a_call_is_used(scripted, make_scripted, tmp_path):
    server = make_scripted(unix_socket=tmp_path / "socket")
    server.always(response(b"local"))
    scripted.always(response(b"remote"))
    async with HttpClient(autoload=False) as client:
        assert (await client.get(scripted.url(), unix_socket=tmp_path / "socket")).content == b"local"
        assert (await client.get(scripted.url(), unix_socket=str(tmp_path / "socket"))).content == b"local"
        assert (await client.get(scripted.url())).content == b"remote"
    assert (server.connections, scripted.connections) == (1, 1)
    async with HttpClient(autoload=False, unix_socket=tmp_path / "socket") as client:
        assert (await client.get(scripted.url(), unix_socket=None)).content == b"remote"


async def test_unix_socket_carries_tls(make_scripted, certificates, tmp_path):
    server = make_scripted(unix_socket=tmp_path / "socket", ssl_context=certificates.server_context())
    server.always(response(b"local"))
    async with HttpClient(autoload=False, verify=certificates.ca_file, unix_socket=tmp_path / "socket") as client:
        assert (await client.get("https://localhost/")).content == b"local"
        with pytest.raises(HttpConnectionError, match="match"):
            await client.get("https://other.example/")


async def test_parser_of_a_client_reads_its_connections(scripted):
    class Counting(Connection):
        read = 0

        def buffer_updated(self, nbytes):
            type(self).read += nbytes
            super().buffer_updated(nbytes)

    scripted.always(response(b"body"))
    async with HttpClient(autoload=False, parser=Counting) as client:
        assert client.parser is Counting
        assert (await client.get(scripted.url())).content == b"body"
        assert (await client.get(scripted.url(host="localhost"))).content == b"body"
    assert Counting.read == 2 * len(response(b"body"))
    with pytest.raises(TypeError, match="parser="):
        HttpClient(autoload=False, parser="strict")


class Elsewhere(Route):
    """Goes to a port, whatever the URL says."""

    def __init__(self, port):
        self.port = port
        self.opened = 0

    @property
    def key(self):
        return ("elsewhere", self.port)

    async def open(self, client):
        self.opened += 1
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(loop), "127.0.0.1", self.port)
        return connection


async def test_route_of_a_plugin_is_pooled_by_its_key(scripted):
    route = Elsewhere(scripted.port)

    def set_route(response, exc=None):
        response.request.route = route

    scripted.always(response(b"here"))
    async with HttpClient(autoload=False) as client:
        for host in ("a", "b", "c"):
            answer = await client.get(f"http://{host}.invalid/", pre_request=set_route)
            assert answer.content == b"here"
    assert route.opened == 1


ANSWERS = [
    response(b"fine"),
    chunked(b"fi", b"ne"),
    response(b"fine", headers=[("Connection", "close")]),
    response(b"fine") + b"surplus",
    Script(response(b"fine")[:-1]).until_read().close(),
    Script(b"garbage"),
    Script().drop(),
]


async def _storm(seed):
    source = random.Random(seed)
    with ScriptedServer(strict=False) as server:
        server.respond(lambda request: source.choice(ANSWERS))
        async with HttpClient(autoload=False, pool_size=3) as client:
            tasks = []
            for number in range(30):
                method = source.choice(["GET", "POST"])
                timeout = source.choice([None, 5])
                call = client.request(method, server.url(f"/{number}"), timeout=timeout)
                tasks.append(asyncio.create_task(call))
                if source.random() < 0.5:
                    await asyncio.sleep(source.choice([0, 0, 0.001]))
                if source.random() < 0.3:
                    source.choice(tasks).cancel()
            async with asyncio.timeout(10):
                ends = await asyncio.gather(*tasks, return_exceptions=True)
            for end in ends:
                assert isinstance(end, (HttpRequestException, asyncio.CancelledError)) or end.content == b"fine"
            for pool in client.connection_pools.values():
                assert pool.opened == len(pool.connections) == len(pool.idle) <= 3
                assert not pool.waiters


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_many_failures_and_cancellations_leave_the_pool_intact(seed):
    with asyncio.Runner() as runner:
        runner.run(_storm(seed))
