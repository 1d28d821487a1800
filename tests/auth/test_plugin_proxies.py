"""Digest for a proxy: in absolute-form and for a tunnel, at squid and at hostile ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("hookline_tunnel", reason="the plugin for proxies is not installed")

from auth.exchanges import Make, parameters_of, statuses
from hookline import HttpClient, HttpProxyError
from hookline_auth import HTTPDigestAuth
from hookline_testing.server import Script, ScriptedServer, response
from servers.addresses import Site
from servers.apache import TEXT
from servers.squid import NONCE_SECONDS, asked

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

ASKS = ("Proxy-Authenticate", 'Digest realm="the proxy", nonce="n", qop="auth"')
REFUSED = response(b"who?", 407, [ASKS])


def through(proxy: Site | ScriptedServer, user: str = "user", password: str = "passwd") -> dict[str, str]:
    return {"all": proxy.url("").replace("//", f"//{user}:{password}@"), "no": ""}


def proxy_fields(server: ScriptedServer) -> list[str | None]:
    return [request.header("proxy-authorization") for request in server.requests]


# -- squid


@pytest.mark.parametrize("stream", [False, True])
async def test_digest_for_squid_in_absolute_form(squid_digest: Site, apache: Site, stream: bool) -> None:
    before = len(asked(squid_digest))
    async with HttpClient(proxies=through(squid_digest), timeout=10, stream=stream) as client:
        for expected in ([407, 200], [200]):
            got = await client.get(apache.url("/text.txt?a=b%20c"))
            assert (await got.raw.read()).decode() == TEXT
            assert statuses(got) == expected
    assert [entry.status for entry in asked(squid_digest)[before:]] == [407, 200, 200]


async def test_digest_for_squid_through_connect(squid_digest: Site, apache_tls: Site, certificates: Any) -> None:
    async with HttpClient(
        proxies=through(squid_digest), timeout=10, verify=str(certificates.ca_file), close_connections=True
    ) as client:
        for _ in range(3):
            got = await client.get(apache_tls.url("/text.txt"))
            assert (statuses(got), got.text) == ([200], TEXT)
    connects = [entry.status for entry in asked(squid_digest) if entry.target.endswith(str(apache_tls.port))]
    assert connects == [407, 200, 200, 200]  # the nonce serves every further tunnel


async def test_password_with_every_character(squid_digest: Site, apache: Site) -> None:
    async with HttpClient(proxies=through(squid_digest, "other", "p%3Ass%20w%40rd%2F%3F%23"), timeout=10) as client:
        assert statuses(await client.get(apache.url("/text.txt"))) == [407, 200]


async def test_wrong_password_for_squid_gives_one_407_back(
    squid_digest: Site, apache: Site, apache_tls: Site, certificates: Any
) -> None:
    proxies = through(squid_digest, password="wrong")
    async with HttpClient(proxies=proxies, timeout=10, verify=str(certificates.ca_file)) as client:
        for _ in range(2):
            assert statuses(await client.get(apache.url("/text.txt"))) == [407, 407]
            with pytest.raises(HttpProxyError, match="407") as caught:
                await client.get(apache_tls.url("/text.txt"))
            assert caught.value.response.status_code == 407
            assert "wrong" not in str(caught.value)


async def test_without_credentials_the_407_comes_back(squid_digest: Site, apache: Site) -> None:
    async with HttpClient(proxies={"all": squid_digest.url(""), "no": ""}, timeout=10) as client:
        assert statuses(await client.get(apache.url("/text.txt"))) == [407]
        # What is meant for an origin is not for the proxy.
        assert statuses(await client.get(apache.url("/text.txt"), auth=HTTPDigestAuth("user", "passwd"))) == [407]
        assert statuses(await client.get(apache.url("/text.txt").replace("//", "//user:passwd@"))) == [407]


async def test_digest_disabled_the_407_comes_back(squid_digest: Site, apache: Site) -> None:
    async with HttpClient(proxies=through(squid_digest), timeout=10, disable=["digest"]) as client:
        assert statuses(await client.get(apache.url("/text.txt"))) == [407]


async def test_short_nonces_of_squid(squid_digest: Site, apache: Site) -> None:
    async with HttpClient(proxies=through(squid_digest), timeout=10) as client:
        assert statuses(await client.get(apache.url("/text.txt"))) == [407, 200]
        await asyncio.sleep(2 * NONCE_SECONDS + 0.5)
        assert (await client.get(apache.url("/text.txt"))).status_code == 200


async def test_proxy_and_origin_both_ask_for_digest(squid_digest: Site, apache: Site) -> None:
    async with HttpClient(proxies=through(squid_digest), timeout=10, auth=HTTPDigestAuth("user", "passwd")) as client:
        first = await client.get(apache.url("/digest/text.txt"))
        assert (statuses(first), first.text) == ([407, 401, 200], TEXT)
        assert statuses(await client.get(apache.url("/digest/text.txt"))) == [200]
        assert statuses(await client.get(apache.url("/basic/text.txt"), auth=("user", "passwd"))) == [200]


async def test_many_requests_at_once_through_squid(
    squid_digest: Site, apache: Site, apache_tls: Site, certificates: Any
) -> None:
    async with HttpClient(proxies=through(squid_digest), timeout=30, verify=str(certificates.ca_file)) as client:
        urls = [apache.url(f"/text.txt?{number}") for number in range(30)]
        urls += [apache_tls.url(f"/text.txt?{number}") for number in range(30)]
        responses = await asyncio.gather(*(client.get(url) for url in urls))
    assert {found.status_code for found in responses} == {200}


def test_digest_for_squid_in_synchronous_mode(
    squid_digest: Site, apache: Site, apache_tls: Site, certificates: Any
) -> None:
    with HttpClient(proxies=through(squid_digest), timeout=10, verify=str(certificates.ca_file)) as client:
        assert statuses(client.get(apache.url("/text.txt"))) == [407, 200]
        assert statuses(client.get(apache_tls.url("/text.txt"))) == [200]


# -- scripted


@pytest.mark.protocols("HTTP/1.1")
async def test_proxys_answer_names_what_the_request_line_asks_for(scripted: ScriptedServer) -> None:
    scripted.answer(REFUSED, response(b"in"), response(b"in"))
    async with HttpClient(proxies=through(scripted), timeout=5) as client:
        assert statuses(await client.get("http://origin.example/a?b")) == [407, 200]
        assert statuses(await client.get("http://other.example/")) == [200]
    fields = [parameters_of(value) for value in proxy_fields(scripted)[1:]]
    assert [(found["uri"], found["nc"]) for found in fields] == [
        ("http://origin.example/a?b", "00000001"),
        ("http://other.example/", "00000002"),
    ]
    assert [request.header("authorization") for request in scripted.requests] == [None] * 3
    assert all(len(request.header_values("proxy-authorization")) == 1 for request in scripted.requests)


async def test_407_inside_a_tunnel_gets_nothing_of_the_proxys(make_scripted: Make, certificates: Any) -> None:
    origin = make_scripted(ssl_context=certificates.server_context())
    proxy = make_scripted()
    context = certificates.server_context()
    proxy.answer(REFUSED, Script().start_tls(context, b"HTTP/1.1 200 OK\r\n\r\n"), REFUSED)
    async with HttpClient(proxies=through(proxy), timeout=5, verify=str(certificates.ca_file)) as client:
        got = await client.get(origin.url())
    assert statuses(got) == [407]
    assert [request.method for request in proxy.requests] == ["CONNECT", "CONNECT", "GET"]
    assert proxy_fields(proxy)[2] is None


@pytest.mark.protocols("HTTP/1.1")
async def test_proxy_that_closes_behind_its_407(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"who?", 407, [ASKS, ("Connection", "close")]), close=True)
    scripted.answer(response(b"in"))
    async with HttpClient(proxies=through(scripted), timeout=5) as client:
        assert statuses(await client.get("http://origin.example/")) == [407, 200]
    assert scripted.connections == 2


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("url", ["http://origin.example/", "https://origin.example/"])
@pytest.mark.parametrize("stale", ["", ", stale=true"])
async def test_proxy_that_always_asks_does_not_keep_the_client(scripted: ScriptedServer, url: str, stale: str) -> None:
    numbers = iter(range(1000))

    def again(request: Any) -> bytes:
        return response(
            b"", 407, [("Proxy-Authenticate", f'Digest realm="r", nonce="{next(numbers)}", qop="auth"{stale}')]
        )

    scripted.respond(again)
    async with HttpClient(proxies=through(scripted), timeout=5) as client:
        for _ in range(2):
            if url.startswith("https"):
                with pytest.raises(HttpProxyError):
                    await client.get(url)
            else:
                assert (await client.get(url)).status_code == 407
    assert len(scripted.requests) <= 6


@pytest.mark.protocols("HTTP/1.1")
async def test_credentials_of_one_proxy_do_not_go_to_another(make_scripted: Make) -> None:
    one, two = make_scripted(), make_scripted()
    one.answer(REFUSED, response(b"in"))
    two.answer(REFUSED, response(b"in"))
    async with HttpClient(timeout=5) as client:
        assert statuses(await client.get("http://origin.example/", proxies=through(one))) == [407, 200]
        bare = {"all": two.url(""), "no": ""}
        assert statuses(await client.get("http://origin.example/", proxies=bare)) == [407]
        assert proxy_fields(two) == [None]
        assert statuses(await client.get("http://origin.example/", proxies=through(two, "other"))) == [200]
    assert (proxy_fields(two)[1] or "").startswith("Basic")
