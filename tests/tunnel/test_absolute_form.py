"""HTTP without TLS: the request goes to the proxy, with the whole URL as its target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hookline import ConnectionRefused, HttpClient, Route, SSLError
from hookline_testing.server import Script, ScriptedServer, response
from servers.addresses import refused_port
from servers.certificates import Certificates

Make = Callable[..., ScriptedServer]
BASIC = "Basic dXNlcjpwYXNz"


def with_user(proxy: ScriptedServer) -> str:
    return f"{proxy.scheme}://user:pass@127.0.0.1:{proxy.port}"


async def test_target_is_absolute_and_host_is_the_origins(scripted: ScriptedServer) -> None:
    scripted.always(response(b"carried"))
    async with HttpClient(proxies={"http": scripted.url()}) as client:
        answer = await client.get("http://origin.example:8080/a/b?c=d#e", headers={"X-Own": "1"})
        await client.get("http://[::1]/")
        await client.post("http://origin.example", data=b"body")
    assert answer.content == b"carried"
    first, second, third = scripted.requests
    assert (first.target, first.header("host")) == ("http://origin.example:8080/a/b?c=d", "origin.example:8080")
    assert (second.target, second.header("host")) == ("http://[::1]/", "[::1]")
    assert (third.target, third.body, third.header("content-length")) == ("http://origin.example/", b"body", "4")
    assert first.header("x-own") == "1"
    assert first.header("proxy-authorization") is None
    assert first.header_values("host") == ["origin.example:8080"]
    assert answer.request.proxy == scripted.url().rstrip("/")
    assert answer.request.tunnel is None
    assert answer.url == "http://origin.example:8080/a/b?c=d#e"


async def test_options_of_the_whole_server_has_no_path(scripted: ScriptedServer) -> None:
    def whole(response: Any, exc: Any = None) -> None:
        response.request.target = "*"

    scripted.answer(response())
    async with HttpClient(proxies={"http": scripted.url()}) as client:
        await client.options("http://origin.example/", pre_request=whole)
    assert scripted.requests[0].target == "http://origin.example"


async def test_request_for_a_token_goes_through_the_proxy(scripted: ScriptedServer) -> None:
    async def fetch_token(response: Any, exc: Any = None) -> None:
        parent = response.request
        client = parent.client
        token = client.new_request("POST", "http://login.example/token", cause="token", parent=parent, data=b"grant")
        await client.exchange(token)

    scripted.always(response(b"token"))
    async with HttpClient(proxies={"http": scripted.url()}) as client:
        await client.get("http://origin.example/", pre_request=fetch_token)
    assert [seen.target for seen in scripted.requests] == ["http://login.example/token", "http://origin.example/"]


async def test_origins_share_the_connections_to_their_proxy(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(proxies={"http": scripted.url()}) as client:
        for host in ("a", "b", "c"):
            await client.get(f"http://{host}.example/")
    assert scripted.connections == 1


async def test_basic_goes_to_the_proxy_with_each_request(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(proxies={"http": with_user(scripted)}) as client:
        for _ in range(2):
            answer = await client.get("http://origin.example/")
    assert [request.header_values("proxy-authorization") for request in scripted.requests] == [[BASIC], [BASIC]]
    assert "pass" not in repr(answer.request.route) + repr(client.connection_pools) + repr(answer.request.proxy)


async def test_connections_with_other_credentials_are_others(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient() as client:
        for user in ("a", "b", "a"):
            await client.get("http://origin.example/", proxies={"all": f"http://{user}:x@127.0.0.1:{scripted.port}"})
    assert [request.connection for request in scripted.requests] == [1, 2, 1]


async def test_own_field_for_the_proxy_goes_before_the_urls(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(proxies={"http": with_user(scripted)}) as client:
        await client.get("http://origin.example/", headers={"Proxy-Authorization": "Bearer own"})
    assert scripted.requests[0].header_values("proxy-authorization") == ["Bearer own"]


async def test_407_that_nobody_answers_comes_back(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"who?", 407, [("Proxy-Authenticate", 'Basic realm="x"')]))
    async with HttpClient(proxies={"http": scripted.url()}) as client:
        answer = await client.get("http://origin.example/")
    assert (answer.status_code, answer.content) == (407, b"who?")


class Answering:
    """Answers a 407 with the same request and a field for this hop."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    @staticmethod
    def answer(response: Any) -> Any:
        again = response.request.copy(cause="auth")
        again.unredirected_headers["Proxy-Authorization"] = "Token t"
        return again


