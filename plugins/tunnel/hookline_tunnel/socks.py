"""The route to an origin through a SOCKS proxy.

python-socks makes the SOCKS handshake on a socket, which then becomes a connection of core.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

from hookline import (
    Connection,
    ConnectionRefused,
    DirectRoute,
    DNSError,
    HttpClient,
    HttpConnectionError,
    HttpProxyError,
    PluginError,
)

from .proxy import Proxy

# By scheme: the name of python_socks.ProxyType, and whether the proxy resolves the host name.
PROTOCOLS = {
    "socks4": ("SOCKS4", False),
    "socks4a": ("SOCKS4", True),
    "socks5": ("SOCKS5", False),
    "socks5h": ("SOCKS5", True),
}
A_DAY = 86400.0  # seconds, instead of the minute of python-socks: the timeouts of core end the handshake earlier


class SocksRoute(DirectRoute):
    """The route to an origin through the SOCKS proxy in `via`."""

    async def connect(self, client: HttpClient, sock: socket.socket | None = None) -> Connection:
        """Open a connection through the proxy (see `DirectRoute.connect`).

        Raises: HttpProxyError, when the proxy refuses; PluginError, when python-socks is not installed.
        """
        proxy: Proxy = self.via[-1]  # type: ignore[assignment]  # set by `socks_route`
        try:
            sock = await connect_socket(client, proxy, self.address or self.host, self.port, self.local_address)
        except socket.gaierror as error:
            raise DNSError(f"no address for {self.host!r} or the proxy {proxy.host!r}: {error.strerror}") from error
        return await super().connect(client, sock)


def socks_route(proxy: Proxy, direct: DirectRoute) -> SocksRoute:
    """Return the route through a SOCKS proxy. direct: the route that the request would take without it."""
    scheme, host, port, tls = direct.scheme, direct.host, direct.port, direct.tls
    return SocksRoute(
        scheme,
        host,
        port,
        tls,
        direct.local_address,
        via=(proxy,),
        protocols=direct.protocols,
        tls_timeout=direct.tls_timeout,
    )


def import_python_socks() -> Any:
    """Import the module python_socks, and return it.

    Raises: PluginError.
    """
    try:
        import python_socks.async_.asyncio
    except ImportError as error:
        raise PluginError("a SOCKS proxy needs python-socks: pip install 'hookline-tunnel[socks]'") from error
    return python_socks


async def connect_socket(
    client: HttpClient, proxy: Proxy, host: str, port: int, source: tuple[str, int] | None
) -> socket.socket:
    """Return a socket that is connected to a host through a SOCKS proxy. Each address of the proxy is tried in turn.

    source: the local address and port, None = any.

    Raises: HttpProxyError, HttpConnectionError, PluginError; socket.gaierror.
    """
    python_socks = import_python_socks()
    protocol, rdns = PROTOCOLS[proxy.scheme]
    user, password = proxy.credentials or (None, None)
    loop = asyncio.get_running_loop()
    addresses = await client.before_dial(proxy.host, proxy.port, await client.resolve(proxy.host, proxy.port))
    local = None if source is None else await resolve_source(source)
    refused: Exception | None = None
    for address in addresses:
        connector = python_socks.async_.asyncio.Proxy(
            python_socks.ProxyType[protocol], address, proxy.port, user, password, rdns, loop=loop
        )
        try:
            sock: socket.socket = await connector.connect(host, port, timeout=A_DAY, local_addr=local)
        except python_socks.ProxyConnectionError as error:
            refused = error
        except (python_socks.ProxyError, ValueError) as error:
            if type(error.__cause__).__name__ == "IncompleteReadError":  # which it does not export
                raise HttpConnectionError(f"{proxy} closed the connection in the handshake") from error
            raise HttpProxyError(f"{proxy} refused a connection to {host}: {error}") from error
        except socket.gaierror:
            raise
        except OSError as error:
            raise HttpConnectionError(f"{proxy} was lost in the handshake: {error.strerror or error}") from error
        else:
            return sock
    cause = refused.__cause__ if refused else None
    if (
        source is not None
        and isinstance(cause, OSError)
        and (isinstance(cause, socket.gaierror) or cause.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE))
    ):
        raise HttpConnectionError(
            f"cannot connect to the proxy {proxy} from source_address={source[0]!r}, port {source[1]}: {cause.strerror}"
        ) from refused
    if isinstance(cause, ConnectionRefusedError):
        raise ConnectionRefused(f"no server listens at the proxy {proxy}") from refused
    raise HttpConnectionError(f"cannot connect to the proxy {proxy}: {refused}") from refused


async def resolve_source(source: tuple[str, int]) -> tuple[str, int]:
    """Return the local address to connect from as an IP address: python-socks would block the loop to resolve a name.

    Raises: HttpConnectionError.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(*source, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a host name"
        raise HttpConnectionError(f"source_address={source[0]!r} has no address: {why}") from error
    host, port = found[0][4][:2]
    return str(host), int(port)
