"""The parameters of a client read back, and decide over its default fields."""

import inspect
import logging
from typing import Any

import pytest

from hookline import Connection, HttpClient, LocalProtocolError, __version__
from hookline.client.attributes import defined_names
from hookline.exchange.core_options import CORE_OPTIONS
from hookline_testing.server import ScriptedServer, response

GIVEN = {
    "base_url": "http://127.0.0.1:1/v1/",
    "params": {"page": "1"},
    "pool_size": 3,
    "max_connections": 7,
    "resolver": len,
    "parser": Connection,
    "keep_alive": 2.5,
    "close_connections": True,
    "client_version": "mine/1.0",
    "logger": logging.getLogger("mine"),
    "version": "HTTP/1.0",
    "stream": True,
    "max_body": 5,
    "verify": "/authorities.pem",
    "cert": ("/client.pem", "/client.key"),
    "server_hostname": "h.example",
    "source_address": ("127.0.0.2", 0),
    "unix_socket": "/run/socket",
    "trust_env": False,
}


def test_parameters_read_back_as_given() -> None:
    client = HttpClient(autoload=False, **GIVEN)  # type: ignore[arg-type]
    assert {name: getattr(client, name) for name in GIVEN} == GIVEN


def test_defaults_are_those_of_the_documentation() -> None:
    client = HttpClient(autoload=False)
    assert (client.pool_size, client.keep_alive, client.close_connections) == (10, 15, False)
    assert (client.base_url, client.params, client.loop) == (None, None, None)
    assert (client.version, client.stream, client.verify, client.cert) == ("HTTP/1.1", False, True, None)
    assert client.trust_env is True
    assert client.client_version == f"hookline/{__version__}"
    assert client.logger.name == "hookline"
    assert client.connection_pools == {}


async def fields_sent(client: HttpClient, scripted: ScriptedServer, **options: Any) -> dict[str, str]:
    """The fields of a request, without Host."""
    scripted.always(response(b""))
    async with client:
        await client.get(scripted.url(), **options)
    fields = {name.decode().lower(): value.decode() for name, value in scripted.requests[-1].headers}
    return {name: value for name, value in fields.items() if name != "host"}


DEFAULTS = {"connection": "keep-alive", "accept": "*/*", "user-agent": f"hookline/{__version__}"}


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({}, {}),
        ({"headers": {"Accept": None}}, {"accept": None}),
        ({"headers": {"accept": None, "X-Own": "1"}}, {"accept": None, "x-own": "1"}),
        ({"headers": {"Accept": "text/plain"}}, {"accept": "text/plain"}),
        ({"headers": {"User-Agent": None}}, {"user-agent": None}),
        ({"headers": {"User-Agent": "other"}, "client_version": "mine/1"}, {"user-agent": "other"}),
        ({"client_version": "mine/1"}, {"user-agent": "mine/1"}),
        ({"close_connections": True}, {"connection": "close"}),
    ],
)
async def test_default_fields_are_set_and_removed_by_the_client(
    scripted: ScriptedServer, options: dict[str, Any], changes: dict[str, str | None]
) -> None:
    expected = {name: value for name, value in {**DEFAULTS, **changes}.items() if value is not None}
    assert await fields_sent(HttpClient(autoload=False, **options), scripted) == expected


async def test_default_field_is_removed_by_one_call_alone(scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url(), headers={"Accept": None})
        await client.get(scripted.url())
    assert [request.header("accept") for request in scripted.requests] == [None, "*/*"]


async def test_subclass_has_its_own_defaults(scripted: ScriptedServer) -> None:
    class Mine(HttpClient):
        DEFAULT_HTTP_HEADERS = (("Accept", "text/plain"), ("X-Own", "1"))
        client_version = "mine/2"

    sent = await fields_sent(Mine(autoload=False), scripted)
    assert sent == {"accept": "text/plain", "x-own": "1", "user-agent": "mine/2"}


def test_default_fields_are_an_attribute() -> None:
    assert dict(HttpClient.DEFAULT_HTTP_HEADERS) == {"Connection": "keep-alive", "Accept": "*/*"}  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"X-Own": "1", "Accept": None}, [("X-Own", "1")]], ids=["mapping", "pairs"])
async def test_headers_of_the_client_may_be_set_anew(scripted, given):
    scripted.always(response(b""))
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url())
        client.headers = given
        await client.get(scripted.url())
        client.headers["X-More"] = "2"
        await client.get(scripted.url())
        with pytest.raises(LocalProtocolError):
            client.headers = {"X": "a\r\nb"}
    last = [name for name, _ in scripted.requests[-1].headers]
    assert [[name for name, _ in request.headers] for request in scripted.requests[1:]] == [[b"Host", b"X-Own"], last]
    assert last == [b"Host", b"X-Own", b"X-More"]


PUBLIC = {
    # requests
    "get", "options", "head", "post", "put", "patch", "delete", "request", "build_request", "send",
    # the client itself
    "DEFAULT_HTTP_HEADERS", "client_version", "close", "event", "loop", "max_connections", "parser", "plugins", "stats",
    # for plugins
    "add_closer", "before_dial", "check_loop", "configuration", "connection_pools", "exchange", "loop_resources", "new_request",
    "pause", "per_loop", "remove_closer", "resolve", "run", "until_closed",
}  # fmt: skip


def test_public_names_of_the_class_are_listed() -> None:
    names = {name for name in dir(HttpClient) if not name.startswith("_")}
    assert names - defined_names() == PUBLIC


def test_docstring_describes_each_parameter_and_option() -> None:
    text = inspect.getdoc(HttpClient) or ""
    parameters = set(inspect.signature(HttpClient).parameters) - {"options"}
    options = {option.name for option in CORE_OPTIONS}
    assert {name for name in parameters | options if f"\n{name}: " not in text} == set()
