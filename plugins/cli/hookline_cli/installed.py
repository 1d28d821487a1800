"""The installed plugins, each with its state: enabled, or the reason why not."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass

from hookline import HttpClient, PluginError


@dataclass(frozen=True)
class InstalledPlugin:
    """One plugin.

    distribution, version: None for a plugin that was given as an object. state: `enabled`; `broken`, and clients raise an
    error; `skipped`, since it is broken and HOOKLINE_BROKEN_PLUGINS says so; or the reason that core gives: `disabled`,
    `optional`, `not autoloaded`, `replaced by NAME`. error: why it is broken.
    """

    name: str
    distribution: str | None
    version: str | None
    state: str
    events: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    runs_for: tuple[str, ...] = ()
    error: str = ""

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


def installed_plugins(client: HttpClient) -> list[InstalledPlugin]:
    """Return all plugins: first those that run, in order."""
    found = [
        InstalledPlugin(info.name, info.distribution, info.version, "enabled", info.hooks, info.options, info.runs_for)
        for info in client.plugins
    ]
    for absent in client.plugins.absent:
        state = absent.why if absent.by is None else f"{absent.why} by {absent.by.name}"
        if state == "broken" and skips_broken():
            state = "skipped"
        found.append(InstalledPlugin(absent.name, absent.distribution, absent.version, state, error=absent.error))
    return found


def skips_broken() -> bool:
    """Say whether the environment has clients skip broken plugins, as core reads it."""
    return os.environ.get("HOOKLINE_BROKEN_PLUGINS", "").strip().lower() == "skip"


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
