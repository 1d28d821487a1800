"""The URL of a proxy, taken apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import InvalidURL
from hookline_tunnel import Proxy
from hookline_tunnel.proxy import authority, parse_proxy


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy:3128", Proxy("http", "proxy", 3128)),
        ("proxy:3128", Proxy("http", "proxy", 3128)),
        ("proxy", Proxy("http", "proxy", 80)),
        (" HTTP://Proxy.Example/ ", Proxy("http", "proxy.example", 80)),
        ("https://proxy", Proxy("https", "proxy", 443)),
        ("socks5h://proxy", Proxy("socks5h", "proxy", 1080)),
        ("socks4a://proxy:9050", Proxy("socks4a", "proxy", 9050)),
        ("http://[::1]:3128", Proxy("http", "::1", 3128)),
        ("http://bücher.example", Proxy("http", "xn--bcher-kva.example", 80)),
        ("http://user:pass@proxy", Proxy("http", "proxy", 80, ("user", "pass"))),
        ("user@proxy:1", Proxy("http", "proxy", 1, ("user", ""))),
        ("http://%C3%BC:%40%3A%2F@proxy", Proxy("http", "proxy", 80, ("ü", "@:/"))),
        ("http://user:a:b@proxy", Proxy("http", "proxy", 80, ("user", "a:b"))),
        ("http://@proxy", Proxy("http", "proxy", 80)),
        ("http://:@proxy", Proxy("http", "proxy", 80)),
        ("http://:pass@proxy", Proxy("http", "proxy", 80, ("", "pass"))),
        ("socks5://:@proxy", Proxy("socks5", "proxy", 1080)),
        ("socks4://user@proxy", Proxy("socks4", "proxy", 1080, ("user", ""))),
    ],
)
def test_url_becomes_a_proxy(url: str, proxy: Proxy) -> None:
    assert parse_proxy(url) == proxy


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://proxy", "the scheme of a proxy is one of http, https, socks4, socks4a, socks5, socks5h, not 'ftp'"),
        ("socks://proxy", "not 'socks'"),
        ("http://proxy/path", "has no path and no query: http://proxy"),
        ("http://proxy?q", "has no path and no query"),
        ("http://", "not the URL of a proxy"),
        ("http://proxy:port", "not a port after the colon"),
        ("http://proxy:99999", "not a port"),
        ("http://pro xy", "not the URL of a proxy"),
        ("http://proxy\r\nX: y", "not the URL of a proxy"),
        ("http://us%3Aer:x@proxy", "not contain a colon"),
        ("http://user:%0d%0aX@proxy", "not contain control characters"),
        ("http://user:%ff@proxy", "percent-encoded UTF-8"),
        ("http://user:\udcff@proxy", "percent-encoded UTF-8"),
        ("socks5://%C3%BC:x@proxy", "ASCII"),
        ("socks5://u:" + "x" * 256 + "@proxy", "255"),
        ("socks5://user@proxy", "1 to 255 characters"),
        ("socks5h://:pass@proxy", "1 to 255 characters"),
    ],
)
def test_url_that_names_no_proxy_is_refused(url: str, words: str) -> None:
    with pytest.raises(InvalidURL, match=re.escape(words)):
        parse_proxy(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@proxy/path",
        "http://user:s3cret@proxy:port",
        "http://user:s3#cret@proxy",
        "http://user:s3/cret@proxy",
        "http://user:s3cret@",
        "ftp://user:s3cret@proxy",
        "http://user:s3cret%00@proxy",
        "http://user:s3cret\n@proxy",
        "http://user:s3cret#@proxy",
        "http://user:s3cret/",
        "user:s3cret",
        "http://s3cret#@proxy",
        "http://s3cret/x@proxy",
        "http:/user:s3cret@proxy",
        "http://user:s3cret%ff@proxy",
        "socks5://user:s3cret\xff@proxy",
    ],
)
def test_refusal_shows_no_secret(url: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        parse_proxy(url)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {getattr(caught.value, '__notes__', '')}"
    assert "s3" not in shown
    assert "cret" not in shown
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(st.text() | st.from_regex(r"[a-z0-9]{0,6}(://)?[^\0]{0,20}@?[a-z0-9.:\[\]]{0,12}/?", fullmatch=True))
def test_any_text_is_a_proxy_or_refused(text: str) -> None:
    try:
        proxy = parse_proxy(text)
    except InvalidURL:
        return
    assert parse_proxy(str(proxy)).host == proxy.host
    assert 0 <= proxy.port < 65536
    assert proxy.basic is None or proxy.basic.isascii()


def test_proxy_shows_no_secret() -> None:
    proxy = parse_proxy("http://user:s3cret@proxy:1")
    assert str(proxy) == "http://proxy:1"
    assert repr(proxy) == "Proxy(scheme='http', host='proxy', port=1)"


def test_basic_is_utf_8() -> None:
    assert parse_proxy("http://proxy").basic is None
    assert parse_proxy("http://Aladdin:open%20sesame@proxy").basic == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert parse_proxy("http://test:123%C2%A3@proxy").basic == "Basic dGVzdDoxMjPCow=="  # RFC 7617, section 2.1


def test_authority_has_a_port_and_brackets() -> None:
    assert authority("host", 443) == "host:443"
    assert authority("::1", 80) == "[::1]:80"
