"""Which hosts are reached without a proxy, by `no` and NO_PROXY."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import HttpClient, InvalidURL
from hookline_testing.server import ScriptedServer, response
from hookline_tunnel.no_proxy import default_no_proxy, parse_no_proxy, split_entries


@pytest.mark.parametrize(
    ("entries", "host", "matches"),
    [
        ("example.com", "example.com", True),
        ("example.com", "www.example.com", True),
        ("example.com", "a.b.example.com", True),
        ("example.com", "notexample.com", False),
        ("example.com", "example.com.evil.example", False),
        ("example.com", "com", False),
        (".example.com", "example.com", True),
        (".example.com", "www.example.com", True),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "example.com", False),
        ("EXAMPLE.com.", "example.com", True),
        ("example.com", "example.com.", True),
        ("bücher.example", "www.xn--bcher-kva.example", True),
        ("example.com:443", "example.com", True),
        ("example.com:80", "example.com", False),
        ("*.example.com:80", "www.example.com", False),
        ("*", "anything", True),
        ("*", "::1", True),
        ("", "localhost", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.10", False),
        ("10.0.0.1:443", "10.0.0.1", True),
        ("10.0.0.1:80", "10.0.0.1", False),
        ("0.0.1", "10.0.0.1", False),
        ("10.0.0.0/8", "10.255.255.255", True),
        ("10.1.2.3/8", "10.255.255.255", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/8", "10.example.com", False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("[::1]:443", "::1", True),
        ("[::1]:80", "::1", False),
        ("0:0:0:0:0:0:0:1", "::1", True),
        ("127.1", "127.0.0.1", True),
        ("0x7f.1:443", "127.0.0.1", True),
        ("127.0.0.1.", "127.0.0.1", True),
        ("１２７.1", "127.0.0.1", True),
        ("10.0.0.1", "::ffff:a00:1", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:a00:1", True),
        ("[::ffff:a00:1]:443", "10.0.0.1", True),
        ("::ffff:10.0.0.0/104", "10.255.255.255", True),
        ("::ffff:10.0.0.0/104", "11.0.0.0", False),
        ("::ffff:10.0.0.0/104", "::ffff:a00:1", True),
        ("::/0", "10.0.0.1", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("☃.net", "www.xn--n3h.net", True),
        ("fe80::/10", "fe80::1", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("fe80::/10", "10.0.0.1", False),
        ("a.example, b.example\tc.example", "c.example", True),
        (",, a.example ,", "a.example", True),
    ],
)
def test_host_matches(entries: str, host: str, matches: bool) -> None:
    assert parse_no_proxy(split_entries(entries)).matches(host, 443) is matches


@pytest.mark.parametrize("entry", ["<local>", "10.*", "169.254/16", "10.0.0.0/33", "http://host", "host:x", "256.1"])
def test_entry_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(InvalidURL, match=re.escape(f"an address, a network or *: {entry!r}")):
        parse_no_proxy([entry])


@given(
    st.text() | st.from_regex(r"\*?\.?[a-z0-9.:\[\]/%-]{0,20}", fullmatch=True),
    st.sampled_from(["a.b", "::1", "10.0.0.1"]),
)
def test_any_text_is_an_entry_or_refused(text: str, host: str) -> None:
    try:
        hosts = parse_no_proxy(split_entries(text))
    except InvalidURL:
        return
    assert hosts.matches(host, 80) in (True, False)


def test_refusal_shows_no_secret() -> None:
    with pytest.raises(InvalidURL, match=r"an address, a network or \*: 'host'") as caught:
        parse_no_proxy(["user:s3cret@host"])
    assert caught.value.__suppress_context__
    assert caught.value.__context__ is None
    for entry in ("http://user:s3cret/", "http://s3cret#x@host/", "user:s3cret@[host"):
        with pytest.raises(InvalidURL) as caught:
            parse_no_proxy([entry])
        assert "s3cret" not in f"{caught.value!r} {caught.value.__context__!r}"


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1."])
@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8"])
async def test_no_proxy_matches_all_spellings_of_an_address(
    scripted: ScriptedServer, make_scripted: Any, host: str, entry: str
) -> None:
    proxy = make_scripted()
    proxy.always(response(b"proxy"))
    scripted.always(response(b"straight"))
    async with HttpClient(autoload=False, plugins=["tunnel"], proxies={"all": proxy.url(), "no": entry}) as client:
        assert (await client.get(f"http://{host}:{scripted.port}/")).content == b"straight"
    assert proxy.requests == []


def test_default_is_localhost_and_the_machine() -> None:
    hosts = default_no_proxy()
    assert hosts.matches("localhost", 80)
    assert hosts.matches(socket.gethostname().lower(), 443)
    assert not hosts.matches("127.0.0.1", 80)
    assert not hosts.matches("example.com", 80)