async def test_407_may_be_answered_by_a_plugin(scripted: ScriptedServer) -> None:
    from hookline import hookimpl

    class Token(Answering):
        @hookimpl(statuses=(407,))
        def post_request(self, response: Any, exc: Any) -> Any:
            self.seen.append(response.request.route.via[-1])
            return self.answer(response) if len(response.history) == 0 else None

    scripted.answer(response(status=407), response(b"fine"))
    plugin = Token()
    async with HttpClient(proxies={"http": with_user(scripted)}, plugins=[plugin]) as client:
        answer = await client.get("http://origin.example/")
    assert answer.content == b"fine"
    fields = [request.header_values("proxy-authorization") for request in scripted.requests]
    assert fields == [[BASIC], ["Token t"]]
    assert [request.target for request in scripted.requests] == ["http://origin.example/"] * 2
    assert (plugin.seen[0].host, plugin.seen[0].credentials) == ("127.0.0.1", ("user", "pass"))


@pytest.mark.parametrize("given", ["client", "request"])
async def test_exempt_hosts_are_reached_without(make_scripted: Make, given: str) -> None:
    proxy, origin = make_scripted(), make_scripted()
    origin.always(response(b"straight"))
    proxies = {"all": with_user(proxy), "no": "127.0.0.1"}
    async with HttpClient(proxies=proxies if given == "client" else {"all": "http://127.0.0.1:1"}) as client:
        answer = await client.get(origin.url(), **({"proxies": proxies} if given == "request" else {}))
    assert answer.content == b"straight"
    assert answer.request.proxy is None
    assert origin.requests[0].target == "/"
    assert origin.requests[0].header("proxy-authorization") is None


async def test_attack_credentials_for_the_proxy_reach_an_exempt_host(make_scripted: Make) -> None:
    proxy, origin = make_scripted(), make_scripted()
    for server in (proxy, origin):
        server.always(response())
    own = {"Proxy-Authorization": "Bearer s3cret"}
    async with HttpClient(headers=own, proxies={"all": proxy.url(), "no": "127.0.0.1"}) as client:
        await client.get(origin.url())
        await client.get("http://o.example/")
        await client.get(origin.url(), proxies=None)
    # without any proxies a field is the user's own affair
    assert [one.header("proxy-authorization") for one in origin.requests] == [None, "Bearer s3cret"]
    assert [one.header("proxy-authorization") for one in proxy.requests] == ["Bearer s3cret"]


async def test_localhost_is_exempt_unless_somebody_says(make_scripted: Make) -> None:
    proxy, origin = make_scripted(), make_scripted()
    proxy.always(response(b"carried"))
    origin.always(response(b"straight"))
    url = origin.url(host="localhost")
    async with HttpClient(proxies={"all": proxy.url()}) as client:
        assert (await client.get(url)).content == b"straight"
        assert (await client.get(url, proxies={"all": proxy.url(), "no": ""})).content == b"carried"
        assert (await client.get(origin.url())).content == b"carried"


