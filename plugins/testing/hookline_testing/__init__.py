"""Tools to test programs and plugins that use Hookline: servers, mocks, applications in memory, and checks of plugins."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import AppRoute, app_route
    from .cassette import Cassette, NotRecorded
    from .mock import Mock, MockRoute, Reply, UnexpectedRequest, UnusedRoute

__version__ = "0.1.0"

__all__ = [
    "AppRoute",
    "Cassette",
    "Mock",
    "MockRoute",
    "NotRecorded",
    "Reply",
    "UnexpectedRequest",
    "UnusedRoute",
    "app_route",
]

_MODULES = {"AppRoute": "app", "app_route": "app", "Cassette": "cassette", "NotRecorded": "cassette"}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: pytest imports this package in every run, and most runs need none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES.get(name, 'mock')}", __name__), name)
