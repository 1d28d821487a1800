"""Every keyword of `HttpClient(...)` and of `request(...)` against every empty value: what it means, or who refuses it.

The keywords are read from the signatures and from the options of the plugins, so that a new one without an entry fails. A
value that an entry does not name is refused: with a TypeError or a ValueError that names the keyword.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

import pytest

from hookline import Connection, HttpClient, Timeout, __version__
from hookline.client.plugin_host import CALL_KEYWORDS, CLIENT_KEYWORDS
from hookline.exchange.core_options import SENSITIVE_HEADERS
from hookline_testing.server import ScriptedServer, response

EMPTY: dict[str, Any] = {
    "none": None, "dict": {}, "list": [], "tuple": (), "str": "", "bytes": b"", "zero": 0, "false": False,
}  # fmt: skip


def falsy(none: Any) -> dict[str, Any]:
    """A switch: it goes by the truth of the value. none: what None is."""
    return dict.fromkeys(EMPTY, False) | {"none": none}


def several(empty: Any, none: Any) -> dict[str, Any]:
    """What takes several things, and here gets none of them."""
    return {"none": none, "dict": empty, "list": empty, "tuple": empty}


def is_empty(proxies: Any) -> bool:
    return proxies.is_empty is True


# For each option, by value: what a request reads; a function decides by itself.
OPTIONS: dict[str, dict[str, Any]] = {
    # core's: None is the default
    "version": {"none": "HTTP/1.1"},
    "stream": falsy(False),
    "timeout": {"none": Timeout(), "zero": Timeout()},
    "timings": falsy(False),
    "max_body": {"none": 0, "zero": 0},
    "sensitive_headers": several(frozenset(), SENSITIVE_HEADERS),
    "verify": {"none": True, "false": False},
    "cert": {"none": None},
    "server_hostname": {"none": None},
    "source_address": {"none": None},
    "unix_socket": {"none": None},
    "json_encoder": {"none": None},
    "json_decoder": {"none": None},
    "trust_env": falsy(True),
    # the plugins': each says what None is
    "http2": {"none": lambda value: value is None or value is True},
    "http2_engine": {"none": None},
    "http2_ping_interval": {"none": None},
    "priority": {"none": None, "zero": "u=0"},
    "on_upload": {"none": None},
    "on_download": {"none": None},
    "auth": {"none": None},
    "cookies": several({}, None),
    "cache": {"none": None, "false": False},
    "guard": {"none": None, "false": False},
    "throttle": {"none": None, "false": False},
    "store_cookies": falsy(None),
    "decompress": falsy(None),
    "wait_continue": {"none": None, "zero": 0, "false": False},
    "allow_redirects": falsy(None),
    "max_redirects": {"none": None, "zero": 0},
    "follow_redirect": {"none": None},
    "proxies": {"none": None, "dict": is_empty},
    "retry": {"none": None, "zero": None, "false": None},
    "websocket_handler": {"none": None},
    "subprotocols": several((), None),
    "compression": {"none": None, "false": False},
    "max_message_size": {"none": None, "zero": 0},
    "ping_interval": {"none": None, "zero": 0.0},
    "ping_timeout": {"none": None, "zero": 0.0},
    "close_timeout": {"none": None, "zero": 0.0},
    "frame_parser": {"none": None},
}

# For each parameter of a client that is no option, by value: what the client reads.
PARAMETERS: dict[str, dict[str, Any]] = {
    "base_url": {"none": None},
    "params": {name: value for name, value in EMPTY.items() if name not in ("zero", "false")},
    "headers": several(lambda headers: headers["Accept"] == "*/*", lambda headers: headers["Accept"] == "*/*"),
    "pool_size": {"none": 10},
    "max_connections": {"none": None},
    "keep_alive": {"none": 15.0, "zero": 0},
    "close_connections": dict(EMPTY),
    "resolver": {"none": None},
    "parser": {"none": Connection},
    "loop": {"none": None},
    "client_version": {"none": f"hookline/{__version__}", "str": f"hookline/{__version__}"},
    "logger": {"none": logging.getLogger("hookline")},
    "plugins": several(len, len),
    "disable": several(len, len),
    "require": several(len, len),
    "autoload": {"false": lambda plugins: True},
    "broken_plugins": {"none": len},
}
# These are not attributes, or cannot be set: what a client was made with stays.
FIXED = ("loop", "max_connections", "plugins", "disable", "require", "autoload", "broken_plugins")

NOTHING = None  # the request is the same as without the keyword
# For each keyword of a call that is no option, by value: the body that is sent; a function decides by the fields.
CALLS: dict[str, dict[str, Any]] = {
    "method": {},
    "url": {},
    "params": several(NOTHING, NOTHING) | {"str": NOTHING, "bytes": NOTHING},
    "headers": several(NOTHING, NOTHING),
    "exact_headers": several(lambda headers: [name for name, _ in headers] == [b"Host"], NOTHING),
    "target": {"none": NOTHING},
    "data": several(NOTHING, NOTHING) | {"str": b"", "bytes": b""},
    "json": {"none": NOTHING, "dict": b"{}", "list": b"[]", "tuple": b"[]", "str": b'""', "zero": b"0", "false": b"false"},
    "files": several(NOTHING, NOTHING),
    "plugins": several(NOTHING, NOTHING),
    "disable": several(NOTHING, NOTHING),
    **{
        event: {"none": NOTHING, "list": NOTHING, "tuple": NOTHING}
        for event in ("pre_request", "on_headers", "post_request", "data_received", "data_processed")
    },
}  # fmt: skip


def client(**keywords: Any) -> HttpClient:
    """A client with all plugins, optional ones too."""
    return HttpClient(**{"plugins": ["retry"], **keywords})


def keyword_only(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


def meets(found: Any, meaning: Any) -> bool:
    return bool(meaning(found)) if inspect.isfunction(meaning) or meaning is len else bool(found == meaning)


def cells(table: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Each keyword with each value."""
    return [(keyword, value) for keyword in table for value in EMPTY]


