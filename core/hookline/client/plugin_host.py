"""The plugins, handlers and options of a client, and of calls that disable or add plugins."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from multidict import CIMultiDict, getversion

from ..errors import PluginError, nearest
from ..hooks.declarations import Body, Credential, Option
from ..hooks.handlers import Event
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS
from ..hooks.stage import call_all
from ..network.loop_resources import Closer
from ..plugins.entry_point import EntryPoint, normalized
from ..plugins.option_table import Level, Setting
from ..plugins.plugin_info import CANNOT_BE_LEFT_OUT, PluginInfo, named
from ..plugins.registry import Registry
from ..plugins.selection import Selection, as_list, as_names, clash, precedence
from .attributes import ClientAttributes
from .configuration import CALL_KEYWORDS, Configuration, ConfiguredClient
from .hookspecs import SPECIFICATIONS

if TYPE_CHECKING:
    from .plugin_list import Plugins

CLIENT_KEYWORDS = (
    "base_url", "params", "headers", "pool_size", "max_connections", "resolver", "parser", "keep_alive",
    "close_connections", "loop", "client_version", "logger", "plugins", "disable", "require", "autoload",
    "broken_plugins",
)  # fmt: skip

_warned_of: set[EntryPoint | None] = set()  # the broken plugins that this process has warned of


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
        self._registry = Registry(SPECIFICATIONS, self._check_configuration)

    @property
    def _client(self) -> ConfiguredClient:
        return cast("ConfiguredClient", self)

    def _register(self) -> None:
        """Register the selected plugins. If the client skips broken plugins, those that do not fit the others are broken, too.

        Raises: PluginError.
        """
        while (found := self._find_broken()) is not None:
            self._selection.skip(*found)  # raises the error, unless the client skips broken plugins
            self._registry = Registry(SPECIFICATIONS, self._check_configuration)
        for info in self._selection.absent:
            if info.why == "broken" and info.entry not in _warned_of:
                _warned_of.add(info.entry)
                self._client.logger.warning("a broken plugin is skipped: %s", info.error)

    def _find_broken(self) -> tuple[PluginInfo, PluginError] | None:
        """Register the selected plugins, up to the first that cannot be used. Return it with the error, None if there is none."""
        for info in self._selection.loaded:
            try:
                self._registry.add(info)
            except PluginError as error:
                return info, error
        if self._selection.skips_broken:
            try:
                _ = self.configuration
            except Exception:
                found = self._find_misfit()
                if found is None:  # then it is a value that the client was given
                    raise
                return found
        return None

    def _find_misfit(self) -> tuple[PluginInfo, PluginError] | None:
        """Return the first plugin that does not fit those before it, by `precedence`, with the error; None if all fit."""
        fitting: list[PluginInfo] = []
        Configuration(self._client, fitting, self._handlers(), {})
        for info in sorted(self._selection.loaded, key=precedence):
            try:
                info.declare()
                Configuration(self._client, [*fitting, info], self._handlers(), {})
            except PluginError as error:
                return info, error
            except Exception as error:  # noqa: BLE001  # whatever follows from what the plugin declares
                found = PluginError(f"{info.label}: what it declares cannot be used: {type(error).__name__}: {error}")
                found.__cause__ = error
                return info, found
            fitting.append(info)
        return None

    def _renew_configuration(self) -> None:
        """Have the next request make a new configuration: a handler was bound or removed."""
        self._configuration = None

    def _check_configuration(self, added: PluginInfo | None = None) -> None:
        """Make a new configuration: a plugin was registered or unregistered. added: the one that was registered.

        It is made at once, so that `register` raises the error. While the client is being constructed it is not made yet.

        Raises: PluginError, TypeError; what `attached` of the plugin raises.
        """
        self._configuration = None
        if self._client._ready:
            _ = self.configuration
            if added is not None:
                self._attach(added.implementations.get("attached", ()))

    def _attach(self, implementations: Iterable[Implementation]) -> None:
        """Run `attached` of plugins that were registered. Raises: what one of them raises."""
        call_all(implementations, {"client": self})

    def _closed_hooks(self) -> Closer | None:
        """Return what runs `closed` of all plugins; None if no plugin implements it."""
        has_any = any("closed" in info.implementations for info in self._registry.infos.values())
        return self._run_closed_hooks if has_any else None

    async def _run_closed_hooks(self) -> None:
        """Run `closed` of all plugins in order. The exception handler of the loop gets what one raises."""
        for implementation in self.configuration.of_hook("closed"):
            try:
                result = implementation.call_with({"client": self})
                if inspect.isawaitable(result):
                    await result
            except Exception as error:  # noqa: BLE001  # a plugin's; the others still run
                message = f"closed of {implementation.owner} failed"
                asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})

    @property
    def configuration(self) -> Configuration:
        """The configuration by the present plugins, handlers, options and default fields.

        Raises: PluginError, TypeError, ValueError, if they do not fit together.

        Example::

            from hookline import HttpClient

            client = HttpClient()
            print("timeout" in client.configuration.options)
        """
        found = self._configuration
        if found is None or self._headers_version != self._version(self.headers):
            self._configuration = None  # so that after an error each call raises it again
            self._variants.clear()
            self._client._apply_removed_headers()
            version = self._version(self.headers)
            found = Configuration(self._client, self._registry.declare_all(), self._handlers(), self._values)
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
        disabled = frozenset(as_names(disable, what))
        added = tuple(as_list(plugins, what))
        key = (disabled, tuple(each if isinstance(each, str) else id(each) for each in added))
        if key in self._variants:
            return self._variants[key][0]
        self._selection.check_known("disable", sorted(disabled - base.plugins.keys()))
        left_out = {name: info for name, info in base.plugins.items() if info.is_left_out_by(disabled)}
        for info in left_out.values():
            if info.is_required:
                raise PluginError(f"disable={sorted(disabled)}: {info.label} {CANNOT_BE_LEFT_OUT}")
        kept = [info for name, info in base.plugins.items() if name not in left_out]
        running = [*kept, *self._added_plugins(added, base.plugins)]
        configuration = Configuration(self._client, running, self._handlers(), self._values, left_out.values())
        if len(self._variants) >= 64:
            self._variants.clear()
        self._variants[key] = (configuration, added)  # with the objects, so that no other object gets one of their ids
        return configuration

    def _added_plugins(self, added: Iterable[Any], running: Mapping[str, PluginInfo]) -> list[PluginInfo]:
        """Return the plugins that a call adds: objects, or names of plugins that are installed and do not run.

        running: those of the client, by name.

        Raises: PluginError.
        """
        registry = Registry(SPECIFICATIONS, lambda added: None)
        for name, plugin in named((each for each in added if not isinstance(each, str)), running).items():
            registry.register(plugin, name)
        names = [normalized(each) for each in added if isinstance(each, str)]
        requested = [name for name in names if name not in running]
        self._selection.check_known("plugins", requested)
        for absent in self._selection.absent:
            if absent.entry is not None and not absent.names.isdisjoint(requested):
                if absent.name in running:
                    raise clash(running[absent.name], absent)
                if absent.plugin is None:  # one object for all calls of the client
                    absent.plugin = absent.entry.make_plugin(absent.entry.load_plugin())
                registry.add(PluginInfo(absent.name, absent.entry, absent.plugin))
        found = registry.declare_all()
        for info in found:
            info.check_replaces(running.values())
        return found

    @property
    def plugins(self) -> Plugins:
        """The plugins of this client, in order.

        Example: docs/plugins/replacing.md#disabling-a-plugin
        """
        from .plugin_list import Plugins

        return Plugins(self.configuration, tuple(self._selection.absent), self._registry)

    def event(self, name: str) -> Event:
        """Return an event, to bind handlers to it that run in every exchange of this client.

        Raises: PluginError, for a name that is no event.

        Example: docs/events.md#events
        """
        found = self._events.get(name)
        return found if found is not None else Event(name, self._renew_configuration)

    def _credential_fields(self) -> frozenset[str]:
        """Return the names, in lower case, of the fields that plugins declare to carry credentials.

        Plugins that do not run count too, but for optional ones, because a user may set their fields himself.
        """
        if self._absent_credentials is None:
            absent = [info for info in self._selection.absent if info.why != "optional"]
            declared = (each for info in absent for each in info.would_declare())
            self._absent_credentials = frozenset(each.name.lower() for each in declared if isinstance(each, Credential))
        return self._absent_credentials | self.configuration.credentials

    def _unexpected_keyword_error(
        self, function: str, name: str, level: Level, configuration: Configuration
    ) -> TypeError:
        """Return the error for an unknown keyword of a client or a request. Loads plugins that do not run, for their keywords.

        function: what was called. configuration: that of the call.
        """
        what = f"{function}() got an unexpected keyword {name!r}"
        if name in configuration.table.keywords:
            other = "client" if level == "request" else "request"
            return TypeError(f"{what}: it is an option of the {other} only")
        if name in CALL_KEYWORDS:
            where = "calls only" if level == "client" else "the method that makes a request"
            return TypeError(f"{what}: it is for {where}")
        bodies = configuration.bodies.keywords
        if name in bodies:
            return TypeError(f"{what}: it is the body of a request")
        running = self.configuration.plugins
        left_out = [info for name, info in running.items() if name not in configuration.plugins]
        for info in (*left_out, *self._selection.absent):
            if any(name in keywords_of(declared) for declared in info.would_declare()):
                return TypeError(f"{what}: {info.why_absent()}")
        others = [*CALL_KEYWORDS, *bodies] if level == "request" else CLIENT_KEYWORDS
        near = nearest(name, [*configuration.table.names(level), *others])
        if near is not None:
            return TypeError(f"{what}. Did you mean {near!r}?")
        broken = [info.name for info in self._selection.absent if info.why == "broken"]
        hint = f"; skipped, because they are broken: {', '.join(broken)}" if broken else ""
        return TypeError(f"{what}: neither core nor an installed plugin has this option{hint}")


def keywords_of(declared: Any) -> tuple[str, ...]:
    """Return the keywords that a declaration brings."""
    if isinstance(declared, Body):
        return declared.names
    return (declared.name,) if isinstance(declared, Option) else ()
