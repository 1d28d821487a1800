"""Proxies for the HTTP client Hookline: HTTP proxies, CONNECT tunnels and SOCKS."""

from typing import TYPE_CHECKING

from .plugin import Tunnel, TunnelClient, TunnelRequest

if TYPE_CHECKING:
    from .proxy import Proxy

__version__ = "0.1.0.dev0"

__all__ = [
    "Proxy",
    "Tunnel",
    "TunnelClient",
    "TunnelRequest",
]


def __getattr__(name: str) -> object:
    """Import `Proxy` at its first use: most clients have no proxy."""
    if name == "Proxy":
        from .proxy import Proxy

        return Proxy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
