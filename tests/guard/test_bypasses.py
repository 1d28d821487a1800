"""Known ways around guards, each against real servers: the one at 127.0.0.1 must not even be connected to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from hookline import (
    DirectRoute,
    DNSError,
    EgressBlocked,
    Guard,
    HttpClient,
    HttpRequest,
    HttpResponse,
    InvalidURL,
    PluginError,
    Route,
    Timeout,
    canonical_host,
    hookimpl,
)
from hookline_testing.server import Gate, Script, ScriptedServer, response
from kit.blocked import is_blocked
from kit.untouched import untouched
from servers.addresses import black_hole

GUARD = Guard(allow=["127.0.0.2"])  # as in conftest.py

Make = Callable[..., ScriptedServer]


@pytest.fixture
async def client(names: Any) -> Any:
    """A client with core and the guard, which has to be passed."""
    async with HttpClient(
        autoload=False, plugins=["guard", "guard_route"], guard=GUARD, require=["guard"], resolver=names, timeout=10
    ) as client:
        yield client


# -- spellings of addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0x7f.0.0.0x1", "017700000001",
        "0177.0.0.1", "0177.0x0.1", "%31%32%37.0.0.1", "127%2e0.0.1", "１２７.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①",
        "0", "0.0.0.0", "0x0", "127.0.0.3", "127.255.255.254",
        "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::1%25lo]",
        "[fe80::1%25lo]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
        "[fec0::1]", "[ff02::1]", "[fd00:ec2::254]", "169.254.169.254", "0xa9fea9fe", "100.100.100.200",
    ],
)  # fmt: skip
async def test_spelling_of_an_address(
    client: HttpClient, internal: ScriptedServer, internal_ipv6: ScriptedServer, host: str
) -> None:
    for server in (internal, internal_ipv6):
        error = await is_blocked(client, f"http://{host}:{server.port}/")
        assert error.rule.endswith(")")
    assert untouched(internal, internal_ipv6)


@pytest.mark.parametrize(
    "host", ["127.0.0.1.1", "127.0.0.256", "0x7f.0.0.0.1", "127.0.0.08", "[127.0.0.1]", "[::1%31]"]
)
async def test_spelling_that_is_no_address(client: HttpClient, internal: ScriptedServer, host: str) -> None:
    with pytest.raises(InvalidURL):
        await client.get(f"http://{host}:{internal.port}/")
    assert untouched(internal)


@pytest.mark.parametrize(
    "authority",
    [
        "public.example@127.0.0.1", "public.example:80@127.0.0.1", "public.example%40127.0.0.1@127.0.0.1",
        "a:b@c@127.0.0.1", "public.example%2f@127.0.0.1", "@127.0.0.1",
    ],
)  # fmt: skip
async def test_userinfo_that_looks_like_a_host(client: HttpClient, internal: ScriptedServer, authority: str) -> None:
    error = await is_blocked(client, f"http://{authority}:{internal.port}/")
    assert "public.example" not in str(error)
    assert untouched(internal)


@pytest.mark.parametrize("url", ["http://{}#@127.0.0.1/", "http://{}?@127.0.0.1/", "http://{}/@127.0.0.1"])
async def test_what_looks_like_userinfo_is_none(
    client: HttpClient, public: ScriptedServer, internal: ScriptedServer, url: str
) -> None:
    answer = await client.get(url.format(f"127.0.0.2:{public.port}"))
    assert answer.text == "from 127.0.0.2"
    assert untouched(internal)


async def test_backslashes_are_no_urls(client: HttpClient, internal: ScriptedServer) -> None:
    for url in (f"http://127.0.0.2\\@127.0.0.1:{internal.port}/", f"http:\\\\127.0.0.1:{internal.port}"):
        with pytest.raises(InvalidURL):
            await client.get(url)
    assert untouched(internal)


# -- names


@pytest.mark.parametrize("host", ["internal.example", "internal.example.", "INTERNAL.example", "ıntern.example"])
async def test_name_of_an_internal_address(client: HttpClient, names: Any, internal: ScriptedServer, host: str) -> None:
    names.set(canonical_host(host), ["127.0.0.1"])
    error = await is_blocked(client, f"http://{host}:{internal.port}/")
    assert (error.rule, error.address, error.port) == ("127.0.0.0/8 (loopback)", "127.0.0.1", internal.port)
    assert untouched(internal)


async def test_name_that_the_system_looks_up(internal: ScriptedServer) -> None:
    async with HttpClient(autoload=False, plugins=["guard"], guard=GUARD) as client:
        await is_blocked(client, internal.url(host="localhost"))
    assert untouched(internal)


@pytest.mark.parametrize("address", ["::1", "::ffff:127.0.0.1", "fe80::1%lo", "0.0.0.0", "64:ff9b::7f00:1"])
async def test_name_of_another_form_of_an_internal_address(
    client: HttpClient, names: Any, internal: ScriptedServer, internal_ipv6: ScriptedServer, address: str
) -> None:
    names.set("internal.example", [address])
    for server in (internal, internal_ipv6):
        await is_blocked(client, f"http://internal.example:{server.port}/")
    assert untouched(internal, internal_ipv6)


def beside_trap(stack: contextlib.ExitStack, make: Callable[[], tuple[Any, int]]) -> tuple[Any, socket.socket]:
    """Make something at a port of 127.0.0.2, and listen at the same port of 127.0.0.1, which nobody else may have."""
    for _ in range(20):
        made, port = make()
        try:
            trap = stack.enter_context(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        trap.setblocking(False)
        return made, trap
    raise OSError("no port was free at both addresses")


@pytest.mark.parametrize("order", [["127.0.0.2", "127.0.0.1", "::1"], ["::1", "127.0.0.1", "127.0.0.2"]])
async def test_denied_addresses_of_a_name_are_left_out(
    client: HttpClient, names: Any, make_scripted: Make, order: list[str]
) -> None:
    """Of several addresses only the permitted ones are dialled, not even for a moment by happy eyeballs."""
    names.set("both.example", order)
    with contextlib.ExitStack() as stack:

        def make() -> tuple[ScriptedServer, int]:
            server = make_scripted(host="127.0.0.2")
            return server, server.port

        server, trap = beside_trap(stack, make)
        server.always(response(b"x"))
        assert (await client.get(f"http://both.example:{server.port}/")).content == b"x"
        server.stop()
        client.close_connections = True
        with pytest.raises(Exception, match=r"no server listens|lost|closed"):
            await client.get(f"http://both.example:{server.port}/")
        with pytest.raises(BlockingIOError):
            trap.accept()


async def test_slow_address_does_not_give_the_turn_to_a_denied_one(client: HttpClient, names: Any) -> None:
    names.set("both.example", ["127.0.0.2", "127.0.0.1"])
    with contextlib.ExitStack() as stack:

        def make() -> tuple[int, int]:
            port = stack.enter_context(black_hole("127.0.0.2"))
            return port, port

        port, trap = beside_trap(stack, make)
        with pytest.raises(Exception, match="connect timeout"):
            await client.get(f"http://both.example:{port}/", timeout=Timeout(connect=0.6))
        with pytest.raises(BlockingIOError):
            trap.accept()


# -- DNS that changes


async def test_rebinding_between_look_up_and_dial(
    client: HttpClient, names: Any, public: ScriptedServer, internal: ScriptedServer
) -> None:
    """What is dialled is what was checked: there is one look-up for both."""
    names.set("rebinding.example", ["127.0.0.2"], ["127.0.0.1"])
    answer = await client.get(f"http://rebinding.example:{public.port}/")
    assert (answer.text, names.asked) == ("from 127.0.0.2", ["rebinding.example"])
    await is_blocked(client, f"http://rebinding.example:{internal.port}/")
    assert untouched(internal)


async def test_rebinding_between_dials(client: HttpClient, names: Any, make_scripted: Make) -> None:
    server = make_scripted(host="127.0.0.2")
    server.always(response(b"x", headers=[("Connection", "close")]))
    names.set("rebinding.example", ["127.0.0.2"], ["127.0.0.2"], ["127.0.0.1"])
    url = f"http://rebinding.example:{server.port}/"
    for _ in range(2):
        assert (await client.get(url)).ok
    await is_blocked(client, url)


async def test_rebinding_when_a_request_is_sent_again(client: HttpClient, names: Any, make_scripted: Make) -> None:
    """A reused connection turns out to be dead; the new one is dialled after another look-up."""
    server = make_scripted(host="127.0.0.2")
    names.set("rebinding.example", ["127.0.0.2"], ["127.0.0.1"])
    server.answer(response(b"x"), Script().close())
    await client.get(server.url(host="rebinding.example"))
    await is_blocked(client, server.url(host="rebinding.example"))
    assert names.asked == ["rebinding.example"] * 2


async def test_other_plugin_that_gives_other_addresses_to_dial(names: Any, internal: ScriptedServer) -> None:
    class Elsewhere:
        @hookimpl
        def connecting(self, addresses: list[str]) -> list[str]:
            return ["127.0.0.1"]

    names.set("public.example", ["127.0.0.2"])
    async with HttpClient(autoload=False, plugins=["guard", Elsewhere()], guard=GUARD, resolver=names) as client:
        await is_blocked(client, internal.url(host="public.example"))
    assert untouched(internal)


async def test_other_plugin_that_gives_them_later(names: Any, internal: ScriptedServer) -> None:
    """A plugin that insists to run after the guard connects, but the request is not sent."""

    class Elsewhere:
        after = ("guard",)

        @hookimpl(trylast=True)
        def connecting(self, addresses: list[str]) -> list[str]:
            return ["127.0.0.1"]

    names.set("public.example", ["127.0.0.2"])
    async with HttpClient(autoload=False, plugins=["guard", Elsewhere()], guard=GUARD, resolver=names) as client:
        await is_blocked(client, internal.url(host="public.example"))
    assert internal.requests == []


# -- connections that are open already


async def test_connection_that_an_unguarded_call_has_opened(names: Any, make_scripted: Make) -> None:
    server = make_scripted(host="127.0.0.1")
    server.always(response(b"x"))
    names.set("internal.example", ["127.0.0.1"])
    async with HttpClient(autoload=False, plugins=["guard"], resolver=names) as client:
        for url in (server.url(host="internal.example"), server.url()):
            assert (await client.get(url)).ok
            await is_blocked(client, url, guard=True)
            assert (await client.get(url)).ok
    assert [seen.connection for seen in server.requests] == [1, 2, 3, 3]


async def test_connection_that_a_call_with_another_guard_has_opened(names: Any, make_scripted: Make) -> None:
    server = make_scripted(host="127.0.0.1")
    server.always(response(b"x"))
    names.set("internal.example", ["127.0.0.1"])
    url = server.url(host="internal.example")
    async with HttpClient(autoload=False, plugins=["guard"], resolver=names) as client:
        for _ in range(2):
            assert (await client.get(url, guard=Guard(allow=["internal.example"]))).ok
        for _ in range(2):
            await is_blocked(client, url, guard=Guard(allow=["other.example"]))
    assert len(server.requests) == 2


async def test_connection_that_is_given_to_a_waiting_call(names: Any, make_scripted: Make) -> None:
    """A guarded call waits for the only connection, which an unguarded one has opened."""
    server = make_scripted(host="127.0.0.1")
    gate = Gate()
    server.answer(Script().hold(gate).send(response(b"x")), response(b"y"))
    names.set("internal.example", ["127.0.0.1"])
    url = server.url(host="internal.example")
    async with HttpClient(autoload=False, plugins=["guard"], resolver=names, pool_size=1) as client:
        first = asyncio.create_task(client.get(url))
        await server.until(requests=1)
        second = asyncio.create_task(client.get(url, guard=True))
        await asyncio.sleep(0)
        gate.open()
        assert (await first).ok
        with pytest.raises(EgressBlocked):
            await second
    assert len(server.requests) == 1


# -- calls that try to get around the guard of the client


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"guard": None}, "guard=None: the client was made with require"),
        ({"guard": False}, "guard=False: the client was made with require"),
        ({"disable": ["guard"]}, "cannot be left out"),
        ({"disable": ["guard_route"]}, "cannot be left out"),
    ],
    ids=["none", "false", "disable", "disable-route"],
)
async def test_required_guard_cannot_be_switched_off(
    client: HttpClient, internal: ScriptedServer, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(PluginError, match=message):
        await client.get(internal.url(), **options)
    assert untouched(internal)


@pytest.mark.parametrize("guard", [Guard(allow=["*"]), Guard(allow=["127.0.0.1"]), Guard(trust_proxy=True)])
async def test_required_guard_cannot_be_widened(client: HttpClient, internal: ScriptedServer, guard: Guard) -> None:
    await is_blocked(client, internal.url(), guard=guard)
    assert untouched(internal)


async def test_required_guard_can_be_narrowed(client: HttpClient, public: ScriptedServer) -> None:
    assert (await client.get(public.url())).ok
    error = await is_blocked(client, public.url(), guard=Guard(allow=["*"], only=["https://*"]))
    assert error.rule == "only="
    await is_blocked(client, public.url(), guard=True)  # the connection is open, and 127.0.0.2 no public address
    assert len(public.requests) == 1


@pytest.mark.parametrize("value", [None, False, Guard(allow=["*"])])
async def test_handler_cannot_switch_a_required_guard_off(
    client: HttpClient, internal: ScriptedServer, value: Any
) -> None:
    def widen(response: Any) -> None:
        response.request.guard = value

    with pytest.raises((PluginError, EgressBlocked)):
        await client.get(internal.url(), pre_request=widen)
    assert untouched(internal)


async def test_handler_can_give_a_call_a_guard(internal: ScriptedServer) -> None:
    def narrow(response: Any) -> None:
        response.request.guard = Guard()

    async with HttpClient(autoload=False, plugins=["guard"]) as client:
        await is_blocked(client, internal.url(), pre_request=narrow)
        await is_blocked(client, internal.url(host="localhost"), pre_request=narrow)
    assert untouched(internal)


async def test_optional_guard_can_be_replaced_and_switched_off_by_a_call(internal: ScriptedServer) -> None:
    async with HttpClient(autoload=False, plugins=["guard"], guard=True) as client:
        await is_blocked(client, internal.url())
        for value in (None, False, Guard(allow=["127.0.0.1"])):
            assert (await client.get(internal.url(), guard=value)).ok
        await is_blocked(client, internal.url())


@pytest.mark.parametrize("value", [None, False])
def test_client_that_requires_the_guard_needs_one(value: Any) -> None:
    with pytest.raises(PluginError, match=r"require=\['guard'\] needs a guard"):
        HttpClient(autoload=False, plugins=["guard"], require=["guard"], guard=value)


async def test_client_whose_required_guard_is_taken_away_sends_nothing(
    client: HttpClient, public: ScriptedServer
) -> None:
    client.guard = None  # type: ignore[attr-defined]
    with pytest.raises(PluginError):
        await client.get(public.url())
    assert untouched(public)


# -- other plugins


class Redirects:
    """Follows redirects."""

    @hookimpl(statuses=(302,))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest:
        return response.request.follow(response.headers["location"], cause="redirect")


@pytest.mark.parametrize("host", ["127.0.0.1", "internal.example", "0x7f000001"])
async def test_follow_up(names: Any, public: ScriptedServer, internal: ScriptedServer, host: str) -> None:
    names.set("internal.example", ["127.0.0.1"])
    public.respond(lambda request: response(status=302, headers=[("Location", f"http://{host}:{internal.port}/")]))
    options: dict[str, Any] = {"plugins": ["guard", Redirects()], "resolver": names}
    async with HttpClient(autoload=False, guard=GUARD, **options) as client:
        await is_blocked(client, public.url())
    async with HttpClient(autoload=False, **options) as client:
        error = await is_blocked(client, public.url(), guard=GUARD)
    assert [earlier.status_code for earlier in error.request.history] == [302]
    assert untouched(internal)


async def test_sub_request(public: ScriptedServer, internal: ScriptedServer) -> None:
    """A sub-request has the guard of the call for which a plugin sends it, and no other."""

    class Asks:
        options: dict[str, Any] = {}  # noqa: RUF012  # set by the test

        @hookimpl
        async def pre_request(self, response: HttpResponse) -> None:
            request = response.request
            token = request.client.new_request("GET", internal.url(), cause="token", parent=request, **self.options)
            await request.client.exchange(token)

    asks = Asks()
    async with HttpClient(autoload=False, plugins=["guard", asks]) as client:
        await is_blocked(client, public.url(), guard=GUARD)
        asks.options = {"guard": False}
        await is_blocked(client, public.url(), guard=GUARD)
        assert untouched(internal)
        asks.options = {}
        assert (await client.get(public.url())).ok
        assert len(internal.requests) == 1
        client.guard = GUARD  # type: ignore[attr-defined]
        await is_blocked(client, public.url())
        assert (await client.get(public.url(), guard=False)).ok
        asks.options = {"guard": Guard()}
        await is_blocked(client, public.url(), guard=False)
    assert len(internal.requests) == 2


async def test_plugin_that_changes_the_url(names: Any, public: ScriptedServer, internal: ScriptedServer) -> None:
    class Elsewhere:
        after = ("guard", "guard_route")
        url = internal.url()

        @hookimpl(trylast=True)
        def pre_request(self, response: HttpResponse) -> None:
            response.request.url = self.url

    names.set("internal.example", ["127.0.0.1"])
    elsewhere = Elsewhere()
    plugins: list[Any] = ["guard", "guard_route", elsewhere]
    async with HttpClient(autoload=False, plugins=plugins, guard=GUARD, resolver=names) as client:
        await is_blocked(client, public.url())
        elsewhere.url = internal.url(host="internal.example")
        await is_blocked(client, public.url())
    assert untouched(internal, public)


class SetsRoute:
    """Sets a route after the guard has looked at it, or with `is_early` before."""

    def __init__(self, route: Any, *, is_early: bool = False) -> None:
        self.route = route
        if is_early:
            self.before = ("guard_route",)
        else:
            self.after = ("guard", "guard_route")

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse) -> None:
        response.request.route = self.route


@pytest.fixture(params=[True, False], ids=["before", "after"])
def is_early(request: pytest.FixtureRequest) -> bool:
    """Does the other plugin run before `guard_route`?"""
    return bool(request.param)


async def test_route_of_another_plugin_to_another_host(
    names: Any, public: ScriptedServer, internal: ScriptedServer, is_early: bool
) -> None:
    direct = DirectRoute("http", "127.0.0.1", internal.port)
    names.set("internal.example", ["127.0.0.1"])
    for route in (direct, direct.replace(host="internal.example"), direct.to_address("127.0.0.1")):
        plugins: list[Any] = ["guard", "guard_route", SetsRoute(route, is_early=is_early)]
        async with HttpClient(autoload=False, plugins=plugins, guard=GUARD, resolver=names) as client:
            await is_blocked(client, public.url())
    assert untouched(internal, public)


async def test_route_that_only_keeps_its_connections_apart(names: Any, internal: ScriptedServer) -> None:
    """What is in `via` is no proxy: the address of the connection is checked, though an unguarded call has opened it."""
    names.set("internal.example", ["127.0.0.1"])
    route = DirectRoute("http", "internal.example", internal.port, via=("acme",))
    plugins: list[Any] = ["guard", "guard_route", SetsRoute(route, is_early=True)]
    async with HttpClient(autoload=False, plugins=plugins, resolver=names) as client:
        url = internal.url(host="internal.example")
        assert (await client.get(url)).ok
        await is_blocked(client, url, guard=Guard(trust_proxy=True))
        await is_blocked(client, url, guard=Guard())
        assert (await client.get(url, guard=Guard(allow=["127.0.0.1"]))).ok
    assert len(internal.requests) == 2


class OwnRoute(Route):
    """A route of a third party, which dials by itself and asks nobody."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    @property
    def key(self) -> Any:
        return "own", self.host, self.port

    async def open(self, client: HttpClient) -> Any:
        sock = socket.create_connection((self.host, self.port))
        sock.setblocking(False)
        return await DirectRoute("http", self.host, self.port).connect(client, sock)


