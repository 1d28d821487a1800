"""`exact_headers=`: the fields of a call as they are given, for adapters that send what another client has prepared."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from hookline import Attribute, Credential, HttpClient, HttpResponse, LocalProtocolError, Option, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.recorder import client_with, on, plugin

Pairs = list[tuple[Any, Any]]


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    scripted.always(response(b"ok"))
    return scripted


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    """A client that has fields of its own, and a plugin with a default field."""
    stamp = plugin("stamp", declare=hookimpl(specname="declare")(lambda self: [Credential("X-Key")]))
    async with HttpClient(plugins=[stamp], headers={"X-Client": "1"}) as made:
        yield made


def lines(server: ScriptedServer, index: int = -1) -> list[bytes]:
    """The head of a request as the server saw it, without the request line."""
    raw = server.requests[index].raw
    return raw[: raw.index(b"\r\n\r\n")].split(b"\r\n")[1:]


def host(server: ScriptedServer) -> bytes:
    return b"Host: " + server.url().split("/")[2].encode()


class Adapter:
    """A plugin of a third party: it sends what another client has prepared, with `client.send_prepared`."""

    @hookimpl
    def declare(self) -> list[Attribute]:
        return [Attribute("send_prepared", lambda client: Sender(client), of="client")]


class Sender:
    """Sends messages of another client, whose fields are pairs of bytes."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client

    async def __call__(self, method: str, url: str, fields: Iterable[tuple[bytes, bytes]], body: bytes) -> HttpResponse:
        return await self.client.request(method, url, exact_headers=fields, data=body)


async def test_adapter_sends_the_head_of_another_client_byte_for_byte(server: ScriptedServer) -> None:
    name = host(server).split(b" ")[1]
    fields = [
        (b"accept-Language", b"de"), (b"x-Twice", b"1"), (b"host", name), (b"X-TWICE", b"2"), (b"x-bytes", b"\xff\xfe"),
        (b"x-utf8", "ü".encode()), (b"Empty", b""), (b"X-twice", b"1"), (b"content-LENGTH", b"4"), (b"Z", b" spaced "),
    ]  # fmt: skip
    async with HttpClient(plugins=[Adapter()]) as client:
        got = await client.send_prepared("PUT", server.url("/x"), iter(fields), b"body")  # type: ignore[attr-defined]
    assert server.requests[0].raw == (
        b"PUT /x HTTP/1.1\r\n" + b"".join(b"%b: %b\r\n" % pair for pair in fields) + b"\r\nbody"
    )
    assert got.content == b"ok"
    assert [value for key, value in got.request.fields_as_sent() if key.lower() == "x-twice"] == ["1", "2", "1"]


@pytest.mark.parametrize(
    ("fields", "call", "sent"),
    [
        ([], {}, [b"{host}"]),
        ({}, {}, [b"{host}"]),
        ({"a": 1, "B": 2.5}, {}, [b"{host}", b"a: 1", b"B: 2.5"]),
        ([("hOsT", "other.test"), ("a", "1")], {}, [b"hOsT: other.test", b"a: 1"]),
        ([("a", "1"), ("Host", "other.test")], {}, [b"a: 1", b"Host: other.test"]),
        ([("a", "1")], {"data": b"four"}, [b"{host}", b"a: 1", b"Content-Length: 4"]),
        ([("a", "1")], {"data": [b"four"]}, [b"{host}", b"a: 1", b"Transfer-Encoding: chunked"]),
        ([("content-length", "4"), ("a", "1")], {"data": [b"four"]}, [b"{host}", b"content-length: 4", b"a: 1"]),
        ([("transfer-encoding", "chunked")], {"data": [b"four"]}, [b"{host}", b"transfer-encoding: chunked"]),
        ([("a", "1")], {"json": [1]}, [b"{host}", b"a: 1", b"Content-Length: 3"]),
        ([("a", "1")], {"data": {"b": "c"}}, [b"{host}", b"a: 1", b"Content-Length: 3"]),
        ([("a", "1")], {"files": {"b": b"c"}}, [b"{host}", b"a: 1", b"Content-Length: "]),
        ([("User-agent", "x"), ("accept", "b"), ("Accept", "a")], {}, [b"{host}", b"User-agent: x", b"accept: b", b"Accept: a"]),
        ([("Connection", "close")], {}, [b"{host}", b"Connection: close"]),
        ([("a", "1")], {"version": "HTTP/1.0"}, [b"{host}", b"a: 1"]),
    ],
)  # fmt: skip
async def test_exact_fields_are_sent_with_nothing_added_but_framing(
    client: HttpClient, server: ScriptedServer, fields: Any, call: dict[str, Any], sent: list[bytes]
) -> None:
    await client.request(
        "POST" if call.keys() & {"data", "json", "files"} else "GET", server.url(), exact_headers=fields, **call
    )
    found = lines(server)
    assert len(found) == len(sent)
    for line, wanted in zip(found, sent, strict=True):
        assert line.startswith(wanted.replace(b"{host}", host(server)))


