"""Which plugins a client loads, by its arguments, the environment variables and what is installed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from ..errors import PluginError, PluginTypeError, nearest
from .entry_point import EntryPoint, normalized
from .installed import Environment, installed, required_by_root

Autoload = bool | Literal["default"]


def label(name: str, entry: EntryPoint | None) -> str:
    """Return a plugin in words, for messages: its name, and its distribution if it has one."""
    return f"plugin {name!r}" + (f" ({entry.label})" if entry is not None else "")


class SelectedPlugin(NamedTuple):
    """A plugin that is installed or that the client was given as object, and whether it runs.

    name: unique within the client. entry: its entry point, None for an object. plugin: its object, None if it was not made.
    why: the reason why it does not run, "" if it runs. by: for why="replaced", the plugin that replaces it.
    """

    name: str
    entry: EntryPoint | None
    plugin: Any = None
    why: Literal["", "disabled", "replaced", "optional", "not autoloaded"] = ""
    by: SelectedPlugin | None = None

    @property
    def label(self) -> str:
        """The plugin in words, for messages."""
        return label(self.name, self.entry)

    def matches(self, name: str) -> bool:
        """Is it the name of this plugin or of its distribution?"""
        return self.name == name or (self.entry is not None and self.entry.matches(name))

    def reason(self) -> str:
        """Return why one of its options is not there, as the end of a message."""
        if self.why == "replaced" and self.by is not None:
            by = self.by.entry.label if self.by.entry else self.by.name
            return f"it belongs to plugin {self.name!r}, which is replaced by {by}"
        if self.why == "optional":
            return f"it belongs to the optional plugin {self.name!r}, which plugins=[{self.name!r}] would load"
        if self.why == "not autoloaded":
            return f"it belongs to plugin {self.name!r}, which is not loaded (autoload)"
        return f"it belongs to plugin {self.name!r}, which is disabled"


def object_name(plugin: Any) -> str:
    """Return the name of a plugin object: its attribute `name`, else that of its class or, for a module, its own.

    The name is normalized.
    """
    given = getattr(plugin, "name", None)
    if isinstance(given, str) and given:
        return normalized(given)
    own = plugin.__name__.rpartition(".")[2] if inspect.ismodule(plugin) else type(plugin).__name__
    return normalized(own)


def names_of(plugin: Any, attribute: str) -> tuple[str, ...]:
    """Return the normalized names in `before`, `after` or `replaces` of a plugin or of its class. See `check_names`."""
    value = getattr(plugin, attribute, ())
    if isinstance(value, str):
        value = (value,)
    return tuple(normalized(name) for name in value)


def check_names(plugin: Any, attribute: str, label: str, name: str) -> None:
    """Check that `before`, `after` or `replaces` of a plugin or of its class is a name or a list of names.

    label: the plugin in messages. name: its name.

    Raises: PluginTypeError.
    """
    value = getattr(plugin, attribute, ())
    if isinstance(value, str):
        return
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        wrong = [each for each in value if not isinstance(each, str)]
        if not wrong:
            return
        found = f"{type(value).__name__} with {type(wrong[0]).__name__}"
    else:
        found = type(value).__name__
    raise PluginTypeError(
        f"{label}: {attribute} must be the name of a plugin or a list of names, not {found};"
        f" disable=[{name!r}] leaves it out"
    )


def as_list(given: Iterable[Any] | None, what: str) -> list[Any]:
    """Return an argument as a list of plugins or of their names; None as an empty one.

    what: the beginning of the message, which says what is expected.

    Raises: PluginTypeError, if it is a string or not iterable.
    """
    if given is None:
        return []
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise PluginTypeError(f"{what}, not {'one string' if isinstance(given, str) else type(given).__name__}")
    return list(given)


def as_names(given: Iterable[str] | None, what: str) -> list[str]:
    """Return an argument as a list of names, as `as_list` does.

    Raises: PluginTypeError, also if it contains something else than strings.
    """
    names = as_list(given, what)
    for name in names:
        if not isinstance(name, str):
            raise PluginTypeError(f"{what}; one of them is {type(name).__name__}")
    return names


class Selection:
    """The plugins of one client, selected by the arguments of `HttpClient(...)` and by the environment variables.

    loaded: the plugins that run, with their objects. absent: the others, each with the reason why it does not run.
    """

    def __init__(
        self,
        *,
        plugins: Iterable[Any] | None = None,
        disable: Iterable[str] | None = None,
        require: Iterable[str] | None = None,
        autoload: Autoload = True,
    ) -> None:
        """Select and make the plugins. For the arguments see `HttpClient`.

        Raises: PluginError, for unknown names, arguments that contradict each other, plugins that cannot be loaded, two
        plugins of one name or that replace the same, and a plugin in `require` that does not run; PluginTypeError, for
        arguments of a wrong type.
        """
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
        self._requested = [normalized(name) for name in given if isinstance(name, str)]
        for argument, names in (("disable", self._disable), ("plugins", self._requested), ("require", self._require)):
            self._check_known(argument, names)
        both = set(self._disable) & {*self._requested, *self._require}
        if both:
            raise PluginError(f"{min(both)!r} is in disable= and in plugins= or require=")
        self._disabled_names = {*self._disable, *self._environment.disable}
        if not isinstance(autoload, bool) and autoload != "default":
            raise PluginTypeError(f"autoload= takes True, False or 'default', not {autoload!r}")
        self._autoload: Autoload = False if self._environment.no_autoload else autoload
        if self._autoload == "default":
            required_by_root()  # raises if the distribution is not installed, even if no plugin is
        self.absent: list[SelectedPlugin] = []
        self.loaded: list[SelectedPlugin] = []
        self._select()
        self._check_required()

    def _check_known(self, argument: str, names: Sequence[str]) -> None:
        """Raises: PluginError, for a name of no plugin. argument: the keyword that the names were given with."""
        if not names:  # nearly always
            return
        known = {entry.name for entry in self._entries} | {entry.short_name for entry in self._entries}
        known |= {normalized(entry.distribution) for entry in self._entries} | set(self._objects)
        for name in names:
            if name not in known:
                near = nearest(name, sorted(known))
                hint = f"; did you mean {near!r}?" if near else f"; known are {', '.join(sorted(known)) or 'none'}"
                raise PluginError(f"{argument}=[{name!r}]: no plugin of that name is installed{hint}")

    def _is_disabled_name(self, name: str) -> bool:
        """Is a name that a plugin replaces disabled, by itself or with its distribution?"""
        return name in self._disabled_names or any(e.matches(name) and self._is_disabled(e) for e in self._entries)

    def _is_disabled(self, entry: EntryPoint) -> bool:
        return any(entry.matches(name) for name in self._disabled_names)

    def _is_wanted(self, entry: EntryPoint) -> bool:
        """Is an installed plugin to be loaded, by name or by `autoload`?"""
        named = (*self._requested, *self._require, *self._environment.plugins)
        if any(entry.matches(name) for name in named):
            return True
        if entry.is_optional or self._autoload is False:
            return False
        return self._autoload is True or normalized(entry.distribution) in required_by_root()

    def _select(self) -> None:
        """Set `loaded` and `absent`. A plugin that cannot be imported is no error if another one replaces it."""
        wanted: dict[str, EntryPoint] = {}
        for entry in self._entries:
            if self._is_disabled(entry):
                self.absent.append(SelectedPlugin(entry.name, entry, why="disabled"))
            elif not self._is_wanted(entry):
                self.absent.append(
                    SelectedPlugin(entry.name, entry, why="optional" if entry.is_optional else "not autoloaded")
                )
            elif entry.name in wanted:
                raise PluginError(
                    f"two plugins are named {entry.name!r}: one of {wanted[entry.name].label} and one of {entry.label};"
                    f" uninstall one of them; disable=[{entry.name!r}] leaves out both"
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
            if name in self._disabled_names:
                self.absent.append(SelectedPlugin(name, None, plugin, "disabled"))
            elif name in wanted:
                raise PluginError(
                    f"plugins= contains an object named {name!r}, as is a plugin of {wanted[name].label};"
                    " give the object another `name`"
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
        self._add_replaced(replaced, wanted)

    def _replaced(self, factories: dict[str, Any], wanted: dict[str, EntryPoint]) -> dict[str, str]:
        """Return the names of plugins that are replaced, each with the name of the plugin that replaces it.

        A plugin that replaces a disabled one is removed from `factories`: it is disabled, too.

        Raises: PluginError, if two plugins replace the same one or each other; PluginTypeError, if `replaces` has no names.
        """
        replaced: dict[str, str] = {}
        for name in sorted(factories):
            check_names(factories[name], "replaces", label(name, wanted.get(name)), name)
            replaced_names = names_of(factories[name], "replaces")
            if any(self._is_disabled_name(each) for each in replaced_names):
                self.absent.append(
                    SelectedPlugin(name, wanted.get(name), None if name in wanted else factories[name], "disabled")
                )
                del factories[name]
                continue
            for each in replaced_names:
                targets = [e.name for e in self._entries if e.matches(each)] or [each]
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

    def _add_replaced(self, replaced: dict[str, str], wanted: dict[str, EntryPoint]) -> None:
        """Add the installed plugins that others replace to `absent`."""
        by_name = {found.name: found for found in self.loaded}
        for name, by in replaced.items():
            if name in wanted:
                self.absent.append(SelectedPlugin(name, wanted[name], None, "replaced", by_name.get(by)))

    def _check_required(self) -> None:
        """Raises: PluginError, for a plugin in `require` that does not run."""
        for name in self._require:
            if any(found.matches(name) for found in self.loaded):
                continue
            absent = next((found for found in self.absent if found.matches(name)), None)
            reason = "it does not run" if absent is None else f"it is {absent.why}"
            if absent is not None and absent.by is not None:
                reason += f" by {absent.by.label}"
            raise PluginError(f"require=[{name!r}]: {reason}")


def numbered(objects: Iterable[Any]) -> dict[str, Any]:
    """Return plugin objects by name. A second object of a name gets `#2` appended to it.

    Raises: PluginError, if an object occurs twice.
    """
    found: dict[str, Any] = {}
    for plugin in objects:
        own = object_name(plugin)
        name, number = own, 1
        while name in found:
            if found[name] is plugin:
                raise PluginError(f"plugins= contains the object named {name!r} twice")
            number += 1
            name = f"{own}#{number}"
        found[name] = plugin
    return found
