"""The scripted server over HTTP/2, seen by httpx and by a client that shows every frame."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from hyperframe.frame import PingFrame

from hookline_testing.server import (
    Gate,
    MalformedRequest,
    NotPlayable,
    Script,
    ScriptedServer,
    SeenRequest,
    chunked,
    head,
    response,
)
from servers.certificates import Certificates
from servers.raw import connect

MakeScripted = Callable[..., ScriptedServer]


class FrameClient:
    """A client of HTTP/2 over one socket: it keeps the events of h2, by the name of their class."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.engine = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="latin-1"))
        self.engine.initiate_connection()
        self.events: list[Any] = []
        self.send()

    def send(self) -> None:
        self.sock.sendall(self.engine.data_to_send())

    def request(self, path: str = "/", *, method: str = "GET", end: bool = True, **fields: str) -> int:
        stream: int = self.engine.get_next_available_stream_id()
        pseudo = [(":method", method), (":path", path), (":scheme", "http"), (":authority", "localhost")]
        self.engine.send_headers(stream, [*pseudo, *fields.items()], end_stream=end)
        self.send()
        return stream

    def until(self, name: str) -> Any:
        """Read until an event of this class has come; return it."""
        while not (found := [event for event in self.events if type(event).__name__ == name]):
            data = self.sock.recv(65536)
            assert data, f"the connection was closed before {name}: {self.events}"
            self.events += self.engine.receive_data(data)
            self.send()
        return found[0]

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


@pytest.fixture
def frames(scripted: ScriptedServer) -> Iterator[FrameClient]:
    with connect(scripted) as sock:
        yield FrameClient(sock)


@pytest.fixture
def http2() -> Iterator[httpx.Client]:
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        yield client


def test_response_goes_out_in_frames(scripted: ScriptedServer, http2: httpx.Client) -> None:
    scripted.answer(response(b"one", 201, [("X-One", "1")]), chunked(b"tw", b"o"), head(204))
    got = http2.post(scripted.url("/path?q=1"), content=b"body", headers={"X-Two": "2"})
    assert (got.http_version, got.status_code, got.content, got.headers["x-one"]) == ("HTTP/2", 201, b"one", "1")
    assert http2.get(scripted.url()).content == b"two"
    assert http2.get(scripted.url()).status_code == 204
    first = scripted.requests[0]
    assert (first.method, first.path, first.query, first.version) == ("POST", "/path", "q=1", "2")
    assert (first.body, first.body_size, first.complete, first.connection) == (b"body", 4, True, 1)
    assert (first.header("host"), first.header("x-two")) == (f"127.0.0.1:{scripted.port}", "2")
    assert b":path: /path?q=1\r\n" in first.raw
    assert first.raw.endswith(b"\r\n\r\nbody")
    assert scripted.connections == 1


def test_tls_chooses_by_alpn(make_scripted: MakeScripted, certificates: Certificates, http2: httpx.Client) -> None:
    for alpn, version in ((("h2", "http/1.1"), "HTTP/2"), (("http/1.1",), "HTTP/1.1")):
        server = make_scripted(ssl_context=certificates.server_context(alpn=alpn))
        server.answer(response(b"secret"))
        with httpx.Client(http2=True, verify=certificates.client_context(), trust_env=False) as client:
            got = client.get(server.url())
        assert (got.http_version, got.content, server.requests[0].alpn) == (version, b"secret", alpn[0])


def test_tls_after_connect_chooses_by_alpn(scripted: ScriptedServer, certificates: Certificates) -> None:
    context = certificates.server_context(alpn=("h2",))
    scripted.answer(Script().start_tls(context, head(200)), response(b"inside"))
    with httpx.Client(
        http2=True, proxy=scripted.url(), verify=certificates.client_context(), trust_env=False
    ) as client:
        got = client.get("https://localhost/")
    assert (got.http_version, got.content) == ("HTTP/2", b"inside")
    assert [(request.method, request.version) for request in scripted.requests] == [("CONNECT", "1.1"), ("GET", "2")]


