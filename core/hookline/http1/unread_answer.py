"""What the peer said before it refused the rest of what we sent.

A write that fails closes the transport at once, although the kernel may still hold an answer: a 413, say, of a server that
did not wait for the upload. Without TLS the socket is open until the protocol's `connection_lost` returns. With TLS the loop
has closed it by then; so whoever sends a body holds the socket meanwhile, and what it takes to decrypt.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from typing import Any

_SIZE = 64 * 1024


class UnreadAnswer:
    """A second descriptor of a connection's socket. As long as it is open the connection does not end: `close` it.

    Under TLS it needs what asyncio keeps to itself, the buffer that its TLS reads from. Without that (uvloop; TLS that
    carries TLS) nothing is read: the answer is lost then when the peer closes while we write.
    """

    __slots__ = ("_incoming", "_socket", "_tls")

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self._incoming: ssl.MemoryBIO | None = None
        self._socket: socket.socket | None = None
        if self._tls is not None:
            protocol: Any = getattr(transport, "_ssl_protocol", None)
            below = getattr(protocol, "_transport", None)
            self._incoming = getattr(protocol, "_incoming", None)
            if self._incoming is None or hasattr(below, "_ssl_protocol"):
                return
        try:
            self._socket = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
            self._socket.setblocking(False)
        except (OSError, AttributeError, ValueError):
            pass  # there is no socket, or it is closed

    def read(self) -> Iterator[bytes]:
        """What has come and nobody read, decrypted."""
        if self._socket is None:
            return
        try:
            while data := self._socket.recv(_SIZE):
                if self._tls is None or self._incoming is None:
                    yield data
                else:
                    self._incoming.write(data)
                    yield from self._decrypted(self._tls)
        except (OSError, ValueError):  # nothing is left; or TLS is broken (ssl.SSLError is an OSError)
            return

    def _decrypted(self, tls: ssl.SSLObject) -> Iterator[bytes]:
        try:
            while data := tls.read(_SIZE):
                yield data
        except ssl.SSLWantReadError:
            pass

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
