"""Proxies and tunnels."""

from typing import TYPE_CHECKING

from .plugin import Tunnel

if TYPE_CHECKING:
    from .hop import Hop

__version__ = "0.1.0.dev0"

__all__ = ["Hop", "Tunnel"]


def __getattr__(name: str) -> object:
    """What only those need who have a proxy is imported at first use."""
    if name == "Hop":
        from .hop import Hop

        return Hop
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
