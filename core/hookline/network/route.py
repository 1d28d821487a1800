"""Where a request goes, and how: a key that the pool asks by, and a way to open a connection when it has none."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from ..errors import (
    ConnectionRefused,
    ConnectTimeout,
    DNSError,
    HooklineError,
    HttpConnectionError,
    SSLError,
    reason_of,
)
from ..http1.connection import Connection
from ..http1.opening_times import OpeningTimes
from ..messages.url import written_host
from .happy_eyeballs import as_address, dial, resolve
from .tls import TLS


class Route:
    """The base of all routes. A plugin may set `request.route` to one of its own in pre_request."""

    @property
    def key(self) -> Hashable:
        """Equal for two routes when a connection opened for one may serve the other."""
        raise NotImplementedError

    async def open(self, client: Any) -> Connection:
        """Open a connection that is ready for requests; runs under the connect timeout.

        Raises: HttpConnectionError and its kinds.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class DirectRoute(Route):
    """Straight to the host, over TCP or a unix socket, with TLS where `tls` is set.

    via: the hops before it, as a plugin names them, with their credentials: part of the key, never shown.
    handshake: seconds for that of TLS, 0 = asyncio's 60. connecting: seconds for DNS and TCP, where TLS has its own,
    0 = no limit. Both are no part of the key.
    """

    scheme: str
    host: str
    port: int
    tls: TLS | None = None
    local_address: tuple[str, int] | None = None
    unix_socket: str | None = None
    via: tuple[Hashable, ...] = field(default=(), repr=False)
    handshake: float = field(default=0.0, compare=False, repr=False)
    connecting: float = field(default=0.0, compare=False, repr=False)

    @property
    def key(self) -> Hashable:
        return self

    async def open(self, client: Any, sock: socket.socket | None = None) -> Connection:
        """Connect, and shake hands where `tls` is set.

        sock: one that leads to the host already, as another protocol made it; it belongs to the connection from now on.
        """
        loop = asyncio.get_running_loop()
        connection: Connection
        where: dict[str, Any] = {}
        if self.tls is not None:
            where["ssl"] = client.contexts.get(self.tls)
            where["server_hostname"] = self.tls.name_for(self.host)
            where["ssl_handshake_timeout"] = self.handshake or None
        limit = asyncio.timeout(self.connecting or None)
        try:
            resolved = connected = None
            if sock is None and self.unix_socket is not None:
                _, connection = await loop.create_unix_connection(
                    lambda: client.parser(loop), self.unix_socket, **where
                )
            else:
                if sock is None:
                    async with limit:
                        address = as_address(self.host, self.port)
                        if address is None:
                            addresses = await resolve(self.host, self.port, client.resolver)
                            resolved = monotonic()
                        else:
                            addresses = [address]
                        sock = await dial(addresses, self.local_address)
                    connected = monotonic()
                _, connection = await loop.create_connection(lambda: client.parser(loop), sock=sock, **where)
            secured = None if self.tls is None else monotonic()
            connection.opening_times = OpeningTimes(resolved, connected or monotonic(), secured)
        except HooklineError:  # of a resolver
            raise
        except OSError as error:
            place = f"{written_host(self.host)}:{self.port}"
            if limit.expired() and isinstance(error, TimeoutError):
                raise ConnectTimeout(f"{place}: connect timeout of {self.connecting:g} s") from None
            if (
                isinstance(error, ConnectionAbortedError) and self.handshake
            ):  # how both loops tell a handshake's timeout
                raise ConnectTimeout(f"{place}: tls timeout of {self.handshake:g} s") from error
            raise self.failure(error, in_handshake=self.tls is not None and sock is not None) from error
        self.check_protocol(connection)
        connection.key = self.key
        return connection

    def check_protocol(self, connection: Connection) -> None:
        """Close a connection whose other side chose another protocol than HTTP/1.1 in the TLS handshake.

        Raises: SSLError, where a context of the user's has offered another protocol, and the server took it.
        """
        ssl_object = connection.transport.get_extra_info("ssl_object")
        chosen = None if ssl_object is None else ssl_object.selected_alpn_protocol()
        if chosen not in (None, "http/1.1", "http/1.0"):
            connection.abort()
            raise SSLError(
                f"{written_host(self.host)}:{self.port} speaks {chosen!r} now, which the context offered; offer 'http/1.1'"
            )

    def failure(self, error: OSError, *, in_handshake: bool = False) -> HttpConnectionError:
        """What a failed connect means, with the place named. in_handshake: TCP was there already."""
        place = f"{written_host(self.host)}:{self.port}" if self.unix_socket is None else self.unix_socket
        if isinstance(error, socket.gaierror):
            return DNSError(f"no address for the host {self.host!r}: {reason_of(error)}")
        if isinstance(error, ssl.SSLCertVerificationError):
            return SSLError(f"the certificate of {place} is not trusted: {error.verify_message or error.reason}")
        if isinstance(error, ssl.SSLError):
            return SSLError(f"TLS handshake with {place} failed: {error.reason or error}")
        if error.errno == errno.ECONNREFUSED:
            return ConnectionRefused(f"nobody listens at {place}")
        what = f"TLS handshake with {place} failed" if in_handshake else f"cannot connect to {place}"
        return HttpConnectionError(f"{what}: {reason_of(error)}")
