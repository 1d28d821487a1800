"""HTTP/2 beside the other plugins, and behind proxies."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hookline import HttpClient
from servers.certificates import Certificates
from servers.http2 import Http2Server, http2_server

HTTP_1_1_REQUIRED = 13


@pytest.fixture
async def server(certificates: Certificates) -> AsyncIterator[Http2Server]:
    async with http2_server(certificates.right.server_context(alpn=("h2", "http/1.1")), {}) as found:
        found.answers["/1"] = require_http_1
        yield found


async def require_http_1(session, request):
    session.reset(request.stream, HTTP_1_1_REQUIRED)


@pytest.fixture(params=["ngh2", "h2"])
async def make_client(certificates: Certificates, request: Any) -> AsyncIterator[Callable[..., HttpClient]]:
    async with AsyncExitStack() as stack:

        def make(**options: Any) -> HttpClient:
            client = HttpClient(verify=certificates.ca_file, http2_engine=request.param, timeout=20, **options)
            stack.push_async_callback(client.close)
            return client

        yield make


def proxies(scheme: str, port: int) -> dict[str, str]:
    return {"all": f"{scheme}://user:passwd@127.0.0.1:{port}", "no": ""}


async def test_installing_it_is_enough(make_client, server):
    client = make_client()
    response = await client.post(server.url("/echo"), json={"a": 1}, auth=("user", "password"), cookies={"c": "1"})
    assert (response.version, response.json()) == ("HTTP/2", {"a": 1})
    (request,) = server.requests
    assert request["cookie"] == "c=1"
    assert request["authorization"].startswith("Basic ")
    assert request.never_indexed == {"cookie", "authorization"}


async def test_prior_knowledge_goes_to_follow_ups(make_client):
    async def answer(session, request):
        session.head(request.stream, 302, ("location", "/hello"), ends=True)

    async with http2_server(None, {}) as server:
        server.answers["/x"] = answer
        client = make_client(http2="prior-knowledge")
        response = await client.get(server.url("/x"))
        assert (response.text, response.version, server.connections) == ("hello", "HTTP/2", 1)
        await client.close()


async def test_websockets_are_offered_http_1_alone(make_client, server):
    response = await make_client().get(server.url().replace("https", "wss"))  # it refuses the upgrade
    assert (response.version, server.requests) == ("HTTP/1.1", [])


async def test_tunnel(make_client, server, squid):
    client = make_client(proxies=proxies("http", squid.port))
    responses = await asyncio.gather(*(client.get(server.url()) for _ in range(10)))
    assert {(response.version, response.text) for response in responses} == {("HTTP/2", "hello")}
    assert server.connections == 1
    response = await client.get(server.url("/1"))
    assert (response.version, response.text) == ("HTTP/1.1", "http/1")


async def test_socks(make_client, server, microsocks):
    client = make_client(proxies=proxies("socks5h", microsocks.port))
    assert (await client.get(server.url())).version == "HTTP/2"
    assert (await client.get(server.url("/1"))).version == "HTTP/1.1"


@pytest.mark.parametrize(("kind", "version"), [("squid", "HTTP/1.1"), ("microsocks", "HTTP/2")])
async def test_prior_knowledge_of_a_server_behind_a_proxy(make_client, request, kind, version):
    site = request.getfixturevalue(kind)
    async with http2_server(None, {}) as server:
        scheme = "socks5h" if kind == "microsocks" else "http"
        client = make_client(http2="prior-knowledge", proxies=proxies(scheme, site.port))
        assert (await client.get(server.url())).version == version
        await client.close()


async def test_command_line_shows_the_protocol(certificates, server):
    program = [sys.executable, "-m", "hookline", "-v", "--verify", str(certificates.ca_file), server.url()]
    process = await asyncio.create_subprocess_exec(*program, stdout=PIPE, stderr=PIPE)
    output, log = await process.communicate()
    assert (process.returncode, output) == (0, b"hello"), log
    assert b"(new, TLSv1.3, h2)" in log
    assert b"> GET /hello HTTP/2" in log
