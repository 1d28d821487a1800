"""The plugins of a client, and of each call that leaves some out or adds some."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from multidict import CIMultiDict, getversion

from ..exchange.transfers import TRANSFERS
from ..hooks.declarations import Credential, Option
from ..hooks.handlers import Event
from ..hooks.markers import EVENTS
from ..plugins.entry_point import normalized
from ..plugins.manager import Manager
from ..plugins.option_table import Setting, unexpected_keyword_error
from ..plugins.plugin_info import PluginInfo, registered
from ..plugins.selection import SelectedPlugin, Selection, as_list, as_names, label, names_of, numbered, object_name
from .attributes import ClientAttributes
from .configuration import Configuration, ConfiguredClient
from .hookspecs import Specifications
from .plugin_list import Plugins

CALL_KEYWORDS = ("params", "headers", "data", "json", "files", "plugins", "disable", *EVENTS, *TRANSFERS)
CLIENT_KEYWORDS = (
    "base_url", "params", "headers", "pool_size", "max_connections", "resolver", "parser", "keep_alive",
    "close_connections", "loop", "client_version", "logger", "plugins", "disable", "require", "autoload",
)  # fmt: skip


class PluginHost(ClientAttributes):
    """See the module. The part of an HttpClient that knows its plugins, its handlers and its options."""

    headers: CIMultiDict[str]
    _version: Callable[[Any], int] = staticmethod(getversion)

    def __init__(self, selection: Selection, values: Mapping[str, Any]) -> None:
        """values: what the client was given for its options."""
        self._selection = selection
        self._values = {name: Setting(value) for name, value in values.items()}
        self._events = {event: Event(event, self._renew_configuration) for event in EVENTS}
        self._configuration: Configuration | None = None
        self._headers_version = -1
        self._variants: dict[Hashable, tuple[Configuration, object]] = {}
        self._absent_credentials: frozenset[str] | None = None
        self._loaded_for_calls: dict[
            str, Any
        ] = {}  # plugins that a call asked for by name; one object each, as for the others
        self._manager = Manager(Specifications, self._check_configuration)

    @property
    def _client(self) -> ConfiguredClient:
        return cast("ConfiguredClient", self)

    def _register(self) -> None:
        """Register what was selected.

        Raises: PluginError.
        """
        for found in self._selection.loaded:
            self._manager.register(found.plugin, found.name, label=found.label)

    def _renew_configuration(self) -> None:
        """A plugin or a handler came or went: the next request sees it."""
        self._configuration = None

    def _check_configuration(self) -> None:
        """The profile is made at once where a plugin comes or goes later on, so that what does not fit shows there.

        Raises: PluginError, TypeError.
        """
        self._configuration = None
        if "_ready" in self.__dict__:
            _ = self.configuration

    @property
    def configuration(self) -> Configuration:
        """What follows from the plugins, the handlers and the defaults of now."""
        found = self._configuration
        if found is None or self._headers_version != self._version(self.headers):
            self._configuration = None  # where something does not fit, each call says so
            self._variants.clear()
            self._client._apply_removed_headers()
            version = self._version(self.headers)
            members = registered(self._manager, self._selection.loaded)
            found = Configuration(self._client, members, self._handlers(), self._values)
            self._configuration, self._headers_version = found, version  # together, and not where the making fails
        return found

    def _handlers(self) -> dict[str, Any]:
        return {name: event.implementations for name, event in self._events.items()}

    def _variant(self, disable: Iterable[str] | None, plugins: Iterable[Any] | None) -> Configuration:
        """The profile of a call that leaves out or adds plugins."""
        base = self.configuration
        what = "plugins= and disable= take lists"
        out = frozenset(normalized(name) for name in as_names(disable, what))
        extra = tuple(as_list(plugins, what))
        key = (out, tuple(name if isinstance(name, str) else id(name) for name in extra))
        if key in self._variants:
            return self._variants[key][0]
        silent = {
            name
            for name, member in base.plugins.items()
            if member.answers_to(out) or not out.isdisjoint(names_of(member.plugin, "replaces"))
        }
        unknown = out - silent - {name for wanted in out for name in [wanted] if self._is_known(wanted)}
        if unknown:
            self._selection._check_known("disable", sorted(unknown))
        kept = [member for name, member in base.plugins.items() if name not in silent]
        profile = Configuration(
            self._client,
            [*kept, *self._extra_members(extra, base)],
            self._handlers(),
            self._values,
            [base.plugins[n] for n in silent],
        )
        if len(self._variants) >= 64:
            self._variants.clear()
        self._variants[key] = (profile, extra)  # the objects live as long as their ids are keys
        return profile

    def _is_known(self, name: str) -> bool:
        return any(absent.answers_to(name) for absent in self._selection.absent)

    def _extra_members(self, extra: tuple[Any, ...], base: Configuration) -> list[PluginInfo]:
        manager = Manager(Specifications, lambda: None)
        for plugin in numbered(p for p in extra if not isinstance(p, str)).values():
            own = name = object_name(plugin)
            number = 1
            while name in base.plugins or manager.get_plugin(name) is not None:
                number += 1
                name = f"{own}#{number}"
            manager.register(plugin, name)
        for name in (p for p in extra if isinstance(p, str)):
            if normalized(name) not in base.plugins:
                self._selection._check_known("plugins", [normalized(name)])
                for absent in self._selection.absent:
                    entry = absent.entry
                    if entry is not None and entry.answers_to(name):
                        if entry.name not in self._loaded_for_calls:
                            self._loaded_for_calls[entry.name] = entry.make_plugin(entry.load_plugin())
                        manager.register(self._loaded_for_calls[entry.name], entry.name, label=label(entry.name, entry))
        return registered(manager, ())

    @property
    def plugins(self) -> Plugins:
        """The plugins of this client, in order."""
        return Plugins(self.configuration, tuple(self._selection.absent), self._manager)

    def event(self, name: str) -> Event:
        """The handlers that are bound to an event of every exchange.

        Raises: PluginError, for a name that is no event.
        """
        found = self._events.get(name)
        return found if found is not None else Event(name, self._renew_configuration)

    def _credential_fields(self) -> frozenset[str]:
        """The fields that plugins declare to carry credentials, in lower case: those too that do not run here."""
        found = self._absent_credentials
        if found is None:
            asked = [absent for absent in self._selection.absent if absent.why != "optional"]
            names = (d.name.lower() for absent in asked for d in declared_by(absent) if isinstance(d, Credential))
            found = self._absent_credentials = frozenset(names)
        return found | self.configuration.credentials

    def _unexpected_keyword_error(self, function: str, name: str, where: str, profile: Configuration) -> TypeError:
        """The error for a keyword that nobody takes; only here plugins that do not run are asked what they declare."""
        others = CALL_KEYWORDS if where == "request" else CLIENT_KEYWORDS
        absent = [
            SelectedPlugin(m.name, None, m.plugin, "disabled")
            for n, m in self.configuration.plugins.items()
            if n not in profile.plugins
        ]
        absent += self._selection.absent
        return unexpected_keyword_error(
            function, name, where, profile.table, others, [(a, partial(options_of, a)) for a in absent]
        )


def options_of(absent: SelectedPlugin) -> Mapping[str, Option]:
    """The options that a plugin would have."""
    return {option.name: option for option in declared_by(absent) if isinstance(option, Option)}


def declared_by(absent: SelectedPlugin) -> Sequence[Any]:
    """What a plugin that does not run would declare; nothing when it cannot be loaded."""
    try:
        plugin = absent.plugin if absent.entry is None else absent.entry.make_plugin(absent.entry.load_plugin())
        return list(plugin.declare() or ()) if hasattr(plugin, "declare") else ()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # a broken plugin declares nothing, and ends no program either
        return ()
