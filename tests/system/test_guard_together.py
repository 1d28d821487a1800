"""The guard beside the other plugins: redirects, retries, the cache, websockets, HTTP/2, and proxies of all kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hookline import EgressBlocked, Guard, HttpClient, HttpRequestException, HttpResponse, PluginError, hookimpl
from hookline_cache import Cache, MemoryStorage
from hookline_retry import Retry
from hookline_testing import Mock, app_route
from hookline_testing.server import Script, ScriptedServer, response
from kit.blocked import is_blocked
from kit.untouched import untouched
from servers.addresses import Site
from servers.certificates import Certificates

Make = Callable[..., ScriptedServer]
GUARD = Guard(allow=["127.0.0.2"])  # which stands for the internet


def resolver_of(**names: list[str]) -> Any:
    """A resolver for names below .example."""

    async def resolver(host: str, port: int) -> list[str]:
        resolver.asked.append(host)  # type: ignore[attr-defined]
        return names[host.removesuffix(".").removesuffix(".example")]

    resolver.asked = []  # type: ignore[attr-defined]
    return resolver


@pytest.fixture
def public(make_scripted: Make) -> ScriptedServer:
    server = make_scripted(host="127.0.0.2")
    server.always(response(b"public"))
    return server


@pytest.fixture
def internal(make_scripted: Make) -> ScriptedServer:
    server = make_scripted(host="127.0.0.1")
    server.always(response(b"internal"))
    return server


# -- follow-ups


@pytest.mark.parametrize("host", ["127.0.0.1", "internal.example", "0x7f.1", "user@127.0.0.1"])
@pytest.mark.parametrize("status", [301, 307])
async def test_redirect(public: ScriptedServer, internal: ScriptedServer, host: str, status: int) -> None:
    to = f"http://{host}:{internal.port}/"
    public.respond(lambda request: response(status=status, headers=[("Location", to)]))
    resolver = resolver_of(internal=["127.0.0.1"])
    async with HttpClient(guard=GUARD, resolver=resolver, plugins=["retry"], retry=Retry(backoff=0)) as client:
        error = await is_blocked(client, public.url())
        assert [earlier.status_code for earlier in error.request.history] == [status]
        await is_blocked(client, public.url(), stream=True)
    assert untouched(internal)


@pytest.mark.parametrize("errors", [None, HttpRequestException])
async def test_retry_does_not_send_again(internal: ScriptedServer, errors: Any) -> None:
    tried: list[int] = []
    retry = Retry(backoff=0) if errors is None else Retry(backoff=0, errors=errors)
    async with HttpClient(guard=True, plugins=["retry"], retry=retry) as client:
        for url in (internal.url(), internal.url(host="localhost")):
            await is_blocked(client, url, post_request=lambda response, exc=None: tried.append(1))
    assert len(tried) == 2
    assert untouched(internal)


async def test_attempt_after_a_failure_is_checked_anew(public: ScriptedServer, internal: ScriptedServer) -> None:
    answers = [["127.0.0.2"], ["127.0.0.1"]]

    async def resolver(host: str, port: int) -> list[str]:
        return answers.pop(0)

    public.respond(lambda request: response(status=503, headers=[("Connection", "close")]))
    retry = Retry(backoff=0)
    async with HttpClient(guard=GUARD, resolver=resolver, plugins=["retry"], retry=retry) as client:
        error = await is_blocked(client, public.url(host="public.example"))
    assert [earlier.status_code for earlier in error.request.history] == [503]


# -- the cache


FRESH = [("Cache-Control", "max-age=60")]


@pytest.fixture
def stored(internal: ScriptedServer) -> Cache:
    """A cache that unguarded calls fill."""
    internal.respond(lambda request: response(b"internal", headers=FRESH))
    return Cache(MemoryStorage())


@pytest.mark.parametrize("host", ["127.0.0.1", "internal.example"])
@pytest.mark.parametrize(
    "options", [{}, {"stream": True}, {"cache": "only-if-cached"}], ids=["whole", "stream", "only"]
)
async def test_stored_answer_of_a_denied_host_is_not_told(
    internal: ScriptedServer, stored: Cache, host: str, options: dict[str, Any]
) -> None:
    url = internal.url(host=host)
    async with HttpClient(cache=stored, resolver=resolver_of(internal=["127.0.0.1"])) as client:
        assert (await client.get(url)).text == "internal"
        assert (await client.get(url)).is_stored
        await is_blocked(client, url, guard=True, **options)
        assert (await client.get(url)).is_stored
    assert len(internal.requests) == 1


async def test_stored_answer_behind_a_trusted_proxy(squid: Site, internal: ScriptedServer, stored: Cache) -> None:
    """The proxy decides about names; hosts that are reached without it are looked up here."""
    guard = Guard(trust_proxy=True)
    resolver = resolver_of(internal=["127.0.0.1"])
    url = internal.url(host="internal.example")
    async with HttpClient(cache=stored, resolver=resolver) as client:
        assert (await client.get(url)).text == "internal"
    proxies = {"all": f"http://127.0.0.1:{squid.port}"}
    async with HttpClient(cache=stored, resolver=resolver, proxies=proxies, guard=guard) as client:
        assert (await client.get(url)).is_stored
    async with HttpClient(cache=stored, resolver=resolver, proxies={**proxies, "no": "internal.example"}) as client:
        await is_blocked(client, url, guard=guard)
    assert len(internal.requests) == 1


async def test_stored_redirect_to_a_denied_host_is_not_followed(
    public: ScriptedServer, internal: ScriptedServer
) -> None:
    to = [*FRESH, ("Location", internal.url(host="internal.example"))]
    public.respond(lambda request: response(status=301, headers=to))
    internal.respond(lambda request: response(b"internal", headers=FRESH))
    async with HttpClient(cache=Cache(), resolver=resolver_of(internal=["127.0.0.1"])) as client:
        assert (await client.get(public.url())).text == "internal"
        await is_blocked(client, public.url(), guard=GUARD)
    assert (len(public.requests), len(internal.requests)) == (1, 1)


async def test_stale_answer_does_not_replace_what_is_blocked(internal: ScriptedServer) -> None:
    stale = [("Cache-Control", "max-age=0, stale-if-error=600"), ("ETag", '"1"')]
    internal.respond(lambda request: response(b"internal", headers=stale))
    async with HttpClient(cache=Cache(), resolver=resolver_of(internal=["127.0.0.1"])) as client:
        url = internal.url(host="internal.example")
        await client.get(url)
        await is_blocked(client, url, guard=True)


async def test_call_that_waits_for_the_fetch_of_an_unguarded_one(internal: ScriptedServer) -> None:
    internal.respond(lambda request: Script().pause(0.1).send(response(b"internal", headers=FRESH)))
    async with HttpClient(cache=Cache(), resolver=resolver_of(internal=["127.0.0.1"])) as client:
        url = internal.url(host="internal.example")
        first = asyncio.create_task(client.get(url))
        await internal.until(requests=1)
        await is_blocked(client, url, guard=True)
        assert (await first).text == "internal"


async def test_permitted_answers_are_stored_and_told(public: ScriptedServer) -> None:
    public.respond(lambda request: response(b"public", headers=FRESH))
    async with HttpClient(cache=Cache(), guard=GUARD, resolver=resolver_of(public=["127.0.0.2"])) as client:
        for host in ("127.0.0.2", "public.example"):
            found = [(await client.get(public.url(host=host))).is_stored for _ in range(3)]
            assert found == [False, True, True]


# -- websockets, HTTP/2


@pytest.mark.parametrize("host", ["127.0.0.1", "internal.example"])
async def test_websocket(websockets_server: Site, host: str) -> None:
    url = websockets_server.url("/", host=host).replace("http", "ws")
    async with HttpClient(resolver=resolver_of(internal=["127.0.0.1"])) as client:
        await is_blocked(client, url, guard=True)
        websocket = await client.get(url, guard=Guard(allow=["ws://*"]))
        await websocket.close()
        await is_blocked(client, url, guard=Guard(allow=["http://*"]))


async def test_connection_of_http2_that_an_unguarded_call_has_opened(
    make_scripted: Make, certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.server_context(alpn=("h2",)), strict=False)
    server.always(response(b"x"))
    options: dict[str, Any] = {"verify": certificates.ca_file, "timeout": 10}
    async with HttpClient(**options) as client:
        url = server.url(host="localhost")
        await client.get(url)
        assert server.requests[0].version == "2"
        streams = asyncio.gather(*(client.get(url) for _ in range(3)))
        await is_blocked(client, url, guard=True)
        assert [answer.content for answer in await streams] == [b"x"] * 3
        assert (await client.get(url, guard=Guard(allow=["localhost"]))).content == b"x"
    assert {seen.connection for seen in server.requests} == {1}
    assert len(server.requests) == 5


# -- proxies


PROXIES = ["squid", "tls_proxy", "socks5", "socks5h", "socks4"]


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> dict[str, str]:
    """The value of `proxies=` for a running proxy."""
    kind = request.param
    if kind.startswith("socks"):
        pytest.importorskip("python_socks", reason="LOUD: hookline-tunnel[socks] is not installed")
    site = request.getfixturevalue("dante" if kind.startswith("socks") else kind)
    return {"all": f"{kind if kind.startswith('socks') else site.scheme}://127.0.0.1:{site.port}", "no": ""}


@pytest.fixture
def tls_target(make_scripted: Make, certificates: Certificates) -> ScriptedServer:
    """A server for localhost, at 127.0.0.2."""
    server = make_scripted(host="127.0.0.2", ssl_context=certificates.server_context(), strict=False)
    server.always(response(b"target"))
    return server


async def localhost_is_public(host: str, port: int) -> list[str]:
    """A resolver that differs from that of the proxies, which find 127.0.0.1."""
    return ["127.0.0.1", "127.0.0.2"] if host == "localhost" else ["127.0.0.1"]


async def test_target_behind_a_proxy_is_looked_up_here(
    proxy: dict[str, str], tls_target: ScriptedServer, certificates: Certificates
) -> None:
    """The proxy gets the address that was checked, so that it does not matter what it would find."""
    options: dict[str, Any] = {"verify": certificates.ca_file, "timeout": 10, "resolver": localhost_is_public}
    async with HttpClient(proxies=proxy, guard=GUARD, **options) as client:
        for _ in range(2):
            assert (await client.get(tls_target.url(host="localhost"))).content == b"target"
    assert [(seen.connection, seen.header("host")) for seen in tls_target.requests] == [
        (1, f"localhost:{tls_target.port}")
    ] * 2


@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss"])
async def test_denied_target_behind_a_proxy(proxy: dict[str, str], internal: ScriptedServer, scheme: str) -> None:
    """Neither by its address nor by a name is it asked for. With trust_proxy=True the proxy decides about names."""
    options: dict[str, Any] = {"timeout": 10, "resolver": resolver_of(internal=["127.0.0.1"])}
    async with HttpClient(proxies=proxy, guard=GUARD, **options) as client:
        for host in ("127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "internal.example", "127.0.0.1."):
            await is_blocked(client, f"{scheme}://{host}:{internal.port}/")
        trusting = replace(GUARD, trust_proxy=True)
        for host in ("127.0.0.1", "localhost", "a.localhost"):
            await is_blocked(client, f"{scheme}://{host}:{internal.port}/", guard=trusting)
    assert untouched(internal)


@pytest.mark.parametrize("kind", ["squid", "tls_proxy"])
async def test_name_in_absolute_form_is_refused(
    kind: str, public: ScriptedServer, certificates: Certificates, request: pytest.FixtureRequest
) -> None:
    """An HTTP proxy gets the name of a URL with http, and would look it up."""
    site = request.getfixturevalue(kind)
    proxies = {"all": f"{site.scheme}://127.0.0.1:{site.port}", "no": ""}
    resolver = resolver_of(public=["127.0.0.2"])
    options: dict[str, Any] = {"verify": certificates.ca_file, "timeout": 10, "resolver": resolver}
    async with HttpClient(proxies=proxies, guard=GUARD, **options) as client:
        error = await is_blocked(client, public.url(host="public.example"))
        assert (error.rule, error.address) == ("trust_proxy=False", None)
        assert (await client.get(public.url())).content == b"public"  # by address
        # this proxy finds 127.0.0.1, where nobody listens: it was asked
        answer = await client.get("http://localhost:1/", guard=Guard(trust_proxy=True, allow=["localhost"]))
        assert answer.status_code in (403, 502, 503)
    assert resolver.asked == []
    assert len(public.requests) == 1


async def test_proxies_of_a_call_are_checked_by_address(squid: Site, public: ScriptedServer) -> None:
    """Those of the client are permitted, those that a call brings are not: one may be an internal server."""
    proxies = {"all": f"http://127.0.0.1:{squid.port}", "no": ""}
    async with HttpClient(guard=GUARD, timeout=10) as client:
        error = await is_blocked(client, public.url(), proxies=proxies)
        assert (error.rule, error.port) == ("127.0.0.0/8 (loopback)", squid.port)
        assert (await client.get(public.url(), proxies={})).ok
    async with HttpClient(guard=GUARD, proxies=proxies, timeout=10) as client:
        assert (await client.get(public.url())).ok  # the connection stays open
        await is_blocked(client, public.url(), proxies=dict(proxies))
        named = replace(GUARD, allow=[*GUARD.allow, f"127.0.0.1:{squid.port}"])
        assert (await client.get(public.url(), proxies=dict(proxies), guard=named)).ok
        await is_blocked(client, squid_url := f"http://127.0.0.1:{squid.port}/", proxies={})
        await is_blocked(client, squid_url)  # as a target it is no proxy
    assert len(public.requests) == 3


@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_internal_server_that_a_call_names_as_a_proxy(
    public: ScriptedServer, internal: ScriptedServer, kind: str, scheme: str
) -> None:
    if kind == "socks5h":
        pytest.importorskip("python_socks", reason="LOUD: hookline-tunnel[socks] is not installed")
    async with HttpClient(guard=GUARD, resolver=resolver_of(internal=["127.0.0.1"]), timeout=10) as client:
        for host in ("127.0.0.1", "internal.example"):
            proxies = {"all": f"{kind}://{host}:{internal.port}"}
            error = await is_blocked(client, f"{scheme}://127.0.0.2:{public.port}/", proxies=proxies)
            assert error.host == host
    assert untouched(internal)


async def test_proxy_of_a_call_whose_address_changes_after_the_guard(internal: ScriptedServer) -> None:
    """A plugin that runs behind the guard dials another address; the CONNECT is not sent there."""

    class Elsewhere:
        after = ("guard",)

        @hookimpl(trylast=True)
        def connecting(self, addresses: list[str]) -> list[str]:
            return ["127.0.0.1"]

    async with HttpClient(guard=GUARD, plugins=[Elsewhere()], timeout=10) as client:
        proxies = {"all": f"http://127.0.0.2:{internal.port}"}
        await is_blocked(client, "https://127.0.0.2/", proxies=proxies)
    assert internal.requests == []


async def test_proxies_of_the_environment(
    squid: Site, public: ScriptedServer, internal: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{squid.port}")
    monkeypatch.setenv("no_proxy", "direct.example")
    resolver = resolver_of(internal=["127.0.0.1"], direct=["127.0.0.1"])
    async with HttpClient(guard=GUARD, resolver=resolver, timeout=10) as client:
        assert (await client.get(public.url())).ok
        for host in ("127.0.0.1", "internal.example", "direct.example"):
            for scheme in ("http", "https"):
                await is_blocked(client, f"{scheme}://{host}:{internal.port}/")
    assert untouched(internal)


async def test_connection_of_a_tunnel_that_an_unguarded_call_has_opened(
    squid: Site, tls_target: ScriptedServer, certificates: Certificates
) -> None:
    proxies = {"all": f"http://127.0.0.1:{squid.port}", "no": ""}
    options: dict[str, Any] = {"verify": certificates.ca_file, "timeout": 10, "server_hostname": "localhost"}
    async with HttpClient(proxies=proxies, **options) as client:
        assert (await client.get(tls_target.url())).ok
        await is_blocked(client, tls_target.url(), guard=True)
        assert (await client.get(tls_target.url(), guard=GUARD)).ok
    assert [seen.connection for seen in tls_target.requests] == [1, 1]


async def test_proxy_that_a_plugin_sets_after_the_guard(squid: Site, public: ScriptedServer) -> None:
    """A route through a proxy whose target was not looked up is refused before the proxy is dialled."""

    class Late:
        after = ("guard_route",)

        @hookimpl(trylast=True)
        def pre_request(self, response: HttpResponse) -> None:
            request: Any = response.request
            request.route = request.route.to_address(None)

    proxies = {"all": f"http://127.0.0.1:{squid.port}", "no": ""}
    resolver = resolver_of(public=["127.0.0.2"])
    async with HttpClient(proxies=proxies, guard=GUARD, resolver=resolver, plugins=[Late()]) as client:
        error = await is_blocked(client, f"https://public.example:{public.port}/")
        assert error.rule == "trust_proxy=False"
    assert untouched(public)


async def test_digest_of_a_proxy_and_its_retries_reach_it(squid_digest: Site, public: ScriptedServer) -> None:
    """The CONNECTs that a challenge of the own proxy asks for are no targets."""
    proxies = {"all": f"http://user:passwd@127.0.0.1:{squid_digest.port}", "no": ""}
    async with HttpClient(proxies=proxies, guard=GUARD, require=["guard"], timeout=10) as client:
        with pytest.raises(HttpRequestException) as caught:  # the target speaks no TLS
            await client.get(f"https://127.0.0.2:{public.port}/")
        assert not isinstance(caught.value, EgressBlocked)
        assert public.connections == 1


# -- routes in memory


async def test_application_in_memory_has_to_be_named() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"app"})

    async with HttpClient(plugins=[app_route(app)]) as client:
        assert (await client.get("http://name.example/")).content == b"app"
        error = await is_blocked(client, "http://name.example/", guard=True)
        assert error.rule == "routes="
        named = Guard(routes=["MemoryRoute"])
        assert (await client.get("http://name.example/", guard=named)).content == b"app"
        await is_blocked(client, "http://127.0.0.1/", guard=named)


async def test_mock_has_to_be_named() -> None:
    with Mock() as mock:
        mock.get("http://name.example/").reply(200, content=b"mocked")
        async with HttpClient() as client:
            error = await is_blocked(client, "http://name.example/", guard=True)
            named = Guard(routes=[str(error).partition("routes=['")[2].partition("'")[0]])
            assert (await client.get("http://name.example/", guard=named)).content == b"mocked"


# -- order and require


async def test_no_plugin_can_replace_a_required_guard() -> None:
    class Replaces:
        replaces = "guard"

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None: ...

    with pytest.raises(PluginError, match="it is replaced by plugin"):
        HttpClient(guard=True, require=["guard"], plugins=[Replaces()])


async def test_credentials_are_not_asked_for_by_a_request_that_is_blocked(internal: ScriptedServer) -> None:
    asked: list[str] = []
    async with HttpClient(guard=True) as client:
        await is_blocked(client, internal.url(), auth=lambda request: asked.append("auth"))
    assert asked == []
