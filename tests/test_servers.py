"""The test servers do what they say, shown with sockets and with the standard library's clients."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import http.client
import json
import socket
import ssl
import sys
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hookline_testing.server import ScriptedServer, response
from servers.addresses import Site, black_hole, refused_port
from servers.apache import REALM, TEXT, USERS
from servers.certificates import KEY_PASSWORD, Certificates, Identity
from servers.nginx import BIG, MEDIUM, accepted
from servers.processes import StartError, running
from servers.programs import require_module, require_program
from servers.raw import connect, read_all
from servers.squid import asked

GET = b"GET /path?q=1 HTTP/1.1\r\nHost: here\r\n\r\n"
MakeScripted = Callable[..., ScriptedServer]


@contextlib.contextmanager
def http_connection(site: Site, certificates: Certificates | None = None) -> Iterator[http.client.HTTPConnection]:
    """Yield a keep-alive connection of the standard library."""
    if site.scheme == "https":
        assert certificates is not None
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            site.host, site.port, timeout=10, context=certificates.client_context()
        )
    else:
        connection = http.client.HTTPConnection(site.host, site.port, timeout=10)
    with contextlib.closing(connection):
        yield connection


def fetch(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the response and its body."""
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer, answer.read()


# Addresses, certificates, processes


def test_refused_port_refuses_and_black_hole_neither_accepts_nor_refuses() -> None:
    with refused_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    with black_hole() as port, pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", port), timeout=0.2)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("wrong_host", "mismatch"), ("expired", "expired"), ("unknown_ca", "unable to get local issuer"), ("right", None)],
)
def test_certificates_fail_as_they_should(
    make_scripted: MakeScripted, certificates: Certificates, kind: str, message: str | None
) -> None:
    identity: Identity = getattr(certificates, kind)
    server = make_scripted(ssl_context=identity.server_context())
    failure = pytest.raises(ssl.SSLCertVerificationError, match=message) if message else contextlib.nullcontext()
    for name in ("localhost", "127.0.0.1", "::1"):
        with connect(server) as client, failure:
            certificates.client_context().wrap_socket(client, server_hostname=name).close()


@pytest.mark.parametrize("kind", ["client", "client_encrypted", "single"])
def test_certificates_have_one_for_the_client(
    make_scripted: MakeScripted, certificates: Certificates, kind: str
) -> None:
    server = make_scripted(ssl_context=certificates.server_context(ask_client=True))
    server.answer(response())
    context = ssl.create_default_context(capath=str(certificates.ca_directory()))
    if kind == "single":
        context.load_cert_chain(certificates.client_single_file)
    else:
        identity: Identity = getattr(certificates, kind)
        context.load_cert_chain(identity.cert_file, identity.key_file, password=KEY_PASSWORD)
    with context.wrap_socket(connect(server), server_hostname="localhost") as client:
        client.sendall(GET)
        client.recv(1000)
    assert "the client" in str(server.requests[0].peer_certificate)


def test_process_that_fails_shows_its_output() -> None:
    def prepare(directory: Path, ports: object) -> list[str]:
        (directory / "own.log").write_text("what the log says")
        return [sys.executable, "-c", "print('what it printed'); raise SystemExit(3)"]

    message = r"(?s)status 3.*what it printed.*what the log says"
    with pytest.raises(StartError, match=message), running("failing", prepare, "http"):
        pass


def test_process_that_ignores_terminate_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.processes.STOP_PATIENCE", 0.1)
    program = (
        "import signal, socket, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nwhile True: listener.accept()[0].close()"
    )
    with running("stubborn", lambda directory, ports: [sys.executable, "-c", program, str(ports[0])], "tcp") as child:
        assert Path("/proc", str(child.pid)).exists()
        assert child.directory.exists()
    assert not Path("/proc", str(child.pid)).exists()
    assert not child.directory.exists()


def test_missing_programs_are_skipped_loudly() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"LOUD: no-such is not installed \(Debian package no-such-light\)"):
        require_program("no-such", "no-such-light")
    with pytest.raises(pytest.skip.Exception, match=r"LOUD: no_such is not installed \(Python package no-such\)"):
        require_module("no_such", "no-such")


# aiohttp's server


def test_aiohttp_echoes_streams_and_compresses(aiohttp_server: Site) -> None:
    with http_connection(aiohttp_server) as connection:
        seen = json.loads(fetch(connection, "/echo?a=b", "PATCH", b"\xff", X_Odd="1")[1])
        assert (seen["method"], seen["target"], seen["body"]) == ("PATCH", "/echo?a=b", "\xff")
        assert ["X-Odd", "1"] in seen["headers"]
        plain, streamed = fetch(connection, "/bytes/100000"), fetch(connection, "/stream/100000")
        assert plain[1] == streamed[1]
        assert (plain[0].headers["Content-Length"], streamed[0].headers["Content-Length"]) == ("100000", None)
        assert json.loads(gzip.decompress(fetch(connection, "/gzip")[1])) == {"gzipped": True}
        assert json.loads(zlib.decompress(fetch(connection, "/deflate")[1])) == {"deflated": True}
        assert json.loads(zlib.decompress(fetch(connection, "/deflate?raw=1")[1], -15)) == {"deflated": True}


