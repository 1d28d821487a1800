"""Names that plugins export for convenience: `from hookline import X` gives what an entry point of `hookline.names` names."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import PluginError
from .distributions import Offer, offers

GROUP = "hookline.names"


@cache
def points() -> dict[str, Offer]:
    """The exported names. The first distribution by name wins, whatever was installed first."""
    found: dict[str, Offer] = {}
    for offer in sorted(offers(GROUP), key=lambda offer: offer.distribution):
        found.setdefault(offer.name, offer)
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
    except BaseException as error:  # see Entry.load
        raise PluginError(
            f"{name!r} of {point.distribution} {point.version} cannot be imported: {type(error).__name__}: {error}"
        ) from error
