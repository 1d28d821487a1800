"""A generator function `flow(request)` of the user as an Auth."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .auth import Auth

if TYPE_CHECKING:
    from .auth import AsyncFlow, Flow
    from .interfaces import Request


class FlowFunction(Auth):
    """Run a generator function, plain or asynchronous, as a flow."""

    def __init__(self, function: Callable[[Any], Any], is_async: bool) -> None:
        self._function = function
        self._is_async = is_async

    @property
    def is_async(self) -> bool:
        """Say whether it is an asynchronous generator function."""
        return self._is_async

    def flow(self, request: Request) -> Flow:
        """Call the function."""
        return self._function(request)  # type: ignore[no-any-return]  # flow_function has checked what it is

    def async_flow(self, request: Request) -> AsyncFlow:
        """Call the function, and wrap a plain generator."""
        return self._function(request) if self._is_async else super().async_flow(request)


def flow_function(function: Callable[..., Any]) -> FlowFunction | None:
    """Return a generator function, or an object whose `__call__` is one, as an Auth; None for any other callable."""
    for candidate in (function, getattr(type(function), "__call__", None)):  # noqa: B004  # inspected, not called
        if inspect.isgeneratorfunction(candidate):
            return FlowFunction(function, is_async=False)
        if inspect.isasyncgenfunction(candidate):
            return FlowFunction(function, is_async=True)
    return None
