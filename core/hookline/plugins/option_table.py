"""The options of clients and requests: which plugin owns each, and what it accepts."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ..errors import PluginError
from ..hooks.declarations import Option
from .plugin_info import PluginInfo

Level = Literal["client", "request"]  # where an option is given


class Keyword:
    """The name of an option, and the plugins that declare it.

    owners: the name of each plugin with its option: one plugin, several that share the name, or core, whose name is None.
    """

    __slots__ = ("name", "owners")

    def __init__(self, name: str, owner: str | None, option: Option) -> None:
        self.name = name
        self.owners = [(owner, option)]

    def share(self, label: str, other: PluginInfo, option: Option) -> None:
        """Add a plugin that declares an option of the same name. label: the plugin that declared it before, in words.

        Raises: PluginError, if the two cannot share the name.
        """
        first = self.owners[0][1]
        if not first.accepts or not option.accepts:
            raise PluginError(
                f"{label} and {other.label} both declare the option {self.name!r}; to share the name, both need `accepts`"
            )
        if first.default != option.default:
            raise PluginError(f"{label} and {other.label} share the option {self.name!r} and differ in its default")
        self.owners.append((other.name, option))

    @property
    def default(self) -> Any:
        """The value if the option is not given."""
        return self.owners[0][1].default

    def takes(self, level: Level) -> bool:
        """May it be given to a client, to a request?"""
        return any(getattr(option, level) for _, option in self.owners)

    def convert(self, value: Any) -> tuple[Any, str | None]:
        """Return the value as converted by the owner that takes it, and the name of this owner.

        The owner is None for core, and if the value is None, which no owner converts.

        Raises: TypeError or ValueError of the conversion, with the name of the keyword; TypeError of `choose`.
        """
        if value is None:
            first, option = self.owners[0]
            return (option.default if first is None else None), None  # None as an option of core is its default
        owner, option = self.choose(value)
        if option.convert is not None:
            try:
                value = option.convert(value)
            except (TypeError, ValueError) as error:
                note = f"in {self.name}=" + (f", an option of plugin {owner!r}" if owner else "")
                if type(error) not in (TypeError, ValueError) or self.name in str(error):
                    error.add_note(note)
                    raise
                named = type(error)(f"{self.name}= {error}")
                named.add_note(note)
                raise named from error
        return value, owner

    def choose(self, value: Any) -> tuple[str | None, Option]:
        """Return the owner that takes a value, and its option: the one with the nearest class in `accepts`.

        Raises: TypeError, if no owner accepts the value, or if the classes of two are equally near.
        """
        if len(self.owners) == 1:
            return self.owners[0]
        fits = [
            (steps, owner, option) for owner, option in self.owners if (steps := distance(value, option.accepts)) >= 0
        ]
        if not fits:
            wanted = "; ".join(f"{owner!r} takes {describe(option.accepts)}" for owner, option in self.owners)
            raise TypeError(f"{self.name}= got {type(value).__name__}, which no plugin takes: {wanted}")
        best = min(fit[0] for fit in fits)
        chosen = [fit for fit in fits if fit[0] == best]
        if len(chosen) > 1:
            names = " and ".join(repr(owner) for _, owner, _ in chosen)
            raise TypeError(
                f"{self.name}= got {type(value).__name__}, which the plugins {names} both take; disable one of them"
            )
        return chosen[0][1], chosen[0][2]


class Setting:
    """The value that a client was given for an option.

    It is converted only once for each plugin, because it may be an iterator, which can be read once.

    given: the value before conversion.
    """

    __slots__ = ("_converted", "given")

    def __init__(self, given: Any) -> None:
        self.given = given
        self._converted: dict[str | None, tuple[Any, Any]] = {}

    def convert(self, keyword: Keyword, plugins: Mapping[str, PluginInfo]) -> tuple[Any, str | None]:
        """Return the converted value and its owner, as `Keyword.convert` does.

        plugins: by name. If another object has a name since the last conversion, the value is converted again.
        """
        if self.given is None:
            return keyword.convert(None)
        owner, _ = keyword.choose(self.given)
        plugin = None if owner is None else plugins[owner].plugin
        known = self._converted.get(owner)
        if known is None or known[0] is not plugin:
            known = self._converted[owner] = plugin, keyword.convert(self.given)[0]
        return known[1], owner


def distance(value: Any, accepts: Iterable[Any]) -> int:
    """Return how far the class of a value is from the nearest accepted class: 0 for the class itself, 1 for its base, ...

    `callable` in `accepts` is farther than any class. -1: the value is not accepted.
    """
    mro = type(value).__mro__
    found = [mro.index(kind) for kind in accepts if inspect.isclass(kind) and kind in mro]
    if found:
        return min(found)
    accepted = tuple(accepts)
    if any(inspect.isclass(kind) and isinstance(value, kind) for kind in accepted):
        return len(mro)  # a virtual base class
    return 1_000_000 if callable in accepted and callable(value) else -1


def describe(accepts: Iterable[Any]) -> str:
    """Return what an option accepts, in words."""
    return ", ".join("any callable" if kind is callable else kind.__name__ for kind in accepts) or "nothing"


class OptionTable:
    """All options of one set of plugins. keywords: those of clients and of requests, by name."""

    def __init__(self, core: Iterable[Option], plugins: Iterable[PluginInfo], reserved: frozenset[str]) -> None:
        """Make the table. core: the options of core. reserved: names that options of plugins must not have.

        Raises: PluginError, for a reserved name, and for a name that two plugins have and cannot share.
        """
        self.keywords = {option.name: Keyword(option.name, None, option) for option in core}
        taken = reserved | self.keywords.keys()
        labels: dict[str, str] = {}
        for info in plugins:
            for option in info.of(Option):
                name = option.name
                if name in taken or not name.isidentifier():
                    raise PluginError(
                        f"{info.label} declares the option {name!r}, a name that core has or that is no identifier"
                    )
                if name not in self.keywords:
                    self.keywords[name] = Keyword(name, info.name, option)
                else:
                    self.keywords[name].share(labels[name], info, option)
                labels[name] = info.label

    def find(self, name: str, level: Level) -> Keyword | None:
        """Return the option of a name, None if there is none that may be given to a client, to a request."""
        found = self.keywords.get(name)
        return found if found is not None and found.takes(level) else None

    def names(self, level: Level) -> list[str]:
        """Return the names of all options that may be given to a client, to a request."""
        return [name for name, keyword in self.keywords.items() if keyword.takes(level)]
