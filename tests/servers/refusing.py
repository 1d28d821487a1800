"""A server that answers in the middle of an upload and closes, so that the next write of the client fails."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable

from hookline_testing.server import response

BODY = b"too much"
NOW = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST at once
WIDE = 2**31 - 1 - 65535


class Refusing:
    """A server in a thread of its own, which serves one connection after the other.

    port: where it listens on 127.0.0.1.
    """

    def __init__(
        self, context: ssl.SSLContext | None, answer: Callable[[socket.socket], None], *, resets: bool
    ) -> None:
        """context: for TLS. answer: reads from the peer and answers. resets: close with RST, although all was read."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context, self.answer, self.resets = context, answer, resets
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.talk(peer)
            except OSError:
                pass  # the client was faster
            finally:
                peer.close()

    def talk(self, peer: socket.socket) -> None:
        peer.settimeout(10)
        # else the answer may never leave: RST is not held back
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        talk = peer if self.context is None else self.context.wrap_socket(peer, server_side=True)
        self.answer(talk)
        if self.resets:
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        talk.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


def read(talk: socket.socket, size: int) -> None:
    """Read this many bytes, or to the end."""
    while size > 0 and (data := talk.recv(min(size, 65536))):
        size -= len(data)


def answers_http1(size: int) -> Callable[[socket.socket], None]:
    """Answer 413 in HTTP/1.1. size: bytes of the body that are read before."""

    def answer(talk: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (data := talk.recv(4096)):
            head += data
        read(talk, size)
        talk.sendall(response(BODY, 413, [("Connection", "close")]))

    return answer


def answers_http2(size: int) -> Callable[[socket.socket], None]:
    """Answer 413 in HTTP/2, to the first request of a connection. size: bytes that are read before."""
    from servers.http2 import (
        DATA,
        END_HEADERS,
        END_STREAM,
        HEADERS,
        INITIAL_WINDOW_SIZE,
        SETTINGS,
        WINDOW_UPDATE,
        frame,
    )

    def answer(talk: socket.socket) -> None:
        settings = frame(SETTINGS, payload=struct.pack(">HI", INITIAL_WINDOW_SIZE, 2**31 - 1))
        talk.sendall(settings + frame(WINDOW_UPDATE, payload=struct.pack(">I", WIDE)))
        read(talk, 500 + size)
        head = b"\x08\x03413"  # :status
        talk.sendall(frame(HEADERS, END_HEADERS, 1, head) + frame(DATA, END_STREAM, 1, BODY))

    return answer
