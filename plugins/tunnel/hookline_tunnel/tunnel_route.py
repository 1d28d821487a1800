"""The route to an origin through a tunnel that an HTTP proxy opens."""

from __future__ import annotations

from collections.abc import Hashable
from weakref import ref

from hookline import (
    Connection,
    DirectRoute,
    HttpClient,
    HttpConnectionError,
    HttpRequest,
    MultiplexedConnection,
    RemoteProtocolError,
    Route,
)

from .connect import open_tunnel
from .proxy import authority
from .proxy_route import ProxyRoute


class TunnelRoute(Route):
    """The route through an HTTP proxy to an origin: CONNECT, then TLS with the origin if `tls` is set.

    `via` contains the proxy with its credentials, as in `ProxyRoute`. A route belongs to one request, from which the CONNECT
    is made, and does not keep it alive.
    """

    def __init__(self, request: HttpRequest, proxy: ProxyRoute, direct: DirectRoute) -> None:
        """proxy: the route to the proxy. direct: the route that the request would take without it."""
        self.proxy = proxy
        self.via = proxy.via
        self.host = direct.host
        self.port = direct.port
        self.address = direct.address
        self.tls = direct.tls
        self.tls_timeout = direct.tls_timeout
        self._direct = direct
        self._request = ref(request)

    @property
    def authority(self) -> str:
        """The `host:port` that the tunnel leads to, by the address of the host if one is set."""
        return authority(self.address or self.host, self.port)

    @property
    def key(self) -> Hashable:
        return ("tunnel", self.proxy.key, self.host, self.port, self.tls, self.address)

    @property
    def may_share(self) -> bool:
        return self._direct.may_share

    def only_by(self, protocol: str) -> TunnelRoute:
        return self._to(self._direct.only_by(protocol))

    def to_address(self, address: str) -> TunnelRoute:
        return self._to(self._direct.replace(address=address))

    def _to(self, direct: DirectRoute) -> TunnelRoute:
        request = self._request()
        assert request is not None, "a route is changed only while its request is sent"
        return TunnelRoute(request, self.proxy, direct)

    async def open(self, client: HttpClient) -> Connection | MultiplexedConnection:
        """Open a tunnel, and make the TLS handshake with the origin.

        Raises: HttpProxyError, when the proxy refuses; HttpConnectionError and its subclasses; RemoteProtocolError.
        """
        request = self._request()
        assert request is not None, "core keeps the request while it opens its route"
        connection = await open_tunnel(client, request, self.proxy, self.authority)
        try:
            if self.tls is not None:
                name = self.tls.name_for(self.host)
                await connection.start_tls(client.contexts.get(self.tls), name, self.tls_timeout or None)
            begun = self._direct.begin_protocol(connection)
            if begun is not connection:
                return begun
            if connection.leftover:
                raise RemoteProtocolError("bytes came through the tunnel before the request was sent")
        except BaseException as error:
            connection.abort()
            if isinstance(error, HttpConnectionError):
                error.add_note(f"in a tunnel through {self.via[-1]}")
            raise
        connection.end()
        connection.reused = 0  # CONNECT was the only request on it, maybe repeated: for the origin it is new
        return connection

    def __repr__(self) -> str:
        return f"<TunnelRoute to {self.authority} through {self.via[-1]}>"
