"""What a program holds: memory, tasks, descriptors and objects by type; to be compared between two moments of a long run."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from dataclasses import dataclass, field

# Objects of these modules, and of the types in which such things wait, are counted.
COUNTED_MODULES = ("hookline", "asyncio", "_asyncio", "uvloop", "ngh2", "h2.", "hpack", "hyperframe", "collections")
COUNTED_TYPES = {
    "dict",
    "list",
    "set",
    "tuple",
    "coroutine",
    "async_generator",
    "generator",
    "method",
    "function",
    "cell",
}


@dataclass
class Levels:
    """At one moment. memory: resident, in bytes. objects: by the name of their type, those that the garbage collector knows."""

    memory: int
    tasks: int
    descriptors: int
    objects: Counter[str] = field(repr=False)

    def growth(self, later: Levels, more_than: int) -> dict[str, int]:
        """Return the types of which there are more by `more_than` later, and by how many."""
        grown = {name: count - self.objects[name] for name, count in later.objects.items()}
        return {name: count for name, count in grown.items() if count > more_than}


def take_levels() -> Levels:
    """Collect garbage, and say what is left; in a running loop."""
    gc.collect()
    objects: Counter[str] = Counter()
    for each in gc.get_objects():
        kind = type(each)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if kind.__qualname__ in COUNTED_TYPES or name.startswith(COUNTED_MODULES):
            objects[name] += 1
    with open("/proc/self/statm", encoding="ascii") as file:
        memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return Levels(memory, len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), objects)
