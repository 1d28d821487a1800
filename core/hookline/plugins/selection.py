"""Which plugins a client gets: from its arguments, the environment and what is installed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from ..errors import PluginError, PluginTypeError, nearest
from .entry_point import EntryPoint, normalized
from .installed import Environment, installed, required_by_root

Autoload = bool | Literal["default"]


def label(name: str, entry: EntryPoint | None) -> str:
    """A plugin in words, for messages."""
    return f"plugin {name!r}" + (f" ({entry.label})" if entry is not None else "")


class SelectedPlugin(NamedTuple):
    """A plugin that a client was given or that is installed, and whether it runs.

    entry: where it comes from; None for an object that was given. plugin: its object; None for one that was not made.
    why: why it does not run, "" where it does. by: the plugin that replaces it.
    """

    name: str
    entry: EntryPoint | None
    plugin: Any = None
    why: Literal["", "disabled", "replaced", "optional", "not autoloaded"] = ""
    by: SelectedPlugin | None = None

    @property
    def label(self) -> str:
        return label(self.name, self.entry)

    def answers_to(self, name: str) -> bool:
        """Does the name mean this plugin, or the plugins of its distribution?"""
        return self.name == name or (self.entry is not None and self.entry.answers_to(name))

    def reason(self) -> str:
        """The end of a sentence about one of its keywords."""
        if self.why == "replaced" and self.by is not None:
            return f"belongs to {self.name!r}, replaced by {self.by.entry.label if self.by.entry else self.by.name}"
        if self.why == "optional":
            return f"it belongs to the optional plugin {self.name!r}, which plugins=[{self.name!r}] would load"
        if self.why == "not autoloaded":
            return f"it belongs to plugin {self.name!r}, which is not loaded (autoload)"
        return f"it belongs to plugin {self.name!r}, which is disabled"


def object_name(plugin: Any) -> str:
    """The name of a plugin object: its `name`, else its class (a module: its own name), in lower case."""
    given = getattr(plugin, "name", None)
    if isinstance(given, str) and given:
        return normalized(given)
    own = plugin.__name__.rpartition(".")[2] if inspect.ismodule(plugin) else type(plugin).__name__
    return normalized(own)


def names_of(plugin: Any, attribute: str) -> tuple[str, ...]:
    """The names in `before`, `after` or `replaces` of a plugin or its class."""
    value = getattr(plugin, attribute, ())
    if isinstance(value, str):
        value = (value,)
    return tuple(normalized(name) for name in value)


def as_list(given: Iterable[Any] | None, what: str) -> list[Any]:
    """Plugins, or names of plugins; None is none. what: the beginning of the message for what is no list.

    Raises: PluginTypeError.
    """
    if given is None:
        return []
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise PluginTypeError(f"{what}, not {'one string' if isinstance(given, str) else type(given).__name__}")
    return list(given)


def as_names(given: Iterable[str] | None, what: str) -> list[str]:
    """The same for names alone. Raises: PluginTypeError."""
    names = as_list(given, what)
    for name in names:
        if not isinstance(name, str):
            raise PluginTypeError(f"{what}; one of them is {type(name).__name__}")
    return names


class Selection:
    """What `HttpClient(...)` asked for, worked out. `loaded` run, `absent` do not."""

    def __init__(
        self,
        *,
        plugins: Iterable[Any] | None = None,
        disable: Iterable[str] | None = None,
        require: Iterable[str] | None = None,
        autoload: Autoload = True,
    ) -> None:
        self._entries = installed()
        self._environment = Environment.read()
        what = "plugins=, disable= and require= take lists of names"
        given = as_list(plugins, what)
        objects = [plugin for plugin in given if not isinstance(plugin, str)]
        for plugin in objects:
            if inspect.isclass(plugin):
                raise PluginError(f"plugins=[{plugin.__name__}] names a class; give an object: {plugin.__name__}()")
        self._objects = numbered(objects)
        self._disable = [normalized(name) for name in as_names(disable, what)]
        self._require = [normalized(name) for name in as_names(require, what)]
        self._asked = [normalized(name) for name in given if isinstance(name, str)]
        for argument, names in (("disable", self._disable), ("plugins", self._asked), ("require", self._require)):
            self._check_known(argument, names)
        both = set(self._disable) & {*self._asked, *self._require}
        if both:
            raise PluginError(f"{min(both)!r} stands in disable= and in plugins= or require=")
        self._left_out = {*self._disable, *self._environment.disable}
        if not isinstance(autoload, bool) and autoload != "default":
            raise PluginTypeError(f"autoload= takes True, False or 'default', not {autoload!r}")
        self._autoload: Autoload = False if self._environment.no_autoload else autoload
        if self._autoload == "default":
            required_by_root()  # fails where the defaults are not there, even when no plugin is
        self.absent: list[SelectedPlugin] = []
        self.loaded: list[SelectedPlugin] = []
        self._select()
        self._check_required()

    def _check_known(self, argument: str, names: Sequence[str]) -> None:
        if not names:  # as nearly always
            return
        known = {entry.name for entry in self._entries} | {entry.short_name for entry in self._entries}
        known |= {normalized(entry.distribution) for entry in self._entries} | set(self._objects)
        for name in names:
            if name not in known:
                near = nearest(name, sorted(known))
                hint = f"; did you mean {near!r}?" if near else f"; known are {', '.join(sorted(known)) or 'none'}"
                raise PluginError(f"{argument}=[{name!r}]: no plugin of that name is installed{hint}")

    def _names_left_out(self, role: str) -> bool:
        """Is what a plugin replaces left out by name, or with all of its distribution?"""
        return role in self._left_out or any(e.answers_to(role) and self._is_left_out(e) for e in self._entries)

    def _is_left_out(self, entry: EntryPoint) -> bool:
        return any(entry.answers_to(name) for name in self._left_out)

    def _wanted(self, entry: EntryPoint) -> bool:
        asked = (*self._asked, *self._require, *self._environment.plugins)
        if any(entry.answers_to(name) for name in asked):
            return True
        if entry.is_optional or self._autoload is False:
            return False
        return self._autoload is True or normalized(entry.distribution) in required_by_root()

    def _select(self) -> None:
        wanted: dict[str, EntryPoint] = {}
        for entry in self._entries:
            if self._is_left_out(entry):
                self.absent.append(SelectedPlugin(entry.name, entry, why="disabled"))
            elif not self._wanted(entry):
                self.absent.append(
                    SelectedPlugin(entry.name, entry, why="optional" if entry.is_optional else "not autoloaded")
                )
            elif entry.name in wanted:
                raise PluginError(
                    f"two plugins are named {entry.name!r}: of {wanted[entry.name].label} and of {entry.label};"
                    f" uninstall one, or disable=[{entry.name!r}] leaves out both"
                )
            else:
                wanted[entry.name] = entry
        factories: dict[str, Any] = {}
        failures: dict[str, PluginError] = {}
        for name, entry in wanted.items():
            try:
                factories[name] = entry.load_plugin()
            except PluginError as error:
                failures[name] = error
        for name, plugin in self._objects.items():
            if name in self._left_out:
                self.absent.append(SelectedPlugin(name, None, plugin, "disabled"))
            elif name in wanted:
                raise PluginError(
                    f"plugins= brings an object named {name!r}, and {wanted[name].label} has one; give it a `name`"
                )
            else:
                factories[name] = plugin
        replaced = self._replaced(factories, wanted)
        for name in failures:
            if name not in replaced:
                raise failures[name]
        for name, factory in factories.items():
            if name not in replaced:
                found = wanted.get(name)
                self.loaded.append(
                    SelectedPlugin(name, found, factory if found is None else found.make_plugin(factory))
                )
        self._note_replaced(replaced, wanted)

    def _replaced(self, factories: dict[str, Any], wanted: dict[str, EntryPoint]) -> dict[str, str]:
        """Who is replaced by whom. A plugin that replaces what is disabled is left out with it."""
        replaced: dict[str, str] = {}
        for name in sorted(factories):
            roles = names_of(factories[name], "replaces")
            if any(self._names_left_out(role) for role in roles):
                self.absent.append(
                    SelectedPlugin(name, wanted.get(name), None if name in wanted else factories[name], "disabled")
                )
                del factories[name]
                continue
            for role in roles:
                targets = [e.name for e in self._entries if e.answers_to(role)] or [role]
                for target in targets:
                    if target in replaced:
                        first, second = replaced[target], name
                        raise PluginError(
                            f"{label(first, wanted.get(first))} and {label(second, wanted.get(second))} both replace"
                            f" {target!r}; disable one of them"
                        )
                    if replaced.get(name) == target:
                        raise PluginError(
                            f"{label(name, wanted.get(name))} and {label(target, wanted.get(target))} replace each other;"
                            " disable one of them"
                        )
                    if target != name:
                        replaced[target] = name
        return replaced

    def _note_replaced(self, replaced: dict[str, str], wanted: dict[str, EntryPoint]) -> None:
        by_name = {found.name: found for found in self.loaded}
        for name, by in replaced.items():
            if name in wanted:
                self.absent.append(SelectedPlugin(name, wanted[name], None, "replaced", by_name.get(by)))

    def _check_required(self) -> None:
        for name in self._require:
            if any(found.answers_to(name) for found in self.loaded):
                continue
            why = next((absent for absent in self.absent if absent.answers_to(name)), None)
            reason = "it is not there" if why is None else f"it is {why.why}"
            if why is not None and why.by is not None:
                reason += f" by {why.by.label}"
            raise PluginError(f"require=[{name!r}]: {reason}")


def numbered(objects: Iterable[Any]) -> dict[str, Any]:
    """Plugin objects by name; a second one of a name gets `#2`.

    Raises: PluginError, for one object given twice.
    """
    found: dict[str, Any] = {}
    for plugin in objects:
        own = object_name(plugin)
        name, number = own, 1
        while name in found:
            if found[name] is plugin:
                raise PluginError(f"plugins= brings the object named {name!r} twice")
            number += 1
            name = f"{own}#{number}"
        found[name] = plugin
    return found
