"""The pluggy PluginManager of a client: it checks plugins when they are registered, and reports changes to the client."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, MappingProxyType, MemberDescriptorType, MethodType
from typing import Any

import pluggy

from ..errors import PluginError, nearest
from ..hooks.handlers import is_coroutine_function, suggestion
from ..hooks.implementation import ARGUMENTS, Implementation, parameters
from ..hooks.markers import CONNECTION_HOOKS, DATA_EVENTS, PROJECT, Conditions, conditions_of
from ..hooks.switch import Switch
from .entry_point import EntryPoint, how_to_disable
from .plugin_info import CANNOT_BE_LEFT_OUT, PluginInfo, free_name

_PLAIN_HOOKS = ("declare", *DATA_EVENTS, "connected", "disconnected", "attached")  # their implementations await nothing
_WITHOUT_WRAPPERS = (*_PLAIN_HOOKS, "connecting", "closed")
_AFTER_HEAD = ("statuses", "headers", "schemes", "switch")
_CONDITIONS = {  # the preconditions that each event has
    "pre_request": ("schemes", "options", "fields", "switch", "observes"),
    "on_headers": _AFTER_HEAD,
    "post_request": _AFTER_HEAD,
    **dict.fromkeys(CONNECTION_HOOKS, ("switch",)),
}
_OF_EVERY_OBJECT = frozenset({*dir(object), "__dict__", "__module__", "__weakref__"})

_MARK = f"{PROJECT}_impl"  # the attribute in which pluggy's marker leaves its options
_MAY_BE_MARKED = (staticmethod, classmethod, MethodType, MemberDescriptorType)  # beside functions


class Manager(pluggy.PluginManager):
    """The plugins of one client: a pluggy PluginManager. Changes take effect at the next request.

    infos: the registered plugins by name, in the order in which they were registered; read-only.
    """

    def __init__(self, specifications: Iterable[type], on_change: Callable[[PluginInfo | None], None]) -> None:
        """Make a manager without plugins.

        specifications: classes with hook specifications. on_change: called after each change, with the plugin that was
            registered, or None. If it raises, the plugin is not registered.
        """
        super().__init__(PROJECT)
        self._infos: dict[str, PluginInfo] = {}
        self.infos: Mapping[str, PluginInfo] = MappingProxyType(self._infos)
        self._on_change = on_change
        self._options: dict[str, Any] = {}
        self._entries: dict[str, EntryPoint | None] = {}
        for each in specifications:
            self.add_hookspecs(each)

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register a plugin object.

        name: its name; None: its attribute `name`, or that of its class in lower case. The name of an installed plugin that
        was unregistered: the object takes its place, and is listed with its distribution.

        Raises: PluginError, for implementations that do not fit the hook specifications, for a name or an object that is
        registered already, for declarations that conflict with those of other plugins, and for one that replaces a plugin in
        `require`. Nothing is registered then.
        """
        if inspect.isclass(plugin):
            raise PluginError(f"{plugin.__name__} is a class; register an object: {plugin.__name__}()")
        name = name or self.get_name(plugin) or free_name(plugin, self.infos)
        return self.add(PluginInfo(name, self._entries.get(name), plugin))

    def add(self, info: PluginInfo) -> str | None:
        """Register a plugin, as `register` does, and find its implementations."""
        for attribute in ("before", "after", "replaces"):
            info.names_in(attribute)
        info.check_replaces(self.infos.values())
        info.forget_implementations()  # of an earlier registration
        self._options = self._find_marks(info.plugin)
        if not self._options:
            raise PluginError(
                f"{info.label} implements no hook: mark its methods with @hookline.hookimpl{how_to_disable(info.name)}"
            )
        for name, options in self._options.items():
            add_implementation(info, options.get("specname") or name, getattr(info.plugin, name), options)
        was_known = self.has_plugin(info.name)
        try:
            registered = super().register(info.plugin, info.name)
        except BaseException as error:
            # for a fault that pluggy finds, or a warning that is an error: before 1.7 it has stored the plugin by then
            if not was_known and self.has_plugin(info.name):
                super().unregister(name=info.name)
            if isinstance(error, (ValueError, pluggy.PluginValidationError)):
                raise PluginError(f"{info.label}: {error}") from error
            raise
        if registered is None:  # the name is blocked
            return None
        self._infos[info.name] = info
        self._entries[info.name] = info.entry
        try:
            self._on_change(info)
        except BaseException:
            super().unregister(name=info.name)
            del self._infos[info.name]
            self._on_change(None)
            raise
        return registered

    def unregister(self, plugin: Any = None, name: str | None = None) -> Any:
        """Remove a plugin, given as object or by name. Returns the object.

        Raises: PluginError, if it is not registered, or stands in `require`.
        """
        known = self.get_name(plugin) if name is None else name
        if known is None or known not in self.infos:
            raise PluginError(f"unregister: no plugin {name if name is not None else plugin!r} is registered")
        if self.infos[known].is_required:
            raise PluginError(f"{self.infos[known].label} {CANNOT_BE_LEFT_OUT}")
        found = super().unregister(plugin, name)
        del self._infos[known]
        self._on_change(None)
        return found

    def declare_all(self) -> list[PluginInfo]:
        """Call `declare` of all plugins. Returns the plugins.

        Raises: PluginError.
        """
        for info in self.infos.values():
            info.declare()
        return list(self.infos.values())

    def _find_marks(self, plugin: object) -> dict[str, Any]:
        """Return pluggy's options of the methods that `hookimpl` marked, by name.

        Marks of functions are read here, because pluggy's look takes 15 us for each attribute of a plugin. Properties are left
        out: older versions of pluggy would evaluate them.
        """
        found = {}
        members: dict[str, Any] = {}
        for each in type(plugin).__mro__[-2::-1]:  # all but object
            members.update(vars(each))
        members.update(getattr(plugin, "__dict__", ()))
        for name in dir(plugin):
            member = members.get(name)
            if name in _OF_EVERY_OBJECT:
                continue
            if type(member) is FunctionType:
                options = member.__dict__.get(_MARK)
            elif isinstance(member, _MAY_BE_MARKED):
                options = super().parse_hookimpl_opts(plugin, name)
            else:
                continue
            if isinstance(options, dict):
                found[name] = options
        return found

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Return pluggy's options of a method of the plugin that is being registered; None for what is no implementation."""
        return self._options.get(name)


