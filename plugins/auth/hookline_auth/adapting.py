"""Turn what users give as `auth=` into an Auth, or into a call."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from hookline import HttpResponse

from .basic import HTTPBasicAuth
from .flows import AsyncFlow, Auth, Flow, Request

Given = Auth | Callable[[HttpResponse], Any]


class FlowFunction(Auth):
    """A generator function `flow(request)`, plain or asynchronous, as an Auth."""

    def __init__(self, function: Callable[[Any], Any], is_async: bool) -> None:
        self._function = function
        self._is_async = is_async

    @property
    def is_async(self) -> bool:
        return self._is_async

    def flow(self, request: Request) -> Flow:
        return self._function(request)  # type: ignore[no-any-return]  # a generator function, which as_given has seen

    def async_flow(self, request: Request) -> AsyncFlow:
        return self._function(request) if self._is_async else super().async_flow(request)


class _FromHttpx(type):
    def __instancecheck__(cls, value: object) -> bool:
        return any(base.__name__ == "Auth" and hasattr(base, "async_auth_flow") for base in type(value).__mro__)


class _DigestOfRequests(type):
    def __instancecheck__(cls, value: object) -> bool:
        kind = type(value)
        return kind.__name__ == "HTTPDigestAuth" and any(base.__name__ == "AuthBase" for base in kind.__mro__[1:])


class FromHttpx(metaclass=_FromHttpx):
    """The class of all authentication objects of httpx, without its being imported. Those of requests can be called."""


class DigestOfRequests(metaclass=_DigestOfRequests):
    """The class of requests' own HTTPDigestAuth, without its being imported; of none that derives from it."""

    username: str
    password: str


def as_given(value: object) -> Given:
    """What to do for the value of `auth=`: run a flow, or call `f(response)`.

    A pair, an Auth, a generator function, an authentication object of requests or httpx; any other callable stays as it is.

    Raises:
        TypeError, ValueError: a pair that HTTPBasicAuth does not take, or none of these.
    """
    if isinstance(value, Auth):
        return value
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise TypeError(f"auth= takes a pair of username and password, not {len(value)} items")
        return HTTPBasicAuth(*value)
    # Here, because few programs have such objects.
    from .from_httpx import HttpxAuth, httpx_package
    from .from_requests import RequestsAuth, requests_package

    if package := requests_package(value):
        return RequestsAuth(value, package)
    if package := httpx_package(value):
        return HttpxAuth(value, package)
    if not callable(value):
        raise TypeError(f"auth= takes a pair, an authentication or a callable, not {type(value).__name__}")
    return flow_function(value) or value


def flow_function(function: Callable[..., Any]) -> FlowFunction | None:
    """A generator function as an Auth; None for any other callable."""
    for candidate in (function, getattr(type(function), "__call__", None)):  # noqa: B004  # looked at, not called
        if inspect.isgeneratorfunction(candidate):
            return FlowFunction(function, is_async=False)
        if inspect.isasyncgenfunction(candidate):
            return FlowFunction(function, is_async=True)
    return None


async def awaited(result: Awaitable[Any]) -> None:
    """Await what an `async def f(response)` gave; what it returns is not looked at."""
    await result
