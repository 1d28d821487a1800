"""The ways through a proxy: to it for absolute-form, through it by CONNECT, or by SOCKS.

In each, `via` names the proxy with its credentials, so that the pool keeps connections apart, and others may answer a 407.
"""

from __future__ import annotations

from collections.abc import Hashable
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import ref

from hookline import TLS, DirectRoute, HttpConnectionError, HttpRequest, RemoteProtocolError, Route

from .connect import ask
from .hop import Hop, authority

if TYPE_CHECKING:
    from hookline import HttpClient


class ProxyRoute(DirectRoute):
    """To the proxy itself. `via` has it as its one hop."""

    def failure(self, error: OSError, *, in_handshake: bool = False) -> HttpConnectionError:
        """See DirectRoute."""
        found = super().failure(error, in_handshake=in_handshake)
        found.add_note(f"{self.via[-1]} is the proxy")
        return found


class TunnelRoute(Route):
    """Through an HTTP proxy to the origin, by CONNECT; then TLS with the origin where `tls` is set.

    It belongs to one request, for whose sake the proxy is asked, and which it does not keep alive.
    """

    def __init__(self, request: HttpRequest, proxy: ProxyRoute, to: DirectRoute) -> None:
        self.proxy = proxy
        self.via = proxy.via
        self.host = to.host
        self.port = to.port
        self.tls = to.tls
        self._to = to
        self.handshake = to.handshake
        self._request = ref(request)

    @property
    def authority(self) -> str:
        """What the proxy is asked for."""
        return authority(self.host, self.port)

    @property
    def key(self) -> Hashable:
        return ("tunnel", self.proxy.key, self.host, self.port, self.tls)

    async def open(self, client: HttpClient) -> Any:
        """Ask the proxy, and shake hands with the origin.

        Raises: HttpProxyError, when the proxy refuses; HttpConnectionError and its kinds; RemoteProtocolError.
        """
        request = self._request()
        assert request is not None, "whoever opens the route of a request holds the request"
        connection = await ask(client, request, self.proxy, self.authority)
        try:
            if self.tls is not None:
                name = self.tls.name_for(self.host)
                await connection.start_tls(client.contexts.get(self.tls), name, self.handshake or None)
                self._to.check_protocol(connection)
                if connection.opening is not None:  # TCP led to the proxy; this is the handshake that counts
                    connection.opening = connection.opening._replace(secured=monotonic())
            if connection.leftover:
                raise RemoteProtocolError("bytes came through the tunnel before the request")
        except BaseException as error:
            connection.abort()
            if isinstance(error, HttpConnectionError):
                error.add_note(f"in a tunnel through {self.via[-1]}")
            raise
        connection.end()
        connection.reused = 0  # also where the proxy was asked on it more than once: no request has gone over it yet
        return connection

    def __repr__(self) -> str:
        return f"<TunnelRoute to {self.authority} through {self.via[-1]}>"


def proxy_route(hop: Hop, direct: DirectRoute, verify: Any) -> ProxyRoute:
    """The route to an HTTP proxy, from the route that a request would go without it.

    A proxy gets no client certificate: that is for the origin.
    """
    tls = TLS(verify) if hop.scheme == "https" else None
    return ProxyRoute(hop.scheme, hop.host, hop.port, tls, direct.local_address, via=(hop,), handshake=direct.handshake)