def test_interim_responses_and_trailers(scripted: ScriptedServer, frames: FrameClient) -> None:
    scripted.answer(head(103, [("Link", "x")]) + chunked(b"one", b"two", trailers=[("X-Sum", "6")]))
    frames.request()
    frames.until("StreamEnded")
    assert dict(frames.until("InformationalResponseReceived").headers) == {":status": "103", "link": "x"}
    assert dict(frames.until("ResponseReceived").headers) == {":status": "200"}
    data = [event.data for event in frames.events if isinstance(event, h2.events.DataReceived)]
    assert data == [b"one", b"two"]
    assert frames.until("TrailersReceived").headers == [("x-sum", "6")]


@pytest.mark.parametrize("cut", ["whole", "bytes", 7, (3, -2)], ids=["whole", "bytes", "sevens", "offsets"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_cut_responses_are_the_same(scripted: ScriptedServer, frames: FrameClient, cut: Any, method: str) -> None:
    whole = response(b"0123456789") if method == "GET" else head(200, [("Content-Length", "10")])
    scripted.answer(whole, cut=cut)
    frames.request(method=method)
    frames.until("StreamEnded")
    data = b"".join(event.data for event in frames.events if isinstance(event, h2.events.DataReceived))
    assert (data, dict(frames.until("ResponseReceived").headers)["content-length"]) == (
        b"0123456789" if method == "GET" else b"",
        "10",
    )


def test_many_requests_are_answered_at_once(scripted: ScriptedServer, frames: FrameClient) -> None:
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"first")), response(b"second"))
    first, second = frames.request("/1"), frames.request("/2")
    assert frames.until("StreamEnded").stream_id == second
    gate.open()
    frames.events.clear()
    assert frames.until("StreamEnded").stream_id == first


def test_large_bodies_wait_for_windows(make_scripted: MakeScripted, http2: httpx.Client) -> None:
    server = make_scripted(keep=10)
    server.respond(lambda request: response(bytes(300_000 if request.method == "GET" else 0)))
    assert len(http2.get(server.url()).content) == 300_000
    http2.post(server.url(), content=bytes(300_000))
    assert (server.requests[1].body_size, len(server.requests[1].body)) == (300_000, 10)


def test_large_bodies_over_tls(make_scripted: MakeScripted, certificates: Certificates) -> None:
    server = make_scripted(ssl_context=certificates.server_context(alpn=("h2",)))
    server.always(response(bytes(1_000_000)))
    context = certificates.client_context()
    context.set_alpn_protocols(["h2"])
    with context.wrap_socket(connect(server), server_hostname="localhost") as sock:
        frames = FrameClient(sock)
        frames.engine.increment_flow_control_window(2**30)
        frames.engine.update_settings({4: 2**30})
        for _ in range(30):
            frames.request()
        while frames.names().count("StreamEnded") < 30:
            frames.events += frames.engine.receive_data(sock.recv(65536))


def test_unread_body_takes_window_of_its_stream_alone(scripted: ScriptedServer, frames: FrameClient) -> None:
    gate = Gate()
    scripted.answer(Script().hold(gate).read_body().send(response()), response(b"second"))
    first = frames.request("/1", method="POST", end=False)
    frames.until("RemoteSettingsChanged")
    frames.engine.send_data(first, bytes(16384))
    for _ in range(2):
        frames.engine.send_data(first, bytes(16384))
    frames.engine.send_data(first, bytes(16383))
    frames.send()
    frames.request("/2")
    frames.until("StreamEnded")
    assert frames.engine.local_flow_control_window(first) == 0
    frames.events.clear()
    gate.open()
    frames.until("WindowUpdated")
    frames.engine.end_stream(first)
    frames.send()
    frames.until("StreamEnded")
    assert scripted.requests[0].body_size == 65535


def test_stall_ends_with_a_reset_of_the_client(scripted: ScriptedServer, frames: FrameClient) -> None:
    gone = Gate()
    scripted.answer(Script(head(200)).stall(), Script().send(response(b"next")).signal(gone))
    first = frames.request()
    frames.until("ResponseReceived")
    frames.engine.reset_stream(first, 8)
    frames.request()
    frames.until("StreamEnded")
    gone.wait_for()
    assert (scripted.resets, scripted.connections) == ([(first, 8)], 1)


