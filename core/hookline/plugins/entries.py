"""The entry points that are installed. Read once per process, at the first client; nothing is imported by reading them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

DEFAULT_GROUP = "hookline"
OPTIONAL_GROUP = "hookline.optional"
ROOT_DISTRIBUTION = "hookline"


def normalized(name: str) -> str:
    """One spelling for names of plugins and distributions: `Acme-Retry` is `acme_retry`."""
    return re.sub(r"[-_.]+", "_", name).lower()


@dataclass(frozen=True)
class Entry:
    """A plugin that a distribution offers. optional: known by name only, loaded when somebody asks for it."""

    name: str
    distribution: str
    version: str
    optional: bool
    point: EntryPoint

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
            return self.point.load()
        except Exception as error:
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
    from importlib.metadata import entry_points

    found: list[Entry] = []
    seen: set[tuple[str, str, str]] = set()
    for group in (DEFAULT_GROUP, OPTIONAL_GROUP):
        for point in entry_points(group=group):
            distribution = point.dist.name if point.dist is not None else "?"
            version = point.dist.version if point.dist is not None else "?"
            key = (normalized(distribution), group, point.name)
            if key not in seen:
                seen.add(key)
                found.append(Entry(normalized(point.name), distribution, version, group == OPTIONAL_GROUP, point))
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


@dataclass(frozen=True)
class Environment:
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
