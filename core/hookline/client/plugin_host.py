"""The plugins, handlers and options of a client, and of calls that disable or add plugins."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from multidict import CIMultiDict, getversion

from ..hooks.declarations import Body, Credential, Option
from ..hooks.handlers import Event
from ..hooks.markers import EVENTS
from ..plugins.entry_point import normalized
from ..plugins.manager import Manager
from ..plugins.option_table import Level, Setting, unexpected_keyword_error
from ..plugins.plugin_info import PluginInfo, registered_plugins
from ..plugins.selection import SelectedPlugin, Selection, as_list, as_names, label, names_of, numbered, object_name
from .attributes import ClientAttributes
from .configuration import Configuration, ConfiguredClient
from .hookspecs import Specifications
from .plugin_list import Plugins

CALL_KEYWORDS = ("params", "headers", "plugins", "disable", *EVENTS)  # those that are neither options nor bodies
CLIENT_KEYWORDS = (
    "base_url", "params", "headers", "pool_size", "max_connections", "resolver", "parser", "keep_alive",
    "close_connections", "loop", "client_version", "logger", "plugins", "disable", "require", "autoload",
)  # fmt: skip


class PluginHost(ClientAttributes):
    """The part of an HttpClient that has its plugins, its handlers and the values of its options.

    They give a `Configuration`, which is made when it is first needed, and again after a change. Each call with `plugins=` or
    `disable=` has one of its own.

    headers: the default header fields of the client.
    """

    headers: CIMultiDict[str]
    _version: Callable[[Any], int] = staticmethod(getversion)

    def __init__(self, selection: Selection, values: Mapping[str, Any]) -> None:
        """selection: the plugins of the client. values: the options that it was given, by name, as they were given."""
        self._selection = selection
        self._values = {name: Setting(value) for name, value in values.items()}
        self._events = {event: Event(event, self._renew_configuration) for event in EVENTS}
        self._configuration: Configuration | None = None
        self._headers_version = -1
        self._variants: dict[Hashable, tuple[Configuration, object]] = {}
        self._absent_credentials: frozenset[str] | None = None
        # by name, the objects of plugins that only calls name: one per client, as of all plugins
        self._loaded_for_calls: dict[str, Any] = {}
        self._manager = Manager(Specifications, self._check_configuration)

    @property
    def _client(self) -> ConfiguredClient:
        return cast("ConfiguredClient", self)

    def _register(self) -> None:
        """Register the selected plugins.

        Raises: PluginError.
        """
        for found in self._selection.loaded:
            self._manager.register(found.plugin, found.name, label=found.label)

    def _renew_configuration(self) -> None:
        """Have the next request make a new configuration: a handler was bound or removed."""
        self._configuration = None

    def _check_configuration(self) -> None:
        """Make a new configuration: a plugin was registered or unregistered.

        It is made at once, so that `register` raises the error. While the client is being constructed it is not made yet.

        Raises: PluginError, TypeError.
        """
        self._configuration = None
        if "_ready" in self.__dict__:
            _ = self.configuration

    @property
    def configuration(self) -> Configuration:
        """The configuration by the present plugins, handlers, options and default fields.

        Raises: PluginError, TypeError, ValueError, if they do not fit together.
        """
        found = self._configuration
        if found is None or self._headers_version != self._version(self.headers):
            self._configuration = None  # so that after an error each call raises it again
            self._variants.clear()
            self._client._apply_removed_headers()
            version = self._version(self.headers)
            plugins = registered_plugins(self._manager, self._selection.loaded)
            found = Configuration(self._client, plugins, self._handlers(), self._values)
            # both at once, and only now that it was made without an error
            self._configuration, self._headers_version = found, version
        return found

    def _handlers(self) -> dict[str, Any]:
        return {name: tuple(event._implementations) for name, event in self._events.items()}

    def _variant(self, disable: Iterable[str] | None, plugins: Iterable[Any] | None) -> Configuration:
        """Return the configuration of a call with `disable=` or `plugins=`. At most 64 are kept.

        Raises: PluginError, TypeError, ValueError.
        """
        base = self.configuration
        what = "plugins= and disable= take lists"
        disabled = frozenset(normalized(name) for name in as_names(disable, what))
        added = tuple(as_list(plugins, what))
        key = (disabled, tuple(each if isinstance(each, str) else id(each) for each in added))
        if key in self._variants:
            return self._variants[key][0]
        left_out = {
            name
            for name, info in base.plugins.items()
            if info.matches_any(disabled) or not disabled.isdisjoint(names_of(info.plugin, "replaces"))
        }
        unknown = disabled - left_out - {name for name in disabled if self._is_absent(name)}
        if unknown:
            self._selection._check_known("disable", sorted(unknown))
        kept = [info for name, info in base.plugins.items() if name not in left_out]
        configuration = Configuration(
            self._client,
            [*kept, *self._added_plugins(added, base)],
            self._handlers(),
            self._values,
            [base.plugins[name] for name in left_out],
        )
        if len(self._variants) >= 64:
            self._variants.clear()
        self._variants[key] = (configuration, added)  # with the objects, so that no other object gets one of their ids
        return configuration

    def _is_absent(self, name: str) -> bool:
        """Is it the name of a plugin that does not run, or of its distribution?"""
        return any(absent.matches(name) for absent in self._selection.absent)

    def _added_plugins(self, added: tuple[Any, ...], base: Configuration) -> list[PluginInfo]:
        """Return the plugins that a call adds: objects, or names of plugins that are installed and do not run.

        Raises: PluginError.
        """
        manager = Manager(Specifications, lambda: None)
        for plugin in numbered(p for p in added if not isinstance(p, str)).values():
            own = name = object_name(plugin)
            number = 1
            while name in base.plugins or manager.get_plugin(name) is not None:
                number += 1
                name = f"{own}#{number}"
            manager.register(plugin, name)
        for name in (p for p in added if isinstance(p, str)):
            if normalized(name) not in base.plugins:
                self._selection._check_known("plugins", [normalized(name)])
                for absent in self._selection.absent:
                    entry = absent.entry
                    if entry is not None and entry.matches(name):
                        if entry.name not in self._loaded_for_calls:
                            self._loaded_for_calls[entry.name] = entry.make_plugin(entry.load_plugin())
                        manager.register(self._loaded_for_calls[entry.name], entry.name, label=label(entry.name, entry))
        return registered_plugins(manager, ())

    @property
    def plugins(self) -> Plugins:
        """The plugins of this client, in order."""
        return Plugins(self.configuration, tuple(self._selection.absent), self._manager)

    def event(self, name: str) -> Event:
        """Return an event, to bind handlers to it that run in every exchange of this client.

        Raises: PluginError, for a name that is no event.
        """
        found = self._events.get(name)
        return found if found is not None else Event(name, self._renew_configuration)

    def _credential_fields(self) -> frozenset[str]:
        """Return the names, in lower case, of the fields that plugins declare to carry credentials.

        Plugins that do not run count too, but for optional ones, because a user may set their fields himself.
        """
        found = self._absent_credentials
        if found is None:
            absent = [plugin for plugin in self._selection.absent if plugin.why != "optional"]
            names = (d.name.lower() for plugin in absent for d in declared_by(plugin) if isinstance(d, Credential))
            found = self._absent_credentials = frozenset(names)
        return found | self.configuration.credentials

    def _unexpected_keyword_error(
        self, function: str, name: str, level: Level, configuration: Configuration
    ) -> TypeError:
        """Return the error for an unknown keyword of a client or a request. Loads plugins that do not run, for their keywords.

        function: what was called. configuration: that of the call.
        """
        bodies = configuration.bodies.keywords
        others = [*CALL_KEYWORDS, *bodies] if level == "request" else CLIENT_KEYWORDS
        absent = [
            SelectedPlugin(info.name, None, info.plugin, "disabled")
            for info in self.configuration.plugins.values()
            if info.name not in configuration.plugins
        ]
        absent += self._selection.absent
        return unexpected_keyword_error(
            function,
            name,
            level,
            configuration.table,
            bodies,
            others,
            [(each, partial(keywords_of, each)) for each in absent],
        )


def keywords_of(absent: SelectedPlugin) -> set[str]:
    """Return the names of the options and of the bodies that a plugin that does not run would have."""
    declared = declared_by(absent)
    bodies = {name for body in declared if isinstance(body, Body) for name in body.names}
    return bodies | {option.name for option in declared if isinstance(option, Option)}


def declared_by(absent: SelectedPlugin) -> Sequence[Any]:
    """Return what a plugin that does not run would declare; nothing if it cannot be loaded."""
    try:
        plugin = absent.plugin if absent.entry is None else absent.entry.make_plugin(absent.entry.load_plugin())
        return list(plugin.declare() or ()) if hasattr(plugin, "declare") else ()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # a plugin that cannot be loaded declares nothing; SystemExit included
        return ()
