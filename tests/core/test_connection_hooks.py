"""The hooks connecting, connected and disconnected: before each dial, before each first byte, and after each connection."""

from __future__ import annotations

import asyncio
import socket

import pytest

from hookline import DNSError, HttpClient, HttpConnectionError, PluginError, Timeout, hookimpl
from hookline_testing.server import Script, response
from servers.addresses import refused_port


class Watch:
    """Notes all three hooks."""

    def __init__(self):
        self.seen = []

    @hookimpl
    def connecting(self, request, host, port, addresses):
        self.seen.append(("connecting", request.target, host, addresses))

    @hookimpl
    def connected(self, request, connection):
        self.seen.append(("connected", request.target, connection.facts().peer[0]))

    @hookimpl
    def disconnected(self, connection, exc):
        self.seen.append(("disconnected", exc and type(exc).__name__))

    def names(self):
        return [entry[0] for entry in self.seen]


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
async def client(watch):
    async with HttpClient(autoload=False, plugins=[watch]) as client:
        yield client


async def test_hooks_fire_around_a_connection(client, watch, scripted):
    scripted.always(response(b"x"))
    await client.get(scripted.url("/1"))
    await client.get(scripted.url("/2"))
    await client.close()
    await asyncio.sleep(0)
    assert watch.seen == [
        ("connecting", "/1", "127.0.0.1", ["127.0.0.1"]),
        ("connected", "/1", "127.0.0.1"),
        ("connected", "/2", "127.0.0.1"),
        ("disconnected", None),
    ]


async def test_names_are_resolved_before_connecting(watch, scripted):
    async def resolver(host, port):
        return ["127.0.0.1", "::1"]

    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=[watch], resolver=resolver) as client:
        await client.get(f"http://name.example:{scripted.port}/")
        assert await client.resolve("name.example", 80) == ["127.0.0.1", "::1"]
        assert await client.resolve("::1", 80) == ["::1"]
    assert watch.seen[0] == ("connecting", "/", "name.example", ["127.0.0.1", "::1"])


async def test_connected_is_told_of_a_request_that_is_sent_again(client, watch, scripted):
    scripted.answer(response(b"x"))
    await client.get(scripted.url("/1"))
    scripted.answer(Script().close(), response(b"y"))
    assert (await client.get(scripted.url("/2"))).content == b"y"
    names = watch.names()
    assert names.count("disconnected") == 1  # at some time: the transport reports it in a later turn of the loop
    assert [name for name in names if name != "disconnected"] == [
        "connecting", "connected", "connected", "connecting", "connected",
    ]  # fmt: skip


async def test_connecting_chooses_the_addresses(scripted):
    class Choose:
        @hookimpl
        async def connecting(self, addresses):
            await asyncio.sleep(0)
            return [address for address in addresses if address != "192.0.2.1"]

    async def resolver(host, port):
        return ["192.0.2.1", "127.0.0.1"]

    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=[Choose()], resolver=resolver) as client:
        assert (await client.get(f"http://name.example:{scripted.port}/")).ok


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        ([], DNSError, "left none"),
        (["name.example"], DNSError, "no IP address"),
        ("127.0.0.1", PluginError, "returned str"),
        (5, PluginError, "returned int"),
    ],
    ids=["none", "name", "text", "number"],
)
async def test_wrong_answers_of_connecting_are_errors(scripted, answer, error, text):
    class Wrong:
        @hookimpl
        def connecting(self):
            return answer

    async with HttpClient(autoload=False, plugins=[Wrong()]) as client:
        with pytest.raises(error, match=text):
            await client.get(scripted.url())
        assert client.stats()[:3] == (0, 0, 0)
    assert scripted.connections == 0


@pytest.mark.parametrize("hook", ["connecting", "connected"])
async def test_what_a_hook_raises_ends_the_exchange_before_a_byte_is_sent(scripted, hook):
    class Refuse:
        @hookimpl
        def connecting(self):
            if hook == "connecting":
                raise HttpConnectionError("not there")

        @hookimpl
        def connected(self):
            if hook == "connected":
                raise HttpConnectionError("not there")

    async with HttpClient(autoload=False, plugins=[Refuse()]) as client:
        with pytest.raises(HttpConnectionError, match="not there") as caught:
            await client.get(scripted.url())
        assert f"raised in {hook} of plugin 'refuse'" in caught.value.__notes__
        assert client.stats().in_use == 0
    assert scripted.requests == []


