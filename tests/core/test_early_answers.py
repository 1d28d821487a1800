"""A server that answers in the middle of an upload and closes: what it said reaches the caller, also over TLS."""

import asyncio
import os
import socket
import struct
import threading

import pytest

from hookline import HttpClient
from hookline.errors import ConnectionClosed
from hookline.http1.unread_answer import UnreadAnswer
from hookline_testing.server import response

ANSWER = response(b"too much", 413, [("Connection", "close")])
PIECE = b"x" * (64 * 1024)
NOW = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST at once


class Refusing:
    """A server in a thread that takes the head of each request and `reads` bytes more, answers, and is gone."""

    def __init__(self, context, reads, resets):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context, self.reads, self.resets = context, reads, resets
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.answer(peer)
            except OSError:
                pass  # the client was faster
            finally:
                peer.close()

    def answer(self, peer):
        peer.settimeout(10)
        peer.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # else the answer may never leave: RST is not held back
        talk = peer if self.context is None else self.context.wrap_socket(peer, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head and (data := talk.recv(4096)):
            head += data
        left = self.reads
        while left > 0 and (data := talk.recv(min(left, 65536))):
            left -= len(data)
        talk.sendall(ANSWER)
        if self.resets:
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        talk.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


async def pieces():
    for _ in range(100):
        yield PIECE


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("reads", [0, 100_000])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_answer_before_the_end_of_an_upload_is_delivered(request, certificates, scheme, reads, end, kind):
    # uvloop keeps to itself what its TLS reads from: there an answer can be lost when the peer closes at once
    may_be_lost = scheme == "https" and request.config.getoption("loop") == "uvloop"
    server = Refusing(certificates.server_context() if scheme == "https" else None, reads, end == "reset")
    try:
        before = 0
        async with HttpClient(autoload=False, verify=certificates.ca_file, pool_size=1) as client:
            for _ in range(20):
                body = PIECE * 100 if kind == "bytes" else pieces()
                try:
                    answer = await client.post(f"{scheme}://localhost:{server.port}/", data=body, timeout=20)
                    assert (answer.status_code, answer.content) == (413, b"too much")
                except ConnectionClosed:
                    assert may_be_lost
                before = before or len(os.listdir("/proc/self/fd"))  # a loop opens some at its first connection
            assert client.stats().in_use == 0
        await asyncio.sleep(0.05)
        assert len(os.listdir("/proc/self/fd")) <= before
    finally:
        server.close()


async def test_nothing_is_held_where_there_is_no_socket():
    unread = UnreadAnswer(asyncio.Transport())
    assert list(unread.read()) == []
    unread.close()
