"""Proxies for the HTTP client Hookline: HTTP proxies, CONNECT tunnels and SOCKS."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import Tunnel, TunnelClient, TunnelRequest

if TYPE_CHECKING:
    from .proxy import Proxy

__version__ = "0.1.0"

__all__ = [
    "Proxy",
    "Tunnel",
    "TunnelClient",
    "TunnelRequest",
]

__getattr__ = names_at_first_use(__name__, {"Proxy": "proxy"})
