"""What a request offers to plugins: copies, follow-ups without secrets, routes, held bodies; and what a response does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hookline import (
    BodyNotRepeatable,
    Credential,
    DecodingError,
    DefaultHeader,
    DirectRoute,
    PluginError,
    Route,
    StreamConsumedError,
    hookimpl,
)
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, head, response
from kit.recorder import client_with, on, plugin

SECRETS = dict.fromkeys(("Authorization", "Proxy-Authorization", "X-Api-Key", "X-Badge", "Host"), "secret.test")
declares = plugin("badge", declare=hookimpl(specname="declare")(lambda self: [Credential("x-badge")]))
ORIGINS = [
    ("http://a.test/there", True),
    ("http://a.test:80/there", True),
    ("HTTP://A.TEST/there", True),
    ("http://a.test:81/there", False),
    ("https://a.test/there", False),
    ("http://sub.a.test/there", False),
    ("http://b.test/", False),
]


async def request_of(client: Any, url: str, **options: Any) -> Any:
    """The request of a call that a plugin answered before the network."""
    made: list[Any] = []

    def answer(self: Any, response: Any) -> Any:
        made.append(response.request)
        return type(response).build(response.request, 204)

    await client.get(url, plugins=[on("pre_request", answer, "answers")], **options)
    return made[0]


@pytest.mark.parametrize("way", ["copy", "follow"])
@pytest.mark.parametrize(("url", "same"), ORIGINS)
async def test_credentials_stay_within_their_origin(way: str, url: str, same: bool) -> None:
    async with client_with(declares) as client:
        request = await request_of(client, "http://a.test/", headers={**SECRETS, "X-Other": "1"})
        request.headers.add("Authorization", "a second one")
        request.unredirected_headers["Cookie"] = "a=b"
        new = request.copy(url=url) if way == "copy" else request.follow(url, cause="redirect")
        back = new.copy(url="http://a.test/back")
    assert (new.url.lower(), new.headers["x-other"]) == (url.replace(":80/", "/").lower(), "1") or same
    assert not new.has_header("Cookie")
    for name in SECRETS:
        assert (name in new.headers) is same, name
        assert (name in back.headers) is same, "dropped for good"
        assert name in request.headers, "the first request keeps its own"
    assert new.headers.getall("Authorization", []) == (["secret.test", "a second one"] if same else [])


async def test_sensitive_headers_are_an_option_of_client_and_request() -> None:
    async with client_with(sensitive_headers=["X-Mine"]) as client:
        fields = {"X-Mine": "1", "X-Yours": "2", "X-Api-Key": "3"}
        request = await request_of(client, "http://a.test/", headers=fields)
        assert "x-mine" not in request.follow("http://b.test/", cause="redirect").headers
        assert "x-api-key" in request.follow("http://b.test/", cause="redirect").headers
        request = await request_of(client, "http://a.test/", headers=fields, sensitive_headers=["x-yours"])
        new = request.follow("http://b.test/", cause="redirect")
        assert ("x-yours" in new.headers, "x-mine" in new.headers) == (False, True)


async def test_follow_takes_no_userinfo_of_the_peer() -> None:
    async with client_with() as client:
        request = await request_of(client, "http://me:secret@a.test/")
        assert request.follow("http://you:other@a.test/", cause="redirect").userinfo == "me:secret"
        assert request.follow("http://you:other@b.test/", cause="redirect").userinfo is None
        assert "secret" not in request.url + repr(request)


async def test_copy_changes_what_its_arguments_name() -> None:
    async with client_with() as client:
        request = await request_of(client, "http://a.test/", max_body=5)
        new = request.copy(method="PUT", body=b"new", headers={"X-New": "1"}, stream=True)
        assert (new.method, new.body, dict(new.headers), new.stream, new.max_body) == (
            "PUT",
            b"new",
            {"X-New": "1"},
            True,
            5,
        )
        assert (request.method, request.body, request.stream) == ("GET", None, False)
        with pytest.raises(TypeError, match=r"HttpRequest\.copy\(\) got an unexpected keyword 'streem'"):
            request.copy(streem=True)


async def test_copy_of_a_body_that_was_sent_is_refused(scripted: ScriptedServer) -> None:
    scripted.answer(response())
    async with client_with() as client:
        found = await client.post(scripted.url(), data=iter([b"once"]))
        with pytest.raises(BodyNotRepeatable):
            found.request.copy()
        assert found.request.copy(body=None).body is None


async def test_default_header_of_a_plugin_goes_with_it(scripted: ScriptedServer) -> None:
    scripted.always(response())
    says = plugin("says", declare=hookimpl(specname="declare")(lambda self: [DefaultHeader("Accept-Hue", "red")]))
    async with client_with(says) as client:
        await client.get(scripted.url())
        await client.get(scripted.url(), disable=["says"])
        await client.get(scripted.url(), headers={"accept-hue": "blue"})
        await client.get(scripted.url(), headers={"accept-hue": None})
        client.headers["Accept-Hue"] = "green"
        await client.get(scripted.url())
    assert [r.header_values("accept-hue") for r in scripted.requests] == [["red"], [], ["blue"], [], ["green"]]


@dataclass(frozen=True)
class Elsewhere(Route):
    """A plugin's own route: to a server, whatever the URL says."""

    port: int
    label: str = ""

    @property
    def key(self) -> Any:
        return ("elsewhere", self.port, self.label)

    async def open(self, client: Any) -> Any:
        return await DirectRoute("http", "127.0.0.1", self.port).open(client)


