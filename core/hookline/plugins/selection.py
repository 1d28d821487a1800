"""Which plugins a client loads, by its arguments, the environment variables and what is installed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ..errors import PluginError, PluginTypeError, nearest
from .entry_point import EntryPoint, normalized
from .installed import forbids_autoload, installed, is_of_root, names_in, required_by_root, skips_broken
from .plugin_info import PluginInfo, Reason, named

Autoload = bool | Literal["default"]
BrokenPlugins = Literal["error", "skip"]


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
    """Return an argument as a list of normalized names, as `as_list` does.

    Raises: PluginTypeError, also if it contains something else than strings.
    """
    names = as_list(given, what)
    for name in names:
        if not isinstance(name, str):
            raise PluginTypeError(f"{what}; one of them is {type(name).__name__}")
    return [normalized(name) for name in names]


class Selection:
    """The plugins of one client, selected by the arguments of `HttpClient(...)` and by the environment variables.

    loaded: the plugins that run, with their objects. absent: the others, each with the reason why it does not run.
    skips_broken: are installed plugins left out that cannot be used? Else they are an error.
    """

    def __init__(
        self,
        plugins: Iterable[Any] | None,
        disable: Iterable[str] | None,
        require: Iterable[str] | None,
        autoload: Autoload,
        broken_plugins: BrokenPlugins | None = None,
    ) -> None:
        """Select and make the plugins. For the arguments see `HttpClient`.

        Raises: PluginError, for unknown names, arguments that contradict each other, plugins that cannot be loaded, two
        plugins of one name or that replace the same, and a plugin in `require` that does not run; PluginTypeError, for
        arguments of a wrong type.
        """
        what = "plugins=, disable= and require= take lists of names"
        given = as_list(plugins, what)
        objects = [plugin for plugin in given if not isinstance(plugin, str)]
        for plugin in objects:
            if inspect.isclass(plugin):
                raise PluginError(f"plugins=[{plugin.__name__}] names a class; give an object: {plugin.__name__}()")
        self._candidates = [PluginInfo(entry.name, entry) for entry in installed()]
        self._candidates += [PluginInfo(name, None, plugin) for name, plugin in named(objects).items()]
        if broken_plugins not in (None, "error", "skip"):
            raise PluginTypeError(f"broken_plugins= takes 'error', 'skip' or None, not {broken_plugins!r}")
        self.skips_broken = skips_broken() if broken_plugins is None else broken_plugins == "skip"
        disabled, required = as_names(disable, what), as_names(require, what)
        requested = [normalized(name) for name in given if isinstance(name, str)]
        for argument, names in (("disable", disabled), ("plugins", requested), ("require", required)):
            self.check_known(argument, names)
        both = set(disabled) & {*requested, *required}
        if both:
            raise PluginError(f"{min(both)!r} is in disable= and in plugins= or require=")
        if not isinstance(autoload, bool) and autoload != "default":
            raise PluginTypeError(f"autoload= takes True, False or 'default', not {autoload!r}")
        self._autoload: Autoload = False if forbids_autoload() else autoload
        if self._autoload == "default":
            required_by_root()  # raises if the distribution is not installed, even if no plugin is
        self._disabled = {*disabled, *names_in("HOOKLINE_DISABLE")}
        self._requested = {*requested, *required, *names_in("HOOKLINE_PLUGINS")}
        self._required, self._disabled_by_argument = required, disabled
        for info in self._candidates:
            info.is_required = not info.names.isdisjoint(required)
        self._in_order = self._candidates  # of two that do not fit each other, the latter one is broken
        if self.skips_broken:
            self._in_order = sorted(self._candidates, key=lambda info: (info.entry is None, precedence(info)))
        self.loaded: list[PluginInfo] = []
        self.absent: list[PluginInfo] = []
        self._select()

    def check_known(self, argument: str, names: Iterable[str]) -> None:
        """Raises: PluginError, for a name of no plugin. argument: the keyword that the normalized names were given with."""
        known = {name for info in self._candidates for name in info.names}
        for name in names:
            if name not in known:
                near = nearest(name, sorted(known))
                hint = f"; did you mean {near!r}?" if near else f"; known are {', '.join(sorted(known)) or 'none'}"
                raise PluginError(f"{argument}=[{name!r}]: no plugin of that name is installed{hint}")

    def skip(self, info: PluginInfo, error: PluginError) -> None:
        """Leave out an installed plugin that cannot be used, and select again without it: what it replaces runs.

        error: why it cannot be used.

        Raises: the error, unless the client skips broken plugins, or if the plugin stands in `require` or was given as an object.
        """
        self._leave_out_broken(info, error)
        self._select()

    def _select(self) -> None:
        """Set `loaded` and `absent`. A plugin that cannot be imported is no error if another one replaces it."""
        self.loaded, self.absent = [], []
        chosen = self._choose()
        failures: dict[str, PluginError] = {}
        for info in chosen.values():
            if info.entry is not None:
                try:
                    info.plugin = info.entry.load_plugin()  # a factory, which has the attribute `replaces` too
                except PluginError as error:
                    failures[info.name] = error
        replaced = self._replaced([chosen[name] for name in chosen if name not in failures])
        for name, info in chosen.items():
            if info.why:
                continue
            if name in replaced:
                self._leave_out(info, "replaced", replaced[name])
            elif name in failures:
                self._leave_out_broken(info, failures[name])
            else:
                if info.entry is not None:
                    try:
                        info.plugin = info.entry.make_plugin(info.plugin)
                    except PluginError as error:
                        failures[name] = error
                        break
                self.loaded.append(info)
        else:
            self.loaded.sort(key=self._candidates.index)
            self._check_required()
            return
        self.skip(info, failures[name])

    def _choose(self) -> dict[str, PluginInfo]:
        """Return by name the plugins that run unless another one replaces them.

        Raises: PluginError, for two plugins of one name.
        """
        chosen: dict[str, PluginInfo] = {}
        for info in self._in_order:
            entry = info.entry
            if info.why == "broken":
                self.absent.append(info)
                continue
            info.why, info.by = "", None
            if self._is_disabled(info):
                self._leave_out(info, "disabled")
            elif entry is not None and not self._is_wanted(info, entry):
                self._leave_out(info, "optional" if entry.is_optional else "not autoloaded")
            elif info.name in chosen:
                self._leave_out_broken(info, clash(chosen[info.name], info))
            else:
                chosen[info.name] = info
        return chosen

    def _is_disabled(self, info: PluginInfo) -> bool:
        return not self._disabled.isdisjoint(info.names)

    def _is_wanted(self, info: PluginInfo, entry: EntryPoint) -> bool:
        """Is an installed plugin to be loaded, by name or by `autoload`?"""
        if not self._requested.isdisjoint(info.names):
            return True
        if entry.is_optional or self._autoload is False:
            return False
        return self._autoload is True or normalized(entry.distribution) in required_by_root()

    def _leave_out(self, info: PluginInfo, why: Reason, by: PluginInfo | None = None) -> None:
        info.why = why
        info.by = by
        if info.entry is not None:
            info.plugin = None
        self.absent.append(info)

    def _leave_out_broken(self, info: PluginInfo, error: PluginError) -> None:
        """Leave out a plugin that cannot be used, or raise the error, as `skip` does."""
        if not self.skips_broken or info.is_required or info.entry is None:
            raise error
        info.error = str(error)
        info.forget_implementations()
        info.declarations = []
        self._leave_out(info, "broken")

    def _replaced(self, plugins: Iterable[PluginInfo]) -> dict[str, PluginInfo]:
        """Return the names of plugins that are replaced, each with the plugin that replaces it.

        A plugin that replaces a disabled one is left out: it is disabled, too.

        Raises: PluginError, if two plugins replace the same one or each other; PluginTypeError, if `replaces` has no names.
        """
        replaced: dict[str, PluginInfo] = {}
        for info in plugins:
            try:
                names = info.names_in("replaces")
                if not names:
                    continue
                matching = [known for known in self._candidates if not known.names.isdisjoint(names)]
                if not self._disabled.isdisjoint(names) or any(map(self._is_disabled, matching)):
                    self._leave_out(info, "disabled")
                    continue
                targets = {*names, *(known.name for known in matching)} - {info.name}
                check_targets(info, targets, replaced)
                replaced |= dict.fromkeys(targets, info)
            except PluginError as error:
                self._leave_out_broken(info, error)
        return replaced

    def _check_required(self) -> None:
        """Check that all plugins in `require` run.

        The name of a distribution stands for all its plugins, except for those that the argument `disable` leaves out.

        Raises: PluginError.
        """
        running = {info.name for info in self.loaded}
        for name in self._required:
            absent = [info for info in self.absent if name in info.names and info.name not in running]
            if any(name in info.names for info in self.loaded):
                absent = [info for info in absent if info.names.isdisjoint(self._disabled_by_argument)]
            if absent:
                info = absent[0]
                what = "it" if info.name == name else f"plugin {info.name!r}"
                by = f" by {info.by.label}" if info.by is not None else ""
                raise PluginError(f"require=[{name!r}]: {what} is {info.why}{by}")


def precedence(info: PluginInfo) -> tuple[bool, bool, bool, str, str]:
    """Return the key that sorts plugins by which of two stays if they do not fit each other.

    First those in `require`, then objects of the caller, then what the distribution `hookline` requires, then by name.
    """
    distribution = info.distribution or ""
    return not info.is_required, info.entry is not None, not is_of_root(distribution), info.name, distribution


def check_targets(info: PluginInfo, targets: Iterable[str], replaced: Mapping[str, PluginInfo]) -> None:
    """Check what a plugin replaces. targets: the names. replaced: those that other plugins replace.

    Raises: PluginError, if two plugins replace the same one or each other.
    """
    for target in sorted(targets):
        if target in replaced:
            raise PluginError(f"{replaced[target].label} and {info.label} both replace {target!r}; disable one of them")
        by = replaced.get(info.name)
        if by is not None and by.name == target:
            raise PluginError(f"{info.label} and {by.label} replace each other; disable one of them")


def clash(first: PluginInfo, second: PluginInfo) -> PluginError:
    """Return the error for two plugins of one name, of which the first is installed."""
    of_first = first.entry and first.entry.label
    if second.entry is None:
        return PluginError(
            f"plugins= contains an object named {second.name!r}, as is a plugin of {of_first};"
            " give the object another `name`"
        )
    return PluginError(
        f"two plugins are named {second.name!r}: one of {of_first} and one of {second.entry.label};"
        f" uninstall one of them; disable=[{second.name!r}] leaves out both"
    )
