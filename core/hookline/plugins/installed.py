"""The plugins that are installed, and what the environment says of them. Read once per process, at the first client."""

from __future__ import annotations

import os
import re
from functools import cache

from ..errors import PluginError
from .distributions import entry_points
from .entry_point import DEFAULT_GROUP, OPTIONAL_GROUP, EntryPoint, normalized

ROOT_DISTRIBUTION = "hookline"


@cache
def installed() -> tuple[EntryPoint, ...]:
    """Return the entry points of all plugins, sorted by name. Nothing is imported.

    An entry point that a distribution has twice counts once.
    """
    found: dict[tuple[str, str, str], EntryPoint] = {}
    for point in entry_points(DEFAULT_GROUP, OPTIONAL_GROUP):
        key = (normalized(point.distribution), point.group, point.name)
        found.setdefault(key, point._replace(name=normalized(point.name)))
    return tuple(sorted(found.values(), key=lambda point: (point.name, point.distribution)))


@cache
def required_by_root() -> frozenset[str]:
    """Return the normalized names of the distributions that the distribution `hookline` requires: the default plugins.

    What only an extra requires is not among them.

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
    always = (each for each in requirements if not re.search(r";.*\bextra\b", each))
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in always)
    return frozenset(normalized(match[0]) for match in names if match is not None)


def is_of_root(distribution: str) -> bool:
    """Does the distribution `hookline` require this one? False if it is not installed."""
    try:
        return normalized(distribution) in required_by_root()
    except PluginError:
        return False


def names_in(variable: str) -> list[str]:
    """Return the normalized names that an environment variable lists, separated by commas.

    Names that are not installed are no error, because all programs of an environment read the same variables.
    """
    return [normalized(name.strip()) for name in os.environ.get(variable, "").split(",") if name.strip()]


def forbids_autoload() -> bool:
    """Does HOOKLINE_DISABLE_PLUGIN_AUTOLOAD forbid it? Unset, empty, 0, false and no mean that it does not."""
    flag = os.environ.get("HOOKLINE_DISABLE_PLUGIN_AUTOLOAD", "").strip().lower()
    return flag not in ("", "0", "false", "no")


def skips_broken() -> bool:
    """Does HOOKLINE_BROKEN_PLUGINS say to skip broken plugins? Its values are skip and error, the default.

    Raises: PluginError, for another value.
    """
    value = os.environ.get("HOOKLINE_BROKEN_PLUGINS", "").strip().lower()
    if value not in ("", "error", "skip"):
        raise PluginError(f"HOOKLINE_BROKEN_PLUGINS takes skip or error, not {value!r}")
    return value == "skip"
