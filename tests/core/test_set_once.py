"""What a client is given once goes through the same checks, and has the same effect, as what each call is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict

from hookline import Connection, DefaultHeader, HttpClient, LocalProtocolError, Option, Scheme, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.recorder import client_with, plugin

Fields = list[tuple[str, str]]


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    scripted.always(response(b"x"))
    return scripted


async def in_the_constructor(server: ScriptedServer, headers: Any, **call: Any) -> Fields:
    async with HttpClient(autoload=False, headers=headers) as client:
        return await sent(client, server, **call)


async def as_an_attribute(server: ScriptedServer, headers: Any, **call: Any) -> Fields:
    async with HttpClient(autoload=False) as client:
        client.headers = CIMultiDict([*client.headers.items(), *pairs(headers)])
        return await sent(client, server, **call)


async def item_by_item(server: ScriptedServer, headers: Any, **call: Any) -> Fields:
    async with HttpClient(autoload=False) as client:
        for name, value in pairs(headers):
            client.headers.add(name, value)
        return await sent(client, server, **call)


async def in_the_call(server: ScriptedServer, headers: Any, **call: Any) -> Fields:
    async with HttpClient(autoload=False) as client:
        return await sent(client, server, headers=headers, **call)


def pairs(headers: Any) -> list[tuple[str, Any]]:
    return list(headers.items() if isinstance(headers, dict) else headers)


async def sent(client: HttpClient, server: ScriptedServer, **call: Any) -> Fields:
    """The fields that the server saw, sorted, twice over the same way."""
    for _ in range(2):
        await client.request(**{"method": "GET", "url": server.url(), **call})
    first, second = ([(n.decode(), v.decode()) for n, v in seen.headers] for seen in server.requests[-2:])
    assert first == second
    return sorted(first)


ways = pytest.mark.parametrize("way", [in_the_constructor, as_an_attribute, item_by_item])


@ways
@pytest.mark.parametrize(
    ("headers", "call"),
    [
        pytest.param({"Host": "a.test"}, {}, id="host"),
        pytest.param([("hOST", "a.test")], {"method": "POST", "data": b"12345"}, id="host-in-another-case"),
        pytest.param({"Host": ""}, {}, id="empty-host"),
        pytest.param({"Content-Length": "5"}, {"method": "POST", "data": b"12345"}, id="length-that-fits"),
        pytest.param({"content-length": 5}, {"method": "POST", "data": [b"12", b"345"]}, id="length-of-a-stream"),
        pytest.param({"Transfer-Encoding": "chunked"}, {"method": "PUT", "data": [b"12", b"345"]}, id="chunked"),
        pytest.param({"X-Number": 5, "X-Bytes": b"b"}, {}, id="values-that-are-no-str"),
        pytest.param([("X", "1"), ("x", "2")], {}, id="several-of-a-name"),
        pytest.param({"X-Empty": ""}, {}, id="empty"),
        pytest.param({"Content-Type": "text/plain"}, {"method": "POST", "data": b"12345"}, id="content-type"),
    ],
)
async def test_fields_of_the_client_are_sent_as_those_of_a_call(
    server: ScriptedServer, way: Callable[..., Any], headers: Any, call: dict[str, Any]
) -> None:
    of_the_client = await way(server, headers, **call)
    of_the_call = await in_the_call(server, headers, **call)
    assert of_the_client == of_the_call
    assert [name.lower() for name, _ in of_the_client].count("host") == 1


@ways
@pytest.mark.parametrize(
    ("headers", "call"),
    [
        pytest.param({"Content-Length": "5"}, {}, id="length-without-a-body"),
        pytest.param({"Content-Length": "5"}, {"method": "POST", "data": b"four"}, id="length-that-does-not-fit"),
        pytest.param({"Content-Length": "0"}, {"method": "POST", "data": b"four"}, id="zero"),
        pytest.param({"Content-Length": ""}, {}, id="empty-length"),
        pytest.param([("Content-Length", "4")] * 2, {"method": "POST", "data": b"four"}, id="two-lengths"),
        pytest.param({"Transfer-Encoding": "chunked"}, {}, id="chunked-without-a-body"),
        pytest.param({"Transfer-Encoding": "chunked"}, {"method": "POST", "data": b"four"}, id="chunked-bytes"),
        pytest.param({"Transfer-Encoding": "gzip"}, {"method": "POST", "data": [b"a"]}, id="another-coding"),
        pytest.param([("Host", "a.test"), ("host", "b.test")], {}, id="two-hosts"),
    ],
)
async def test_fields_of_the_client_are_refused_as_those_of_a_call(
    server: ScriptedServer, way: Callable[..., Any], headers: Any, call: dict[str, Any]
) -> None:
    with pytest.raises(LocalProtocolError) as of_the_call:
        await in_the_call(server, headers, **call)
    with pytest.raises(LocalProtocolError) as of_the_client:
        await way(server, headers, **call)
    assert str(of_the_client.value) == str(of_the_call.value)
    await server.until(connections=2, closed=2)
    assert server.requests == []


@pytest.mark.parametrize("value", ["a\r\nEvil: 1", "\0", True, object()], ids=["line", "nul", "bool", "object"])
async def test_field_set_on_the_client_is_refused_at_each_call_until_it_is_gone(
    server: ScriptedServer, value: Any
) -> None:
    async with HttpClient(autoload=False) as client:
        await client.get(server.url())
        client.headers["X"] = value
        for _ in range(2):
            with pytest.raises((LocalProtocolError, TypeError), match="the value of X"):
                await client.get(server.url())
        del client.headers["X"]
        await client.get(server.url())
    assert len(server.requests) == 2


contributes = plugin("adds", declare=hookimpl(specname="declare")(lambda self: [DefaultHeader("X-Added", "1")]))


@pytest.mark.parametrize("name", ["Accept", "accept", "User-Agent", "Connection", "X-Added", "X-Own"])
@pytest.mark.parametrize("way", ["constructor", "item", "attribute"])
async def test_none_removes_a_field_however_it_is_set(server: ScriptedServer, name: str, way: str) -> None:
    async with client_with(contributes, headers={name: None} if way == "constructor" else None) as client:
        if way != "constructor":
            await client.get(server.url())
        if way == "item":
            client.headers[name] = None  # type: ignore[assignment]
        elif way == "attribute":
            client.headers = {"X-Kept": "1", name: None}  # type: ignore[assignment]
        await client.get(server.url())
        assert name not in client.headers
        assert server.requests[-1].header(name) is None
        client.headers[name] = "back"
        await client.get(server.url())
    assert server.requests[-1].header(name) == "back"


async def test_fields_that_describe_calls_are_not_sent_in_sub_requests(server: ScriptedServer) -> None:
    look = hookimpl(specname="pre_request", fields=("X-Trigger",))(lambda self, response: None)
    headers = {"Host": "a.test", "Content-Length": "4", "X-Trigger": "1", "X-Own": "1"}
    async with client_with(plugin("sleeper", pre_request=look), headers=headers) as client:
        question = client.new_request("GET", server.url(), cause="question")
        await client.exchange(question)
        given = client.new_request("GET", server.url(), cause="question", headers={"Host": "b.test"})
        await client.exchange(given)
    hosts = [seen.header("host") for seen in server.requests]
    assert hosts == [server.url().split("/")[2], "b.test"]
    assert (server.requests[0].header("x-trigger"), server.requests[0].header("x-own")) == (None, "1")


async def test_host_of_the_client_is_not_sent_to_another_origin(server: ScriptedServer) -> None:
    async with HttpClient(autoload=False, headers={"Host": "a.test"}) as client:
        answer = await client.get(server.url())
        other = answer.request.follow("http://b.test/", cause="redirect")
    assert b"\r\nHost: b.test\r\n" in other.encode()


async def test_fields_of_the_client_fulfil_preconditions(server: ScriptedServer) -> None:
    seen: list[str] = []

    def note(self: Any, response: Any) -> None:
        seen.append(response.request.get_header("X-Trigger", "none"))

    conditional = plugin("conditional", pre_request=hookimpl(specname="pre_request", fields=("X-Trigger",))(note))
    async with client_with(conditional) as client:
        await client.get(server.url())
        client.headers["x-trigger"] = "set"
        await client.get(server.url())
        assert "always runs: field x-trigger is given" in client.plugins.explain()
        del client.headers["x-trigger"]
        await client.get(server.url())
        await client.get(server.url(), headers={"X-Trigger": "call"})
    assert seen == ["set", "call"]


# -- parameters and options


async def test_version_and_closing_that_are_set_later_are_what_is_sent(server: ScriptedServer) -> None:
    async with HttpClient(autoload=False, client_version="one/1") as client:
        await client.get(server.url())
        client.client_version, client.close_connections = "two/2", True
        await client.get(server.url())
        client.close_connections = False
        client.client_version = None  # type: ignore[assignment]
        await client.get(server.url())
        client.headers["User-Agent"] = "mine"
        client.client_version = "three/3"
        await client.get(server.url())
    sent = [(seen.header("user-agent"), seen.header("connection")) for seen in server.requests]
    own = HttpClient(autoload=False).client_version
    assert sent == [("one/1", "keep-alive"), ("two/2", "close"), (own, "keep-alive"), ("mine", "keep-alive")]


async def test_size_of_pools_that_is_set_later_counts_for_those_that_are_there(server: ScriptedServer) -> None:
    async with HttpClient(autoload=False) as client:
        await client.get(server.url())
        client.pool_size, client.keep_alive = 2, 7
        await client.get(server.url())
        (pool,) = client.connection_pools.values()
        assert (pool.limit, pool.keep_alive) == (2, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "no url"), ("base_url", 5), ("params", 5), ("pool_size", 0), ("pool_size", "3"), ("keep_alive", -1),
        ("keep_alive", float("nan")), ("resolver", "1.1.1.1"), ("parser", 5), ("client_version", "a\r\nb"),
        ("client_version", 5), ("logger", "mine"), ("headers", 5), ("headers", "X: 1"), ("headers", ["X"]),
    ],
)  # fmt: skip
def test_what_the_constructor_refuses_is_refused_as_an_attribute(name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=name):
        HttpClient(autoload=False, **{name: value})
    client = HttpClient(autoload=False)
    before = getattr(client, name)
    with pytest.raises((TypeError, ValueError), match=name):
        setattr(client, name, value)
    assert getattr(client, name) == before


async def test_error_for_a_wrong_base_url_names_the_keyword() -> None:
    with pytest.raises(ValueError, match="base_url= not an absolute URL"):
        HttpClient(autoload=False, base_url="/relative")


def test_parser_set_to_none_is_the_default() -> None:
    client = HttpClient(autoload=False, parser=lambda loop: Connection(loop))
    client.parser = None
    assert client.parser is Connection


async def test_params_that_can_be_read_once_go_with_each_call(server: ScriptedServer) -> None:
    async with HttpClient(autoload=False, params=iter([("a", "1")])) as client:
        for _ in range(2):
            await client.get(server.url(), params=iter([("b", "2")]))
        client.params = iter([("c", "3")])
        await client.get(server.url())
        await client.get(server.url())
    assert [seen.target for seen in server.requests] == ["/?a=1&b=2"] * 2 + ["/?c=3"] * 2


@pytest.mark.parametrize("params", [{}, [], (), "", b"", {"a": None}, iter(())], ids=[*"abcdef", "iterator"])
@pytest.mark.parametrize("own", [None, {}, "", {"own": "1"}], ids=["none", "mapping", "text", "one"])
async def test_params_without_any_leave_the_url_as_it_is(server: ScriptedServer, params: Any, own: Any) -> None:
    async with HttpClient(autoload=False, params=own) as client:
        await client.get(server.url("/path"), params=params)
        await client.get(server.url("/path?q"), params=params)
    more = "own=1" if own == {"own": "1"} else ""
    assert [seen.target for seen in server.requests] == [f"/path{more and '?' + more}", f"/path?q{more and '&' + more}"]


def numbers(**more: Any) -> Any:
    options = (Option("mine", 1, request=False, convert=int), Option("both", 1, convert=int))
    return plugin("numbers", declare=hookimpl(specname="declare")(lambda self: options), **more)


async def test_option_that_no_request_has_reads_as_it_was_converted(server: ScriptedServer) -> None:
    async with client_with(numbers(), mine="7", both="7") as client:
        assert (client.mine, client.both) == (7, 7)
        client.mine = "8"
        assert client.mine == 8
        assert (await client.get(server.url())).request.mine == 8
        with pytest.raises(ValueError, match="mine= invalid literal"):
            client.mine = "many"
        assert client.mine == 8


async def test_option_is_converted_once_however_often_plugins_come_and_go(server: ScriptedServer) -> None:
    secrets = iter(["X-Once"])
    async with client_with(numbers(), sensitive_headers=secrets) as client:
        client.event("on_headers").bind(lambda response: None)
        client.headers["X"] = "1"
        client.timeout = 5
        request = (await client.get(server.url(), disable=["numbers"])).request
        assert request.sensitive_headers == {"x-once"}
        client.sensitive_headers = iter(["X-Twice"])
        client.timeout = 6
        assert (await client.get(server.url())).request.sensitive_headers == {"x-twice"}


async def test_option_is_converted_anew_by_another_plugin_of_the_name(server: ScriptedServer) -> None:
    def shouting(mark: str) -> Any:
        options = [Option("word", convert=lambda value: value + mark)]
        return plugin("shouting", declare=hookimpl(specname="declare")(lambda self: options))

    async with client_with(first := shouting("!"), word="oh") as client:
        assert (await client.get(server.url())).request.word == "oh!"
        client.plugins.manager.unregister(first)
        client.plugins.manager.register(shouting("?"))
        assert (await client.get(server.url())).request.word == "oh?"


async def test_iterator_that_another_plugin_has_read_is_refused(server: ScriptedServer) -> None:
    def words(convert: Callable[[Any], Any]) -> Any:
        options = [Option("words", convert=convert)]
        return plugin("words", declare=hookimpl(specname="declare")(lambda self: options))

    async with client_with(first := words(tuple), words=iter("ab")) as client:
        assert client.words == ("a", "b")
        client.plugins.manager.unregister(first)
        with pytest.raises(
            TypeError, match="words= was an iterator, which another plugin has read; set it again for plugin 'wor"
        ):
            client.plugins.manager.register(words(list))
        client.plugins.manager.register(first)
        assert client.words == ("a", "b")
    async with client_with(first := words(iter), words=iter("ab")) as client:  # it was checked, and not read
        client.plugins.manager.unregister(first)
        client.plugins.manager.register(words(list))
        assert client.words == ["a", "b"]


async def test_conversion_happens_once_for_each_value_that_is_given(server: ScriptedServer) -> None:
    converted: list[str] = []

    def convert(value: str) -> str:
        converted.append(value)
        return value.upper()

    options = [Option("word", convert=convert)]
    own = plugin("own", declare=hookimpl(specname="declare")(lambda self: options))
    async with client_with(own, word="client") as client:
        client.plugins.manager.register(numbers())
        client.headers["X"] = "1"
        first = await client.get(server.url(), word="call", disable=["numbers"])
        follow = first.request.copy(cause="again")
        assert (client.word, follow.word) == ("CLIENT", "CALL")
    assert converted == ["client", "call"]


async def test_none_of_a_call_takes_back_the_json_encoder_of_the_client(server: ScriptedServer) -> None:
    async with HttpClient(autoload=False, json_encoder=lambda value: "own") as client:
        await client.post(server.url(), json=[1])
        await client.post(server.url(), json=[1], json_encoder=None)
        with pytest.raises(TypeError, match="json_encoder="):
            await client.post(server.url(), json=[1], json_encoder=5)
    assert [seen.body for seen in server.requests] == [b"own", b"[1]"]


async def test_keywords_that_select_plugins_take_none(server: ScriptedServer) -> None:
    async with HttpClient(autoload=False, plugins=None, disable=None, require=None) as client:
        assert list(client.plugins) == []
        await client.get(server.url(), plugins=None, disable=None)
    with pytest.raises(TypeError, match="disable= and require= take lists of names; one of them is int"):
        HttpClient(disable=[5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="autoload="):
        HttpClient(autoload=1)  # type: ignore[arg-type]


async def test_scheme_and_host_of_a_plugin_take_the_field_of_the_client(server: ScriptedServer) -> None:
    own = plugin("own", declare=hookimpl(specname="declare")(lambda self: [Scheme("own", 80)]))
    async with client_with(own, headers={"Host": "a.test"}) as client:
        await client.get(server.url().replace("http:", "own:"))
    assert server.requests[0].header_values("host") == ["a.test"]
