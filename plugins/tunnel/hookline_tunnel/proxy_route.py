"""The route to an HTTP proxy itself: for requests in absolute-form, and for CONNECT."""

from __future__ import annotations

from typing import Any

from hookline import TLS, DirectRoute, HttpConnectionError

from .proxy import Proxy


class ProxyRoute(DirectRoute):
    """The route to a proxy.

    `via` contains the proxy with its credentials. So the pool does not share connections between different credentials, and
    plugins for authentication can answer a 407.
    """

    @property
    def proxy(self) -> Proxy:
        """The proxy at the end of the route."""
        proxy: Proxy = self.via[-1]  # type: ignore[assignment]  # set by `proxy_route`
        return proxy

    def to_address(self, address: str) -> None:
        """Return None: in absolute-form the proxy gets the name of the origin, and looks it up."""

    def connect_error(self, error: OSError, *, in_handshake: bool = False) -> HttpConnectionError:
        """Return the error for a failed connect, with a note that the host is a proxy (see `DirectRoute.connect_error`)."""
        failure = super().connect_error(error, in_handshake=in_handshake)
        failure.add_note(f"{self.proxy} is the proxy")
        return failure


def proxy_route(proxy: Proxy, direct: DirectRoute, verify: Any) -> ProxyRoute:
    """Return the route to an HTTP proxy. direct: the route that the request would take without it.

    A proxy gets no client certificate: that is for the origin.
    """
    tls = TLS(verify) if proxy.scheme == "https" else None
    return ProxyRoute(
        proxy.scheme, proxy.host, proxy.port, tls, direct.local_address, via=(proxy,), tls_timeout=direct.tls_timeout
    )
