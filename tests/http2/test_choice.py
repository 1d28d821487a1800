"""When HTTP/2 is spoken: TLS chooses it, prior knowledge, and how it is switched off; and which engine speaks it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from hookline import HttpClient, hookimpl


async def test_server_that_chooses_http_1(client, make_server):
    server = await make_server(alpn=("http/1.1",))
    responses = await asyncio.gather(*(client.get(server.url()) for _ in range(20)))
    assert {response.version for response in responses} == {"HTTP/1.1"}


async def test_plain_http_is_http_1(client, make_server):
    server = await make_server(tls=False)
    assert (await client.get(server.url())).version == "HTTP/1.1"


@pytest.mark.parametrize("where", ["client", "call"])
@pytest.mark.parametrize("options", [{"version": "HTTP/1.1"}, {"disable": ["http2"]}], ids=["version", "disable"])
async def test_switched_off(make_client, server, options, where):
    if where == "client":
        verify = make_client().verify
        async with HttpClient(verify=verify, **options) as client:
            response = await client.get(server.url())
    else:
        response = await make_client().get(server.url(), **options)
    assert response.version == "HTTP/1.1"


@pytest.mark.parametrize("where", ["client", "call"])
async def test_prior_knowledge(make_client, make_server, where):
    server = await make_server(tls=False)
    given = {"http2": "prior-knowledge"}
    client = make_client(**(given if where == "client" else {}))
    calls = (client.get(server.url(), **(given if where == "call" else {})) for _ in range(10))
    responses = await asyncio.gather(*calls)
    assert {response.version for response in responses} == {"HTTP/2"}
    assert server.connections == 1
    assert server.requests[0][":scheme"] == "http"


class ConnectsEarly:
    """As docs/plugins/hooks.md says of `response.connect()`."""

    name = "connects early"
    after = ("tunnel", "http2")

    @hookimpl(trylast=True)
    async def pre_request(self, response):
        await response.connect()


async def test_prior_knowledge_holds_for_a_plugin_that_connects_early(make_client, make_server):
    server = await make_server(tls=False)
    client = make_client(http2="prior-knowledge", plugins=[ConnectsEarly()])
    for _ in range(3):
        assert (await client.get(server.url())).version == "HTTP/2"
    assert server.connections == 1


async def test_prior_knowledge_leaves_tls_alone(make_client, make_server):
    server = await make_server(alpn=("http/1.1",))
    assert (await make_client(http2="prior-knowledge").get(server.url())).version == "HTTP/1.1"


async def test_prior_knowledge_on_a_unix_socket(make_client, make_server, tmp_path):
    server = await make_server(tls=False)
    path = str(tmp_path / "socket")
    listener = await asyncio.start_unix_server(server.serve, path)
    client = make_client(http2="prior-knowledge", unix_socket=path)
    assert (await client.get("http://localhost/hello")).version == "HTTP/2"
    await client.close()
    await server.until_closed()
    listener.close()


@pytest.mark.parametrize("value", [False, "h2", 1.5])
def test_wrong_value_of_http2(make_client, value):
    with pytest.raises(ValueError, match=r"'prior-knowledge', not .*version='HTTP/1\.1'"):
        make_client(http2=value)


@pytest.mark.parametrize("value", ["nghttp2", 2])
def test_unknown_engine(make_client, value):
    with pytest.raises(ValueError, match="takes 'ngh2' or 'h2'"):
        make_client(http2_engine=value)


def test_engine_that_is_not_installed(make_client, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'hookline-http2\[h2\]'"):
        make_client(http2_engine="h2")


def test_engine_belongs_to_the_client(make_client, server):
    with pytest.raises(TypeError, match="http2_engine"):
        make_client().get(server.url(), http2_engine="h2")


async def test_each_client_has_its_engine(make_client, server, engine):
    client = make_client()
    engines = []
    client.event("on_headers").bind(lambda response: engines.append(type(response.connection.session.engine).__name__))
    await client.get(server.url())
    assert engines == [f"{engine.upper()}Engine"]


def test_engines_are_imported_with_the_first_connection():
    program = """
import asyncio, sys
from hookline import HttpClient, hookimpl
async def main():
    async with HttpClient() as client:
        assert "http2" in client.plugins
        try:
            await client.get("http://127.0.0.1:9")
        except OSError:
            pass
asyncio.run(main())
found = {"ngh2", "h2", "hpack", "hookline_http2.connection", "hookline_http2.stream"} & sys.modules.keys()
assert not found, found
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