@pytest.mark.parametrize("off", [{}, None])
async def test_proxies_are_switched_off_for_a_request(make_scripted: Make, off: Any) -> None:
    proxy, origin = make_scripted(), make_scripted()
    proxy.always(response(b"carried"))
    origin.always(response(b"straight"))
    async with HttpClient(proxies={"all": proxy.url()}) as client:
        assert (await client.get(origin.url(), proxies=off)).content == b"straight"
        assert (await client.get(origin.url())).content == b"carried"
        client.proxies = off
        assert (await client.get(origin.url())).content == b"straight"


async def test_proxy_that_nobody_listens_at_is_named() -> None:
    with refused_port() as port:
        async with HttpClient(proxies={"all": f"http://user:s3cret@127.0.0.1:{port}"}) as client:
            for url in ("http://origin.example/", "https://origin.example/"):
                with pytest.raises(ConnectionRefused, match=f"no server listens at 127.0.0.1:{port}") as caught:
                    await client.get(url)
                assert f"http://127.0.0.1:{port} is the proxy" in caught.value.__notes__
                assert "s3cret" not in repr(caught.value) + str(caught.value.__notes__)
                assert caught.value.request.url == url


async def test_https_proxy_is_spoken_to_in_tls(make_scripted: Make, certificates: Certificates) -> None:
    proxy = make_scripted(ssl_context=certificates.server_context())
    proxy.always(response(b"carried"))
    async with HttpClient(proxies={"http": with_user(proxy)}, verify=str(certificates.ca_file)) as client:
        for _ in range(2):
            assert (await client.get("http://origin.example/")).content == b"carried"
        with pytest.raises(SSLError):
            await client.get("http://origin.example/", verify=True)
    assert proxy.requests[0].target == "http://origin.example/"
    assert proxy.connections == 2


async def test_client_certificate_is_not_for_the_proxy(make_scripted: Make, certificates: Certificates) -> None:
    context = certificates.server_context(ask_client=True)
    proxy = make_scripted(ssl_context=context)
    cert = (str(certificates.client.cert_file), str(certificates.client.key_file))
    proxy.always(response(b"carried"))
    async with HttpClient(proxies={"http": proxy.url()}, verify=str(certificates.ca_file), cert=cert) as client:
        with pytest.raises(ConnectionError):  # it is asked for a certificate, and gives none
            await client.get("http://origin.example/")
    assert not proxy.requests


async def test_idle_connection_to_the_proxy_that_died_is_replaced(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"), Script(b"").close(), response(b"three"))
    async with HttpClient(proxies={"http": scripted.url()}) as client:
        assert (await client.get("http://origin.example/")).content == b"one"
        assert (await client.get("http://origin.example/")).content == b"three"


async def test_route_that_somebody_set_stays(scripted: ScriptedServer) -> None:
    class Own(Route):
        @property
        def key(self) -> str:
            return "own"

        async def open(self, client: HttpClient) -> Any:
            raise ConnectionRefused("own route")

    def own(response: Any, exc: Any = None) -> None:
        response.request.route = Own()

    async with HttpClient(proxies={"all": scripted.url()}) as client:
        for url in ("http://origin.example/", "https://origin.example/"):
            with pytest.raises(ConnectionRefused, match="own route"):
                await client.get(url, pre_request=own)


async def test_unix_socket_is_no_business_of_a_proxy(make_scripted: Make, tmp_path: Any) -> None:
    server = make_scripted(unix_socket=tmp_path / "socket")
    server.answer(response(b"local"))
    async with HttpClient(proxies={"all": "http://127.0.0.1:1"}, unix_socket=str(tmp_path / "socket")) as client:
        assert (await client.get("http://origin.example/")).content == b"local"
    assert server.requests[0].target == "/"


async def test_source_address_is_used_towards_the_proxy(scripted: ScriptedServer) -> None:
    peers = []

    async def answer(reader: Any, writer: Any, request: Any) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        writer.write(response())

    scripted.answer(answer)
    async with HttpClient(proxies={"all": scripted.url()}, source_address=("127.0.0.2", 0)) as client:
        await client.get("http://origin.example/")
    assert peers == ["127.0.0.2"]