def add_implementation(info: PluginInfo, event: str, method: Any, options: Mapping[str, Any]) -> None:
    """Check a method that `hookimpl` marked, and add it to the implementations of its plugin.

    event: the hook that it implements. options: those of pluggy.

    Raises: PluginError, if it does not fit the hook specifications.
    """
    if event not in ARGUMENTS:
        if options.get("optionalhook"):
            return
        raise PluginError(
            f"{info.label} implements the unknown hook {event!r}{suggestion(event, ARGUMENTS)}{how_to_disable(info.name)}"
        )
    conditions = conditions_of(method)
    switch = None if conditions.switch is None else getattr(info.plugin, conditions.switch, None)
    fault = next(faults(event, method, options, conditions, switch), None)
    if fault is not None:
        raise PluginError(f"{info.label}: {fault}{how_to_disable(info.name)}")
    rank = -1 if options.get("tryfirst") else 1 if options.get("trylast") else 0
    info.implementations[event].append(
        Implementation(
            event,
            method,
            info.label,
            info.name,
            conditions=conditions,
            is_wrapper=bool(options.get("wrapper")),
            rank=rank,
            switch=switch,
        )
    )


def faults(
    event: str, method: Any, options: Mapping[str, Any], conditions: Conditions, switch: object
) -> Iterator[str]:
    """Yield why a method cannot be an implementation of an event. switch: what the precondition of that name names."""
    positional, keywords, _, optional = parameters(method)
    for argument in (*positional, *keywords):
        # one with a default may be offered by another version of core; a similar name is a mistake in writing
        if argument not in ARGUMENTS[event] and (argument not in optional or nearest(argument, ARGUMENTS[event])):
            yield f"{event} takes an unknown argument {argument!r}{suggestion(argument, ARGUMENTS[event])}"
    is_generator = inspect.isgeneratorfunction(method)
    if options.get("hookwrapper"):
        yield f"{event} is an old-style hookwrapper; use @hookimpl(wrapper=True)"
    elif options.get("wrapper"):
        if event in _WITHOUT_WRAPPERS:
            yield f"{event} takes no wrappers"
        if not is_generator:
            yield f"the wrapper of {event} must be a plain generator function"
    elif event in _PLAIN_HOOKS and is_coroutine_function(method):
        yield f"{event} must be a plain function, not a coroutine function"
    elif event != "declare" and (is_generator or inspect.isasyncgenfunction(method)):
        yield f"{event} is a generator; a wrapper needs @hookimpl(wrapper=True)"
    for kind, value in conditions._asdict().items():
        if value is not None and kind not in _CONDITIONS.get(event, ()):
            yield f"{event} has no precondition {kind}="
    if conditions.observes and (conditions.options is not None or conditions.fields is not None):
        yield f"{event}: observes= is for implementations that run for all requests, without options= and fields="
    if conditions.switch is not None and not isinstance(switch, Switch):
        yield f"{event}: switch={conditions.switch!r} names no hookline.Switch of the plugin"