async def test_route_of_a_third_party_has_to_be_named(
    public: ScriptedServer, internal: ScriptedServer, is_early: bool
) -> None:
    route = OwnRoute("127.0.0.1", internal.port)
    plugins: list[Any] = ["guard", "guard_route", SetsRoute(route, is_early=is_early)]
    async with HttpClient(autoload=False, plugins=plugins, guard=GUARD) as client:
        error = await is_blocked(client, public.url())
        assert (error.rule, "Guard(routes=['OwnRoute']) permits it" in str(error)) == ("routes=", True)
        assert untouched(internal) is is_early
        # named, its connections are still checked
        await is_blocked(client, public.url(), guard=replace(GUARD, routes=["OwnRoute"]))
        route.host, route.port = public.host, public.port
        assert (await client.get(public.url(), guard=replace(GUARD, routes=["OwnRoute"]))).ok
    assert internal.requests == []


async def test_request_that_is_sent_again_over_another_route(public: ScriptedServer, internal: ScriptedServer) -> None:
    """A plugin answers a failure with the same request, and gives that another route."""

    class Again:
        after = ("guard", "guard_route")

        @hookimpl(trylast=True)
        def pre_request(self, response: HttpResponse) -> None:
            if response.request.cause == "again":
                response.request.route = DirectRoute("http", "127.0.0.1", internal.port)

        @hookimpl(statuses=(503,))
        def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest:
            return response.request.copy(cause="again")

    public.respond(lambda request: response(status=503))
    async with HttpClient(autoload=False, plugins=["guard", "guard_route", Again()]) as client:
        await is_blocked(client, public.url(), guard=GUARD)
    assert untouched(internal)


