"""What only the garbage collector would free."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cycles(of: str) -> Iterator[list[str]]:
    """Collect no garbage in this block. At its end the list has the names of the classes of `of` whose objects are in cycles.

    of: how the names of their modules begin.
    """
    found: list[str] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += sorted({type(each).__name__ for each in gc.garbage if type(each).__module__.startswith(of)})
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