def test_aiohttp_gives_statuses_redirects_cookies_and_counts_uploads(aiohttp_server: Site) -> None:
    with http_connection(aiohttp_server) as connection:
        assert fetch(connection, "/status/418")[0].status == 418
        assert fetch(connection, "/slow/0.01")[1] == b"at last"
        assert fetch(connection, "/redirect/2")[0].headers["Location"] == "/redirect/1"
        answer = fetch(connection, "/redirect/1?status=307", "POST", b"x")[0]
        assert (answer.status, answer.headers["Location"]) == (307, "/echo")
        answer, body = fetch(connection, "/cookies?a=1", Cookie="b=2")
        assert (answer.headers["Set-Cookie"], json.loads(body)) == ("a=1; Path=/", {"b": "2"})
        data = b"x" * 3 * MEDIUM
        counted = json.loads(fetch(connection, "/upload", "POST", data)[1])
        assert counted == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_aiohttp_echoes_websocket_messages_over_tls(aiohttp_tls_server: Site, certificates: Certificates) -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    opening = (
        f"GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: echo\r\n\r\n"
    )
    context = certificates.client_context()
    with context.wrap_socket(connect(aiohttp_tls_server), server_hostname="localhost") as client:
        client.sendall(opening.encode())
        answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Protocol: echo" in answer
        client.sendall(b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0")
        assert read_all(client).startswith(b"\x81\x02hi\x88")


# Programs


@pytest.mark.parametrize("kind", ["httpbin", "httpbin_tls"])
def test_httpbin_answers_with_keep_alive(request: pytest.FixtureRequest, certificates: Certificates, kind: str) -> None:
    site: Site = request.getfixturevalue(kind)
    with http_connection(site, certificates) as connection:
        assert json.loads(fetch(connection, "/get?a=b")[1])["args"] == {"a": "b"}
        kept = connection.sock
        connection.request("POST", "/post", iter([b"chun", b"ked"]), encode_chunked=True)
        assert json.loads(connection.getresponse().read())["data"] == "chunked"
        assert connection.sock is kept
        assert fetch(connection, "/digest-auth/auth/user/passwd/SHA-256")[0].status == 401


@pytest.mark.parametrize("kind", ["nginx", "nginx_tls"])
def test_nginx_serves_every_path(request: pytest.FixtureRequest, certificates: Certificates, kind: str) -> None:
    site: Site = request.getfixturevalue(kind)
    with http_connection(site, certificates) as connection:
        answer, body = fetch(connection, "/1m.bin")
        assert hashlib.sha256(body).digest() == hashlib.sha256((site.directory / "www/1m.bin").read_bytes()).digest()
        assert fetch(connection, "/1m.bin", If_None_Match=answer.headers["ETag"])[0].status == 304
        assert fetch(connection, "/big.bin", "HEAD")[0].headers["Content-Length"] == str(BIG)
        answer, body = fetch(connection, "/gzip/1m.json", Accept_Encoding="gzip")
        assert (len(gzip.decompress(body)), answer.headers["Transfer-Encoding"]) == (MEDIUM, "chunked")
        assert fetch(connection, "/chunked/small.json")[0].headers["Transfer-Encoding"] == "chunked"
        assert fetch(connection, "/redirects/20")[0].headers["Location"] == "/redirects/19"
        assert fetch(connection, "/moved/308")[0].status == 308
        assert fetch(connection, "/status/204")[0].status == 204
        kept = connection.sock
        assert (kept is not None, fetch(connection, "/once/small.json")[0].status, connection.sock) == (True, 200, None)
        assert fetch(connection, "/store/new", "PUT", b"stored")[0].status == 201
        assert fetch(connection, "/store/new")[1] == b"stored"
        assert fetch(connection, "/store/new", "DELETE")[0].status == 204
        expected = b"TLSv1.3  NONE " if site.scheme == "https" else b"   "
        assert fetch(connection, "/tls")[1] == expected


def test_nginx_counts_connections_refuses_uploads_and_sends_trailers(nginx: Site) -> None:
    before = accepted(nginx)
    with connect(nginx) as client:
        client.sendall(b"PUT /limited HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")
    with connect(nginx) as client:
        client.sendall(b"GET /chunked/small.json HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert read_all(client).endswith(b"\r\n0\r\nX-Trailer: arrived\r\n\r\n")
    assert accepted(nginx) == before + 3


@pytest.mark.parametrize("kind", ["apache", "apache_tls"])
def test_apache_runs_cgi_and_compresses(request: pytest.FixtureRequest, certificates: Certificates, kind: str) -> None:
    site: Site = request.getfixturevalue(kind)
    with http_connection(site, certificates) as connection:
        answer, body = fetch(connection, "/cgi-bin/echo?q=1", "PUT", bytes(range(256)))
        assert (body, answer.headers["X-Method"], answer.headers["X-Length"]) == (bytes(range(256)), "PUT", "256")
        connection.request("POST", "/cgi-bin/echo", iter([b"chun", b"ked"]), encode_chunked=True)
        assert connection.getresponse().read() == b"chunked"
        assert b"\nHTTP_X_ODD=1\n" in fetch(connection, "/cgi-bin/env", X_Odd="1")[1]
        assert fetch(connection, "/cgi-bin/status?418")[0].status == 418
        assert gzip.decompress(fetch(connection, "/gzip/text.txt", Accept_Encoding="gzip")[1]) == TEXT.encode()
        assert fetch(connection, "/brotli/text.txt", Accept_Encoding="br")[0].headers["Content-Encoding"] == "br"


def test_apache_knows_its_users(apache: Site) -> None:
    no_proxy = urllib.request.ProxyHandler({})
    for user, password in USERS.items():
        with http_connection(apache) as connection:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            assert fetch(connection, "/basic/text.txt")[0].status == 401
            assert fetch(connection, "/basic/text.txt", Authorization=f"Basic {pair}")[1] == TEXT.encode()
    for path in ("/digest/text.txt", "/stale/text.txt"):
        passwords = urllib.request.HTTPPasswordMgr()
        passwords.add_password(REALM, apache.url(), "user", USERS["user"])
        digest = urllib.request.HTTPDigestAuthHandler(passwords)
        with urllib.request.build_opener(no_proxy, digest).open(apache.url(path), timeout=5) as answer:
            assert answer.read() == TEXT.encode()


# Proxies


def through(proxy: Site, data: bytes) -> bytes:
    with connect(proxy) as client:
        client.sendall(data)
        return read_all(client)


@pytest.mark.parametrize("kind", ["squid", "squid_basic", "squid_digest", "tinyproxy"])
def test_proxies_carry_requests_and_tunnels(
    request: pytest.FixtureRequest, scripted: ScriptedServer, kind: str
) -> None:
    proxy: Site = request.getfixturevalue(kind)
    scripted.always(response(b"carried"), close=True)
    get = f"GET {scripted.url('/x')} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    connect_line = f"CONNECT 127.0.0.1:{scripted.port} HTTP/1.1\r\nHost: 127.0.0.1:{scripted.port}\r\n"
    pair = base64.b64encode(b"user:passwd").decode()
    basic = "" if kind == "squid" else f"Proxy-Authorization: Basic {pair}\r\n"
    if kind != "squid":
        refused = through(proxy, f"{get}\r\n".encode())
        assert b" 407 " in refused.split(b"\r\n")[0]
        assert (b"Digest realm=" if kind == "squid_digest" else b"Basic realm=") in refused
    if kind == "squid_digest":
        return
    assert through(proxy, f"{get}{basic}\r\n".encode()).endswith(b"\r\n\r\ncarried")
    tunnel = f"{connect_line}{basic}\r\n".encode()
    with connect(proxy) as client:
        client.sendall(tunnel)
        assert b" 200 " in client.recv(1000).split(b"\r\n")[0]
        client.sendall(GET)
        assert read_all(client).endswith(b"carried")


def test_squid_tells_what_it_was_asked(squid: Site, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"carried"))
    before = len(asked(squid))
    through(squid, f"GET {scripted.url('/told')} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    assert asked(squid)[before:] == [("GET", scripted.url("/told"), 200, None)]


def test_tls_proxy_speaks_tls(tls_proxy: Site, certificates: Certificates, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"carried"))
    context = certificates.client_context()
    with context.wrap_socket(connect(tls_proxy), server_hostname="localhost") as client:
        client.sendall(f"GET {scripted.url()} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        assert read_all(client).endswith(b"carried")


@pytest.mark.parametrize("kind", ["dante", "microsocks"])
def test_socks_proxies_carry_requests(request: pytest.FixtureRequest, scripted: ScriptedServer, kind: str) -> None:
    proxy: Site = request.getfixturevalue(kind)
    scripted.answer(response(b"carried"), close=True)
    with connect(proxy) as client:
        client.sendall(b"\x05\x01\x00" if kind == "dante" else b"\x05\x01\x02")
        method = client.recv(2)
        if kind == "microsocks":
            client.sendall(b"\x01\x04user\x06passwd")
            assert client.recv(2) == b"\x01\x00"
        else:
            assert method == b"\x05\x00"
        client.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + scripted.port.to_bytes(2, "big"))
        assert client.recv(10)[:2] == b"\x05\x00"
        client.sendall(GET)
        assert read_all(client).endswith(b"carried")
