"""Turn the plugin on for all clients of a program: for `opentelemetry-instrument`, and for programs that do it themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # has no types

from hookline import HttpClient, for_each_client

from .plugin import OpenTelemetry
from .recorders import VERSION


class HooklineInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # has no types
    """Record the requests of all clients.

    `instrument(**settings)` adds the plugin to each client, to those that exist and to those that are made later; the settings
    are those of `OpenTelemetry`. A client that has the plugin already keeps its own, and one with `disable=["otel"]` gets none.
    `uninstrument()` removes it again. What runs meanwhile is recorded to its end.

    Example::

        from hookline_otel import HooklineInstrumentor

        instrumentor = HooklineInstrumentor()
        print(instrumentor.instrumentation_dependencies())
        instrumentor.instrument()
        instrumentor.uninstrument()
    """

    _stop: Callable[[], None] | None = None
    _plugins: WeakKeyDictionary[HttpClient, OpenTelemetry]
    _settings: dict[str, Any]

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return what has to be installed: the requirement of the package that is recorded."""
        return (f"hookline-core >= {VERSION}",)

    def _instrument(self, **kwargs: Any) -> None:
        OpenTelemetry(**kwargs)  # so that wrong settings are an error now
        self._settings = kwargs
        self._plugins = WeakKeyDictionary()
        self._stop = for_each_client(self._add_to)

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None
        for client, plugin in list(self._plugins.items()):
            if client.plugins.manager.is_registered(plugin):
                client.plugins.manager.unregister(plugin)
        self._plugins.clear()

    def _add_to(self, client: HttpClient) -> None:
        """Add the plugin to a client, unless the client has it or does not want it."""
        plugins = client.plugins
        if OpenTelemetry.name in plugins:
            return
        if any(info.name == OpenTelemetry.name and info.why == "disabled" for info in plugins.absent):
            return
        self._plugins[client] = plugin = OpenTelemetry(**self._settings)
        plugins.manager.register(plugin)
