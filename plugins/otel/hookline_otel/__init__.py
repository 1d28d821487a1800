"""OpenTelemetry for the HTTP client Hookline: spans, metrics and propagated context of each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import OpenTelemetry

if TYPE_CHECKING:
    from .instrumentor import HooklineInstrumentor

__version__ = "0.1.0"

__all__ = ["HooklineInstrumentor", "OpenTelemetry"]

__getattr__ = names_at_first_use(__name__, {"HooklineInstrumentor": "instrumentor"})