# -- what is no socket of the internet


@pytest.fixture
def unix_server(make_scripted: Make, tmp_path: Any) -> Iterator[tuple[str, ScriptedServer]]:
    path = str(tmp_path / "socket")
    server = make_scripted(unix_socket=path)
    server.always(response(b"local"))
    return path, server


async def test_unix_socket_has_to_be_named(unix_server: tuple[str, ScriptedServer]) -> None:
    path, server = unix_server
    url = "http://127.0.0.2/"
    for options in ({"guard": GUARD}, {"guard": GUARD, "unix_socket": path}):
        async with HttpClient(autoload=False, plugins=["guard"], **options) as client:
            error = await is_blocked(client, url, unix_socket=path)
            assert (error.rule, error.host) == ("unix_sockets=", path)
    async with HttpClient(autoload=False, plugins=["guard", "guard_route"], guard=GUARD) as client:
        await is_blocked(client, url, unix_socket=path)
        await is_blocked(client, url, unix_socket=path, guard=replace(GUARD, unix_sockets=[path + "x"]))
        assert server.connections == 0
        named = replace(GUARD, unix_sockets=[path])
        assert (await client.get(url, unix_socket=path, guard=named)).text == "local"
        await is_blocked(client, url, unix_socket=path)  # the connection is open
        await is_blocked(client, "http://10.0.0.1/", unix_socket=path, guard=named)
    assert len(server.requests) == 1


