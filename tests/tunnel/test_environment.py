"""Proxies from the environment."""

from __future__ import annotations

import logging

import pytest

from hookline import HttpClient, InvalidURL
from hookline_testing.server import ScriptedServer, response
from hookline_tunnel.environment import EnvironmentProxies, read_variables

HTTP = ("http", "h", 80)
HTTPS = ("https", "h", 443)


def test_lower_case_goes_before_upper_case() -> None:
    assert read_variables({"http_proxy": "a", "HTTP_PROXY": "b", "HTTPS_PROXY": "c"}) == {
        "http": ("http_proxy", "a"),
        "https": ("HTTPS_PROXY", "c"),
    }


def test_empty_variable_switches_off() -> None:
    assert read_variables({"http_proxy": " ", "HTTP_PROXY": "b"}) == {}


def test_attack_field_proxy_becomes_http_proxy_in_a_cgi_script() -> None:
    environ = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "evil", "HTTPS_PROXY": "good"}
    assert read_variables(environ) == {"https": ("HTTPS_PROXY", "good")}
    assert read_variables(environ | {"http_proxy": "mine"})["http"] == ("http_proxy", "mine")


@pytest.mark.parametrize(
    ("environ", "origin", "host"),
    [
        ({}, HTTP, None),
        ({"http_proxy": "p:1"}, HTTP, "p"),
        ({"http_proxy": "p:1"}, HTTPS, None),
        ({"ALL_PROXY": "p"}, HTTPS, "p"),
        ({"all_proxy": "p", "https_proxy": "q"}, HTTPS, "q"),
        ({"https_proxy": "q"}, ("wss", "h", 443), "q"),
        ({"wss_proxy": "p", "https_proxy": "q"}, ("wss", "h", 443), "p"),
        ({"http_proxy": "p"}, ("http", "localhost", 80), None),
        ({"http_proxy": "p", "no_proxy": "other"}, ("http", "localhost", 80), "p"),
        ({"http_proxy": "p", "NO_PROXY": ""}, ("http", "localhost", 80), None),
        ({"http_proxy": "p", "NO_PROXY": "*"}, HTTP, None),
        ({"http_proxy": "p", "NO_PROXY": "x, h"}, HTTP, None),
        ({"http_proxy": "p", "NO_PROXY": "x", "no_proxy": "h"}, HTTP, None),
    ],
)
def test_variable_that_counts(environ: dict[str, str], origin: tuple[str, str, int], host: str | None) -> None:
    proxy = EnvironmentProxies(environ).choose(origin)
    assert (None if proxy is None else proxy.host) == host


def test_variable_that_names_no_proxy_is_an_error_where_it_is_used() -> None:
    environment = EnvironmentProxies({"ALL_PROXY": "socks://user:s3cret@p", "http_proxy": "p"})
    assert environment.choose(HTTP) is not None
    with pytest.raises(
        InvalidURL, match=r"ALL_PROXY in the environment: the scheme of a proxy is one of http, .* not 'socks'"
    ) as caught:
        environment.choose(HTTPS)
    assert "s3cret" not in str(caught.value)
    assert repr(environment) == "<proxies from the environment: http_proxy, ALL_PROXY>"


def test_no_proxy_alone_is_no_proxy() -> None:
    assert EnvironmentProxies({"NO_PROXY": "h"}).is_empty
    assert not EnvironmentProxies({"ALL_PROXY": "h"}).is_empty


def test_wrong_entries_of_no_proxy_are_ignored_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    environment = EnvironmentProxies({"http_proxy": "p", "NO_PROXY": "<local>, h"})
    with caplog.at_level(logging.WARNING):
        assert environment.choose(HTTP) is None
        assert environment.choose(("http", "other", 80)) is not None
    assert [record.getMessage() for record in caplog.records] == [
        "NO_PROXY in the environment: entry ignored: not a host, an address, a network or *: '<local>'"
    ]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
async def test_client_reads_the_environment(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer, name: str
) -> None:
    monkeypatch.setenv(name, scripted.url().rstrip("/"))
    scripted.answer(response(b"carried"))
    async with HttpClient() as client:
        assert (await client.get("http://origin.example/x")).content == b"carried"
    assert scripted.requests[0].target == "http://origin.example/x"


@pytest.mark.parametrize("options", [{"trust_env": False}, {"proxies": {}}, {"proxies": None}])
async def test_client_does_not_read_the_environment(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer, options: dict[str, object]
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    scripted.always(response(b"straight"))
    async with HttpClient(**options) as client:
        assert (await client.get(scripted.url())).content == b"straight"
    async with HttpClient() as client:
        if "proxies" in options:
            assert (await client.get(scripted.url(), **options)).content == b"straight"


async def test_trust_env_may_change(monkeypatch: pytest.MonkeyPatch, make_scripted) -> None:  # type: ignore[no-untyped-def]
    proxy, origin = make_scripted(), make_scripted()
    proxy.always(response(b"carried"))
    origin.always(response(b"straight"))
    monkeypatch.setenv("http_proxy", proxy.url())
    async with HttpClient() as client:
        assert (await client.get(origin.url())).content == b"carried"
        client.trust_env = False
        assert (await client.get(origin.url())).content == b"straight"


async def test_no_proxy_of_the_environment_is_not_for_proxies_given(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedServer
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    scripted.always(response(b"carried"))
    async with HttpClient(proxies={"all": scripted.url()}) as client:
        assert (await client.get("http://origin.example/")).content == b"carried"
