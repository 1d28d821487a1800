"""The installed plugins, each with its state: enabled, or the reason why not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from hookline import HttpClient, PluginError


@dataclass(frozen=True)
class InstalledPlugin:
    """One plugin.

    distribution, version: None for a plugin that was given as an object. state: `enabled`, `broken` (it cannot be loaded),
    or the reason that core gives: `disabled`, `optional`, `not autoloaded`, `replaced by NAME`.
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

    def matches(self, name: str) -> bool:
        """Say whether a name is that of this plugin or of its distribution."""
        distribution = normalized(self.distribution or "")
        return normalized(name) in (self.name, distribution, distribution.removeprefix("hookline_"))


def normalized(name: str) -> str:
    """Return a name in the form in which core compares names, as in `disable=`."""
    return re.sub(r"[-_.]+", "_", name).lower()


def installed_plugins(client: HttpClient, broken: Collection[str] = ()) -> list[InstalledPlugin]:
    """Return all plugins: first those that run, in order.

    broken: the names of the plugins that were left out of the client because they cannot be loaded.
    """
    found = [
        InstalledPlugin(info.name, info.distribution, info.version, "enabled", info.hooks, info.options, info.runs_for)
        for info in client.plugins
    ]
    for absent in client.plugins.absent:
        state = absent.why if absent.by is None else f"{absent.why} by {absent.by.name}"
        state = "broken" if absent.name in broken else state
        if absent.entry is None:
            found.append(InstalledPlugin(absent.name, None, None, state))
        else:
            found.append(InstalledPlugin(absent.name, absent.entry.distribution, absent.entry.version, state))
    return found


def find_by_name(name: str, plugins: list[InstalledPlugin]) -> list[InstalledPlugin]:
    """Return the plugin of that name; if there is none, all plugins of the distribution of that name.

    Raises: PluginError, which suggests the nearest name.
    """
    matching = [plugin for plugin in plugins if plugin.matches(name)]
    exact = [plugin for plugin in matching if plugin.name == normalized(name)]
    if not matching:
        known = sorted({plugin.name for plugin in plugins})
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; installed are {', '.join(known) or 'none'}"
        raise PluginError(f"no plugin {name!r} is installed{hint}")
    return exact or matching
