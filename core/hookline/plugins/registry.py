"""The registry of the plugins of a client, which checks them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import FunctionType, MappingProxyType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any

from ..errors import PluginError, nearest
from ..hooks.handlers import is_coroutine_function, suggestion
from ..hooks.implementation import ARGUMENTS, Implementation, Shape, parameters, shape_of
from ..hooks.markers import CONNECTION_HOOKS, DATA_EVENTS, IMPL_MARK, PROJECT, SPEC_MARK, Conditions, conditions_of
from ..hooks.switch import Switch
from .entry_point import EntryPoint, how_to_disable
from .plugin_info import PluginInfo, free_name

if TYPE_CHECKING:
    from .manager import Manager

_PLAIN_HOOKS = ("declare", *DATA_EVENTS, "connected", "disconnected", "attached")  # their implementations await nothing
_WITHOUT_WRAPPERS = (*_PLAIN_HOOKS, "connecting", "closed")
_AFTER_HEAD = ("statuses", "headers", "schemes", "switch")
_CONDITIONS = {  # the preconditions that each event has
    "pre_request": ("schemes", "options", "fields", "switch", "when", "observes"),
    "on_headers": _AFTER_HEAD,
    "post_request": _AFTER_HEAD,
    **dict.fromkeys(CONNECTION_HOOKS, ("switch",)),
}
_OF_EVERY_OBJECT = frozenset({*dir(object), "__dict__", "__module__", "__weakref__"})

_DEPRECATIONS = ("warn_on_impl", "warn_on_impl_args")  # the options of specifications of which pluggy warns
_MAY_BE_MARKED = (staticmethod, classmethod, MethodType, MemberDescriptorType)  # beside functions


_ACCEPTED = (
    f"{PROJECT}_accepted"  # the attribute of a function that holds its Accepted; the checks of 19 plugins take 0.9 ms
)


class Accepted:
    """What a function of a class has, once it was found to fit the hook specifications, and how it is called as a method.

    options: those of pluggy. conditions: its preconditions. code: what it ran. If one of these is another object now, the
    function was changed, and is checked again. event: the hook that it implements; None: one that core does not know.
    """

    __slots__ = ("code", "conditions", "event", "options", "shape")

    def __init__(
        self,
        function: FunctionType,
        options: Mapping[str, Any],
        conditions: Conditions,
        event: str | None,
        shape: Shape | None,
    ) -> None:
        self.code = function.__code__
        self.options = options
        self.conditions = conditions
        self.event = event
        self.shape = shape


class Registry:
    """The plugins of one client: it checks those that are registered, and reports changes. They count at the next request.

    infos: the registered plugins by name, in the order in which they were registered; read-only.
    """

    def __init__(self, specifications: Iterable[type], on_change: Callable[[PluginInfo | None], None]) -> None:
        """Make a registry without plugins.

        specifications: classes with hook specifications. on_change: called after each change, with the plugin that was
            registered, or None. If it raises, the plugin is not registered.
        """
        self._specifications = tuple(specifications)
        self._infos: dict[str, PluginInfo] = {}
        self.infos: Mapping[str, PluginInfo] = MappingProxyType(self._infos)
        self._on_change = on_change
        self._entries: dict[str, EntryPoint | None] = {}
        self._manager: Manager | None = None

    @property
    def manager(self) -> Manager:
        """The PluginManager with these plugins. It is made when it is first asked for: for 19 plugins that takes 1.4 ms."""
        if self._manager is None:
            from .manager import Manager

            manager = Manager(self, self._specifications)
            for info in self.infos.values():
                manager.store(info, options_of(marked_members(info.plugin)))
            self._manager = manager
        return self._manager

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register a plugin object, as `Manager.register` does."""
        if inspect.isclass(plugin):
            raise PluginError(f"{plugin.__name__} is a class; register an object: {plugin.__name__}()")
        name = name or self.name_of(plugin) or free_name(plugin, self.infos)
        return self.add(PluginInfo(name, self._entries.get(name), plugin))

    def name_of(self, plugin: object) -> str | None:
        """Return the name of a registered object, None if it is not registered."""
        return next((name for name, info in self.infos.items() if info.plugin is plugin), None)

    def add(self, info: PluginInfo) -> str | None:
        """Register a plugin, as `register` does, and find its implementations."""
        for attribute in ("before", "after", "replaces"):
            info.names_in(attribute)
        info.check_replaces(self._infos.values())
        info.forget_implementations()  # of an earlier registration
        members = marked_members(info.plugin)
        if not members:
            raise PluginError(
                f"{info.label} implements no hook: mark its methods with @hookline.hookimpl{how_to_disable(info.name)}"
            )
        for name, (member, options) in members.items():
            add_implementation(info, name, member, options)
        known = info.name if info.name in self._infos else self.name_of(info.plugin)
        if known is not None:
            raise PluginError(
                f"{info.label}: it is already registered{'' if known == info.name else f', as {known!r}'}"
            )
        if self._manager is not None or any(map(info.implementations.get, deprecated_hooks(self._specifications))):
            if self.manager.is_blocked(info.name):
                return None
            self.manager.store(info, options_of(members))
        self._infos[info.name] = info
        self._entries[info.name] = info.entry
        try:
            self._on_change(info)
        except BaseException:
            if self._manager is not None:
                self._manager.drop(info.name)
            self.remove(info.name)
            raise
        return info.name

    def remove(self, name: str) -> None:
        """Remove a plugin, which pluggy does not have any more."""
        del self._infos[name]
        self._on_change(None)

    def declare_all(self) -> list[PluginInfo]:
        """Call `declare` of all plugins. Returns the plugins.

        Raises: PluginError.
        """
        for info in self.infos.values():
            info.declare()
        return list(self.infos.values())