def test_reset_stream_and_exact_bytes(scripted: ScriptedServer, frames: FrameClient) -> None:
    ping = PingFrame(0, opaque_data=b"eightbyt").serialize()
    scripted.answer(Script(head(200)).send_exactly(ping).reset_stream(11))
    frames.request()
    assert frames.until("StreamReset").error_code == 11
    assert frames.until("PingReceived").ping_data == b"eightbyt"
    assert frames.names()[-3:] == ["ResponseReceived", "PingReceived", "StreamReset"]


@pytest.mark.parametrize("close", ["argument", "field", "step"])
def test_close_is_said_by_goaway(scripted: ScriptedServer, frames: FrameClient, close: str) -> None:
    fields = [("Connection", "close")] if close == "field" else []
    body = head(200, [*fields, ("Content-Length", "3")] if close == "field" else fields) + b"end"
    scripted.answer(Script(body).close() if close == "step" else body, close=close == "argument")
    stream = frames.request()
    assert frames.until("ConnectionTerminated").last_stream_id == stream
    assert "StreamEnded" in frames.names()
    scripted.wait_closed_connections(1)


@pytest.mark.parametrize("step", ["reset", "drop", "close"])
def test_half_a_response(scripted: ScriptedServer, frames: FrameClient, step: str) -> None:
    script = Script(head(200, [("Content-Length", "9")])).send(b"half")
    scripted.answer(getattr(script, step)())
    frames.request()
    with pytest.raises((AssertionError, ConnectionResetError)):
        frames.until("StreamEnded")
    assert "StreamEnded" not in frames.names()
    if step != "drop":  # which loses what was not read
        assert sum(len(event.data) for event in frames.events if isinstance(event, h2.events.DataReceived)) == 4
    scripted.wait_closed_connections(1)


def test_handlers_write_responses(scripted: ScriptedServer, http2: httpx.Client) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: SeenRequest) -> None:
        writer.write(head(200, [("Content-Length", str(request.body_size))]))
        await writer.drain()
        writer.write(request.body.upper())

    scripted.answer(shout)
    assert http2.post(scripted.url(), content=b"quiet").content == b"QUIET"


def test_cookie_crumbs_are_joined(scripted: ScriptedServer, frames: FrameClient) -> None:
    scripted.answer(response())
    pseudo = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")]
    frames.engine.send_headers(1, [*pseudo, ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")], end_stream=True)
    frames.send()
    frames.until("StreamEnded")
    request = scripted.requests[0]
    assert request.headers == [(b"host", b"localhost"), (b"cookie", b"a=1; b=2"), (b"x", b"y")]
    assert request.raw.count(b"cookie: ") == 2


@pytest.mark.parametrize(
    "answer",
    [response(b"one") + b"more", head(101), b"HTTP/1.1 200 OK\nX: 1\n\n" + response(), b"HTTP/3 200\r\n\r\n"],
    ids=["surplus", "upgrade", "line-ends", "version"],
)
def test_bytes_that_http2_cannot_express(make_scripted: MakeScripted, answer: bytes) -> None:
    server = make_scripted(strict=False)
    server.answer(answer)
    with connect(server) as sock:
        FrameClient(sock).request()
        server.wait_closed_connections(1)
    assert isinstance(server.errors[0], NotPlayable)


def test_malformed_requests_are_errors(make_scripted: MakeScripted) -> None:
    server = make_scripted(strict=False)
    with connect(server) as sock:
        frames = FrameClient(sock)
        frames.engine.config.validate_outbound_headers = False
        frames.engine.config.normalize_outbound_headers = False
        frames.request(Upper="case")
        server.wait_closed_connections(1)
    assert isinstance(server.errors[0], MalformedRequest)
    assert server.requests == []


def test_request_without_an_answer_fails_the_test() -> None:
    with (
        pytest.raises(AssertionError, match="No answer left for GET /x"),
        ScriptedServer() as server,
        httpx.Client(http1=False, http2=True, trust_env=False) as client,
    ):
        assert client.get(server.url("/x")).status_code == 500


def test_client_without_alpn_speaks_http1(make_scripted: MakeScripted, certificates: Certificates) -> None:
    server = make_scripted(ssl_context=certificates.server_context(alpn=("h2", "http/1.1")))
    server.answer(response(b"old"))
    with certificates.client_context().wrap_socket(connect(server), server_hostname="localhost") as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000) == response(b"old")
    assert isinstance(client, ssl.SSLSocket)
    assert server.requests[0].version == "1.1"
