"""The pluggy PluginManager that shows and changes the plugins of a client. Imported, with pluggy, when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pluggy

from ..errors import PluginError
from ..hooks.markers import PROJECT
from .plugin_info import CANNOT_BE_LEFT_OUT, PluginInfo


class PluginRegistry(Protocol):
    """The registry of a client, whose plugins a manager shows."""

    infos: Mapping[str, PluginInfo]

    def register(self, plugin: object, name: str | None = None) -> str | None: ...

    def remove(self, name: str) -> None: ...


class Manager(pluggy.PluginManager):
    """What `client.plugins.manager` is: a pluggy PluginManager with the plugins of a registry, which has all changes, too."""

    def __init__(self, registry: PluginRegistry, specifications: Iterable[type]) -> None:
        super().__init__(PROJECT)
        self._registry = registry
        self._options: Mapping[str, Any] = {}
        for each in specifications:
            self.add_hookspecs(each)

    @property
    def infos(self) -> Mapping[str, PluginInfo]:
        """The registered plugins by name, in the order in which they were registered; read-only."""
        return self._registry.infos

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register a plugin object.

        name: its name; None: its attribute `name`, or that of its class in lower case. The name of an installed plugin that
        was unregistered: the object takes its place, and is listed with its distribution.

        Raises: PluginError, for implementations that do not fit the hook specifications, for a name or an object that is
        registered already, for declarations that conflict with those of other plugins, and for one that replaces a plugin in
        `require`. Nothing is registered then.
        """
        return self._registry.register(plugin, name)

    def unregister(self, plugin: Any = None, name: str | None = None) -> Any:
        """Remove a plugin, given as object or by name. Returns the object.

        Raises: PluginError, if it is not registered, or stands in `require`.
        """
        known = self.get_name(plugin) if name is None else name
        if known is None or known not in self.infos:
            raise PluginError(f"unregister: no plugin {name if name is not None else plugin!r} is registered")
        if self.infos[known].is_required:
            raise PluginError(f"{self.infos[known].label} {CANNOT_BE_LEFT_OUT}")
        found = super().unregister(plugin, name)
        self._registry.remove(known)
        return found

    def store(self, info: PluginInfo, options: Mapping[str, Any]) -> None:
        """Register a plugin with pluggy, which warns of deprecated hooks. options: pluggy's, of each implementation by its name.

        Raises: PluginError, for what pluggy refuses.
        """
        self._options = options
        was_known = self.has_plugin(info.name)
        try:
            super().register(info.plugin, info.name)
        except BaseException as error:
            # for a fault that pluggy finds, or a warning that is an error: before 1.7 it has stored the plugin by then
            if not was_known and self.has_plugin(info.name):
                self.drop(info.name)
            if isinstance(error, (ValueError, pluggy.PluginValidationError)):
                raise PluginError(f"{info.label}: {error}") from error
            raise

    def drop(self, name: str) -> None:
        """Unregister a plugin with pluggy alone."""
        super().unregister(name=name)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Return pluggy's options of a method of the plugin that is being registered; None for what is no implementation."""
        return self._options.get(name)
