"""The keywords of clients and requests: who owns them, what they accept, and what to say of those that nobody takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import PluginError, nearest
from ..hooks.declarations import Option
from .selection import SelectedPlugin


class Keyword:
    """One keyword and its owners: one plugin, several that share the name, or core (owner None)."""

    __slots__ = ("name", "owners")

    def __init__(self, name: str) -> None:
        self.name = name
        self.owners: list[tuple[str | None, Option]] = []

    @property
    def default(self) -> Any:
        return self.owners[0][1].default

    def takes(self, where: str) -> bool:
        """Is it a keyword of a "client", of a "request"?"""
        return any(getattr(option, where) for _, option in self.owners)

    def convert(self, value: Any) -> tuple[Any, str | None]:
        """The value as its owner wants it, and the owner (None: core's, or nobody's because the value is None).

        Raises: TypeError or ValueError, of the owner's, or because nobody or more than one accepts the value. It names the
        keyword.
        """
        if value is None:
            first, option = self.owners[0]
            return (option.default if first is None else None), None  # for core's own None is what core does by itself
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
        """The owner whose class is nearest to the value's; a bare `callable` comes last.

        Raises: TypeError, where nobody, or more than one, accepts the value.
        """
        if len(self.owners) == 1:
            return self.owners[0]
        fits = [
            (nearest, owner, option)
            for owner, option in self.owners
            if (nearest := distance(value, option.accepts)) >= 0
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
    """What a client was given for an option. It is converted once for each plugin that takes it: it may be an iterator."""

    __slots__ = ("_converted", "given")

    def __init__(self, given: Any) -> None:
        self.given = given
        self._converted: dict[str | None, tuple[Any, Any]] = {}

    def convert(self, keyword: Keyword, plugins: Mapping[str | None, Any]) -> tuple[Any, str | None]:
        """See `Keyword.convert`. plugins: the objects by name; another one of a name converts anew."""
        if self.given is None:
            return keyword.convert(None)
        owner, _ = keyword.choose(self.given)
        plugin = plugins.get(owner)
        known = self._converted.get(owner)
        if known is None or known[0] is not plugin:
            known = self._converted[owner] = plugin, keyword.convert(self.given)[0]
        return known[1], owner


def distance(value: Any, accepts: Iterable[Any]) -> int:
    """How far the value's class is from the nearest accepted one; a bare callable is farther than any; -1: not accepted."""
    mro = type(value).__mro__
    found = [mro.index(kind) for kind in accepts if inspect.isclass(kind) and kind in mro]
    if found:
        return min(found)
    accepted = tuple(accepts)
    if any(inspect.isclass(kind) and isinstance(value, kind) for kind in accepted):
        return len(mro)  # a virtual base class
    return 1_000_000 if callable in accepted and callable(value) else -1


def describe(accepts: Iterable[Any]) -> str:
    return ", ".join("any callable" if kind is callable else kind.__name__ for kind in accepts) or "nothing"


class OptionTable:
    """All keywords of one set of plugins."""

    def __init__(
        self, core: Iterable[Option], declared: Iterable[tuple[str, str, Option]], reserved: frozenset[str]
    ) -> None:
        """declared: plugin, its label, option. reserved: names that no plugin's option may have.

        Raises: PluginError.
        """
        self.keywords: dict[str, Keyword] = {}
        labels: dict[str, str] = {}
        for option in core:
            self._add(None, option)
        own = frozenset(self.keywords)
        for plugin, label, option in declared:
            if option.name in own or option.name in reserved or not option.name.isidentifier():
                raise PluginError(f"{label} declares the option {option.name!r}, a name that core has or that is none")
            known = self.keywords.get(option.name)
            if known is not None:
                self._check_shared(known, labels[option.name], option, label)
            labels[option.name] = label
            self._add(plugin, option)

    def _add(self, plugin: str | None, option: Option) -> None:
        self.keywords.setdefault(option.name, Keyword(option.name)).owners.append((plugin, option))

    def _check_shared(self, known: Keyword, label: str, option: Option, other: str) -> None:
        first = known.owners[0][1]
        if not first.accepts or not option.accepts:
            raise PluginError(
                f"{label} and {other} both declare the option {option.name!r}; a shared name needs `accepts` on each of them"
            )
        if first.default != option.default:
            raise PluginError(f"{label} and {other} share the option {option.name!r} and differ in its default")

    def find(self, name: str, where: str) -> Keyword | None:
        """The keyword of that name that a "client" or a "request" takes."""
        found = self.keywords.get(name)
        return found if found is not None and found.takes(where) else None

    def names(self, where: str) -> list[str]:
        return [name for name, keyword in self.keywords.items() if keyword.takes(where)]


def unexpected_keyword_error(
    function: str,
    name: str,
    where: str,
    table: OptionTable,
    others: Iterable[str],
    absent: Iterable[tuple[SelectedPlugin, Callable[[], Mapping[str, Option]]]],
) -> TypeError:
    """What to say of a keyword that nobody takes. others: keywords that are no options. absent: plugins that do not run."""
    what = f"{function}() got an unexpected keyword {name!r}"
    if name in table.keywords:
        other = "client" if where == "request" else "request"
        return TypeError(f"{what}: it is an option of the {other} only")
    known = [*table.names(where), *others]
    for plugin, declared in absent:
        if name in declared():
            return TypeError(f"{what}: {plugin.reason()}")
    near = nearest(name, known)
    if near is not None:
        return TypeError(f"{what}. Did you mean {near!r}?")
    return TypeError(
        f"{function}() got an unknown keyword {name!r}: neither core nor an installed plugin has this option"
    )
