"""Errors for URLs that a client cannot request: each is an exception of Hookline that says what is expected."""

import pytest

from hookline import HttpClient, InvalidURL, LocalProtocolError, Scheme, hookimpl
from hookline_testing.server import response

UNSERVED = [
    "data:text/plain,hello",
    "data:,",
    "data://host/x",
    "mailto:someone@example.com",
    "file:///etc/passwd",
    "file:x",
    "javascript:alert(1)",
    "blob:https://example.com/9115d58c",
    "about:blank",
    "urn:isbn:1",
    "ftp://host/",
    "ws://host/",
    "FTP:/host",
    " data:,x",
    "localhost:8080/x",
    "c:\\windows",
    "h2+x.y-z:q",
    "s" * 5000 + ":x",
]


@pytest.mark.parametrize("url", UNSERVED, ids=lambda url: url[:20])
async def test_error_for_an_unknown_scheme_lists_the_known_schemes(url):
    async with HttpClient(autoload=False) as client:
        with pytest.raises(InvalidURL, match="; there are http, https") as caught:
            await client.get(url)
    assert len(str(caught.value)) < 300


async def test_error_for_a_scheme_without_slashes_says_that_a_host_needs_a_scheme():
    async with HttpClient(autoload=False) as client:
        with pytest.raises(
            InvalidURL, match=r"the scheme 'localhost'; there are http, https; a host .* http://host:port"
        ):
            await client.get("localhost:8080/x")


async def test_error_lists_the_schemes_of_plugins_too():
    class Mine:
        name = "mine"

        @hookimpl
        def declare(self):
            return [Scheme("mine", 1)]

    async with HttpClient(autoload=False, plugins=[Mine()]) as client:
        with pytest.raises(InvalidURL, match="there are http, https, mine"):
            await client.get("data:,x")
        with pytest.raises(InvalidURL, match="not an absolute URL"):
            await client.get("mine:x")


@pytest.mark.parametrize("base", ["data:,x", "mailto:a@b", "http:/host/", "http:host", "localhost:80", " /x", "x"])
def test_base_url_without_a_host_is_refused_when_the_client_is_made(base):
    with pytest.raises(InvalidURL):
        HttpClient(autoload=False, base_url=base)


@pytest.mark.parametrize("url", ["http:x", "http:/x", "https:host/x", "HTTP:", "http:?q", "ws:x"])
async def test_ambiguous_reference_is_refused_with_a_base(url):
    async with HttpClient(autoload=False, base_url="http://127.0.0.1:1/") as client:
        with pytest.raises(InvalidURL, match="without //"):
            await client.get(url)


async def test_base_url_may_have_spaces_around_it(scripted):
    scripted.always(response(b""))
    async with HttpClient(autoload=False, base_url=f" {scripted.url('/v1/')} ") as client:
        assert (await client.get("x")).url == scripted.url("/v1/x")


ENDLESS = {
    "port": "http://h:" + "9" * 5000 + "/",
    "zeros": "http://h:" + "0" * 5000 + "99999/",
    "port_of_address": "http://127.0.0.1:" + "9" * 5000,
    "port_of_ipv6": "http://[::1]:" + "9" * 5000,
    "port_in_other_digits": "http://h:" + "٣" * 5000,
    "zone": "http://[fe80::1%25" + "z" * 5000 + "]/",
    "zone_of_dots": "http://[fe80::1%25a..b]/",
    "zone_of_digits": "http://[fe80::1%25" + "1" * 5000 + "]/",
    "ipv6": "http://[" + "1" * 5000 + "]/",
    "number": "http://" + "1" * 5000 + "/",
    "octal": "http://0" + "1" * 5000 + "/",
    "hexadecimal": "http://0x" + "f" * 5000 + "/",
    "many_numbers": "http://" + "1." * 5000 + "1/",
    "host": "http://" + "h" * 5000 + "/",
    "labels": "http://" + "h." * 5000 + "/",
    "punycode": "http://xn--" + "9" * 5000 + "/",
    "punycode_overflow": "http://xn--" + "9" * 50 + "/",
    "symbols": "http://" + "☃" * 5000 + "/",
    "surrogate": "http://\ud800/",
    "escape": "http://%ff%fe/",
}


@pytest.mark.parametrize("url", ENDLESS.values(), ids=ENDLESS.keys())
async def test_endless_url_is_an_invalid_url(url):
    async with HttpClient(autoload=False) as client:
        request = client.new_request("GET", "http://h/", cause="x")
        with pytest.raises(InvalidURL) as caught:
            await client.get(url)
        with pytest.raises(InvalidURL):
            request.copy(url=url)
    with pytest.raises(InvalidURL):
        HttpClient(autoload=False, base_url=url)
    assert caught.value.__cause__ is None
    assert len(str(caught.value)) < 500


async def test_longest_zone_of_an_interface_is_accepted(scripted):
    async with HttpClient(autoload=False, timeout=5) as client:
        with pytest.raises(OSError, match=r"cannot connect|no address"):
            await client.get("http://[fe80::1%25abcdefghi.12345]:1/")


@pytest.mark.parametrize("params", [b"\xff", "\ud800", {"a": "\ud800"}, {"\udcff": b"\xff"}], ids=ascii)
async def test_params_that_are_not_text_are_sent_as_bytes(scripted, params):
    scripted.always(response(b""))
    async with HttpClient(autoload=False, params=params) as client:
        await client.get(scripted.url("/"))
        await client.get(scripted.url("/"), params=params)
    assert scripted.requests[0].target in ("/?%FF", "/?%EF%BF%BD", "/?a=%EF%BF%BD", "/?%FF=%FF")


async def test_request_target_and_url_are_checked_alike():
    async with HttpClient(autoload=False) as client:
        request = client.new_request("GET", "http://h/", cause="x")
        with pytest.raises(InvalidURL):
            request.url = "data:,x"
        with pytest.raises(LocalProtocolError):
            request.target = "/x y"
