"""Through a SOCKS proxy; the handshake is python-socks', on a socket that a connection then takes over."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Any

from hookline import ConnectionRefused, DirectRoute, DNSError, HttpConnectionError, HttpProxyError, PluginError

from .hop import Hop

if TYPE_CHECKING:
    from hookline import HttpClient

# SOCKS5 and SOCKS4 are given an address that was resolved here, SOCKS5h and SOCKS4a the name.
KINDS = {
    "socks4": ("SOCKS4", False),
    "socks4a": ("SOCKS4", True),
    "socks5": ("SOCKS5", False),
    "socks5h": ("SOCKS5", True),
}
A_DAY = 86400.0  # the library's own limit is a minute; core's limits end it sooner


class SocksRoute(DirectRoute):
    """To the origin, through the SOCKS proxy in `via`."""

    async def open(self, client: HttpClient, sock: socket.socket | None = None) -> Any:
        """See DirectRoute.

        Raises: HttpProxyError, when the proxy refuses; PluginError, when python-socks is not installed.
        """
        hop: Hop = self.via[-1]  # type: ignore[assignment]  # what the plugin put there
        try:
            sock = await connected(hop, self.host, self.port, self.local_address)
        except socket.gaierror as error:
            raise DNSError(f"no address for {self.host!r} or the proxy {hop.host!r}: {error.strerror}") from error
        return await super().open(client, sock)


def socks_route(hop: Hop, direct: DirectRoute) -> SocksRoute:
    """The route through a SOCKS proxy, from the route that a request would go without it."""
    scheme, host, port, tls = direct.scheme, direct.host, direct.port, direct.tls
    return SocksRoute(scheme, host, port, tls, direct.local_address, via=(hop,), handshake=direct.handshake)


def library() -> Any:
    """The module python_socks, imported at its first use.

    Raises: PluginError.
    """
    try:
        import python_socks.async_.asyncio
    except ImportError as error:
        raise PluginError("a SOCKS proxy needs python-socks: pip install 'hookline-tunnel[socks]'") from error
    return python_socks


async def connected(hop: Hop, host: str, port: int, source: tuple[str, int] | None) -> socket.socket:
    """A socket that leads to a host through a SOCKS proxy; each address of the proxy is tried.

    Raises: HttpProxyError, HttpConnectionError, PluginError; socket.gaierror.
    """
    python_socks = library()
    kind, rdns = KINDS[hop.scheme]
    user, password = hop.credentials or (None, None)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(hop.host, hop.port, type=socket.SOCK_STREAM)
    local = None if source is None else await numeric(source)
    refused: Exception | None = None
    for address in dict.fromkeys(str(info[4][0]) for info in found):
        proxy = python_socks.async_.asyncio.Proxy(
            python_socks.ProxyType[kind], address, hop.port, user, password, rdns, loop=loop
        )
        try:
            sock: socket.socket = await proxy.connect(host, port, timeout=A_DAY, local_addr=local)
        except python_socks.ProxyConnectionError as error:
            refused = error
        except (python_socks.ProxyError, ValueError) as error:
            if type(error.__cause__).__name__ == "IncompleteReadError":  # which it does not export
                raise HttpConnectionError(f"{hop} closed the connection in the handshake") from error
            raise HttpProxyError(f"{hop} refused a connection to {host}: {error}") from error
        except socket.gaierror:
            raise
        except OSError as error:
            raise HttpConnectionError(f"{hop} was lost in the handshake: {error.strerror or error}") from error
        else:
            return sock
    cause = refused.__cause__ if refused else None
    if (
        source is not None
        and isinstance(cause, OSError)
        and (isinstance(cause, socket.gaierror) or cause.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE))
    ):
        raise HttpConnectionError(
            f"cannot connect to the proxy {hop} from source_address={source[0]!r}, port {source[1]}: {cause.strerror}"
        ) from refused
    if isinstance(cause, ConnectionRefusedError):
        raise ConnectionRefused(f"nobody listens at the proxy {hop}") from refused
    raise HttpConnectionError(f"cannot connect to the proxy {hop}: {refused}") from refused


async def numeric(source: tuple[str, int]) -> tuple[str, int]:
    """The address to connect from. A name would be looked up by python-socks, which blocks the loop.

    Raises: HttpConnectionError.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(*source, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a host name"
        raise HttpConnectionError(f"source_address={source[0]!r} has no address: {why}") from error
    host, port = found[0][4][:2]
    return str(host), int(port)
