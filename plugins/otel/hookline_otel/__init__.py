"""OpenTelemetry for the HTTP client Hookline: spans, metrics and propagated context of each request."""

from typing import TYPE_CHECKING

from .plugin import OpenTelemetry

if TYPE_CHECKING:
    from .instrumentor import HooklineInstrumentor

__version__ = "0.1.0.dev0"

__all__ = ["HooklineInstrumentor", "OpenTelemetry"]


def __getattr__(name: str) -> object:
    """Import the instrumentor at its first use: clients that load the plugin by name do not need it."""
    if name != "HooklineInstrumentor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .instrumentor import HooklineInstrumentor

    return HooklineInstrumentor
