"""What goes wrong comes out as an error of the tree: with its request, naming what, and without secrets."""

import asyncio
import ssl

import pytest

from hookline import HttpClient, HttpRequestException
from hookline.errors import (
    ConnectionClosed,
    ConnectionRefused,
    DNSError,
    HttpConnectionError,
    HttpTimeout,
    InvalidURL,
    LocalProtocolError,
    RemoteProtocolError,
    SSLError,
)
from hookline_testing.server import Script, chunked, head, response
from kit.ids import words
from servers.addresses import refused_port

pytestmark = [pytest.mark.client(autoload=False), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]

SECRETS = ("topsecret", "hunter2", "tok3n")


def assert_names(error, method, *words):
    assert error.request.method == method
    assert isinstance(error, HttpRequestException)
    assert isinstance(error, ConnectionError)
    for word in words:
        assert word in str(error)


async def test_refused_connection_names_the_place(client):
    with refused_port() as port, pytest.raises(ConnectionRefused) as caught:
        await client.get(f"http://127.0.0.1:{port}/")
    assert_names(caught.value, "GET", "127.0.0.1", str(port))
    assert isinstance(caught.value.__cause__, OSError)


async def test_host_without_an_address_is_named(client):
    with pytest.raises(DNSError) as caught:
        await client.get("http://no-such-host.invalid/")
    assert_names(caught.value, "GET", "no-such-host.invalid")


async def test_server_without_tls_is_an_ssl_error(client, scripted):
    scripted.greet(Script(b"HTTP/1.1 400 Bad Request\r\n\r\n").close())
    with pytest.raises(SSLError) as caught:
        await client.get(f"https://127.0.0.1:{scripted.port}/", verify=False)
    assert_names(caught.value, "GET", "127.0.0.1")
    assert isinstance(caught.value.__cause__, ssl.SSLError)


async def test_server_that_hangs_up_in_the_handshake_is_a_connection_error(client, scripted):
    scripted.greet(Script().drop())
    with pytest.raises(HttpConnectionError) as caught:
        await client.get(f"https://127.0.0.1:{scripted.port}/", verify=False)
    assert_names(caught.value, "GET", "127.0.0.1")


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (Script().close(), "before the response"),
        (Script(b"HTTP/1.1 20").until_read().close(), "within the head"),
        (Script(response(b"hello")[:-1]).until_read().close(), "1 bytes before the end"),
        (Script(chunked(b"hello")[:-3]).until_read().close(), "within the body"),
        (Script(response(b"hello")[:-1]).reset(), "1 bytes before the end"),
        (Script(head(200) + b"part").reset(), "within the body"),
    ],
)
async def test_error_of_a_lost_connection_says_at_which_step(client, scripted, script, words):
    scripted.answer(script)
    with pytest.raises(ConnectionClosed) as caught:
        await client.get(scripted.url())
    assert_names(caught.value, "GET", words)


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    "raw", [b"nonsense", b"HTTP/1.1 200 OK\r\nA : b\n", b"HTTP/1.1 200 OK\nA\n", b"HTTP/2.0 200 OK\r\n\r\n"]
)
async def test_what_is_not_http_is_a_protocol_error_at_once(client, scripted, raw):
    scripted.answer(Script(raw).stall())
    async with asyncio.timeout(5):
        with pytest.raises(RemoteProtocolError) as caught:
            await client.get(scripted.url())
    assert_names(caught.value, "GET", "HTTP")


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    "script",
    [
        Script(b"HTTP/1.1 200 OK\r\n").endless(b"A: b\r\n" * 1000),
        Script(b"HTTP/1.1 200 OK\r\nA: ").endless(b"x" * 16384),
        Script(head(200, [("Transfer-Encoding", "chunked")]) + b"0\r\n").endless(b"A: b\r\n" * 100),
        Script(head(200, [("Transfer-Encoding", "chunked")]) + b"0\r\nA: ").endless(b"x" * 1000),
        Script(head(200, [("Transfer-Encoding", "chunked")]) + b"1;").endless(b"x" * 1000),
        Script().endless(head(103)),
    ],
    ids=["fields", "field", "trailers", "trailer", "extension", "interims"],
)
async def test_endless_answer_is_ended(client, make_scripted, script):
    server = make_scripted(strict=False)
    server.answer(script)
    async with asyncio.timeout(10):
        with pytest.raises(RemoteProtocolError):
            await client.get(server.url())
    await server.until(given_up=1)


async def test_slow_drip_ends_at_the_total_timeout(client, make_scripted):
    server = make_scripted(strict=False)
    server.answer(Script(head(200, [("Content-Length", "100000")])).drip(b"x" * 1000, 0.01))
    with pytest.raises(HttpTimeout, match=r"total timeout of 0\.2 s"):
        await client.get(server.url(), timeout=0.2)


