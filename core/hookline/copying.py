"""Copies and pickles: requests, responses and errors become snapshots, and what belongs to one process refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

Reduce = Callable[[Any], tuple[Callable[..., Any], tuple[Any, ...]]]

_reducers: list[Reduce] = []


def set_reducer(reduce: Reduce) -> None:
    """Say what takes objects apart: a layer above this one knows all that a snapshot holds."""
    _reducers[:] = [reduce]


def snapshot(self: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A `__reduce__` for requests, responses and errors: copies of them belong to no client."""
    return _reducers[0](self)


def no_copy(what: str, instead: str) -> Callable[[Any], NoReturn]:
    """Make a `__reduce__` for what belongs to one process, or can be read once only.

    what, instead: the subject of the message, and what to do about it.
    """

    def refuse(self: Any) -> NoReturn:
        raise TypeError(f"{what} cannot be copied or pickled: {instead}")

    return refuse