async def test_connection_of_exact_fields_is_kept_and_closed_as_they_say(
    client: HttpClient, server: ScriptedServer
) -> None:
    await client.get(server.url(), exact_headers=[("a", "1")])
    await client.get(server.url(), exact_headers=[("connection", "close")])
    await client.get(server.url())
    assert [seen.connection for seen in server.requests] == [1, 1, 2]
    assert b"X-Client: 1" in lines(server)


async def test_next_call_has_its_own_fields_again(client: HttpClient, server: ScriptedServer) -> None:
    await client.get(server.url(), headers={"A": "1"})
    await client.get(server.url(), exact_headers={"A": "1"})
    await client.get(server.url(), headers={"A": "1"})
    await client.get(server.url(), exact_headers=None, headers={"A": "1"})
    assert lines(server, 0) == lines(server, 2) == lines(server, 3)
    assert lines(server, 1) == [host(server), b"A: 1"]


async def test_what_plugins_add_comes_behind_the_exact_fields(server: ScriptedServer) -> None:
    def add(self: Any, response: HttpResponse) -> None:
        response.request.headers["X-Added"] = "1"
        response.request.unredirected_headers["x-b"] = "3"

    async with client_with(on("pre_request", add)) as client:
        await client.get(server.url(), exact_headers=[("X-B", "2"), ("X-A", "1")])
    assert lines(server) == [host(server), b"X-A: 1", b"X-Added: 1", b"x-b: 3"]


async def test_credentials_and_cookies_are_added_unless_the_fields_have_them(server: ScriptedServer) -> None:
    async with HttpClient(auth=("user", "secret"), cookies={"a": "1"}) as client:
        await client.get(server.url(), exact_headers=[("x", "1")])
        await client.get(server.url(), exact_headers=[("authorization", "Own"), ("cookie", "own=1")])
    assert {line.split(b":")[0] for line in lines(server, 0)} == {b"Host", b"x", b"Authorization", b"Cookie"}
    assert lines(server, 1) == [host(server), b"authorization: Own", b"cookie: own=1"]


async def test_precondition_holds_for_an_exact_field(server: ScriptedServer) -> None:
    seen: list[str] = []
    note = on(
        "pre_request",
        lambda self, response: seen.append(response.request.get_header("x-trigger")),
        fields=["X-Trigger"],
    )
    async with client_with(note) as client:
        await client.get(server.url(), exact_headers={"a": "1"})
        await client.get(server.url(), exact_headers={"x-TRIGGER": "yes"})
    assert seen == ["yes"]


