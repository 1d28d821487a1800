"""Proxies and tunnels."""

from .hop import Hop
from .plugin import Tunnel

__version__ = "0.1.0.dev0"

__all__ = ["Hop", "Tunnel"]
