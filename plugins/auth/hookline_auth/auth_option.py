"""Convert the value of `auth=` to an Auth or a callable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .auth import Auth
from .basic import HTTPBasicAuth

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hookline import HttpResponse

    AuthValue = Auth | Callable[[HttpResponse], Any]


def as_auth(value: object) -> AuthValue:
    """Return an Auth, whose flow is run, or a callable, which is called as `f(response)`.

    value: a pair of username and password, an Auth, a generator function, or an authentication object of requests or
    httpx; each of these gives an Auth. Any other callable is returned as it is.

    Raises:
        TypeError, ValueError: a pair that HTTPBasicAuth refuses, or none of these.
    """
    if isinstance(value, Auth):
        return value
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise TypeError(f"auth= takes a pair of username and password, not {len(value)} items")
        return HTTPBasicAuth(*value)
    # Imported here, because few programs use such objects.
    from .flow_function import flow_function
    from .from_httpx import AuthFromHttpx, httpx_package
    from .from_requests import AuthFromRequests, requests_package

    if package := requests_package(value):
        return AuthFromRequests(value, package)
    if package := httpx_package(value):
        return AuthFromHttpx(value, package)
    if not callable(value):
        raise TypeError(f"auth= takes a pair, an authentication or a callable, not {type(value).__name__}")
    return flow_function(value) or value