every_option = pytest.mark.parametrize(("keyword", "value"), cells(OPTIONS))
every_parameter = pytest.mark.parametrize(("keyword", "value"), cells(PARAMETERS))
every_of_a_call = pytest.mark.parametrize(("keyword", "value"), cells(CALLS))


@pytest.fixture
def server(scripted: ScriptedServer) -> ScriptedServer:
    scripted.always(response(b"x"))
    return scripted


async def sent(made: HttpClient, server: ScriptedServer, **keywords: Any) -> tuple[Any, Any]:
    """What the server saw of a GET, and the request."""
    answer = await made.request(**{"method": "GET", "url": server.url(), **keywords})
    if answer.request.stream:
        await answer.raw.read()
    seen = server.requests[-1]
    return (seen.target, seen.headers, seen.body), answer.request


async def refuses(keyword: str, call: Callable[[], Any]) -> bool:
    """Does it raise what names the keyword? Anything else that it raises comes out."""
    try:
        found = call()
        if inspect.isawaitable(found):
            await found
    except (TypeError, ValueError) as error:
        if keyword in str(error):
            return True
        raise
    return False


def test_each_keyword_has_an_entry() -> None:
    made = client()
    taken = made.configuration.table
    options = {*taken.names("client"), *taken.names("request")}
    assert options == set(OPTIONS)
    assert set(keyword_only(HttpClient)) == set(CLIENT_KEYWORDS) == set(PARAMETERS)
    named = {name for name in inspect.signature(HttpClient.request).parameters if name not in ("self", "kwargs")}
    assert named | {*CALL_KEYWORDS, *made.configuration.bodies.keywords} == set(CALLS)
    for method in ("get", "options", "head", "post", "put", "patch", "delete"):
        assert set(keyword_only(getattr(HttpClient, method))) <= set(CALLS)


def test_table_names_each_value_that_it_means() -> None:
    for table in (OPTIONS, PARAMETERS, CALLS):
        for keyword, meanings in table.items():
            assert meanings.keys() <= EMPTY.keys(), keyword


@every_option
async def test_option_means_the_same_for_client_attribute_and_call(
    server: ScriptedServer, keyword: str, value: str
) -> None:
    given, meanings = {keyword: EMPTY[value]}, OPTIONS[keyword]
    async with client() as plain:
        takes_calls = plain.configuration.table.find(keyword, "request") is not None
        if value not in meanings:
            assert await refuses(keyword, lambda: client(**given))
            assert await refuses(keyword, lambda: setattr(plain, keyword, EMPTY[value]))
            assert not takes_calls or await refuses(keyword, lambda: plain.get(server.url(), **given))
            assert server.requests == []
            return
        before, _ = await sent(plain, server)
        async with client(**given) as made:
            of_client, request = await sent(made, server)
        assert meets(getattr(request, keyword), meanings[value])
        assert of_client == before
        if takes_calls:
            of_call, request = await sent(plain, server, **given)
            assert meets(getattr(request, keyword), meanings[value])
            assert of_call == before
        setattr(plain, keyword, EMPTY[value])
        of_attribute, request = await sent(plain, server)
        assert meets(getattr(request, keyword), meanings[value])
        assert of_attribute == before
        read = getattr(plain, keyword)
        assert read is not None if keyword == "cookies" else meets(read, meanings[value])  # `cookies`: the jar


@every_parameter
async def test_parameter_of_a_client_means_the_same_at_first_and_later(
    server: ScriptedServer, keyword: str, value: str
) -> None:
    given, meanings = EMPTY[value], PARAMETERS[keyword]
    attribute = "plugins" if keyword in ("disable", "require", "autoload", "broken_plugins") else keyword
    async with HttpClient() as plain:
        if value not in meanings:
            assert await refuses(keyword, lambda: HttpClient(**{keyword: given}))
            assert keyword in FIXED or await refuses(keyword, lambda: setattr(plain, keyword, given))
            return
        before, _ = await sent(plain, server)
        async with HttpClient(**{keyword: given}) as made:
            assert meets(getattr(made, attribute), meanings[value])
            assert keyword != "autoload" or list(made.plugins) == []
            at_first, _ = await sent(made, server)
        assert at_first == before or keyword == "autoload"
        if keyword not in FIXED:
            setattr(plain, keyword, given)
            later, _ = await sent(plain, server)
            if keyword == "headers":  # what is set replaces all of them
                assert [name for name, _ in later[1]] == [b"Host", b"Accept-Encoding"]
            else:
                assert later == before
                assert meets(getattr(plain, keyword), meanings[value])


@every_of_a_call
async def test_keyword_of_a_call_means_what_the_table_says(server: ScriptedServer, keyword: str, value: str) -> None:
    given, meanings = {keyword: EMPTY[value]}, CALLS[keyword]
    async with HttpClient() as made:
        if value not in meanings:
            assert await refuses(keyword, lambda: made.request(**{"method": "GET", "url": server.url(), **given}))
            assert server.requests == []
            return
        (target, headers, body), _ = await sent(made, server)
        found = await sent(made, server, **given)
        expected = meanings[value]
        if expected is NOTHING:
            assert found[0] == (target, headers, body)
        elif inspect.isfunction(expected):
            assert expected(found[0][1])
        else:
            assert found[0][2] == expected
            assert server.requests[-1].header("content-length") == str(len(expected))
