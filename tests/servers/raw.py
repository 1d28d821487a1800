"""Sockets and streams without HTTP: a client that shows each read separately, and servers that end a connection."""

from __future__ import annotations

import asyncio
import socket
import struct
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
    """Return the result of each recv(), until `size` bytes have come or the peer has closed."""
    got: list[bytes] = []
    while sum(map(len, got)) < size and (data := client.recv(65536)):
        got.append(data)
    return got


def read_all(client: socket.socket) -> bytes:
    """Return all bytes until the peer closes."""
    return b"".join(iter(lambda: client.recv(65536), b""))


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close a connection after the first bytes have come."""
    await reader.read(64 * 1024)
    writer.close()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset a connection after the first byte has come."""
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
