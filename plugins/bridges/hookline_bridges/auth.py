"""Authentication of requests and httpx for Hookline: the callables that these libraries take for `auth=`.

The plugin `basic` takes the authentication objects of both libraries as they are. What it cannot take so is a plain callable: one
of requests wants a PreparedRequest, one of httpx a Request, and one of Hookline a response. These functions say which it is:

    client = HttpClient(auth=from_requests(sign))
"""

from __future__ import annotations

from collections.abc import Generator
from importlib import import_module
from typing import Any

__all__ = ["from_httpx", "from_requests"]


def from_requests(auth: Any) -> Any:
    """Return what `auth=` of Hookline takes for what `auth=` of requests takes.

    auth: a callable, which gets a `requests.PreparedRequest` that it changes and returns. Any other value is returned as it is.

    Raises: ImportError, if requests is not installed.
    """
    from requests.auth import AuthBase

    if isinstance(auth, AuthBase) or not callable(auth):
        return auth

    class Function(AuthBase):
        """A callable that requests would call."""

        def __call__(self, r: Any) -> Any:
            return auth(r)

    return Function()


def from_httpx(auth: Any) -> Any:
    """Return what `auth=` of Hookline takes for what `auth=` of httpx and httpx2 takes.

    auth: a callable, which gets a Request that it changes and returns: one of httpx2, or of httpx if httpx2 is not installed.
    Any other value is returned as it is.

    Raises: ImportError, if neither is installed.
    """
    if hasattr(auth, "async_auth_flow") or not callable(auth):
        return auth
    try:
        package = import_module("httpx2")
    except ImportError:
        package = import_module("httpx")
    base: Any = package.Auth

    class Function(base):  # type: ignore[misc]  # of whichever package is installed
        """A callable that httpx would call."""

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            yield auth(request)

    return Function()
