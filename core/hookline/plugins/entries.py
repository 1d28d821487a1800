"""The entry points that are installed. Read once per process, at the first client; nothing is imported by reading them."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import Any, NamedTuple

from ..errors import PluginError
from .distributions import Offer, normalized, offers

DEFAULT_GROUP = "hookline"
OPTIONAL_GROUP = "hookline.optional"
ROOT_DISTRIBUTION = "hookline"


class Entry(NamedTuple):
    """A plugin that a distribution offers. optional: known by name only, loaded when somebody asks for it."""

    name: str
    distribution: str
    version: str
    optional: bool
    offer: Offer

    @property
    def short_name(self) -> str:
        """The distribution's name without the project's: it stands for all its entries."""
        return normalized(self.distribution).removeprefix("hookline_")

    def answers_to(self, name: str) -> bool:
        """Is it this entry, or one of this distribution, that the name means?"""
        return normalized(name) in (self.name, self.short_name, normalized(self.distribution))

    def load(self) -> Any:
        """Import what the entry names.

        Raises: PluginError.
        """
        try:
            return self.offer.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a program must not end without a word of who ended it
            raise self.failure("cannot be imported", error) from error

    def failure(self, what: str, error: BaseException) -> PluginError:
        return PluginError(
            f"plugin {self.name!r} of {self.label} {what}: {type(error).__name__}: {error};"
            f" disable=[{self.name!r}] leaves it out"
        )

    @property
    def label(self) -> str:
        return f"{self.distribution} {self.version}"


@cache
def installed() -> tuple[Entry, ...]:
    """All entries of both groups, by name. A distribution that stands on the path twice counts once, as imports do."""
    found: list[Entry] = []
    seen: set[tuple[str, str, str]] = set()
    for offer in offers(DEFAULT_GROUP, OPTIONAL_GROUP):
        key = (normalized(offer.distribution), offer.group, offer.name)
        if key not in seen:
            seen.add(key)
            optional = offer.group == OPTIONAL_GROUP
            found.append(Entry(normalized(offer.name), offer.distribution, offer.version, optional, offer))
    return tuple(sorted(found, key=lambda entry: (entry.name, entry.distribution)))


@cache
def required_by_root() -> frozenset[str]:
    """Normalized names of the distributions that the root distribution requires.

    Raises: PluginError, when it is not installed.
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires(ROOT_DISTRIBUTION) or []
    except PackageNotFoundError as error:
        raise PluginError(
            f"autoload='default' loads what the distribution {ROOT_DISTRIBUTION!r} requires, and that is not installed;"
            " name the plugins instead: autoload=False, plugins=[...]"
        ) from error
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return frozenset(normalized(match[0]) for match in names if match is not None)


class Environment(NamedTuple):
    """What the HOOKLINE_* variables say. Names that are not installed mean nothing: one environment, many programs."""

    disable: tuple[str, ...]
    plugins: tuple[str, ...]
    no_autoload: bool

    @classmethod
    def read(cls) -> Environment:
        def names(variable: str) -> tuple[str, ...]:
            return tuple(
                filter(None, (normalized(n.strip()) for n in os.environ.get(variable, "").split(",") if n.strip()))
            )

        flag = os.environ.get("HOOKLINE_DISABLE_PLUGIN_AUTOLOAD", "").strip().lower()
        return cls(names("HOOKLINE_DISABLE"), names("HOOKLINE_PLUGINS"), flag not in ("", "0", "false", "no"))