async def test_unix_socket_that_a_plugin_sets(unix_server: tuple[str, ScriptedServer], is_early: bool) -> None:
    path, server = unix_server
    route = DirectRoute("http", "127.0.0.2", 80, unix_socket=path)
    plugins: list[Any] = ["guard", "guard_route", SetsRoute(route, is_early=is_early)]
    async with HttpClient(autoload=False, plugins=plugins, guard=GUARD) as client:
        await is_blocked(client, "http://127.0.0.2/")
    assert server.connections == 0


# -- answers without a connection


class Keeps:
    """Answers from what it has, as a cache does."""

    def __init__(self, *, as_received: bool) -> None:
        self.as_received = as_received

    @hookimpl
    def pre_request(self, response: HttpResponse) -> HttpResponse:
        return HttpResponse.build(response.request, 200, content=b"kept", as_received=self.as_received)


@pytest.mark.parametrize("as_received", [True, False])
async def test_answer_for_a_denied_host_is_not_told(names: Any, as_received: bool) -> None:
    names.set("internal.example", ["10.0.0.1"])
    names.set("public.example", ["10.0.0.1", "1.1.1.1"])
    plugins: list[Any] = ["guard", "guard_route", Keeps(as_received=as_received)]
    async with HttpClient(autoload=False, plugins=plugins, resolver=names) as client:
        assert (await client.get("http://internal.example/")).text == "kept"
        await is_blocked(client, "http://internal.example/", guard=True)
        await is_blocked(client, "http://10.0.0.1/", guard=True)
        assert (await client.get("http://public.example/", guard=True)).text == "kept"
        assert (await client.get("http://1.1.1.1/", guard=True)).text == "kept"
        names.set("nowhere.example", [])
        with pytest.raises(DNSError):
            await client.get("http://nowhere.example/", guard=True)
    assert names.asked == ["internal.example", "public.example", "nowhere.example"]


