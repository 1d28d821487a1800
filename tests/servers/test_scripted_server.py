"""The scripted server sends, cuts, stalls, closes and records as the test has scripted it; the clients are plain sockets."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline_testing.server import Gate, Script, ScriptedServer, SeenRequest, chunked, head, response
from hookline_testing.server.cut import Cut, pieces
from servers.certificates import Certificates
from servers.raw import connect, read_all, read_pieces

GET = b"GET /path?q=1 HTTP/1.1\r\nHost: here\r\n\r\n"
MakeScripted = Callable[..., ScriptedServer]


def test_scripted_answers_in_order_and_records_requests(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"), chunked(b"tw", b"o", trailers=[("X-End", "yes")]))
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", scripted.port, timeout=5)) as connection:
        connection.request("POST", "/a?b=c", b"body", {"X-Odd": "1"})
        assert connection.getresponse().read() == b"one"
        connection.request("PUT", "/d", iter([b"un", b"known"]), encode_chunked=True)
        assert connection.getresponse().read() == b"two"
    first, second = scripted.requests
    assert (first.method, first.path, first.query, first.body, first.version) == ("POST", "/a", "b=c", b"body", "1.1")
    assert (b"X-Odd", b"1") in first.headers
    assert first.raw.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert first.raw.endswith(b"\r\n\r\nbody")
    assert (second.body, second.chunk_sizes, second.body_size) == (b"unknown", [2, 5], 7)
    assert second.raw.endswith(b"2\r\nun\r\n5\r\nknown\r\n0\r\n\r\n")
    assert (first.connection, second.connection, scripted.connections) == (1, 1, 1)
    scripted.wait_closed_connections()
    assert scripted.open_connections == 0


@pytest.mark.parametrize("cut", ["whole", "bytes", 7, (1, 20, -1), (0, 999)])
def test_scripted_cuts_as_the_client_reads(make_scripted: MakeScripted, cut: Cut) -> None:
    server = make_scripted(cut=cut)
    answer = response(b"hello")
    server.answer(answer, answer)
    with connect(server) as client:
        for _ in range(2):
            client.sendall(GET)
            assert read_pieces(client, len(answer)) == list(pieces(answer, cut))


def test_scripted_cuts_as_an_event_loop_reads(scripted: ScriptedServer) -> None:
    answer = response(b"hello")
    scripted.answer(answer, cut="bytes")
    got: list[bytes] = []

    class Client(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            got.append(data)

    async def exchange() -> None:
        transport, _ = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", scripted.port)
        transport.write(GET)
        await scripted.until(requests=1)
        while sum(map(len, got)) < len(answer):  # noqa: ASYNC110 - the protocol has no event to wait for
            await asyncio.sleep(0.001)
        transport.close()
        await scripted.until_closed_connections()

    asyncio.run(exchange())
    assert got == [answer[index : index + 1] for index in range(len(answer))]


def test_scripted_cuts_on_ipv6_tls_and_unix_sockets(
    make_scripted: MakeScripted, certificates: Certificates, tmp_path: Path
) -> None:
    answer = response(b"hello")
    context = certificates.client_context()
    six = make_scripted(host="::1", cut=5)
    tls = make_scripted(ssl_context=certificates.server_context(alpn=("http/1.1",)), cut=5)
    unix = make_scripted(unix_socket=tmp_path / "socket", cut=5)
    assert (six.url("/x"), tls.url("/x", host="localhost")) == (
        f"http://[::1]:{six.port}/x",
        f"https://localhost:{tls.port}/x",
    )
    with contextlib.ExitStack() as stack:
        context.set_alpn_protocols(["http/1.1"])
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.settimeout(5)
        local.connect(str(tmp_path / "socket"))
        secure = stack.enter_context(context.wrap_socket(connect(tls), server_hostname="127.0.0.1"))
        clients = {unix: local, six: stack.enter_context(connect(six)), tls: secure}
        for server, client in clients.items():
            server.answer(answer)
            client.sendall(GET)
            assert read_pieces(client, len(answer)) == list(pieces(answer, 5))
    assert tls.requests[0].alpn == "http/1.1"


def test_scripted_stalls_until_the_client_is_gone(scripted: ScriptedServer) -> None:
    scripted.answer(Script(head(200)).stall())
    with connect(scripted) as client:
        client.sendall(GET)
        assert read_pieces(client, len(head(200))) == [head(200)]
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert scripted.open_connections == 1
    scripted.wait_closed_connections(1)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", response(b"all")])
@pytest.mark.parametrize("end", ["close", "drop", "reset"])
def test_scripted_ends_the_connection_before_in_and_after_a_response(
    scripted: ScriptedServer, sent: bytes, end: str
) -> None:
    script = Script(sent)
    scripted.answer(getattr(script, end)())
    with connect(scripted) as client:
        client.sendall(GET)
        got = read_pieces(client, len(sent)) if sent else []
        assert b"".join(got) == sent
        if end == "reset":
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        else:
            assert client.recv(1) == b""
    scripted.wait_closed_connections()


def test_scripted_greets_with_a_reset_before_any_request(scripted: ScriptedServer) -> None:
    scripted.greet(Script().reset())
    scripted.greet(Script(b"unasked"), connection=2)
    with pytest.raises(ConnectionResetError), connect(scripted) as first:  # the reset may come before connect() returns
        first.recv(1)
    with connect(scripted) as second:
        assert second.recv(100) == b"unasked"


def test_scripted_drips_and_sends_without_end(scripted: ScriptedServer) -> None:
    scripted.answer(Script().drip(b"abc", interval=0.001), Script(head(200)).endless(b"x" * 1000))
    with connect(scripted) as client:
        client.sendall(GET)
        assert b"".join(read_pieces(client, 3)) == b"abc"
        client.sendall(GET)
        assert len(b"".join(read_pieces(client, 10**6))) >= 10**6
    scripted.wait_closed_connections()


def test_scripted_half_closes_and_still_reads(scripted: ScriptedServer) -> None:
    scripted.answer(Script(response(b"bye")).half_close())
    scripted.always(Script())
    with connect(scripted) as client:
        client.sendall(GET)
        assert read_all(client) == response(b"bye")
        client.sendall(GET)
        scripted.wait_for(requests=2)


def test_scripted_refuses_to_read(make_scripted: MakeScripted) -> None:
    server = make_scripted(receive_buffer=4096)
    server.answer(Script().refuse_to_read())
    with connect(server) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n")
        server.wait_for(heads=1)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.sendall(b"x" * 32 * 1024**2)
        assert not server.requests[0].complete
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.wait_closed_connections()


def test_scripted_answers_before_and_during_the_body(scripted: ScriptedServer) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    scripted.answer(Script(interim).read_body().send(response(b"done")))
    scripted.answer(response(b"no", 413), early=True)
    with connect(scripted) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.recv(100) == interim
        client.sendall(b"body")
        assert client.recv(100) == response(b"done")
        client.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbo")
        assert client.recv(100) == response(b"no", 413)
        assert not scripted.requests[1].complete
        client.sendall(b"dy")
        scripted.wait_for(requests=2)
    assert [request.body for request in scripted.requests] == [b"body", b"body"]


def test_scripted_pushes_and_hangs_up_on_demand(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    with connect(scripted) as idle, connect(scripted) as other:
        for client in (idle, other):
            client.sendall(GET)
            assert client.recv(1000) == response(b"ok")
        scripted.push(b"unasked", connection=1)
        assert idle.recv(100) == b"unasked"
        scripted.push(b"youngest")
        assert other.recv(100) == b"youngest"
        scripted.hang_up(connection=1)
        assert idle.recv(1) == b""
        scripted.hang_up(reset=True)
        with pytest.raises(ConnectionResetError):
            other.recv(1)
    scripted.wait_closed_connections(2)


def test_scripted_holds_at_gates(scripted: ScriptedServer) -> None:
    reached, passed = Gate(), Gate()
    scripted.answer(Script(b"first").signal(reached).hold(passed).send(b"second"))
    with connect(scripted) as client:
        client.sendall(GET)
        reached.wait_for()
        assert client.recv(100) == b"first"
        passed.open()
        assert client.recv(100) == b"second"


def test_scripted_takes_answers_of_a_connection_a_function_and_a_handler(scripted: ScriptedServer) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: SeenRequest) -> None:
        writer.write(response(request.body.upper()))
        await writer.drain()

    scripted.answer(response(b"second"), connection=2)
    scripted.respond(lambda request: shout if request.method == "PUT" else response(request.target.encode()))
    with connect(scripted) as first, connect(scripted) as second:
        scripted.wait_for(connections=2)
        second.sendall(GET)
        assert second.recv(1000) == response(b"second")
        first.sendall(GET)
        assert first.recv(1000) == response(b"/path?q=1")
        first.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        assert first.recv(1000) == response(b"ABC")


def test_scripted_closes_after_an_answer_with_close(scripted: ScriptedServer) -> None:
    scripted.answer(head(200) + b"until the end", close=True)
    with connect(scripted) as client:
        client.sendall(GET)
        assert read_all(client).endswith(b"until the end")


def test_scripted_starts_tls_after_a_connect(scripted: ScriptedServer, certificates: Certificates) -> None:
    scripted.answer(Script().start_tls(certificates.server_context(), head(200)), response(b"inside"))
    with connect(scripted) as client:
        client.sendall(b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n")
        assert client.recv(1000) == head(200)
        with certificates.client_context().wrap_socket(client, server_hostname="localhost") as secure:
            secure.sendall(GET)
            assert read_pieces(secure, len(response(b"inside"))) == [response(b"inside")]
    assert [request.method for request in scripted.requests] == ["CONNECT", "GET"]


def test_scripted_says_why_a_handshake_failed(make_scripted: MakeScripted, certificates: Certificates) -> None:
    server = make_scripted(ssl_context=certificates.unknown_ca.server_context())
    server.greet(Script(b"garbage before TLS\r\n"), connection=2)
    for reason in ("unable to get local issuer", "WRONG_VERSION_NUMBER"):
        with connect(server) as client, pytest.raises(ssl.SSLError, match=reason):
            certificates.client_context().wrap_socket(client, server_hostname="localhost")
    server.wait_closed_connections(2)
    assert len(server.failed_handshakes) == 2
    assert server.requests == []


def test_builders_take_fields_as_a_mapping_and_as_pairs() -> None:
    for fields in ({"A": "1", "B": "2"}, [("A", "1"), ("B", "2")]):
        assert response(b"x", headers=fields) == b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: 1\r\nB: 2\r\n\r\nx"
        assert head(404, fields) == b"HTTP/1.1 404 Not Found\r\nA: 1\r\nB: 2\r\n\r\n"
        assert chunked(b"x", headers=fields, trailers=fields) == (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\nB: 2\r\n\r\n1\r\nx\r\n0\r\nA: 1\r\nB: 2\r\n\r\n"
        )