@pytest.mark.protocols("HTTP/1.1")
async def test_secrets_are_in_no_message_and_no_repr(client, make_scripted):
    server = make_scripted(strict=False)
    url = server.url("/path?token=tok3n").replace("//", "//user:topsecret@")
    given = {"headers": {"Authorization": "Bearer hunter2", "Cookie": "tok3n"}}
    errors = []
    for script in (Script().close(), Script(b"garbage").stall(), Script(response(b"x")[:-1]).close(), Script().stall()):
        server.answer(script)
        with pytest.raises(HttpRequestException) as caught:
            await client.get(url, timeout=0.3, **given)
        errors.append(caught.value)
    with pytest.raises(LocalProtocolError) as caught_value:
        await client.get(url, headers={"X-Token": "hunter2\r\nEvil: yes"})
    with pytest.raises(InvalidURL) as caught_url:
        await client.get("http://user:topsecret@host\\x/?token=tok3n")
    shown = [repr(caught_value.value), repr(caught_url.value), repr(client), repr(client.connection_pools)]
    for error in errors:
        response_ = error.response
        shown += [
            str(error),
            repr(error),
            repr(error.request),
            repr(error.request._destination),
            repr(error.request.route),
        ]
        shown += [] if response_ is None else [repr(response_)]
        shown += [str(error.__cause__), *getattr(error, "__notes__", ())]
    assert not [text for text in shown for secret in SECRETS if secret in text]


CONTROLS = ["\r\n", "\n", "\r", "\0"]


@pytest.mark.parametrize("control", CONTROLS, ids=repr)
@pytest.mark.parametrize("where", ["name", "value", "method", "path", "query", "host", "userinfo", "content_type"])
async def test_injection_is_refused_before_anything_is_sent(client, scripted, control, where):
    evil = f"a{control}Evil: yes"
    url, method, headers = scripted.url(), "GET", {}
    if where == "name":
        headers = {evil: "x"}
    elif where == "value":
        headers = {"X": evil}
    elif where == "content_type":
        headers = {"Content-Type": evil.encode()}
    elif where == "method":
        method = evil
    elif where == "path":
        url = scripted.url(f"/{evil}")
    elif where == "query":
        url = scripted.url(f"/?{evil}")
    elif where == "host":
        url = f"http://{evil}/"
    else:
        url = f"http://{evil}@127.0.0.1:{scripted.port}/"
    with pytest.raises((LocalProtocolError, InvalidURL)):
        await client.request(method, url, headers=headers)
    assert scripted.requests == []


async def test_injection_through_an_ipv6_zone_is_refused(client):
    with pytest.raises(InvalidURL):
        await client.get("http://[::1%25x%0d%0aEvil:%20yes]:1/")


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("cut", ["whole", 1, 40])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
async def test_malformed_head_shows_no_secret_of_the_server(client, scripted, cut, end):
    scripted.answer(Script(end.join([b"HTTP/1.1 200 OK", b"Set-Cookie: sid=hunter2", b"no field", b"", b""])), cut=cut)
    with pytest.raises(RemoteProtocolError) as caught:
        await client.get(scripted.url())
    assert "hunter2" not in str(caught.value)


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("control", CONTROLS, ids=repr)
async def test_injection_by_params_is_percent_encoded(client, scripted, control):
    scripted.answer(response(b""))
    await client.get(scripted.url(), params={f"a{control}b": f"c{control}d"})
    assert len(scripted.requests[0].headers) == 4


async def test_injection_by_client_headers_is_refused():
    with pytest.raises(LocalProtocolError):
        HttpClient(autoload=False, headers={"X": "a\r\nb"})
    with pytest.raises(LocalProtocolError):
        HttpClient(autoload=False, client_version="a\r\nb").profile  # noqa: B018 - made when it is asked for


@pytest.mark.parametrize(
    "given",
    [
        {"headers": {"Content-Length": "3"}, "data": b"four"},
        {"headers": {"Content-Length": "x"}, "data": b"four"},
        {"headers": {"Transfer-Encoding": "chunked"}, "data": b"four"},
        {"headers": {"Transfer-Encoding": "gzip"}, "data": iter([b"four"])},
        {"headers": {"Transfer-Encoding": "chunked", "Content-Length": "4"}, "data": iter([b"four"])},
        {"headers": {"Content-Length": "4"}},
        {"data": b"a", "json": 1},
    ],
    ids=words,
)
async def test_framing_that_smuggles_is_refused(client, scripted, given):
    with pytest.raises(LocalProtocolError):
        await client.post(scripted.url(), **given)
    scripted.answer(response(b""))
    await client.get(scripted.url("/next"))
    assert [request.target for request in scripted.requests] == ["/next"]
