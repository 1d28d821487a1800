"""Copies and pickles: requests, responses and errors are copied as snapshots; connections, clients and streams refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

Reduce = Callable[[Any], tuple[Callable[..., Any], tuple[Any, ...]]]

_reducers: list[Reduce] = []


def set_reducer(reduce: Reduce) -> None:
    """Set the function that `snapshot` calls. The client layer provides it, since only that layer knows all the classes."""
    _reducers[:] = [reduce]


def snapshot(self: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Reduce a request, a response or an error: the `__reduce__` of these classes. Copies belong to no client."""
    return _reducers[0](self)


def no_copy(what: str, instead: str) -> Callable[[Any], NoReturn]:
    """Make a `__reduce__` that raises a TypeError, for objects that belong to one process or can be read only once.

    what: the object, as the subject of the message ("a client"). instead: what the user can do about it.
    """

    def refuse(self: Any) -> NoReturn:
        raise TypeError(f"{what} cannot be copied or pickled: {instead}")

    return refuse
