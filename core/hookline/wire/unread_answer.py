"""Read the answer that a peer sent before it refused the rest of a request.

A write that fails closes the transport at once, although the kernel may still have an answer, such as a 413 from a server that
did not wait for the upload. Without TLS the socket is open until the protocol's `connection_lost` returns. With TLS the loop
has closed it by then. So the sender of a body keeps a duplicate of the socket, and what is needed to decrypt.
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
    """A duplicate of a connection's socket, to read what has come. The connection stays open until it is closed too.

    Under TLS it needs a private attribute of asyncio, the buffer that its TLS reads from. Without one (uvloop, TLS inside TLS)
    it reads nothing, and the answer is lost if the peer closes while we write.
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
            pass  # no socket, or a closed one

    def read(self) -> Iterator[bytes]:
        """Yield what has come and was not read, decrypted."""
        if self._socket is None:
            return
        try:
            while data := self._socket.recv(_SIZE):
                if self._tls is None or self._incoming is None:
                    yield data
                else:
                    self._incoming.write(data)
                    yield from self._decrypted(self._tls)
        except (OSError, ValueError):  # nothing is left, or TLS is broken (ssl.SSLError is an OSError)
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
