"""The options of clients and requests: which plugin owns each, and what it accepts."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from ..errors import PluginError
from ..hooks.declarations import Option
from .plugin_info import PluginInfo

Level = Literal["client", "request"]  # where an option is given
# Equal values of these classes may be one object, so it does not show whether a program has written or read them.
_PLAIN = (str, bytes, int, float, complex, type(None))


class Owner:
    """Who declares an option. name: of the plugin; None = core. label: the plugin in words, with its distribution."""

    __slots__ = ("label", "name", "option")

    def __init__(self, name: str | None, label: str, option: Option) -> None:
        self.name = name
        self.label = label
        self.option = option


class Keyword:
    """The name of an option, and who declares it.

    owners: one plugin, several that share the name, or core.
    """

    __slots__ = ("_by_class", "name", "owners")

    def __init__(self, name: str, owner: Owner) -> None:
        self.name = name
        self.owners = [owner]
        # The owner for each class that `accepts` lists itself, to which no other can be nearer: 10 us less for `auth=(…)`.
        self._by_class: dict[type, Owner] = {}

    def share(self, other: Owner) -> None:
        """Add a plugin that declares an option of the same name.

        Raises: PluginError, if the two cannot share the name.
        """
        label, first, option = self.owners[-1].label, self.owners[0].option, other.option
        if not first.accepts or not option.accepts:
            raise PluginError(
                f"{label} and {other.label} both declare the option {self.name!r}; to share the name, both need `accepts`"
            )
        if first.default != option.default:
            raise PluginError(f"{label} and {other.label} share the option {self.name!r} and differ in its default")
        self.owners.append(other)
        self._by_class.clear()

    @property
    def default(self) -> Any:
        """The value if the option is not given."""
        return self.owners[0].option.default

    def takes(self, level: Level) -> bool:
        """May it be given to a client, to a request?"""
        return any(getattr(owner.option, level) for owner in self.owners)

    def convert(self, value: Any) -> tuple[Any, str | None]:
        """Return the value as converted by the owner that takes it, and the name of this owner.

        The owner is None for core, and if the value is None, which no owner converts.

        Raises: what the conversion raises. The message of a TypeError or ValueError also says which option of which plugin it
        is, and what it takes, unless it begins with the name: then it says that itself. Other errors have a note. TypeError of
        `choose`.
        """
        if value is None:
            first = self.owners[0]
            return (
                first.option.default if first.name is None else None
            ), None  # None as an option of core is its default
        owner = self.owners[0] if len(self.owners) == 1 else self.choose(value)
        convert = owner.option.convert
        if convert is not None:
            try:
                value = convert(value)
            except Exception as error:
                wanted, whose = owner.option.expected, "" if owner.name is None else f"an option of {owner.label}"
                if type(error) in (TypeError, ValueError):
                    message = str(error)
                    if not message.startswith((f"{self.name}=", f"{self.name}[")):
                        message = f"{self.name}= takes {wanted}: {message}" if wanted else f"{self.name}= {message}"
                    raise type(error)(f"{message} ({whose})" if whose else message) from error
                error.add_note(", ".join(filter(None, [f"in {self.name}=", whose, wanted and f"which takes {wanted}"])))
                raise
        return value, owner.name

    def choose(self, value: Any) -> Owner:
        """Return the owner that takes a value: the one with the nearest class in `accepts`.

        Raises: TypeError, if no owner accepts the value, or if the classes of two are equally near.
        """
        if len(self.owners) == 1:
            return self.owners[0]
        known = self._by_class.get(type(value))
        if known is not None:
            return known
        fits = [(steps, owner) for owner in self.owners if (steps := distance(value, owner.option.accepts)) >= 0]
        if not fits:
            wanted = "; ".join(
                f"{owner.label} takes {owner.option.expected or describe(owner.option.accepts)}"
                for owner in self.owners
            )
            raise TypeError(f"{self.name}= got {type(value).__name__}, which no plugin takes: {wanted}")
        best = min(steps for steps, _ in fits)
        chosen = [owner for steps, owner in fits if steps == best]
        if len(chosen) > 1:
            labels = " and ".join(owner.label for owner in chosen)
            raise TypeError(f"{self.name}= got {type(value).__name__}, which {labels} both take; disable one of them")
        if best == 0:
            self._by_class[type(value)] = chosen[0]
        return chosen[0]


def was_read(value: Any, present: Any) -> bool:
    """Say whether a program gives again what it has read: the present value of an option, which is converted already.

    Numbers and texts are never recognised.
    """
    return value is present and not isinstance(value, _PLAIN)


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

        Raises: as `Keyword.convert`; TypeError, for an iterator that another plugin has read.
        """
        if self.given is None:
            return keyword.convert(None)
        owner = keyword.choose(self.given)
        plugin = None if owner.name is None else plugins[owner.name].plugin
        known = self._converted.get(owner.name)
        if known is None or known[0] is not plugin:
            if isinstance(self.given, Iterator) and any(done is not self.given for _, done in self._converted.values()):
                raise TypeError(
                    f"{keyword.name}= was an iterator, which another plugin has read; set it again for {owner.label}"
                )
            known = self._converted[owner.name] = plugin, keyword.convert(self.given)[0]
        return known[1], owner.name


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

    def __init__(
        self, core: Mapping[str, Keyword], declared: Iterable[tuple[PluginInfo, Option]], reserved: frozenset[str]
    ) -> None:
        """Make the table.

        core: the options of core, which no plugin shares. declared: those of plugins. reserved: names that these must not have.

        Raises: PluginError, for a reserved name, and for a name that two plugins have and cannot share.
        """
        self.keywords = dict(core)
        taken = reserved | self.keywords.keys()
        for info, option in declared:
            name = option.name
            if name in taken or not name.isidentifier():
                raise PluginError(
                    f"{info.label} declares the option {name!r}, a name that core has or that is no identifier"
                )
            owner = Owner(info.name, info.label, option)
            if name not in self.keywords:
                self.keywords[name] = Keyword(name, owner)
            else:
                self.keywords[name].share(owner)

    def find(self, name: str, level: Level) -> Keyword | None:
        """Return the option of a name, None if there is none that may be given to a client, to a request."""
        found = self.keywords.get(name)
        return found if found is not None and found.takes(level) else None

    def names(self, level: Level) -> list[str]:
        """Return the names of all options that may be given to a client, to a request."""
        return [name for name, keyword in self.keywords.items() if keyword.takes(level)]
