"""Talk to a server through a bare socket, and see each read by itself."""

from __future__ import annotations

import socket
from typing import Protocol


class Listening(Protocol):
    """A server that has a host and a port."""

    @property
    def host(self) -> str:
        """The address."""

    @property
    def port(self) -> int:
        """The port."""


def connect(server: Listening) -> socket.socket:
    """Return a socket connected to `server`, with a timeout that keeps a failing test short."""
    return socket.create_connection((server.host, server.port), timeout=5)


def read_pieces(client: socket.socket, size: int) -> list[bytes]:
    """Return what each recv() gave until `size` bytes have come, or the end."""
    got: list[bytes] = []
    while sum(map(len, got)) < size and (data := client.recv(65536)):
        got.append(data)
    return got


def read_all(client: socket.socket) -> bytes:
    """Return everything up to the end."""
    return b"".join(iter(lambda: client.recv(65536), b""))
