"""The plugins that are installed, each with its state: enabled, or why not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from hookline import HttpClient, PluginError


@dataclass(frozen=True)
class Found:
    """One plugin. distribution and version are None for what came as an object.

    state: `enabled`, `broken`, or how core calls it: `disabled`, `optional`, `not autoloaded`, `replaced by NAME`.
    """

    name: str
    distribution: str | None
    version: str | None
    state: str
    events: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    runs_for: tuple[str, ...] = ()

    @property
    def is_enabled(self) -> bool:
        return self.state == "enabled"

    def answers_to(self, name: str) -> bool:
        """Is it this plugin, or all of its distribution, that a name means?"""
        distribution = normalized(self.distribution or "")
        return normalized(name) in (self.name, distribution, distribution.removeprefix("hookline_"))


def normalized(name: str) -> str:
    """A name as core compares it, in `disable=` for example."""
    return re.sub(r"[-_.]+", "_", name).lower()


def find_all(client: HttpClient, broken: Collection[str] = ()) -> list[Found]:
    """All plugins: first those that run, in order. broken: the names of those that were left out because of an error."""
    found = [
        Found(info.name, info.distribution, info.version, "enabled", info.hooks, info.options, info.runs_for)
        for info in client.plugins
    ]
    for absent in client.plugins.absent:
        state = absent.why if absent.by is None else f"{absent.why} by {absent.by.name}"
        state = "broken" if absent.name in broken else state
        if absent.entry is None:
            found.append(Found(absent.name, None, None, state))
        else:
            found.append(Found(absent.name, absent.entry.distribution, absent.entry.version, state))
    return found


def named(name: str, every: list[Found]) -> list[Found]:
    """The plugin of that name; else all of the distribution of that name.

    Raises: PluginError, with the nearest name that is there.
    """
    answering = [found for found in every if found.answers_to(name)]
    exact = [found for found in answering if found.name == normalized(name)]
    if not answering:
        known = sorted({found.name for found in every})
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known) or 'none'}"
        raise PluginError(f"no plugin {name!r} is installed{hint}")
    return exact or answering
