"""TLS chooses the protocol; a peer that chooses HTTP/1.1 gets HTTP/1.1; calls can restrict what is offered."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from hookline import TLS, HttpClient, MultiplexedConnection, Option, PluginError, Protocol, SSLError, hookimpl


async def test_peer_that_chooses_http_1_gets_http_1(client, make_mux):
    mux = await make_mux(alpn=("http/1.1",))
    response = await client.get(mux.url("/plain"))
    assert (response.version, response.text) == ("HTTP/1.1", "/plain")


async def test_peer_without_alpn_gets_http_1(client, make_mux):
    mux = await make_mux(alpn=())
    assert (await client.get(mux.url("/plain"))).version == "HTTP/1.1"


async def test_more_connections_are_opened_once_the_peer_has_chosen_http_1(client, make_mux):
    mux = await make_mux(alpn=("http/1.1",))
    responses = await asyncio.gather(*(client.get(mux.url(f"/{n}")) for n in range(30)))
    assert [response.text for response in responses] == [f"/{n}" for n in range(30)]
    assert 2 <= mux.connections <= 10


async def test_requests_wait_for_the_first_handshake(client, mux):
    await asyncio.gather(*(client.get(mux.url()) for _ in range(20)))
    assert mux.connections == 1


async def test_failed_handshake_fails_each_call_for_itself(client, make_mux, certificates):
    mux = await make_mux()
    results = await asyncio.gather(
        *(client.get(mux.url(), verify=True) for _ in range(5)), return_exceptions=True
    )  # the authority is not the system's
    assert [type(result) for result in results] == [SSLError] * 5
    assert (await client.get(mux.url())).ok


@pytest.mark.parametrize("where", ["client", "call"])
async def test_given_version_offers_http_1_alone(make_client, mux, where):
    options = {"version": "HTTP/1.1"}
    client = make_client(**(options if where == "client" else {}))
    response = await client.get(mux.url("/x"), **(options if where == "call" else {}))
    assert response.version == "HTTP/1.1"
    assert response.request.version == "HTTP/1.1"


async def test_call_with_a_given_version_shares_no_connection_with_others(client, mux):
    assert (await client.get(mux.url())).version == "ACME/1"
    assert (await client.get(mux.url(), version="HTTP/1.1")).version == "HTTP/1.1"
    assert (await client.get(mux.url())).version == "ACME/1"
    assert mux.connections == 2


async def test_default_of_version_reads_as_before(client):
    assert client.version == "HTTP/1.1"


async def test_plugin_that_is_disabled_for_a_call_offers_nothing(client, mux):
    assert (await client.get(mux.url(), disable=["mux"])).version == "HTTP/1.1"


async def test_context_of_the_user_decides_what_it_offers(make_client, mux, certificates):
    context = ssl.create_default_context(cafile=certificates.ca_file)
    client = make_client(verify=context)
    assert (await client.get(mux.url("/x"))).version == "HTTP/1.1"
    context = ssl.create_default_context(cafile=certificates.ca_file)
    context.set_alpn_protocols(["acme-mux", "http/1.1"])
    client = make_client(verify=context)
    assert (await client.get(mux.url("/x"))).version == "ACME/1"


async def test_protocol_that_no_plugin_brings_is_an_error(mux, certificates):
    context = ssl.create_default_context(cafile=certificates.ca_file)
    context.set_alpn_protocols(["acme-mux"])
    async with HttpClient(autoload=False, verify=context) as client:
        with pytest.raises(SSLError, match="acme-mux"):
            await client.get(mux.url())


async def test_cleartext_by_prior_knowledge(make_client, make_mux, prior_knowledge):
    mux = await make_mux(tls=False)
    client = make_client(plugins=[prior_knowledge])
    responses = await asyncio.gather(*(client.get(mux.url()) for _ in range(10)))
    assert {response.version for response in responses} == {"ACME/1"}
    assert mux.connections == 1


async def test_facts_of_the_connection(client, mux):
    facts = []
    client.event("on_headers").bind(lambda response: facts.append(response.connection.facts()))
    await client.get(mux.url())
    (found,) = facts
    assert found.protocol == "acme-mux"
    assert found.peer[:2] == ("127.0.0.1", mux.port)
    assert found.tls_version.startswith("TLSv1")
    assert found.cipher
    assert b"localhost" in found.certificate


async def test_facts_of_an_http_1_connection(client, make_mux):
    mux = await make_mux(alpn=("http/1.1",))
    facts = []
    client.event("on_headers").bind(lambda response: facts.append(response.connection.facts()))
    await client.get(mux.url())
    assert (facts[0].protocol, facts[0].peer[1]) == ("http/1.1", mux.port)


async def test_two_plugins_cannot_bring_one_protocol(make_client):
    class Other:
        @hookimpl
        def declare(self):
            return [Protocol("acme-mux", MultiplexedConnection)]

    with pytest.raises(PluginError, match="both bring the protocol 'acme-mux'"):
        make_client(plugins=[Other()])


async def test_protocol_that_cannot_be_made_closes_the_connection(make_mux, certificates):
    class Broken:
        @hookimpl
        def declare(self):
            return [Protocol("acme-mux", lambda loop: 1 / 0)]

    mux = await make_mux()
    async with HttpClient(autoload=False, verify=certificates.ca_file, plugins=[Broken()]) as client:
        with pytest.raises(ZeroDivisionError):
            await client.get(mux.url())
        await mux.until_closed()
        assert client.stats()[:3] == (0, 0, 0)


async def test_contexts_are_kept_by_what_they_offer(make_client):
    client, tls = make_client(), TLS()
    assert tls.context(client) is tls.context(client)
    assert tls.context(client, alpn=("acme-mux",)) is tls.context(client, alpn=("acme-mux",))
    assert tls.context(client, alpn=("acme-mux",)) is not tls.context(client)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_request_that_the_peer_wants_by_http_1(client, mux, method):
    response = await client.request(method, mux.url("/http1"))
    assert (response.version, response.text) == ("HTTP/1.1", "/http1")
    assert response.history == []
    assert (await client.get(mux.url())).version == "ACME/1"  # that was for the one request
    assert mux.connections == 2


async def test_request_that_the_peer_wants_by_http_1_in_cleartext(make_client, make_mux, prior_knowledge):
    mux = await make_mux(tls=False)
    client = make_client(plugins=[prior_knowledge], timeout=5)
    task = asyncio.create_task(client.get(mux.url("/http1")))
    await mux.until(connections=2)  # the server cannot tell the two protocols apart, and waits for the rest of a frame
    task.cancel()
    await asyncio.wait([task])


async def test_options_of_the_client_reach_the_connection(make_client, mux, acme_mux):
    made = []

    class Named:
        name = "mux"

        @hookimpl
        def declare(self):
            return [Option("color", "red"), Protocol("acme-mux", make, options=("color",))]

    def make(loop, color):
        made.append(color)
        return acme_mux.MuxConnection(loop)

    for options, expected in (({}, "red"), ({"color": "blue"}, "blue")):
        async with HttpClient(autoload=False, verify=make_client().verify, plugins=[Named()], **options) as client:
            assert (await client.get(mux.url())).version == "ACME/1"
        assert made.pop() == expected


def test_protocol_with_an_unknown_option():
    class Broken:
        @hookimpl
        def declare(self):
            return [Protocol("acme-mux", MultiplexedConnection, options=("color",))]

    with pytest.raises(PluginError, match="unknown option, 'color'"):
        HttpClient(autoload=False, plugins=[Broken()])
