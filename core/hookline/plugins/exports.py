"""Names that plugins export for convenience: `from hookline import X` gives what an entry point of `hookline.names` names."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import PluginError
from .distributions import entry_points
from .entry_point import EntryPoint

GROUP = "hookline.names"


@cache
def points() -> dict[str, EntryPoint]:
    """The exported names. The first distribution by name wins, whatever was installed first."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(GROUP), key=lambda point: point.distribution):
        found.setdefault(point.name, point)
    return found


def exported(name: str) -> Any:
    """Import what a name stands for.

    Raises: AttributeError, when no installed plugin exports it; PluginError, when it cannot be imported.
    """
    point = None if name.startswith("__") else points().get(name)
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
