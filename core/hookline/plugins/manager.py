"""The pluggy PluginManager of a client, which checks what is registered and says when something changed."""

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
from .selection import object_name

HOOKS = ("declare", *EVENTS)
_CONDITIONS = {  # which preconditions an event knows
    "pre_request": ("schemes", "options", "fields", "switch"),
    "on_headers": ("statuses", "headers", "schemes"),
    "post_request": ("statuses", "headers", "schemes"),
}


_OF_EVERY_OBJECT = frozenset({*dir(object), "__dict__", "__module__", "__weakref__"})


class Manager(pluggy.PluginManager):
    """See the module. `register` and `unregister` take effect at the next request."""

    def __init__(self, specifications: type, changed: Callable[[], None]) -> None:
        super().__init__(PROJECT)
        self._changed = changed
        self._labels: dict[str, str] = {}
        self._implementations: dict[pluggy.HookImpl, Implementation] = {}
        self.add_hookspecs(specifications)

    def register(self, plugin: object, name: str | None = None, *, label: str | None = None) -> str | None:
        """Register a plugin object. name: else its `name`, else its class. label: how messages call it.

        Raises: PluginError, for what no event has, for a name or an object that is there already, and for declarations that
        do not fit those of the others. Nothing is registered then.
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
            self._changed()
        except BaseException:
            super().unregister(name=name)
            self._implementations.clear()
            self._changed()
            raise
        return registered

    def unregister(self, plugin: Any = None, name: str | None = None) -> Any:
        """Take a plugin out.

        Raises: PluginError, when it is not there.
        """
        there = self.get_plugin(name) if name is not None else None if plugin is None else self.get_name(plugin)
        if there is None:
            raise PluginError(f"unregister: no plugin {name if name is not None else plugin!r} is registered")
        found = super().unregister(plugin, name)
        self._implementations.clear()
        self._changed()
        return found

    def _free_name(self, plugin: object) -> str:
        own = object_name(plugin)
        name, number = own, 1
        while self.get_plugin(name) is not None and self.get_plugin(name) is not plugin:
            number += 1
            name = f"{own}#{number}"
        return name

    def label(self, name: str) -> str:
        """A plugin in words."""
        return self._labels.get(name, f"plugin {name!r}")

    def implementations(self, event: str) -> dict[str, list[Implementation]]:
        """The implementations of an event by plugin."""
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
        """What every object has is no hook; looking at it would be most of the time that registering takes. Nor is a
        property, which older versions of pluggy would run."""
        if name in _OF_EVERY_OBJECT or isinstance(getattr(type(plugin), name, None), property):
            return None
        return super().parse_hookimpl_opts(plugin, name)


def marked(plugin: object) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """The members of a plugin that carry the mark of `hookimpl`: name, function, pluggy's options."""
    for name in dir(plugin):
        if name in _OF_EVERY_OBJECT:
            continue
        raw = inspect.getattr_static(plugin, name, None)
        if isinstance(raw, property):
            continue
        member = getattr(plugin, name, None)
        options = getattr(member, f"{PROJECT}_impl", None)
        if isinstance(options, dict) and inspect.isroutine(member):
            yield name, member, options


def check_plugin(plugin: object, label: str, name: str) -> None:
    """Hold a plugin against the specifications.

    Raises: PluginError.
    """
    leave_out = f"; disable=[{name!r}] leaves it out"
    any_marked = False
    for member_name, member, options in marked(plugin):
        any_marked = True
        event = options.get("specname") or member_name
        if event not in HOOKS:
            if options.get("optionalhook"):
                continue
            raise PluginError(f"{label} implements the unknown hook {event!r}{_nearest(event, HOOKS)}{leave_out}")
        _check_arguments(member, event, label, leave_out)
        _check_kind(member, event, options, label, leave_out)
        _check_conditions(conditions_of(member), event, label, leave_out)
        try:
            switch_of(plugin, conditions_of(member))
        except TypeError as error:
            raise PluginError(f"{label}: {event}: {error}{leave_out}") from None
    if not any_marked:
        raise PluginError(f"{label} implements no hook: mark its methods with @hookline.hookimpl{leave_out}")


def _check_arguments(member: Any, event: str, label: str, leave_out: str) -> None:
    positional, keywords, _ = parameters(member)
    for argument in (*positional, *keywords):
        if argument not in ARGUMENTS[event]:
            raise PluginError(
                f"{label}: {event} takes an unknown argument {argument!r}{_nearest(argument, ARGUMENTS[event])}{leave_out}"
            )


def _check_kind(member: Any, event: str, options: dict[str, Any], label: str, leave_out: str) -> None:
    if options.get("hookwrapper"):
        raise PluginError(f"{label}: {event} is an old-style hookwrapper; use @hookimpl(wrapper=True){leave_out}")
    if options.get("wrapper"):
        if event in DATA_EVENTS or event == "declare":
            raise PluginError(f"{label}: {event} takes no wrappers{leave_out}")
        if not inspect.isgeneratorfunction(member):
            raise PluginError(f"{label}: the wrapper of {event} must be a plain generator function{leave_out}")
    elif event in (*DATA_EVENTS, "declare") and is_coroutine_function(member):
        raise PluginError(f"{label}: {event} must be a plain function, not a coroutine function{leave_out}")
    elif event != "declare" and (inspect.isasyncgenfunction(member) or inspect.isgeneratorfunction(member)):
        raise PluginError(f"{label}: {event} is a generator; a wrapper needs @hookimpl(wrapper=True){leave_out}")


def _check_conditions(conditions: Conditions, event: str, label: str, leave_out: str) -> None:
    for kind in ("statuses", "headers", "schemes", "options", "fields", "switch"):
        if getattr(conditions, kind) is not None and kind not in _CONDITIONS.get(event, ()):
            raise PluginError(f"{label}: {event} knows no precondition {kind}={leave_out}")


def switch_of(plugin: object, conditions: Conditions) -> Switch | None:
    """The switch that an implementation names.

    Raises: TypeError, when the plugin has none of that name.
    """
    if conditions.switch is None:
        return None
    found = getattr(plugin, conditions.switch, None)
    if not isinstance(found, Switch):
        raise TypeError(f"switch={conditions.switch!r} names no hookline.Switch of the plugin")
    return found


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    if near is not None:
        return f"; did you mean {near!r}?"
    return f"; there {'is' if len(known) == 1 else 'are'} {', '.join(known) or 'none'}"
