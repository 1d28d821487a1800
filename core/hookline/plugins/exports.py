"""Names that plugins add to the package: `from hookline import X` imports what the entry point X of `hookline.names` names."""

from __future__ import annotations

from functools import cache
from typing import Any

from .distributions import entry_points
from .entry_point import EntryPoint, plugin_error

GROUP = "hookline.names"


@cache
def exported_names() -> dict[str, EntryPoint]:
    """Return the entry points of the exported names. If two distributions export a name, the first by its own name counts."""
    points = sorted(entry_points(GROUP), key=lambda point: point.distribution)
    return {point.name: point for point in points[::-1]}


def exported(name: str) -> Any:
    """Import the object that an installed plugin exports by this name.

    Raises: AttributeError, if no installed plugin exports the name; PluginError, if the object cannot be imported.
    """
    point = None if name.startswith("__") else exported_names().get(name)
    if point is None:
        raise AttributeError(f"module 'hookline' has no attribute {name!r}, and no installed plugin exports it")
    with plugin_error("{!r} of {.label} cannot be imported", name, point):
        return point.load()