async def test_follow_up_to_the_same_origin_has_the_same_exact_fields(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.answer(
        response(b"", 307, [("Location", "/next")]), response(b"", 303, [("Location", "/last")]), response(b"ok")
    )
    fields = [("b", "1"), ("X-Key", "secret"), ("HOST", "own.test"), ("A", "2"), ("b", "3")]
    await client.post(scripted.url(), exact_headers=fields, data=b"body")
    first = [b"b: 1", b"X-Key: secret", b"HOST: own.test", b"A: 2", b"b: 3"]
    assert lines(scripted, 0) == lines(scripted, 1) == [*first, b"Content-Length: 4"]
    assert lines(scripted, 2) == first


async def test_attack_credentials_among_exact_fields_do_not_go_to_another_origin(
    client: HttpClient, make_scripted: Any
) -> None:
    first, second = make_scripted(), make_scripted()
    first.answer(response(b"", 302, [("Location", second.url())]))
    second.answer(response(b"ok"))
    names = ("b", "X-KEY", "authorization", "Cookie", "x-api-key", "Proxy-Authorization", "Host", "a")
    await client.get(first.url(), exact_headers=[(name, "secret") for name in names])
    assert lines(second) == [host(second), b"b: secret", b"a: secret"]


async def test_sub_requests_and_copies_take_exact_fields(client: HttpClient, server: ScriptedServer) -> None:
    request = client.new_request(
        "GET", server.url(), cause="test", exact_headers=[("b", "1"), ("accept", "x"), ("a", "2")]
    )
    answer = await client.exchange(request)
    assert lines(server) == [host(server), b"b: 1", b"accept: x", b"a: 2"]
    await client.exchange(request.copy(cause="again"))
    assert lines(server) == lines(server, 0)
    assert copy.copy(answer).request.fields_as_sent() == request.fields_as_sent()


async def test_copy_of_a_request_keeps_host_in_its_place(client: HttpClient, server: ScriptedServer) -> None:
    answer = await client.get(server.url(), exact_headers=[("b", "1"), ("host", "own.test")])
    assert copy.copy(answer).request.fields_as_sent() == [("b", "1"), ("host", "own.test")]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ({"headers": {}, "exact_headers": {}}, TypeError, r"HttpClient\.get\(\) takes headers= or exact_headers=, not both"),
        ({"exact_headers": {"a": None}}, TypeError, "exact_headers= takes values that are sent, not None for a"),
        ({"exact_headers": "a: 1"}, TypeError, "exact_headers= takes a mapping, or pairs of a name and a value, not str"),
        ({"exact_headers": ["a"]}, TypeError, "exact_headers= takes pairs of a name and a value; one item is str"),
        ({"exact_headers": 5}, TypeError, "exact_headers= takes a mapping"),
        ({"exact_headers": {"a": object()}}, TypeError, "the value of a must be str"),
        ({"exact_headers": {"a": "1\r\nEvil: 1"}}, LocalProtocolError, "the value of a has a CR, LF or NUL"),
        ({"exact_headers": {"a b": "1"}}, LocalProtocolError, "not a field name"),
        ({"exact_headers": {"content-length": "5"}}, LocalProtocolError, "does not fit the body"),
        ({"exact_headers": [("host", "a"), ("Host", "b")]}, LocalProtocolError, "a request has one Host field"),
        ({"exact_headers": [("Transfer-Encoding", "gzip")]}, LocalProtocolError, "Transfer-Encoding is for bodies"),
    ],
)  # fmt: skip
async def test_exact_fields_that_cannot_be_sent_are_refused(
    client: HttpClient, server: ScriptedServer, call: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await client.get(server.url(), **call)
    assert server.requests == []


async def test_keyword_of_calls_is_refused_for_a_client_and_as_an_option() -> None:
    with pytest.raises(TypeError, match="unexpected keyword 'exact_headers': it is for calls only"):
        HttpClient(exact_headers={})
    declared = plugin("own", declare=hookimpl(specname="declare")(lambda self: [Option("exact_headers")]))
    with pytest.raises(Exception, match="declares the option 'exact_headers', a name that core has"):
        HttpClient(plugins=[declared])


async def test_fields_of_the_last_call_are_remembered_for_equal_ones_alone(
    client: HttpClient, server: ScriptedServer
) -> None:
    """Heads are written once for calls with the same fields, whatever a hook does to them, and however they are spelled."""
    pairs: Pairs = [(b"A", b"1"), (b"host", b"own.test")]

    def change(self: object, response: HttpResponse) -> None:
        response.request.headers["A"] = "changed"
        response.request.unredirected_headers["B"] = "2"

    async def sent(given: Any, **call: Any) -> list[bytes]:
        await client.get(server.url(), exact_headers=given, **call)
        return lines(server)

    first = [b"A: 1", b"host: own.test"]
    assert await sent(pairs) == first
    assert await sent(list(pairs)) == first
    assert sorted(await sent(pairs, plugins=[on("pre_request", change)])) == [b"A: changed", b"B: 2", b"host: own.test"]
    assert await sent(pairs) == first
    pairs.append((b"a", b"2"))
    assert await sent(pairs) == [*first, b"a: 2"]
    assert await sent([("A", "1"), ("host", "own.test")]) == first
    assert await sent([(b"a", b"1"), (b"host", b"own.test")]) == [b"a: 1", b"host: own.test"]
    server.answer(response(b"ok", headers={"A": "1"}).replace(b"A: 1", b"A: \xe9"))
    received = (await client.get(server.url())).headers["A"]
    assert received == "\u00e9"
    assert await sent([("A", "\u00e9")]) == [host(server), b"A: \xc3\xa9"]
    assert await sent([("A", received)]) == [host(server), b"A: \xe9"]
    assert await sent([["A", "1"]]) == [host(server), b"A: 1"]
    assert await sent(iter([("A", "1")])) == [host(server), b"A: 1"]
