"""Hosts: all spellings of a host have one form, so that a rule for one spelling applies to all."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import HttpClient, InvalidURL, canonical_host, split_url
from hookline_testing.server import response

LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0x0.0x01",
    "0177.0.0.01",
    "017700000001",
    "00000000000000000000177.1",
    "127.0.0.1.",
    "127.1.",
    "%31%32%37.1",
    "１２７.１",
    "①②⑦。₁",
    "127。0．0｡1",
]


@pytest.mark.parametrize("host", LOOPBACK, ids=ascii)
def test_ipv4_address_has_one_form(host):
    parts = split_url(f"http://{host}:8080/x?y")
    assert (parts.host, parts.port, parts.target) == ("127.0.0.1", 8080, "/x?y")
    assert parts.url == "http://127.0.0.1:8080/x?y"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("1", "0.0.0.1"),
        ("4294967295", "255.255.255.255"),
        ("1.16777215", "1.255.255.255"),
        ("1.2.65535", "1.2.255.255"),
        ("169.254.43518", "169.254.169.254"),
        ("0xa9fea9fe", "169.254.169.254"),
        ("0251.0376.0251.0376", "169.254.169.254"),
    ],
)
def test_last_number_fills_the_remaining_bytes(host, address):
    assert split_url(f"http://{host}/").host == address


@pytest.mark.parametrize(
    "host",
    [
        "256.0.0.1",
        "1.2.3.256",
        "1.2.65536",
        "1.16777216",
        "4294967296",
        "0x100000000",
        "1.2.3.4.5",
        "08.1",
        "1.2.3.09",
        "1..2",
        ".1",
        "a.1",
        "example.com.0x7f",
        "a.0x",
        "127.0.0.0x1g.1",
        "9" * 250,
        "0x" + "f" * 250,
        "9" * 5000,
    ],
)
@pytest.mark.parametrize("dot", ["", "."], ids=["plain", "dot"])
def test_host_that_ends_in_a_number_is_an_address_or_refused(host, dot):
    with pytest.raises(InvalidURL):
        split_url(f"http://{host}{dot}/")


@pytest.mark.parametrize("host", ["1.example", "0x7g", "127.0.0.1.example", "0x7f.com", "1e100.net", "1a", "1.2.3.4-5"])
def test_name_with_numbers_stays_a_name(host):
    assert split_url(f"http://{host}/").host == host


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("[::1]", "::1"),
        ("[0:0::0:1]", "::1"),
        ("[2001:DB8:0:0:8:800:200C:417A]", "2001:db8::8:800:200c:417a"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("[::FFFF:7F00:0001]", "::ffff:7f00:1"),
        ("[::127.0.0.1]", "::7f00:1"),
        ("[64:ff9b::192.0.2.33]", "64:ff9b::c000:221"),
        ("[fe80::1%25eth0]", "fe80::1%eth0"),
        ("[fe80::1%eth0.100]", "fe80::1%eth0.100"),
    ],
)
def test_ipv6_address_has_one_form(written, host):
    parts = split_url(f"http://{written}:80/")
    assert parts.host == host
    assert canonical_host(host) == host
    assert split_url(parts.url) == parts


@pytest.mark.parametrize(
    "host",
    [
        "[%3A%3A1]",
        "[::%31]",
        "[::1%2531",
        "[::1%25]",
        "[::1%]",
        "[::1%25..]",
        "[::1%25a..b]",
        "[::1%25a%2500]",
        "[::1%25" + "a" * 16 + "]",
        "[::1%25" + "a" * 5000 + "]",
        "[" + "0" * 5000 + "]",
        "[::１]",
        "[127.0.0.1]",
        "[::127.1]",
        "[::ffff:0127.0.0.1]",
        "[v1.x]",
        "[]",
        "::1",
        "%3A%3A1",
    ],
    ids=lambda host: ascii(host[:20]),
)
def test_invalid_ipv6_address_is_refused(host):
    with pytest.raises(InvalidURL):
        split_url(f"http://{host}/")


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("☃.net", "xn--n3h.net"),
        ("i❤.ws", "xn--i-7iq.ws"),
        ("i❤️.ws", "xn--i-7iq.ws"),  # with a variation selector, which is removed
        ("💩.la", "xn--ls8h.la"),
        ("xn--n3h.net", "xn--n3h.net"),
        ("XN--N3H.net", "xn--n3h.net"),
        ("%E2%98%83.net", "xn--n3h.net"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),
        ("bü_cher.example", "xn--b_cher-3ya.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("ΒΌΛΟς.example", "xn--nxasmm1c.example"),
        ("BÜCHER。example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("ex\xadample.com", "example.com"),
        ("ｌocalhost", "localhost"),
        ("-a.example", "-a.example"),
        ("a-.-b.example", "a-.-b.example"),
        ("-.example", "-.example"),
        ("r3---sn-x.example", "r3---sn-x.example"),
        ("-ü.example", "xn----eha.example"),
        ("a..b", "a..b"),
        ("a!$&'()*+,;=`{}~b", "a!$&'()*+,;=`{}~b"),
        ("שלום.example", "xn--9dbne9b.example"),
        ("نامه‌ای.example", "xn--mgba3gch31f060k.example"),
    ],
    ids=ascii,
)
def test_name_is_normalised_as_in_browsers(written, host):
    parts = split_url(f"http://{written}:81/")
    assert (parts.host, parts.port) == (host, 81)
    assert canonical_host(written if "%" not in written else host) == host
    assert split_url(parts.url) == parts


@pytest.mark.parametrize(
    "host",
    [
        "a%00b",
        "a%23b",
        "a%2Fb",
        "a％2Fb",
        "a%40b",
        "a%5Bb",
        "a^b",
        "a|b",
        "a℀b",  # becomes a/c
        "a／b",
        "a＃b",
        "a：b",
        "%ff.example",
        "\ud800",
        "%ef%bf%bd",
        "\u0301a",
        "a\u200db",
        "xn--",
        "xn--a",
        "xn--bcher-kva-",
        "xn--BÜCHER",
        "xn--pokxncvks",
        "xn--" + "9" * 50,
        "אa",
        "א.1a",
        "\xad",
        "é" * 60,
        "é" * 5000,
        "x" * 256,
    ],
    ids=lambda host: ascii(host[:20]),
)
def test_name_that_browsers_refuse_is_refused(host):
    with pytest.raises(InvalidURL):
        split_url(f"http://{host}/")


@pytest.mark.parametrize("character", ["é", "\xad", "x"], ids=["letter", "ignored", "ascii"])
def test_long_host_is_refused_at_once(character):
    begin = time.process_time()
    for prefix in ("http://", "http://xn--", "http://a."):
        with pytest.raises(InvalidURL):
            split_url(prefix + character * 300_000 + "/")
    assert time.process_time() - begin < 1


@given(st.text(max_size=20))
def test_any_text_has_one_form_or_is_refused(text):
    try:
        host = canonical_host(text)
    except InvalidURL:
        return
    assert host.isascii()
    assert canonical_host(host) == host


def test_ascii_hosts_do_not_import_idna():
    program = (
        "import sys, hookline; hookline.split_url('http://-A.example/');"
        "sys.exit('idna' in sys.modules or 'unicodedata' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# -- hosts in requests


@pytest.mark.parametrize("host", LOOPBACK, ids=ascii)
async def test_all_spellings_of_an_address_share_url_host_and_connection(scripted, host):
    scripted.always(response(b"ok"))
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url("/first"))
        answer = await client.get(f"http://{host}:{scripted.port}/x")
    assert answer.url == scripted.url("/x")
    assert answer.request.origin.host == "127.0.0.1"
    assert scripted.requests[1].header_values("host") == [f"127.0.0.1:{scripted.port}"]
    assert scripted.connections == 1


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("i❤.ws", "xn--i-7iq.ws"),
        ("-a.example", "-a.example"),
        ("_ü.example", "xn--_-eha.example"),
        ("a;b,c.example", "a;b,c.example"),
    ],
    ids=ascii,
)
async def test_name_reaches_resolver_and_host_field_in_ascii(scripted, written, host):
    scripted.always(response(b"ok"))
    asked = []

    async def resolver(name, port):
        asked.append(name)
        return ["127.0.0.1"]

    async with HttpClient(autoload=False, resolver=resolver) as client:
        for spelling in (written, host, written.upper()):
            answer = await client.get(f"http://{spelling}:{scripted.port}/")
            assert answer.request.origin.host == host
    assert asked == [host]
    assert {request.header("host") for request in scripted.requests} == {f"{host}:{scripted.port}"}


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "localhost", "ｌocalhost"], ids=ascii)
async def test_certificate_is_checked_for_the_normalised_host(make_scripted, certificates, host):
    server = make_scripted(ssl_context=certificates.right.server_context(), strict=False)
    server.always(response(b"trusted"))
    async with HttpClient(autoload=False, verify=certificates.ca_file) as client:
        assert (await client.get(f"https://{host}:{server.port}/")).content == b"trusted"