async def test_route_of_a_plugin_is_opened_if_no_connection_has_its_key(scripted: ScriptedServer) -> None:
    label = [""]

    def route(self: Any, response: Any) -> None:
        response.request.route = Elsewhere(scripted.port, label[0])

    scripted.always(response(b"there"))
    async with client_with(on("pre_request", route)) as client:
        assert (await client.get("http://nobody.invalid/")).content == b"there"
        assert (await client.get("http://else.invalid/")).content == b"there"
        assert scripted.connections == 1
        label[0] = "other"
        await client.get("http://nobody.invalid/")
    assert scripted.connections == 2
    assert scripted.requests[0].header("host") == "nobody.invalid"


@pytest.mark.parametrize("what", ["route", "origin", "path"])
async def test_connect_takes_the_connection_and_fixes_the_route(scripted: ScriptedServer, what: str) -> None:
    seen: list[int] = []

    async def early(self: Any, response: Any) -> None:
        assert await response.connect() is await response.connect()
        await scripted.until(connections=1)
        seen.append(len(scripted.requests))
        if what == "route":
            response.request.route = Elsewhere(scripted.port)
        elif what == "origin":
            response.request.url = "http://nobody.invalid/"
        else:
            response.request.url = scripted.url("/other")

    scripted.answer(response(b"x"))
    async with client_with(on("pre_request", early, "early")) as client:
        if what == "path":
            await client.get(scripted.url())
            assert scripted.requests[0].target == "/other"
        else:
            with pytest.raises(PluginError, match=f"the {what}.* was set after the connection was taken"):
                await client.get(scripted.url())
    assert seen == [0]


async def test_buffer_keeps_a_stream_from_being_handed_out(scripted: ScriptedServer) -> None:
    def follow(self: Any, response: Any) -> Any:
        return response.request.follow(response.headers["location"], cause="redirect")

    scripted.answer(response(b"moved", 302, [("Location", scripted.url("/there"))]), response(b"final"))
    plugins = [
        on("on_headers", lambda self, response: response.buffer(), "buffers", statuses=[302]),
        on("post_request", follow, "follows", statuses=[302]),
    ]
    async with client_with(*plugins) as client:
        found = await client.get(scripted.url(), stream=True)
        with pytest.raises(StreamConsumedError):
            _ = found.content
        assert await found.raw.read() == b"final"
    assert scripted.connections == 1
    assert found.history[0].content == b"moved"


class Doubling:
    """A decoder that gives each byte twice; b"!" is an error."""

    def __init__(self) -> None:
        self.rest = b""
        self.is_finished = False

    @property
    def has_pending(self) -> bool:
        return bool(self.rest)

    def decode(self, data: bytes, limit: int) -> bytes:
        if b"!" in data:
            raise DecodingError("an exclamation mark")
        self.rest += b"".join(bytes([byte, byte]) for byte in data)
        given, self.rest = self.rest[:limit], self.rest[limit:]
        return given

    def finish(self) -> None:
        self.is_finished = True


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("times", [1, 2])
async def test_decoders_filter_the_body(scripted: ScriptedServer, stream: bool, cut: Any, times: int) -> None:
    decoders = [Doubling() for _ in range(times)]

    def add(self: Any, response: Any) -> None:
        for decoder in decoders:
            response.add_decoder(decoder)

    scripted.answer(chunked(b"ab", b"c"), cut=cut)
    async with client_with(on("on_headers", add)) as client:
        found = await client.get(scripted.url(), stream=stream)
        body = await found.raw.read() if stream else found.content
    assert body == b"".join(bytes([byte]) * 2**times for byte in b"abc")
    assert all(decoder.is_finished for decoder in decoders)


