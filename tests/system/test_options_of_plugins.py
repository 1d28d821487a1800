"""The options of the own plugins: what reads back of a value can be given again, and what a refusal says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hookline import HttpClient, Timeout
from hookline_auth import HTTPBasicAuth, HTTPDigestAuth
from hookline_cache import Cache
from hookline_cookies import CookieJar
from hookline_guard import Guard
from hookline_oauth import OAuth1, OAuth2
from hookline_retry import Retry
from hookline_sigv4 import SigV4
from hookline_throttle import Throttle
from hookline_websocket import WS, Deflate

GIVEN: list[tuple[str, Any]] = [
    ("timeout", 5), ("timeout", Timeout(read=1)), ("sensitive_headers", ["X-A"]), ("verify", False),
    ("source_address", "127.0.0.1"), ("trust_env", False), ("auth", ("user", "secret")), ("auth", HTTPBasicAuth("u", "p")),
    ("auth", HTTPDigestAuth("u", "p")), ("auth", OAuth1(client_id="key", client_secret="secret")), ("auth", print),
    ("auth", OAuth2(client_id="c", access_token="t")), ("auth", SigV4("s3", "eu-west-1", ("key", "secret"))),
    ("retry", 2), ("retry", True), ("retry", False), ("retry", Retry(1)), ("proxies", {"http": "http://proxy.test:1"}),
    ("proxies", {}), ("decompress", 0), ("allow_redirects", 0), ("max_redirects", 3), ("follow_redirect", print),
    ("wait_continue", 2), ("wait_continue", True), ("cookies", {"a": "1"}), ("store_cookies", 0), ("websocket_handler", WS()),
    ("subprotocols", iter(["chat"])), ("compression", True), ("compression", False), ("compression", Deflate(level=1)),
    ("max_message_size", 9), ("ping_interval", 1), ("ping_timeout", 1), ("close_timeout", 1), ("frame_parser", print),
    ("on_upload", lambda done, total: None), ("on_download", lambda done, total: None),
    ("cache", Cache()), ("cache", False), ("guard", Guard()), ("guard", True), ("guard", False),
    ("http2", True), ("http2", "prior-knowledge"), ("http2_engine", "h2"),
    ("throttle", Throttle("1/s")), ("throttle", False),
    ("http2_ping_interval", 5), ("priority", 3), ("priority", "u=1, i"),
]  # fmt: skip
WRONG: list[tuple[str, Any, str, str]] = [
    ("retry", "often", "retry", "a number of retries, a Retry or False"),
    ("retry", 1000, "retry", "a number of retries, a Retry or False"),
    ("max_redirects", "many", "redirects", "a number"),
    ("max_redirects", -1, "redirects", "0 or more"),
    ("follow_redirect", 1, "redirects", "a callable"),
    ("wait_continue", "long", "expect", "True, False or seconds"),
    ("wait_continue", -1, "expect", "a finite number of seconds"),
    ("cookies", "a=1", "cookies", "a dict or a jar"),
    ("cookies", {"a": "\n"}, "cookies", "a dict or a jar"),
    ("proxies", "http://proxy.test", "tunnel", "a mapping as {'all': 'http://proxy:3128'}"),
    ("proxies", {"all": "ftp://proxy.test"}, "tunnel", "a mapping as {'all': 'http://proxy:3128'}"),
    ("auth", ("user",), "basic", "a pair"),
    ("auth", ("user:name", "p"), "basic", "a pair"),
    ("websocket_handler", WS, "websocket", "an object"),
    ("subprotocols", "chat", "websocket", "a list of names"),
    ("compression", 1, "websocket", "True, False or a Deflate"),
    ("max_message_size", -1, "websocket", "0 (no limit) or more"),
    ("ping_interval", "1", "websocket", "seconds as a number or None"),
    ("frame_parser", 1, "websocket", "a callable"),
    ("on_upload", 1, "bodies", "a plain function f(done, total)"),
    ("cache", True, "cache", "a Cache, False, 'only-if-cached' or 'reload'"),
    ("cache", "never", "cache", "'only-if-cached' or 'reload' as text"),
    ("guard", 1, "guard", "a Guard, True or False"),
    ("guard", "10.0.0.0/8", "guard", "a Guard, True or False"),
    ("throttle", "10/s", "throttle", "a Throttle or False"),
    ("http2", False, "http2", "True (where TLS offers it)"),
    ("http2_engine", "h3", "http2", "'ngh2' or 'h2'"),
    ("http2_ping_interval", 0, "http2", "more than 0 seconds"),
    ("priority", 8, "http2", "an urgency from 0 (first) to 7"),
]


def everything(**options: Any) -> HttpClient:
    return HttpClient(plugins=["retry"], **options)


@pytest.mark.parametrize(("name", "value"), GIVEN)
def test_value_that_was_read_can_be_given_again(name: str, value: Any) -> None:
    client = everything(**{name: value})
    read = client.configuration.options[name]
    if name != "cookies":  # `client.cookies` is the jar
        assert getattr(client, name) is read
    setattr(client, name, read)
    kept = client.configuration.options[name]
    assert kept is read or (isinstance(read, str) and kept == read)
    other = everything(**{name: read})
    again = other.configuration.options[name]
    assert type(again) is type(read)
    if name != "auth":  # a Digest is a new object for each client
        assert again == read
    assert other.configuration.option_owners.get(name) == client.configuration.option_owners.get(name)


def test_jar_of_a_client_can_be_given_again() -> None:
    client = HttpClient(cookies={"a": "1"})
    jar: CookieJar = client.cookies  # type: ignore[attr-defined]
    client.cookies = jar
    assert client.cookies is jar  # type: ignore[attr-defined]


def test_default_that_was_read_can_be_given_again() -> None:
    client = everything()
    for name, default in client.configuration.options.items():
        setattr(client, name, default)
        assert client.configuration.options[name] == default
        HttpClient(plugins=["retry"], **{name: default})


def test_each_option_is_among_the_values() -> None:
    assert everything().configuration.options.keys() - {name for name, _ in GIVEN} == {
        "version", "stream", "timings", "max_body", "cert", "server_hostname", "unix_socket", "json_encoder", "json_decoder",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "value", "plugin", "expected"), WRONG)
def test_refusal_names_option_plugin_distribution_and_what_is_accepted(
    name: str, value: Any, plugin: str, expected: str
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        everything(**{name: value})
    words = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert f"{name}=" in words
    assert expected in words
    assert re.search(rf"an option of plugin '{plugin}' \(hookline-\w+ [\w.]+\)", words), words
