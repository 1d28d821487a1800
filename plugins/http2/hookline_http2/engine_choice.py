"""Which library a connection uses: the one that the client names, or the best one that is installed."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from .engine import Engine, FrameReceiver
from .options import ENGINES


@cache  # each connection asks
def installed_engine() -> str:
    """Return the name of the engine to use."""
    return next((name for name in ENGINES if find_spec(name) is not None), ENGINES[-1])


def make_engine(name: str | None, receiver: FrameReceiver) -> Engine:
    """Make an engine; the library is imported now. name: one of ENGINES; None = the best one that is installed."""
    if (name or installed_engine()) == "ngh2":
        from .ngh2_engine import NGH2Engine

        return NGH2Engine(receiver)
    from .h2_engine import H2Engine

    return H2Engine(receiver)
