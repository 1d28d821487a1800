"""The pluggy PluginManager of a client: it checks plugins when they are registered, and reports changes to the client."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pluggy

from ..errors import PluginError, nearest
from ..hooks.handlers import is_coroutine_function
from ..hooks.implementation import ARGUMENTS, Implementation, parameters
from ..hooks.markers import DATA_EVENTS, EVENTS, PROJECT, Conditions, conditions_of
from ..hooks.switch import Switch
from .selection import check_names, object_name

HOOKS = ("declare", *EVENTS)
_CONDITIONS = {  # the preconditions that each event has
    "pre_request": ("schemes", "options", "fields", "switch"),
    "on_headers": ("statuses", "headers", "schemes"),
    "post_request": ("statuses", "headers", "schemes"),
}

_OF_EVERY_OBJECT = frozenset({*dir(object), "__dict__", "__module__", "__weakref__"})


class Manager(pluggy.PluginManager):
    """The plugins of one client: a pluggy PluginManager. Changes take effect at the next request."""

    def __init__(self, specifications: type, on_change: Callable[[], None]) -> None:
        """specifications: a class with the hook specifications. on_change: called after each change; may raise PluginError."""
        super().__init__(PROJECT)
        self._on_change = on_change
        self._labels: dict[str, str] = {}
        self._implementations: dict[pluggy.HookImpl, Implementation] = {}
        self.add_hookspecs(specifications)

    def register(self, plugin: object, name: str | None = None, *, label: str | None = None) -> str | None:
        """Register a plugin object.

        name: its name; None: its attribute `name`, or that of its class in lower case. label: the plugin in messages.

        Raises: PluginError, for implementations that do not fit the hook specifications, for a name or an object that is
        registered already, and for declarations that conflict with those of other plugins. Nothing is registered then.
        """
        if inspect.isclass(plugin):
            raise PluginError(f"{plugin.__name__} is a class; register an object: {plugin.__name__}()")
        name = name or self._free_name(plugin)
        label = label or f"plugin {name!r}"
        check_plugin(plugin, label, name)
        try:
            registered = super().register(plugin, name)
        except (ValueError, pluggy.PluginValidationError) as error:
            raise PluginError(f"{label}: {error}") from error
        self._labels[name] = label
        try:
            self._on_change()
        except BaseException:
            super().unregister(name=name)
            self._implementations.clear()
            self._on_change()
            raise
        return registered

    def unregister(self, plugin: Any = None, name: str | None = None) -> Any:
        """Remove a plugin, given as object or by name. Returns the object.

        Raises: PluginError, if it is not registered.
        """
        registered = self.get_plugin(name) if name is not None else None if plugin is None else self.get_name(plugin)
        if registered is None:
            raise PluginError(f"unregister: no plugin {name if name is not None else plugin!r} is registered")
        found = super().unregister(plugin, name)
        self._implementations.clear()
        self._on_change()
        return found

    def _free_name(self, plugin: object) -> str:
        """Return the name of a plugin object, with a number if another object has it."""
        own = object_name(plugin)
        name, number = own, 1
        while self.get_plugin(name) is not None and self.get_plugin(name) is not plugin:
            number += 1
            name = f"{own}#{number}"
        return name

    def label(self, name: str) -> str:
        """Return a plugin in words, for messages."""
        return self._labels.get(name, f"plugin {name!r}")

    def implementations(self, event: str) -> dict[str, list[Implementation]]:
        """Return the implementations of an event by plugin."""
        found: dict[str, list[Implementation]] = {}
        for hook in getattr(self.hook, event).get_hookimpls():
            implementation = self._implementations.get(hook)
            if implementation is None:
                implementation = self._implementations[hook] = self._implementation(event, hook)
            found.setdefault(hook.plugin_name, []).append(implementation)
        return found

    def _implementation(self, event: str, hook: pluggy.HookImpl) -> Implementation:
        conditions = conditions_of(hook.function)
        return Implementation(
            event,
            hook.function,
            self.label(hook.plugin_name),
            hook.plugin_name,
            conditions=conditions,
            is_wrapper=hook.wrapper,
            rank=-1 if hook.tryfirst else 1 if hook.trylast else 0,
            switch=switch_of(hook.plugin, conditions),
        )

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Return pluggy's options of a hook implementation; None for an attribute that is none.

        Attributes that every object has are skipped, because checking them would be most of the time that registration
        takes; properties, because older versions of pluggy would evaluate them.
        """
        if name in _OF_EVERY_OBJECT or isinstance(getattr(type(plugin), name, None), property):
            return None
        return super().parse_hookimpl_opts(plugin, name)


