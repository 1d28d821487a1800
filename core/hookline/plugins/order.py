"""In which order plugins run: by `before` and `after`, then by tryfirst and trylast, then by name.

The order of installation does not matter.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from ..errors import PluginError


def successors(before: Mapping[str, Iterable[str]], after: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return for each plugin all that must run after it, directly or because of plugins between them.

    before, after: by plugin, the names in its attributes `before` and `after`. Names of plugins that are not loaded are
        ignored.

    Raises: PluginError, for a cycle.
    """
    direct: dict[str, set[str]] = {name: {n for n in named if n in before} for name, named in before.items()}
    for name, named in after.items():
        for other in named:
            if other in direct:
                direct[other].add(name)
    closed: dict[str, frozenset[str]] = {}
    path: list[str] = []

    def close(name: str) -> frozenset[str]:
        """Find all that must run after one plugin: the transitive closure."""
        if name in path:
            cycle = [*path[path.index(name) :], name]
            raise PluginError(
                f"the plugins' before and after form a cycle: {' before '.join(cycle)}; disable=[{name!r}] breaks it"
            )
        if name not in closed:
            path.append(name)
            closed[name] = frozenset().union(direct[name], *(close(other) for other in sorted(direct[name])))
            path.pop()
        return closed[name]

    for name in sorted(direct):
        close(name)
    return closed


def ordered(ranks: Mapping[str, int], following: Mapping[str, frozenset[str]]) -> list[str]:
    """Sort plugins: by what must run after what, then by rank, then by name.

    ranks: by plugin, -1 for tryfirst, 1 for trylast, else 0. following: what `successors` returned.
    """
    waiting = {name: sum(name in following[other] for other in ranks) for name in ranks}
    ready = [(ranks[name], name) for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    result: list[str] = []
    while ready:
        _, name = heapq.heappop(ready)
        result.append(name)
        for other in following[name] & waiting.keys():
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, (ranks[other], other))
    return result