async def test_decoding_error_surfaces_in_the_call(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"oh!"))
    async with client_with(on("on_headers", lambda self, response: response.add_decoder(Doubling()))) as client:
        with pytest.raises(DecodingError, match="an exclamation mark"):
            await client.get(scripted.url())


async def test_decoder_behind_the_body_is_refused(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"x"))
    async with client_with(on("post_request", lambda self, response: response.add_decoder(Doubling()))) as client:
        with pytest.raises(PluginError, match="add_decoder is for on_headers"):
            await client.get(scripted.url())


async def test_detach_frees_the_slot_and_keeps_what_came_behind(scripted: ScriptedServer) -> None:
    upgrade = head(101, [("Upgrade", "echo"), ("Connection", "Upgrade")])
    scripted.answer(Script(upgrade + b"early").stall(), response(b"next"))
    taken: list[Any] = []
    take = on("on_headers", lambda self, response: taken.append(response.detach()), "taker", statuses=[101])
    async with client_with(take, pool_size=1) as client:
        await client.get(scripted.url())
        assert (await client.get(scripted.url())).content == b"next"  # the only slot is free
        assert taken[0].leftover == b"early"
        taken[0].abort()


async def test_detach_keeps_reads_behind_the_head_while_data_handlers_listen(scripted: ScriptedServer) -> None:
    upgrade = head(101, [("Upgrade", "echo"), ("Connection", "Upgrade")])
    scripted.answer(Script(upgrade + b"one ").send(b"two ").send(b"three").stall())
    taken: list[Any] = []
    heard: list[bytes] = []

    async def take(self: Any, response: Any) -> None:
        await wait_until(lambda: b"three" in heard)
        taken.append(response.detach())
        assert taken[0].leftover == b"one two three"

    taker = on("on_headers", take, "taker", statuses=[101])
    async with client_with(taker) as client:
        await client.get(scripted.url(), data_received=lambda response, data: heard.append(data))
        taken[0].abort()


async def test_detach_of_a_lost_connection_gives_its_last_bytes(scripted: ScriptedServer) -> None:
    upgrade = head(101, [("Upgrade", "echo"), ("Connection", "Upgrade")])
    scripted.answer(Script(upgrade + b"last").close())
    taken: list[Any] = []

    async def take(self: Any, response: Any) -> None:
        connection = response.connection
        await wait_until(lambda: not connection.alive)
        taken.append(response.detach().set_protocol(asyncio.Protocol()))

    async with client_with(on("on_headers", take, "taker", statuses=[101])) as client:
        await client.get(scripted.url())
    assert taken == [b"last"]


async def wait_until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not fact():  # noqa: ASYNC110  # data handlers have nothing to await
            await asyncio.sleep(0.001)


async def test_detach_is_refused_where_http_has_the_connection(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"x"))
    async with client_with(on("on_headers", lambda self, response: response.detach(), "taker")) as client:
        with pytest.raises(PluginError, match="detach: only a connection that left HTTP"):
            await client.get(scripted.url())


@pytest.mark.parametrize("how", ["open", "close", "time"])
async def test_held_body_waits_at_the_gate(scripted: ScriptedServer, how: str) -> None:
    head_seen = Gate()
    gates: list[Any] = []

    def hold(self: Any, response: Any) -> None:
        gates.append(response.request.hold_body(0.05 if how == "time" else None))

    def decide(self: Any, response: Any, interim: bool) -> None:
        if interim:
            (gates[0].open if how == "open" else gates[0].close)()

    first = head(103) if how != "time" else b""
    script = Script(first).signal(head_seen)
    script = script.read_body().send(response(b"done")) if how != "close" else script.send(response(b"done")).stall()
    script.is_early = True
    scripted.answer(script)
    async with client_with(on("pre_request", hold, "holds"), on("on_headers", decide, "decides")) as client:
        assert (await client.post(scripted.url(), data=b"body")).content == b"done"
    assert scripted.requests[0].body == (b"" if how == "close" else b"body")
