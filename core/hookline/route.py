"""Where a request goes, and how: a key that the pool asks by, and a way to open a connection when it has none."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import ConnectionRefused, ConnectTimeout, DNSError, HttpConnectionError, SSLError
from .tls import TLS
from .url import written_host
from .wire.connection import Connection

if TYPE_CHECKING:
    from .client import HttpClient

HAPPY_EYEBALLS_DELAY = 0.25  # seconds before the next address is tried beside the first (RFC 8305, section 5)


class Route:
    """The base of all routes. A plugin may set `request.route` to one of its own in pre_request."""

    @property
    def key(self) -> Hashable:
        """Equal for two routes when a connection opened for one may serve the other."""
        raise NotImplementedError

    async def open(self, client: HttpClient) -> Connection:
        """Open a connection that is ready for requests; runs under the connect timeout.

        Raises: HttpConnectionError and its kinds.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class DirectRoute(Route):
    """Straight to the host, over TCP or a unix socket, with TLS where `tls` is set.

    via: the hops before it, as a plugin names them, with their credentials: part of the key, never shown.
    handshake: seconds for that of TLS, 0 = asyncio's 60; no part of the key.
    """

    scheme: str
    host: str
    port: int
    tls: TLS | None = None
    local_address: tuple[str, int] | None = None
    unix_socket: str | None = None
    via: tuple[Hashable, ...] = field(default=(), repr=False)
    handshake: float = field(default=0.0, compare=False, repr=False)

    @property
    def key(self) -> Hashable:
        return self

    async def open(self, client: HttpClient, sock: socket.socket | None = None) -> Connection:
        """Connect, and shake hands where `tls` is set.

        sock: one that leads to the host already, as another protocol made it; it belongs to the connection from now on.
        """
        loop = asyncio.get_running_loop()
        where: dict[str, Any] = {}
        if self.tls is not None:
            where["ssl"] = client.contexts.get(self.tls)
            where["server_hostname"] = self.tls.server_hostname or self.host
            where["ssl_handshake_timeout"] = self.handshake or None
        try:
            if sock is not None:
                _, connection = await loop.create_connection(lambda: Connection(loop), sock=sock, **where)
            elif self.unix_socket is not None:
                _, connection = await loop.create_unix_connection(lambda: Connection(loop), self.unix_socket, **where)
            else:
                # uvloop has it not, and an address needs it not: asyncio's race may lose a socket when it is cancelled
                if isinstance(loop, asyncio.BaseEventLoop) and not (":" in self.host or self.host[-1].isdigit()):
                    where["happy_eyeballs_delay"] = HAPPY_EYEBALLS_DELAY
                if self.local_address is not None:
                    where["local_addr"] = self.local_address
                _, connection = await loop.create_connection(lambda: Connection(loop), self.host, self.port, **where)
        except OSError as error:
            if (
                isinstance(error, ConnectionAbortedError) and self.handshake
            ):  # how both loops tell a handshake's timeout
                raise ConnectTimeout(
                    f"{written_host(self.host)}:{self.port}: tls timeout of {self.handshake:g} s"
                ) from error
            raise self.failure(error) from error
        connection.key = self.key
        return connection

    def failure(self, error: OSError) -> HttpConnectionError:
        """What a failed connect means, with the place named."""
        place = self.unix_socket or f"{written_host(self.host)}:{self.port}"
        if isinstance(error, socket.gaierror):
            return DNSError(f"no address for the host {self.host!r}: {error.strerror or error}")
        if isinstance(error, ssl.SSLCertVerificationError):
            return SSLError(f"the certificate of {place} is not trusted: {error.verify_message or error.reason}")
        if isinstance(error, ssl.SSLError):
            return SSLError(f"TLS handshake with {place} failed: {error.reason or error}")
        refused = f"[Errno {errno.ECONNREFUSED}]"
        if error.errno == errno.ECONNREFUSED or (error.errno is None and refused in str(error)):
            return ConnectionRefused(f"nobody listens at {place}")
        return HttpConnectionError(f"cannot connect to {place}: {error.strerror or error}")