async def test_what_disconnected_raises_goes_to_the_loop(scripted):
    class Bad:
        @hookimpl
        def disconnected(self):
            raise ValueError("bad")

    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=[Bad()]) as client:
        await client.get(scripted.url())
    await asyncio.sleep(0)
    assert [str(context["exception"]) for context in told] == ["bad"]


async def test_unix_sockets_are_dialled_under_their_path(client, watch, make_scripted, tmp_path):
    path = str(tmp_path / "socket")
    server = make_scripted(unix_socket=path)
    server.always(response(b"x"))
    await client.get("http://localhost/", unix_socket=path)
    assert watch.seen[0] == ("connecting", "/", path, [])


async def test_order_and_explanation(watch):
    class Early:
        before = ("watch",)

        @hookimpl
        def connecting(self):
            return None

    async with HttpClient(autoload=False, plugins=[watch, Early()]) as client:
        assert [name for name, _ in client.plugins.order("connecting")] == ["early", "watch"]
        assert "connecting\n  1. early: before watch\n  2. watch: " in client.plugins.explain()
        assert client.plugins["watch"].hooks == ("connecting", "connected", "disconnected")


async def test_clients_without_such_hooks_have_none(scripted):
    async with HttpClient(autoload=False) as client:
        assert client.configuration.connection_hooks is None
        assert "connecting" not in client.plugins.explain()


@pytest.mark.parametrize("hook", ["connected", "disconnected"])
async def test_coroutine_functions_are_refused(hook):
    async def implementation(self):
        pass

    implementation.__name__ = hook
    plugin = type("Late", (), {hook: hookimpl(implementation)})()
    with pytest.raises(PluginError, match="plain function"):
        HttpClient(autoload=False, plugins=[plugin])


async def test_phases_have_beginnings_and_ends(scripted):
    async def resolver(host, port):
        await asyncio.sleep(0.01)
        return ["127.0.0.1"]

    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, resolver=resolver, timings=True) as client:
        timings = (await client.get(f"http://name.example:{scripted.port}/")).timings
        assert [phase.name for phase in timings.phases] == ["dns", "connect", "send", "wait", "body"]
        assert all(phase.begin <= phase.end and not phase.failed for phase in timings.phases)
        assert [a.end <= b.begin for a, b in zip(timings.phases, timings.phases[1:], strict=False)] == [True] * 4
        assert timings.phases[0].end - timings.phases[0].begin >= 0.009
        again = (await client.get(f"http://name.example:{scripted.port}/")).timings
        assert [phase.name for phase in again.phases] == ["send", "wait", "body"]


async def test_phases_of_what_failed(scripted):
    async def no_address(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "none")

    async with HttpClient(autoload=False, timings=True, resolver=no_address) as client:
        found = []
        client.event("post_request").bind(lambda response, exc=None: found.append(response.timings))
        with pytest.raises(DNSError):
            await client.get("http://name.example/")
        with pytest.raises(HttpConnectionError), refused_port() as port:
            await client.get(f"http://127.0.0.1:{port}/")
        scripted.answer(Script().stall())
        with pytest.raises(HttpConnectionError.__mro__[1]):
            await client.get(scripted.url(), timeout=Timeout(read=0.05))
    assert [[(phase.name, phase.failed) for phase in timings.phases] for timings in found] == [
        [("dns", True)],
        [("connect", True)],
        [("connect", False), ("send", False), ("wait", True)],
    ]


async def test_request_that_is_sent_again_shows_both_attempts(scripted):
    async with HttpClient(autoload=False, timings=True) as client:
        scripted.answer(response(b"x"))
        await client.get(scripted.url())
        scripted.answer(Script().close(), response(b"y"))
        timings = (await client.get(scripted.url())).timings
    assert timings.resends == 1
    assert [(phase.name, phase.failed) for phase in timings.phases] == [
        ("send", False), ("wait", True), ("connect", False), ("send", False), ("wait", False), ("body", False),
    ]  # fmt: skip


async def test_plugin_can_ask_for_timings(scripted):
    class Ask:
        @hookimpl
        def pre_request(self, response):
            response.request.timings = True

    scripted.always(response(b"x"))
    async with HttpClient(autoload=False, plugins=[Ask()]) as client:
        timings = (await client.get(scripted.url())).timings
    assert timings.done is not None
    assert [phase.name for phase in timings.phases] == ["connect", "send", "wait", "body"]
