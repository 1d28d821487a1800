"""In which order plugins run: by `before` and `after`, then by tryfirst and trylast, then by name.

The order of installation does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from ..errors import PluginError
from .plugin_info import PluginInfo


def successors(plugins: Mapping[str, PluginInfo]) -> dict[str, frozenset[str]]:
    """Return for each plugin all that must run after it, directly or because of plugins between them.

    plugins: by name. Names of other plugins in `before` and `after` are ignored.

    Raises: PluginError, for a cycle.
    """
    following: dict[str, set[str]] = {name: plugins.keys() & info.names_in("before") for name, info in plugins.items()}
    for name, info in plugins.items():
        for other in plugins.keys() & info.names_in("after"):
            following[other].add(name)
    last_first = TopologicalSorter({name: sorted(names) for name, names in sorted(following.items())})
    closed: dict[str, frozenset[str]] = {}
    try:
        for name in last_first.static_order():
            closed[name] = frozenset().union(following[name], *(closed[other] for other in following[name]))
    except CycleError as error:
        cycle = error.args[1][::-1]
        raise PluginError(
            f"the plugins' before and after form a cycle: {' before '.join(cycle)}; disable=[{cycle[0]!r}] breaks it"
        ) from None
    return closed


def ordered(ranks: Mapping[str, int], following: Mapping[str, frozenset[str]]) -> list[str]:
    """Sort plugins: by what must run after what, then by rank, then by name.

    ranks: by plugin, -1 for tryfirst, 1 for trylast, else 0. following: what `successors` returned.
    """
    waiting = sorted(ranks, key=lambda name: (ranks[name], name))
    result: list[str] = []
    while waiting:
        first = next(name for name in waiting if not any(name in following[other] for other in waiting))
        waiting.remove(first)
        result.append(first)
    return result