async def test_stream_that_another_plugin_answers_is_not_told(names: Any) -> None:
    names.set("internal.example", ["10.0.0.1"])
    async with HttpClient(autoload=False, plugins=["guard", Keeps(as_received=True)], resolver=names) as client:
        await is_blocked(client, "http://internal.example/", guard=True, stream=True)


# -- what remains possible


async def test_permitted_requests_are_sent(client: HttpClient, names: Any, public: ScriptedServer) -> None:
    names.set("public.example", ["127.0.0.2"])
    for host in ("127.0.0.2", "public.example", "public.example"):
        assert (await client.get(public.url(host=host))).text == "from 127.0.0.2"
    async with await client.get(public.url(), stream=True) as answer:
        assert await answer.raw.read() == b"from 127.0.0.2"
    assert (await client.post(public.url(), data=b"x")).ok
    assert names.asked == ["public.example"]


def test_synchronous_calls_are_guarded(internal: ScriptedServer, public: ScriptedServer) -> None:
    client = HttpClient(autoload=False, plugins=["guard"], guard=GUARD)
    try:
        assert client.get(public.url()).text == "from 127.0.0.2"  # type: ignore[attr-defined]
        for url in (internal.url(), internal.url(host="localhost")):
            with pytest.raises(EgressBlocked):
                client.get(url)
    finally:
        client.close()
    assert internal.requests == []