@cache
def deprecated_hooks(specifications: tuple[type, ...]) -> tuple[str, ...]:
    """Return the hooks of which pluggy warns those who implement them, or an argument of them."""
    members = [
        (name, getattr(member, SPEC_MARK, None)) for each in specifications for name, member in vars(each).items()
    ]
    return tuple(name for name, options in members if options and any(map(options.get, _DEPRECATIONS)))


def marked_members(plugin: object) -> dict[str, tuple[Any, Any]]:
    """Return the members that `hookimpl` marked, as the class or the object has them, with pluggy's options; sorted by name.

    Marks are read here, because pluggy's look takes 15 us for each attribute of a plugin. Properties are left out: older
    versions of pluggy would evaluate them.
    """
    members: dict[str, Any] = {}
    for each in type(plugin).__mro__[-2::-1]:  # all but object
        members.update(vars(each))
    members.update(getattr(plugin, "__dict__", ()))
    found = {}
    for name, member in members.items():
        kind = type(member)
        if kind is FunctionType:
            options = member.__dict__.get(IMPL_MARK)
        elif kind is not str and name not in _OF_EVERY_OBJECT and isinstance(member, _MAY_BE_MARKED):
            from pluggy import PluginManager

            options = PluginManager(PROJECT).parse_hookimpl_opts(plugin, name)
        else:
            continue
        if isinstance(options, dict):
            found[name] = member, options
    return dict(sorted(found.items()))


def options_of(members: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return pluggy's options of marked members, by their names."""
    return {name: options for name, (_, options) in members.items()}


def add_implementation(info: PluginInfo, name: str, member: Any, options: Mapping[str, Any]) -> None:
    """Check a method that `hookimpl` marked, and add it to the implementations of its plugin.

    name, member: of the attribute, as the class or the object has it. options: those of pluggy.

    Raises: PluginError, if it does not fit the hook specifications.
    """
    method = getattr(info.plugin, name)
    is_method = type(method) is MethodType and method.__func__ is member and type(member) is FunctionType
    accepted: Accepted | None = member.__dict__.get(_ACCEPTED) if is_method else None
    conditions = conditions_of(method)
    switch = None if conditions.switch is None else getattr(info.plugin, conditions.switch, None)
    when = None if conditions.when is None else getattr(info.plugin, conditions.when, None)
    if (
        accepted is None
        or accepted.options is not options
        or accepted.conditions is not conditions
        or accepted.code is not member.__code__
        or (conditions.switch is not None and not isinstance(switch, Switch))
        or (conditions.when is not None and not callable(when))
    ):
        event, shape = check_method(info, options.get("specname") or name, method, options, conditions, switch, when)
        if is_method:
            setattr(member, _ACCEPTED, Accepted(member, options, conditions, event, shape))
    else:
        event, shape = accepted.event, accepted.shape
    if event is None:
        return
    info.implementations.setdefault(event, []).append(
        Implementation(
            event,
            method,
            info.label,
            info.name,
            conditions=conditions,
            is_wrapper=bool(options.get("wrapper")),
            rank=-1 if options.get("tryfirst") else 1 if options.get("trylast") else 0,
            switch=switch,
            when=when,
            shape=shape,
        )
    )


def check_method(
    info: PluginInfo,
    event: str,
    method: Any,
    options: Mapping[str, Any],
    conditions: Conditions,
    switch: object,
    when: object,
) -> tuple[str | None, Shape | None]:
    """Return the event that a marked method implements, and how it is called; None for an optional hook that is unknown.

    Raises: PluginError, if it does not fit the hook specifications.
    """
    if event not in ARGUMENTS:
        if options.get("optionalhook"):
            return None, None
        raise PluginError(
            f"{info.label} implements the unknown hook {event!r}{suggestion(event, ARGUMENTS)}{how_to_disable(info.name)}"
        )
    fault = next(faults(event, method, options, conditions, switch, when), None)
    if fault is not None:
        raise PluginError(f"{info.label}: {fault}{how_to_disable(info.name)}")
    return event, shape_of(event, method, is_handler=False)


def faults(
    event: str, method: Any, options: Mapping[str, Any], conditions: Conditions, switch: object, when: object
) -> Iterator[str]:
    """Yield why a method cannot be an implementation of an event. switch, when: what the preconditions of these names name."""
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
    if conditions.observes and any(
        each is not None for each in (conditions.options, conditions.fields, conditions.when)
    ):
        yield f"{event}: observes= is for implementations that run for all requests, without options=, fields= and when="
    if conditions.switch is not None and not isinstance(switch, Switch):
        yield f"{event}: switch={conditions.switch!r} names no hookline.Switch of the plugin"
    if conditions.when is not None and (not callable(when) or is_coroutine_function(when)):
        yield f"{event}: when={conditions.when!r} names no plain method of the plugin, f(request)"
