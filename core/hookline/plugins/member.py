"""A plugin as one profile sees it: its implementations of each event, and what it declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import PluginError
from ..hooks.declarations import Declaration
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS
from .manager import Manager

if TYPE_CHECKING:
    from .selection import Loaded


class Member:
    """A plugin as one profile sees it."""

    __slots__ = ("declarations", "implementations", "label", "loaded", "name", "plugin")

    def __init__(self, manager: Manager, name: str, plugin: Any, loaded: Loaded | None) -> None:
        self.name = name
        self.plugin = plugin
        self.label = manager.label(name)
        self.loaded = loaded
        self.implementations = {event: manager.implementations(event).get(name, []) for event in EVENTS}
        self.declarations = [
            d for i in manager.implementations("declare").get(name, []) for d in declared(i, self.label)
        ]

    def of(self, kind: type[Any]) -> list[Any]:
        return [declaration for declaration in self.declarations if isinstance(declaration, kind)]


def declared(implementation: Implementation, label: str) -> list[Declaration]:
    """What a plugin declares.

    Raises: PluginError.
    """
    try:
        found = list(implementation.function() or ())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # see Entry.load
        raise PluginError(
            f"{label}: declare failed: {type(error).__name__}: {error}; disable=[{implementation.plugin!r}] leaves it out"
        ) from error
    for declaration in found:
        if not isinstance(declaration, Declaration):
            raise PluginError(f"{label}: declare gave {type(declaration).__name__}, which declares nothing")
    return found


def members_of(manager: Manager, loaded: Iterable[Loaded]) -> list[Member]:
    """All plugins that are registered."""
    known = {found.name: found for found in loaded}
    return [
        Member(manager, name, plugin, known.get(name))
        for name, plugin in manager.list_name_plugin()
        if plugin is not None
    ]