def marked_methods(plugin: object) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield the methods of a plugin that `hookimpl` marked: name, function, pluggy's options."""
    for name in dir(plugin):
        if name in _OF_EVERY_OBJECT:
            continue
        raw = inspect.getattr_static(plugin, name, None)
        if isinstance(raw, property):
            continue
        method = getattr(plugin, name, None)
        options = getattr(method, f"{PROJECT}_impl", None)
        if isinstance(options, dict) and inspect.isroutine(method):
            yield name, method, options


def check_plugin(plugin: object, label: str, name: str) -> None:
    """Check that a plugin fits the hook specifications. label: the plugin in messages.

    Raises: PluginError.
    """
    how_to_disable = f"; disable=[{name!r}] leaves it out"
    for attribute in ("before", "after", "replaces"):
        check_names(plugin, attribute, label, name)
    any_marked = False
    for method_name, method, options in marked_methods(plugin):
        any_marked = True
        event = options.get("specname") or method_name
        if event not in HOOKS:
            if options.get("optionalhook"):
                continue
            raise PluginError(f"{label} implements the unknown hook {event!r}{_hint(event, HOOKS)}{how_to_disable}")
        _check_arguments(method, event, label, how_to_disable)
        _check_kind(method, event, options, label, how_to_disable)
        _check_conditions(conditions_of(method), event, label, how_to_disable)
        try:
            switch_of(plugin, conditions_of(method))
        except TypeError as error:
            raise PluginError(f"{label}: {event}: {error}{how_to_disable}") from None
    if not any_marked:
        raise PluginError(f"{label} implements no hook: mark its methods with @hookline.hookimpl{how_to_disable}")


def _check_arguments(method: Any, event: str, label: str, how_to_disable: str) -> None:
    positional, keywords, _ = parameters(method)
    for argument in (*positional, *keywords):
        if argument not in ARGUMENTS[event]:
            raise PluginError(
                f"{label}: {event} takes an unknown argument {argument!r}{_hint(argument, ARGUMENTS[event])}{how_to_disable}"
            )


def _check_kind(method: Any, event: str, options: dict[str, Any], label: str, how_to_disable: str) -> None:
    if options.get("hookwrapper"):
        raise PluginError(f"{label}: {event} is an old-style hookwrapper; use @hookimpl(wrapper=True){how_to_disable}")
    if options.get("wrapper"):
        if event in DATA_EVENTS or event == "declare":
            raise PluginError(f"{label}: {event} takes no wrappers{how_to_disable}")
        if not inspect.isgeneratorfunction(method):
            raise PluginError(f"{label}: the wrapper of {event} must be a plain generator function{how_to_disable}")
    elif event in (*DATA_EVENTS, "declare") and is_coroutine_function(method):
        raise PluginError(f"{label}: {event} must be a plain function, not a coroutine function{how_to_disable}")
    elif event != "declare" and (inspect.isasyncgenfunction(method) or inspect.isgeneratorfunction(method)):
        raise PluginError(f"{label}: {event} is a generator; a wrapper needs @hookimpl(wrapper=True){how_to_disable}")


def _check_conditions(conditions: Conditions, event: str, label: str, how_to_disable: str) -> None:
    for kind in ("statuses", "headers", "schemes", "options", "fields", "switch"):
        if getattr(conditions, kind) is not None and kind not in _CONDITIONS.get(event, ()):
            raise PluginError(f"{label}: {event} has no precondition {kind}={how_to_disable}")


def switch_of(plugin: object, conditions: Conditions) -> Switch | None:
    """Return the switch that the preconditions of an implementation name, None if they name none.

    Raises: TypeError, if the plugin's attribute of that name is no Switch.
    """
    if conditions.switch is None:
        return None
    found = getattr(plugin, conditions.switch, None)
    if not isinstance(found, Switch):
        raise TypeError(f"switch={conditions.switch!r} names no hookline.Switch of the plugin")
    return found


def _hint(name: str, known: tuple[str, ...]) -> str:
    """Return the end of a message about an unknown name: the nearest known one, or all of them."""
    near = nearest(name, known)
    if near is not None:
        return f"; did you mean {near!r}?"
    return f"; there {'is' if len(known) == 1 else 'are'} {', '.join(known) or 'none'}"
