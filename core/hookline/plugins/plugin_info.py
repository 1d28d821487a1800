"""One plugin of a client: what it is, its implementations of each event, and what it declares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import PluginError
from ..hooks.declarations import Declaration, Option
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS, Conditions
from .entry_point import EntryPoint
from .manager import Manager
from .selection import SelectedPlugin


class PluginInfo:
    """One plugin of a client.

    name: unique within the client. distribution, version: where it comes from; None for an object that was given to the
    client. plugin: the object. hooks: the events that it implements. options: the names of those that it declares.
    """

    __slots__ = ("declarations", "entry", "implementations", "label", "name", "plugin")

    def __init__(self, manager: Manager, name: str, plugin: Any, entry: EntryPoint | None) -> None:
        self.name = name
        self.plugin = plugin
        self.label = manager.label(name)
        self.entry = entry
        self.implementations = {event: manager.implementations(event).get(name, []) for event in EVENTS}
        self.declarations = [
            d for i in manager.implementations("declare").get(name, []) for d in declared(i, self.label)
        ]

    @property
    def distribution(self) -> str | None:
        return None if self.entry is None else self.entry.distribution

    @property
    def version(self) -> str | None:
        return None if self.entry is None else self.entry.version

    @property
    def hooks(self) -> tuple[str, ...]:
        return tuple(event for event in EVENTS if self.implementations[event])

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(option.name for option in self.of(Option))

    def of(self, kind: type[Any]) -> list[Any]:
        """What it declares of one kind, such as `Option`."""
        return [declaration for declaration in self.declarations if isinstance(declaration, kind)]

    def answers_to(self, names: Iterable[str]) -> bool:
        """Does one of the names mean this plugin, or the plugins of its distribution?"""
        return self.name in names or (self.entry is not None and any(map(self.entry.answers_to, names)))

    @property
    def runs_for(self) -> tuple[str, ...]:
        """What gives it something to do at pre_request, as `option auth`; empty for one that does not sleep there."""
        found = [implementation.conditions for implementation in self.implementations["pre_request"]]
        if not all(conditions.has_request_conditions for conditions in found):
            return ()
        every = (f"{kind} {name}" for each in found for kind, names in conditions_in_words(each) for name in names)
        return tuple(dict.fromkeys(every))

    def __repr__(self) -> str:
        return f"<PluginInfo {self.label}>"


def conditions_in_words(conditions: Conditions) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What wakes an implementation that may sleep: of each kind, the names."""
    switch = (conditions.switch,) if conditions.switch else ()
    found = (
        ("option", tuple(sorted(conditions.options or ()))),
        ("field", tuple(sorted(conditions.fields or ()))),
        ("switch", switch),
    )
    return tuple((kind, names) for kind, names in found if names)


def in_words(conditions: Conditions) -> str:
    """`option auth or proxies, field expect or switch has_jar`."""
    kinds = [f"{kind} {listed(names)}" for kind, names in conditions_in_words(conditions)]
    return listed(kinds) or "something else wakes it"


def listed(texts: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def declared(implementation: Implementation, label: str) -> list[Declaration]:
    """What a plugin declares.

    Raises: PluginError.
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
            raise PluginError(f"{label}: declare gave {type(declaration).__name__}, which declares nothing")
    return found


def registered(manager: Manager, selected: Iterable[SelectedPlugin]) -> list[PluginInfo]:
    """All plugins that are registered. selected: where they come from, where that is known."""
    entries = {found.name: found.entry for found in selected}
    return [
        PluginInfo(manager, name, plugin, entries.get(name))
        for name, plugin in manager.list_name_plugin()
        if plugin is not None
    ]
