"""Names that plugins add to the package: `from hookline import X` imports what the entry point X of `hookline.names` names."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import PluginError
from .distributions import entry_points
from .entry_point import EntryPoint

GROUP = "hookline.names"


@cache
def exported_names() -> dict[str, EntryPoint]:
    """Return the entry points of the exported names. If two distributions export a name, the first by its own name counts."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(GROUP), key=lambda point: point.distribution):
        found.setdefault(point.name, point)
    return found


def exported(name: str) -> Any:
    """Import the object that an installed plugin exports by this name.

    Raises: AttributeError, if no installed plugin exports the name; PluginError, if the object cannot be imported.
    """
    point = None if name.startswith("__") else exported_names().get(name)
    if point is None:
        raise AttributeError(f"module 'hookline' has no attribute {name!r}, and no installed plugin exports it")
    try:
        return point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # see EntryPoint.load_plugin
        raise PluginError(
            f"{name!r} of {point.distribution} {point.version} cannot be imported: {type(error).__name__}: {error}"
        ) from error
