"""The plugins that are installed, and what the environment says of them. Read once per process, at the first client."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import NamedTuple

from ..errors import PluginError
from .distributions import entry_points
from .entry_point import DEFAULT_GROUP, OPTIONAL_GROUP, EntryPoint, normalized

ROOT_DISTRIBUTION = "hookline"


@cache
def installed() -> tuple[EntryPoint, ...]:
    """Return the entry points of all plugins, sorted by name. Nothing is imported.

    An entry point that a distribution has twice counts once.
    """
    found: list[EntryPoint] = []
    seen: set[tuple[str, str, str]] = set()
    for point in entry_points(DEFAULT_GROUP, OPTIONAL_GROUP):
        key = (normalized(point.distribution), point.group, point.name)
        if key not in seen:
            seen.add(key)
            found.append(point._replace(name=normalized(point.name)))
    return tuple(sorted(found, key=lambda point: (point.name, point.distribution)))


@cache
def required_by_root() -> frozenset[str]:
    """Return the normalized names of the distributions that the distribution `hookline` requires: the default plugins.

    Raises: PluginError, if it is not installed.
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
    """The environment variables that select plugins.

    Names that are not installed are ignored, because all programs of an environment read the same variables.

    disable: HOOKLINE_DISABLE. plugins: HOOKLINE_PLUGINS. Both: normalized names, separated by commas in the variable.
    no_autoload: HOOKLINE_DISABLE_PLUGIN_AUTOLOAD; unset, empty, 0, false and no mean False.
    """

    disable: tuple[str, ...]
    plugins: tuple[str, ...]
    no_autoload: bool

    @classmethod
    def read(cls) -> Environment:
        """Read the variables."""

        def names(variable: str) -> tuple[str, ...]:
            return tuple(
                filter(None, (normalized(n.strip()) for n in os.environ.get(variable, "").split(",") if n.strip()))
            )

        flag = os.environ.get("HOOKLINE_DISABLE_PLUGIN_AUTOLOAD", "").strip().lower()
        return cls(names("HOOKLINE_DISABLE"), names("HOOKLINE_PLUGINS"), flag not in ("", "0", "false", "no"))
