"""The server of HTTP/2 whose frames the script chooses, seen by httpx and by a bare socket."""

from __future__ import annotations

import asyncio
import socket
import struct

import h2.exceptions
import httpx
import pytest

from hookline_testing.http2 import (
    Flag,
    FrameServer,
    FrameType,
    Setting,
    encode_integer,
    field_block,
    frame,
    indexed,
    literal,
    split_frames,
    table_size,
)
from servers.certificates import Certificates

BROKEN = (httpx.ProtocolError, h2.exceptions.ProtocolError)  # httpx lets some errors of h2 through
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, indexed(2) + indexed(6) + literal(4, "/x"))


def http2_client(**options) -> httpx.Client:
    return httpx.Client(http1=False, http2=True, trust_env=False, **options)


def read_all(sock: socket.socket) -> bytes:
    found = b""
    while data := sock.recv(65536):
        found += data
    return found


async def short(session, request):
    await request.ended.wait()
    session.head(request.stream, 200, ("content-length", "5"))
    session.data(request.stream, b"abc", ends=True)


def test_scripts_answer_by_path_in_cleartext_and_in_tls(certificates: Certificates) -> None:
    for context in (None, certificates.server_context(alpn=("h2",))):
        with (
            FrameServer({"/short": short}, ssl_context=context) as server,
            http2_client(verify=certificates.client_context()) as client,
        ):
            url = server.url(host="localhost")
            assert client.get(url).text == "hello"
            with pytest.raises(BROKEN, match="Expected 5 bytes"):
                client.post(server.url("/short", host="localhost"), content=b"body")
            server.wait_for(requests=2)
            assert server.targets == ["/hello", "/short"]
            assert (server.requests[1][":method"], bytes(server.requests[1].body)) == ("POST", b"body")


async def test_server_runs_in_the_loop_of_the_test_and_waits_for_frames() -> None:
    came = asyncio.get_running_loop().create_future()

    async def answer(session, request):
        session.send(b"\0\0\1\xff\0\0\0\0\0x")
        session.frame(FrameType.PING, 0, 0, b"12345678")
        came.set_result(await session.until_frame(FrameType.PING, flags=Flag.ACK))
        await short(session, request)

    async with FrameServer({"/x": answer}) as server, httpx.AsyncClient(http1=False, http2=True) as client:
        with pytest.raises(BROKEN, match="Expected 5 bytes"):
            await client.get(server.url("/x"))
        assert (await came).payload == b"12345678"


@pytest.mark.parametrize("cut", [0, 5, 9, 20])
def test_connection_is_cut_after_a_byte(cut: int) -> None:
    with FrameServer(cut_after=cut) as server, socket.create_connection((server.host, server.port), 10) as sock:
        sock.sendall(PREFACE + frame(FrameType.SETTINGS) + GET)
        assert len(read_all(sock)) == cut


def test_connection_is_reset_after_a_byte() -> None:
    with (
        FrameServer(cut_after=0, cuts_by_reset=True) as server,
        socket.create_connection((server.host, server.port), 10) as sock,
    ):
        sock.sendall(PREFACE)
        with pytest.raises(ConnectionResetError):
            read_all(sock)


def test_greeting_misbehaves_and_a_body_trickles() -> None:
    async def greet(session):
        session.frame(FrameType.SETTINGS, 0, 7, b"abc", length=9)
        await session.trickle(b"slow", 0.001)
        session.hang_up()

    with (
        FrameServer(greeting=greet, acknowledges_settings=False) as server,
        socket.create_connection((server.host, server.port), 10) as sock,
    ):
        sock.sendall(PREFACE + frame(FrameType.SETTINGS))
        assert read_all(sock) == b"\0\0\t\4\0\0\0\0\7abcslow"


def test_errors_of_scripts_are_raised_at_the_end() -> None:
    async def wrong(session, request):
        raise KeyError("of the test")

    with pytest.raises(KeyError, match="of the test"), FrameServer({"/x": wrong}) as server, http2_client() as client:
        get_in_vain(client, server.url("/x"))


def get_in_vain(client: httpx.Client, url: str) -> None:
    with pytest.raises(httpx.HTTPError):
        client.get(url)


def test_client_that_speaks_something_else_is_an_error() -> None:
    with pytest.raises(AssertionError, match="does not speak HTTP/2"), FrameServer() as server:
        answer_to(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def answer_to(server: FrameServer, data: bytes) -> bytes:
    with socket.create_connection((server.host, server.port), 10) as sock:
        sock.sendall(data)
        return read_all(sock)


def test_server_that_stops_reading() -> None:
    async def stop(session, request):
        session.stop_reading()
        session.head(request.stream, 200, ends=True)
        await asyncio.Event().wait()

    with FrameServer({"/x": stop}) as server, socket.create_connection((server.host, server.port), 10) as sock:
        sock.sendall(PREFACE + frame(FrameType.SETTINGS) + GET)
        server.wait_for(requests=1)
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.sendall(frame(FrameType.PING, 0, 0, bytes(8)) * 10**7)  # more than any socket's buffers


def test_bytes_of_frames_and_fields() -> None:
    data = frame(FrameType.DATA, Flag.END_STREAM, 1, b"abc") + frame(0xFE, 0xFF, 2**31, b"x", length=2**24 - 1)
    assert data == b"\0\0\3\0\1\0\0\0\1abc" + b"\xff\xff\xff\xfe\xff\x80\0\0\0x"
    assert split_frames(data)[0] == b"\0\0\3\0\1\0\0\0\1abc"
    assert b"".join(split_frames(data)) == data
    assert encode_integer(10, 5) == b"\n"  # RFC 7541, appendix C.1.1
    assert encode_integer(1337, 5) == b"\x1f\x9a\n"  # C.1.2
    assert literal("custom-key", "custom-header", adds=True) == b"@\ncustom-key\rcustom-header"  # C.2.1
    assert literal(4, "/sample/path") == b"\x04\x0c/sample/path"  # C.2.2
    assert literal("password", "secret", secret=True) == b"\x10\x08password\x06secret"  # C.2.3
    assert (indexed(2), table_size(0)) == (b"\x82", b" ")
    assert field_block([("", b"\r\n")]) == b"\0\0\2\r\n"
    assert struct.pack(">H", Setting.MAX_FRAME_SIZE) == b"\0\5"
