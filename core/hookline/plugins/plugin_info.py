"""One plugin of a client: its name, where it comes from, its implementations and what it declares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import PluginError
from ..hooks.declarations import Body, Declaration, MediaType, Option
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS, Conditions
from .entry_point import EntryPoint
from .manager import Manager
from .selection import SelectedPlugin


class PluginInfo:
    """One plugin of a client, as `client.plugins` lists it.

    name: unique within the client. plugin: the object. label: the plugin in words, for messages.
    entry: its entry point, None for an object that was given to the client.
    implementations: its implementations of each event, by the name of the event. declarations: what it declares.
    """

    __slots__ = ("declarations", "entry", "implementations", "label", "name", "plugin")

    def __init__(self, manager: Manager, name: str, plugin: Any, entry: EntryPoint | None) -> None:
        self.name = name
        self.plugin = plugin
        self.label = manager.label(name)
        self.entry = entry
        self.implementations = {event: manager.implementations(event).get(name, []) for event in EVENTS}
        self.declarations = [
            d for i in manager.implementations("declare").get(name, []) for d in call_declare(i, self.label)
        ]

    @property
    def distribution(self) -> str | None:
        """The name of its distribution, None for an object that was given to the client."""
        return None if self.entry is None else self.entry.distribution

    @property
    def version(self) -> str | None:
        """The version of its distribution, None for an object that was given to the client."""
        return None if self.entry is None else self.entry.version

    @property
    def hooks(self) -> tuple[str, ...]:
        """The names of the events that it implements."""
        return tuple(event for event in EVENTS if self.implementations[event])

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the options that it declares."""
        return tuple(option.name for option in self.of(Option))

    @property
    def bodies(self) -> tuple[str, ...]:
        """The keywords of the bodies that it encodes."""
        return tuple(name for body in self.of(Body) for name in body.names)

    @property
    def media_types(self) -> tuple[str, ...]:
        """The media types that it decodes."""
        return tuple(name for found in self.of(MediaType) for name in found.names)

    def of(self, kind: type[Any]) -> list[Any]:
        """Return its declarations of one kind, such as `Option`."""
        return [declaration for declaration in self.declarations if isinstance(declaration, kind)]

    def matches_any(self, names: Iterable[str]) -> bool:
        """Is one of the names that of this plugin or of its distribution?"""
        return self.name in names or (self.entry is not None and any(map(self.entry.matches, names)))

    @property
    def runs_for(self) -> tuple[str, ...]:
        """The preconditions for which its `pre_request` runs, such as `option auth`; empty if it has none and always runs."""
        found = [implementation.conditions for implementation in self.implementations["pre_request"]]
        if not all(conditions.has_request_conditions for conditions in found):
            return ()
        words = (f"{kind} {name}" for each in found for kind, names in names_by_kind(each) for name in names)
        return tuple(dict.fromkeys(words))

    def __eq__(self, other: object) -> bool:
        """A client makes new infos when its plugins or handlers change; those of the same plugin are equal."""
        if not isinstance(other, PluginInfo):
            return NotImplemented
        return self.plugin is other.plugin and self.name == other.name and self.entry == other.entry

    def __hash__(self) -> int:
        return hash((self.name, id(self.plugin)))

    def __repr__(self) -> str:
        shown = ("name", "distribution", "version", "hooks", "options", "plugin")
        return f"PluginInfo({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def names_by_kind(conditions: Conditions) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the preconditions of pre_request: for each kind (option, field, switch) that is given, its names."""
    switch = (conditions.switch,) if conditions.switch else ()
    found = (
        ("option", tuple(sorted(conditions.options or ()))),
        ("field", tuple(sorted(conditions.fields or ()))),
        ("switch", switch),
    )
    return tuple((kind, names) for kind, names in found if names)


def conditions_in_words(conditions: Conditions) -> str:
    """Return the preconditions of pre_request in words: `option auth or proxies, field expect or switch has_jar`."""
    kinds = [f"{kind} {join_with_or(names)}" for kind, names in names_by_kind(conditions)]
    return join_with_or(kinds) or "no option, field or switch"


def join_with_or(texts: Sequence[str]) -> str:
    """Return texts as `a, b or c`; "" if there are none."""
    return " or ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def call_declare(implementation: Implementation, label: str) -> list[Declaration]:
    """Call `declare` of a plugin and return its declarations. label: the plugin in messages.

    Raises: PluginError, if it raises or returns something else.
    """
    try:
        found = list(implementation.function() or ())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # see EntryPoint.load_plugin
        raise PluginError(
            f"{label}: declare failed: {type(error).__name__}: {error}; disable=[{implementation.plugin!r}] leaves it out"
        ) from error
    for declaration in found:
        if not isinstance(declaration, Declaration):
            raise PluginError(f"{label}: declare returned {type(declaration).__name__}, which is no declaration")
    return found


def registered_plugins(manager: Manager, selected: Iterable[SelectedPlugin]) -> list[PluginInfo]:
    """Return all plugins that are registered with a manager. selected: those of them whose entry points are known."""
    entries = {found.name: found.entry for found in selected}
    return [
        PluginInfo(manager, name, plugin, entries.get(name))
        for name, plugin in manager.list_name_plugin()
        if plugin is not None
    ]
