"""TLS in the middle of a connection, and connections over a socket that is already connected."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from hookline import (
    TLS,
    ConnectTimeout,
    DirectRoute,
    HttpClient,
    HttpConnectionError,
    HttpRequest,
    RemoteProtocolError,
    SSLError,
)
from hookline.http1.connection import Connection
from hookline_testing.server import Script, ScriptedServer, response
from servers.certificates import Certificates

Make = Callable[..., ScriptedServer]
GRANTED = b"HTTP/1.1 200 Granted\r\n\r\n"


async def connected(client: HttpClient, port: int, tls: TLS | None = None) -> tuple[Connection, HttpRequest]:
    """A connection that has left HTTP by a CONNECT, and a request to send on it."""
    connection = await DirectRoute("https" if tls else "http", "127.0.0.1", port, tls).open(client)
    parent = client._make_request("GET", "https://localhost/", None, None, {}, "get")
    request = client.new_request("CONNECT", "http://proxy.example/", cause="connect", parent=parent)
    request.target = "localhost:443"
    answer = await client.exchange(request, connection)
    assert answer.status_code == 200
    assert connection.upgraded
    return connection, client.new_request("GET", "https://localhost/", cause="test", parent=parent)


@pytest.mark.parametrize("outer", [False, True], ids=["in tcp", "in tls"])
async def test_tls_in_the_middle_carries_requests(make_scripted: Make, certificates: Certificates, outer: bool) -> None:
    context = certificates.server_context()
    server = make_scripted(ssl_context=context if outer else None)
    server.answer(Script().start_tls(context, GRANTED), response(b"x" * 3_000_000), response(b"two"))
    tls = TLS(str(certificates.ca_file))
    async with HttpClient(autoload=False) as client:
        connection, request = await connected(client, server.port, tls if outer else None)
        await connection.start_tls(client.contexts.get(tls), "localhost")
        connection.end()
        assert (await client.exchange(request, connection)).content == b"x" * 3_000_000
        connection.end()
        assert (await client.exchange(request.copy(), connection)).content == b"two"
        connection.close()
        await server.until_closed_connections()
    assert server.connections == 1


async def test_certificate_in_the_middle_is_checked(scripted: ScriptedServer, certificates: Certificates) -> None:
    scripted.answer(Script().start_tls(certificates.wrong_host.server_context(), GRANTED))
    async with HttpClient(autoload=False) as client:
        connection, _ = await connected(client, scripted.port)
        with pytest.raises(SSLError, match="certificate of localhost is not trusted: Hostname mismatch"):
            await connection.start_tls(client.contexts.get(TLS(str(certificates.ca_file))), "localhost")
    await scripted.until_closed_connections()


@pytest.mark.parametrize("outer", [False, True], ids=["in tcp", "in tls"])
@pytest.mark.parametrize(
    ("after", "error", "words"),
    [
        (Script(GRANTED + b"and more"), RemoteProtocolError, "bytes came before the TLS handshake"),
        (Script(GRANTED).stall(), ConnectTimeout, r"localhost: tls timeout of 0\.2 s"),
        (Script(GRANTED).pause(0.1).close(), HttpConnectionError, "TLS handshake with localhost"),
        (Script(GRANTED).reset(), HttpConnectionError, "TLS handshake with localhost"),
        (Script(GRANTED).pause(0.1).send(b"no TLS\r\n").stall(), SSLError, "TLS handshake with localhost failed"),
    ],
    ids=["bytes before it", "silence", "the end", "reset", "no TLS"],
)
async def test_handshake_in_the_middle_fails(
    make_scripted: Make, certificates: Certificates, after: Script, error: type[Exception], words: str, outer: bool
) -> None:
    server = make_scripted(ssl_context=certificates.server_context() if outer else None)
    server.answer(after)
    async with HttpClient(autoload=False) as client:
        connection, _ = await connected(client, server.port, TLS(str(certificates.ca_file)) if outer else None)
        with pytest.raises(error, match=words):
            await connection.start_tls(client.contexts.get(TLS()), "localhost", 0.2)
        await server.until_closed_connections()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_route_goes_over_a_given_socket(make_scripted: Make, certificates: Certificates, secure: bool) -> None:
    class Over(DirectRoute):
        async def open(self, client: HttpClient, sock: socket.socket | None = None) -> Connection:
            sock = socket.create_connection(("127.0.0.1", server.port))
            sock.setblocking(False)
            return await super().open(client, sock)

    def set_route(response, exc=None):  # type: ignore[no-untyped-def]  # bound by a user
        response.request.route = Over("http", "localhost", 1, TLS(str(certificates.ca_file)) if secure else None)

    server = make_scripted(ssl_context=certificates.server_context() if secure else None)
    server.always(response(b"over"))
    async with HttpClient(autoload=False) as client:
        for _ in range(2):
            answer = await client.get("http://anything.example/", pre_request=set_route)
            assert answer.content == b"over"
        assert server.connections == 1
