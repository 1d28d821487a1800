"""Which proxy carries which request: keys, their order, and what they may not be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hookline import HttpClient, InvalidURL
from hookline_tunnel.proxies import parse_proxies

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "gopher": 70}


def chosen(given: Any, url: str) -> str | None:
    scheme, _, host = url.partition("://")
    proxy = parse_proxies(given).choose((scheme, host, PORTS[scheme]))
    return None if proxy is None else proxy.host


@pytest.mark.parametrize(
    ("given", "url", "host"),
    [
        ({}, "http://h", None),
        ({"http": "p"}, "http://h", "p"),
        ({"HTTP": "p"}, "http://h", "p"),
        ({"http": "p"}, "https://h", None),
        ({"http": "p"}, "ws://h", "p"),
        ({"https": "p"}, "wss://h", "p"),
        ({"http": "p"}, "wss://h", None),
        ({"ws": "q", "http": "p"}, "ws://h", "q"),
        ({"wss": None, "https": "p"}, "wss://h", None),
        ({"all": "p"}, "gopher://h", "p"),
        ({"all": "p", "http": "q"}, "http://h", "q"),
        ({"all": "p", "http": None}, "http://h", None),
        ({"all": "p", "http": ""}, "http://h", None),
        ({"http": "p", "http://h": "q"}, "http://h", "q"),
        ({"http": "p", "http://h": "q"}, "http://www.h", "p"),
        ({"http": "p", "http://H/": "q"}, "http://h", "q"),
        ({"http": "p", "http://h:80": "q"}, "http://h", "q"),
        ({"http": "p", "http://h:81": "q"}, "http://h", "p"),
        ({"http": "p", "http://h": None}, "http://h", None),
        ({"http": "p", "http://127.1": "q"}, "http://127.0.0.1", "q"),
        ({"http": "p", "http://☃.net:80": "q"}, "http://xn--n3h.net", "q"),
        ({"https": "p", "https://h": "q"}, "wss://h", "q"),
        ({"all": "p", "all://h": "q"}, "https://h", "q"),
        ({"https": "p", "all://h": "q"}, "https://h", "p"),
        ({"all": "p"}, "http://localhost", None),
        ({"all": "p"}, "http://127.0.0.1", "p"),
        ({"all": "p", "no": ""}, "http://localhost", "p"),
        ({"all": "p", "no": None}, "http://localhost", None),
        ({"all": "p", "no": "other"}, "http://localhost", "p"),
        ({"all": "p", "no": "h"}, "http://h", None),
        ({"all": "p", "no": ["a", "h, b"]}, "http://www.h", None),
        ({"http://h": "p", "no": "h"}, "http://h", None),
    ],
)
def test_key_that_counts(given: Any, url: str, host: str | None) -> None:
    assert chosen(given, url) == host


def test_host_key_with_an_ipv6_address() -> None:
    assert chosen({"http://[::1]": "p"}, "http://::1") == "p"
    assert chosen({"http://[fe80::1%25Eth0]": "p"}, "http://fe80::1%Eth0") == "p"


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("http://p", TypeError, "proxies= takes a mapping as {'all': 'http://proxy:3128'}, not str"),
        (
            {"htpp": "p"},
            InvalidURL,
            "proxies['htpp']: expected one of http, https, ws, wss, all, 'no', or scheme://host",
        ),
        ({"http": 7}, TypeError, "proxies['http']: expected the URL of a proxy or None, got int"),
        ({7: "p"}, TypeError, "proxies[7]: expected str as the key, got int"),
        ({"http": "ftp://p"}, InvalidURL, "proxies['http']: the scheme of a proxy is one of"),
        ({"http://h#x": "p"}, InvalidURL, "proxies['http://h#x']: expected scheme://host"),
        ({"http://h/x": "p"}, InvalidURL, "proxies['http://h/x']: expected scheme://host"),
        ({"http://": "p"}, InvalidURL, "proxies['http://']"),
        ({"http://*.h": "p"}, InvalidURL, "proxies['http://*.h']: expected scheme://host"),
        ({"http://user:s3cret": "p"}, InvalidURL, "proxies['…']: not a port"),
        ({"http://user:s3cret@h": "p"}, InvalidURL, "proxies['…']: expected scheme://host or scheme://host:port"),
        ({"no": 7}, TypeError, "proxies['no']: expected a string with commas"),
        ({"no": "<local>"}, InvalidURL, "proxies['no']: not a host, an address"),
    ],
)
async def test_bad_proxies_are_named(given: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        HttpClient(proxies=given)
    async with HttpClient() as client:
        with pytest.raises(error, match=re.escape(words)):
            await client.get("http://127.0.0.1:1/", proxies=given)


@pytest.mark.parametrize(
    "given", [{"http://user:s3cret@p:x": "q"}, {"http": "http://user:s3cret@p:x"}, {"no": "user:s3cret@h"}]
)
def test_bad_proxies_show_no_secret(given: Any) -> None:
    with pytest.raises(InvalidURL) as caught:
        HttpClient(proxies=given)
    everything = f"{caught.value!r} {caught.value.__notes__}"
    assert "s3cret" not in everything
    assert caught.value.__suppress_context__


def test_client_gives_its_proxies_back() -> None:
    given = HttpClient(proxies={"all": "http://user:secret@p"}).proxies
    assert repr(given) == "<Proxies all>"
    assert HttpClient(proxies=given).proxies is given
    assert HttpClient(proxies=None).proxies is None
