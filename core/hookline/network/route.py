"""Routes: how a request gets a connection to its server, and which connections may serve it."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Hashable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

from ..errors import (
    ConnectionRefused,
    ConnectTimeout,
    DNSError,
    HooklineError,
    HttpConnectionError,
    SSLError,
    reason_of,
)
from ..hooks.declarations import Protocol
from ..messages.clean_url import written_host
from ..wire.opening import phase, run_before_dial
from .settings import Settings
from .tls import TLS

if TYPE_CHECKING:
    from ..http1.connection import Connection
    from ..wire.multiplexed_connection import MultiplexedConnection


class Route:
    """How to open a connection for a request, and which open connections may serve it instead: the base of all routes.

    A plugin subclasses it, and sets `request.route` to an instance in pre_request. Connections are kept in pools, one for each
    `key`. `open` is called when the pool of the key has no idle connection, and its limits allow another.

    Example::

        from hookline import HttpClient, Route, hookimpl


        class Twin(Route):
            def __init__(self, direct):
                self.direct = direct

            @property
            def key(self):
                return ("twin", self.direct.key)

            @property
            def may_share(self):
                return self.direct.may_share

            def only_by(self, protocol):
                return Twin(self.direct.only_by(protocol))

            def to_address(self, address):
                return Twin(self.direct.to_address(address))

            async def open(self, client):
                return await self.direct.to_address("127.0.0.1").open(client)


        class ToTheTwin:
            @hookimpl
            def pre_request(self, response):
                response.request.route = Twin(response.request.route)


        with HttpClient(plugins=[ToTheTwin()]) as client:
            print(client.get("http://127.0.0.1:8000/").ok)
    """

    @property
    def key(self) -> Hashable:
        """Equal for two routes if a connection that one has opened may serve the other.

        It must include everything that matters for that: the host, the proxies with their credentials, the TLS settings.
        """
        raise NotImplementedError

    @property
    def may_share(self) -> bool:
        """True if `open` may return a connection that carries many exchanges: then requests wait for the first one."""
        return False

    def only_by(self, protocol: str) -> Route:
        """Return the same route, by a protocol that the peer requires, such as "http/1.1"; this one if it offers no other."""
        return self

    def to_address(self, address: str) -> Route | None:
        """Return the same route to an IP address that a plugin has chosen for the host. None: the route cannot.

        Then neither this machine nor a proxy looks the name up. TLS still checks the name of the host.
        """
        return None

    async def open(self, client: Any) -> Connection | MultiplexedConnection:
        """Open a connection that is ready for a request.

        client: the HttpClient; `client.contexts.get(tls)` gives an ssl.SSLContext. The timeouts `connect` and `tls` of the
        request, added up, limit the call. If it fails, it must close what it has opened.

        Raises: HttpConnectionError and its subclasses.
        """
        raise NotImplementedError


class DirectRoute(Settings, Route):
    """The route straight to a host, over TCP or a unix socket, with TLS if `tls` is set. Its key is the route itself.

    scheme: "http" or "https".
    host: a host name in ASCII, or an IP address, without brackets.
    port: the port of TCP.
    tls: the settings of TLS; None = no TLS.
    local_address: (host, port) to connect from; None = the system chooses.
    unix_socket: the path of a socket to connect to, in place of host and port; None = TCP.
    via: the proxies before the host, with their credentials, as a plugin names them. Part of the key; `repr` leaves it out.
    address: the IP address of the host, see `to_address`; None = it is looked up.
    protocol: the name of a protocol that is spoken without asking the server (prior knowledge); None = HTTP/1.1, unless TLS
        chooses another.
    protocols: those that plugins bring; TLS offers those that `tls.alpn` names. Not part of the key.
    tls_timeout: seconds for the TLS handshake; 0 = the 60 of asyncio. Not part of the key.
    connect_timeout: seconds for DNS and TCP; 0 = no limit of their own. Not part of the key.

    Example::

        from hookline import DirectRoute, HttpClient

        async with HttpClient() as client:
            route: DirectRoute = client.build_request("GET", "http://127.0.0.1:8000/").route
            connection = await route.replace(connect_timeout=5).connect(client)
            connection = route.begin_protocol(connection)  # `open` does both steps
            connection.close()
    """

    scheme: str
    host: str
    port: int
    tls: TLS | None
    local_address: tuple[str, int] | None
    unix_socket: str | None
    via: tuple[Hashable, ...]
    protocol: str | None
    address: str | None
    protocols: tuple[Protocol, ...]
    tls_timeout: float
    connect_timeout: float
    _apart = frozenset({"protocols", "tls_timeout", "connect_timeout"})
    _hidden = frozenset({"via"})

    def __init__(
        self,
        scheme: str,
        host: str,
        port: int,
        tls: TLS | None = None,
        local_address: tuple[str, int] | None = None,
        unix_socket: str | None = None,
        via: tuple[Hashable, ...] = (),
        protocol: str | None = None,
        address: str | None = None,
        protocols: tuple[Protocol, ...] = (),
        tls_timeout: float = 0.0,
        connect_timeout: float = 0.0,
    ) -> None:
        values = locals()
        del values["self"]
        vars(self).update(values)

    @property
    def key(self) -> Hashable:
        return self

    @property
    def _peer(self) -> str:
        return self.unix_socket or f"{written_host(self.host)}:{self.port}"

    @property
    def may_share(self) -> bool:
        return self.protocol is not None or (self.tls is not None and self.tls.alpn != ("http/1.1",))

    def only_by(self, protocol: str) -> Self:
        tls = None if self.tls is None else self.tls.replace(alpn=(protocol,))
        return self.replace(tls=tls, protocol=None if tls or protocol == "http/1.1" else protocol)

    def to_address(self, address: str) -> Route | None:
        return self.replace(address=address)

    async def open(self, client: Any, sock: socket.socket | None = None) -> Connection | MultiplexedConnection:
        """Open a connection that is ready for a request: `connect`, which explains `sock`, then `begin_protocol`.

        Example::

            from hookline import HttpClient

            async with HttpClient() as client:
                connection = await client.build_request("GET", "http://127.0.0.1:8000/").route.open(client)
                print(connection.facts().peer)
                connection.close()
        """
        return self.begin_protocol(await self.connect(client, sock))

    async def connect(self, client: Any, sock: socket.socket | None = None) -> Connection:
        """Connect to the host, and make the TLS handshake if `tls` is set. `begin_protocol` is the next step.

        sock: a socket that is connected to the host already, such as one through a SOCKS proxy. The connection owns it from
        now on. None = connect.

        Raises: ConnectTimeout, DNSError, ConnectionRefused, SSLError or another HttpConnectionError.
        """
        loop = asyncio.get_running_loop()
        connection: Connection

        def make_connection() -> Connection:
            made: Connection = client.parser(loop)
            if self.may_share:
                made.await_protocol()
            return made

        tls_options: dict[str, Any] = {}
        if self.tls is not None:
            tls_options["ssl"] = client.contexts.get(self.tls)
            tls_options["server_hostname"] = self.tls.name_for(self.host)
            tls_options["ssl_handshake_timeout"] = self.tls_timeout or None
        limit = asyncio.timeout(self.connect_timeout or None)
        try:
            if sock is None:
                async with limit:
                    sock = await self._connected_socket(client)
            with phase("tls") if tls_options else nullcontext():
                create = loop.create_connection if self.unix_socket is None else loop.create_unix_connection
                _, connection = await create(make_connection, sock=sock, **tls_options)
        except HooklineError:  # raised by a resolver
            raise
        except OSError as error:
            if limit.expired() and isinstance(error, TimeoutError):
                raise ConnectTimeout(f"{self._peer}: connect timeout of {self.connect_timeout:g} s") from None
            # asyncio and uvloop raise a ConnectionAbortedError when the handshake takes too long
            if isinstance(error, ConnectionAbortedError) and self.tls_timeout:
                raise ConnectTimeout(f"{self._peer}: tls timeout of {self.tls_timeout:g} s") from error
            raise self.connect_error(error, in_handshake=self.tls is not None and sock is not None) from error
        connection.key = self.key
        return connection

    async def _connected_socket(self, client: Any) -> socket.socket:
        """Return a socket that is connected to the host, or to the unix socket."""
        if self.unix_socket is not None:
            await run_before_dial(self.unix_socket, 0, ())
            with phase("connect"):
                from .happy_eyeballs import connect_unix

                return await connect_unix(self.unix_socket)
        from .happy_eyeballs import as_address, before_dial, dial, resolve_host

        address = as_address(self.address or self.host, self.port)
        if address is None:
            with phase("dns"):
                addresses = await resolve_host(self.host, self.port, client.resolver)
        else:
            addresses = [address]
        chosen = await before_dial(self.host, self.port, addresses)
        with phase("connect"):
            return await dial(chosen, self.local_address)

    def begin_protocol(self, connection: Connection) -> Connection | MultiplexedConnection:
        """Hand an open connection over to the protocol that TLS has chosen (ALPN, RFC 7301), or that `protocol` names.

        Returns the same connection for HTTP/1.1, else the one that the protocol has made.

        Raises: SSLError, and closes the connection, if no plugin brings the protocol. It needs a context of the user's own
        that has offered it.
        """
        ssl_object = connection.transport.get_extra_info("ssl_object")
        chosen = self.protocol or (None if ssl_object is None else ssl_object.selected_alpn_protocol())
        if chosen in (None, "http/1.1", "http/1.0"):
            if self.may_share:
                if connection.leftover:
                    connection.abort()  # bytes that answer no request
                connection.end()
            return connection
        protocol = next((protocol for protocol in self.protocols if protocol.name == chosen), None)
        if protocol is None:
            connection.abort()
            raise SSLError(f"{self._peer} speaks {chosen!r}, which was offered, but no plugin brings this protocol")
        try:
            made: MultiplexedConnection = protocol.make(connection.loop)
            made.protocol = protocol.name
            data = connection.set_protocol(made)
            made.connection_made(connection.transport)
        except BaseException:
            connection.abort()
            raise
        connection.alive = connection.keep_alive = False  # the transport is no longer its own
        if data:
            made.receive(data)
        return made

    def connect_error(self, error: OSError, *, in_handshake: bool = False) -> HttpConnectionError:
        """The error to raise for a failed connect; it names the server. in_handshake: TCP was connected already.

        Example::

            from hookline import DirectRoute

            print(DirectRoute("http", "127.0.0.1", 8000).connect_error(TimeoutError("no answer")))
        """
        if isinstance(error, socket.gaierror):
            return DNSError(f"no address for the host {self.host!r}: {reason_of(error)}")
        if in_handshake or isinstance(error, ssl.SSLError):
            from ..wire.base_connection import handshake_error

            return handshake_error(error, self._peer)
        if error.errno == errno.ECONNREFUSED:
            return ConnectionRefused(f"no server listens at {self._peer}")
        return HttpConnectionError(f"cannot connect to {self._peer}: {reason_of(error)}")
