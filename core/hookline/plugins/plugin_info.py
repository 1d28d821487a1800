"""One plugin of a client: its name, where it comes from, whether it runs, its implementations and what it declares."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterable
from itertools import count
from typing import Any, Literal

from ..errors import PluginError, PluginTypeError
from ..hooks.declarations import Body, Declaration, MediaType, Option, kind_of
from ..hooks.implementation import Implementation
from ..hooks.markers import HOOKS
from .entry_point import EntryPoint, how_to_disable, normalized, plugin_error

Reason = Literal["", "disabled", "replaced", "optional", "not autoloaded", "broken"]  # why a plugin does not run

CANNOT_BE_LEFT_OUT = "stands in require= of the client and cannot be left out"  # the end of a message


class PluginInfo:
    """One plugin, as `client.plugins` and `client.plugins.absent` list it.

    name: unique within the client. names: those by which users call it, its own and those of its distribution, normalized.
    label: the plugin in words, for messages.
    entry, distribution, version: its entry point, and the name and version of its distribution; None for an object that was
        given to the client. plugin: the object, None if it was not made.
    why: the reason why it does not run, "" if it runs. by: for why="replaced", the plugin that replaces it.
    error: for why="broken", the text of the error.
    is_required: True if it stands in `require`, so that it cannot be left out.
    implementations: its implementations of each hook that it implements, by name. declarations: what it declares. Both are empty
        if it does not run.

    Example::

        from hookline import HttpClient, Option, PluginInfo, hookimpl


        class Stamp:
            @hookimpl
            def declare(self):
                return [Option("stamp", doc="the value of X-Stamp")]

            @hookimpl(options=("stamp",))
            def pre_request(self, response):
                response.request.headers["X-Stamp"] = response.request.stamp


        client = HttpClient(plugins=[Stamp()])
        info: PluginInfo = client.plugins["stamp"]
        print(info.label, info.hooks, info.options, info.bodies, info.media_types, info.runs_for)
        print(info.of(Option), info.names_in("before"), info.is_left_out_by({"stamp"}))
        info.check_replaces(client.plugins)  # it replaces none that must run
        print(info.would_declare(), info.why_absent())  # if the call leaves it out
        info.declare()
        info.forget_implementations()
    """

    def __init__(self, name: str, entry: EntryPoint | None = None, plugin: Any = None) -> None:
        self.name = name
        self.names = frozenset({name}) if entry is None else entry.names
        self.label = f"plugin {name!r}" + (f" ({entry.label})" if entry is not None else "")
        self.entry = entry
        self.distribution = None if entry is None else entry.distribution
        self.version = None if entry is None else entry.version
        self.plugin = plugin
        self.why: Reason = ""
        self.by: PluginInfo | None = None
        self.error = ""
        self.is_required = False
        self.implementations: dict[str, list[Implementation]]
        self.forget_implementations()
        self.declarations: list[Declaration] = []

    def forget_implementations(self) -> None:
        """Set `implementations` to none."""
        self.implementations = {}

    @property
    def hooks(self) -> tuple[str, ...]:
        """The names of the events and the other hooks that it implements, `declare` excepted."""
        return tuple(hook for hook in HOOKS if hook in self.implementations)

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

    @property
    def runs_for(self) -> tuple[str, ...]:
        """The preconditions for which its `pre_request` runs, such as `option auth`; empty if it has none and always runs."""
        found = [implementation.conditions for implementation in self.implementations.get("pre_request", ())]
        if not all(conditions.has_request_conditions for conditions in found):
            return ()
        words = [f"{kind} {name}" for each in found for kind, names in each.of_request().items() for name in names]
        words += [f"when {each.when}" for each in found if each.when is not None and not each.of_request()]
        return tuple(dict.fromkeys(words))

    def of(self, kind: type[Any]) -> list[Any]:
        """Return its declarations of one kind, such as `Option`."""
        return [declaration for declaration in self.declarations if isinstance(declaration, kind)]

    def names_in(self, attribute: str) -> tuple[str, ...]:
        """Return the normalized names in the attribute `before`, `after` or `replaces` of the plugin: one name, or several.

        Raises: PluginTypeError, if it is something else.
        """
        value = getattr(self.plugin, attribute, ())
        if value.__class__ is tuple and not value:
            return ()
        found = type(value).__name__
        if isinstance(value, str):
            return (normalized(value),)
        if isinstance(value, Iterable) and not isinstance(value, bytes):
            names = tuple(value)
            wrong = [name for name in names if not isinstance(name, str)]
            if not wrong:
                return tuple(map(normalized, names))
            found += f" with {type(wrong[0]).__name__}"
        raise PluginTypeError(
            f"{self.label}: {attribute} must be the name of a plugin or a list of names, not {found}"
            + how_to_disable(self.name)
        )

    def is_left_out_by(self, names: Container[str]) -> bool:
        """Do these normalized names, in `disable`, leave it out? One is its own, or that of a plugin that it replaces."""
        return any(name in names for name in (*self.names, *self.names_in("replaces")))

    def check_replaces(self, others: Iterable[PluginInfo]) -> None:
        """Check that it replaces no plugin that stands in `require`. others: those that run.

        Raises: PluginError.
        """
        replaced = self.names_in("replaces")
        for other in others if replaced else ():
            if other.is_required and other is not self and not other.names.isdisjoint(replaced):
                raise PluginError(f"{self.label} replaces {other.label}, which {CANNOT_BE_LEFT_OUT}")

    def declare(self) -> None:
        """Call its implementations of `declare`, for `declarations`.

        Raises: PluginError, if one raises or returns something else.
        """
        self.declarations = []
        for implementation in self.implementations.get("declare", ()):
            with plugin_error("{.label}: declare failed", self, disable=self.name):
                self.declarations += implementation.function() or ()
        for declaration in self.declarations:
            if kind_of(declaration) is None:
                raise PluginError(
                    f"{self.label}: declare returned {type(declaration).__name__}, which is no declaration"
                )

    def would_declare(self) -> list[Any]:
        """Return what it would declare if it ran. It is loaded for this; if that fails, it declares nothing."""
        try:
            plugin = self.plugin
            if plugin is None and self.entry is not None:
                plugin = self.entry.make_plugin(self.entry.load_plugin())
            return list(plugin.declare() or ()) if hasattr(plugin, "declare") else []
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  # see `plugin_error`
            return []

    def why_absent(self) -> str:
        """Return why one of its options is not there, as the end of a message."""
        if self.by is not None:
            by = self.by.entry.label if self.by.entry else self.by.name
            return f"it belongs to plugin {self.name!r}, which is replaced by {by}"
        if self.why == "optional":
            return f"it belongs to the optional plugin {self.name!r}, which plugins=[{self.name!r}] would load"
        if self.why == "not autoloaded":
            return f"it belongs to plugin {self.name!r}, which is not loaded (autoload)"
        return f"it belongs to plugin {self.name!r}, which is {self.why or 'disabled'}"  # "": in this call

    def __repr__(self) -> str:
        shown = ("name", "distribution", "version", "hooks", "options", "plugin")
        return f"PluginInfo({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def free_name(plugin: Any, taken: Container[str]) -> str:
    """Return the name of a plugin object: its attribute `name`, else that of its class or, for a module, its own.

    The name is normalized. If it is taken, `#2` is appended to it, or the next number that is free.
    """
    given = getattr(plugin, "name", None)
    if not isinstance(given, str) or not given:
        given = plugin.__name__.rpartition(".")[2] if inspect.ismodule(plugin) else type(plugin).__name__
    own = name = normalized(given)
    numbers = count(2)
    while name in taken:
        name = f"{own}#{next(numbers)}"
    return name


def named(objects: Iterable[Any], taken: Iterable[str] = ()) -> dict[str, Any]:
    """Return plugin objects by name. taken: names that they must not have.

    Raises: PluginError, if an object occurs twice.
    """
    found: dict[str, Any] = {}
    for plugin in objects:
        for name, other in found.items():
            if other is plugin:
                raise PluginError(f"plugins= contains the object named {name!r} twice")
        found[free_name(plugin, {*taken, *found})] = plugin
    return found
