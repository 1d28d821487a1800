"""Recognize authentication objects of requests and httpx without importing these packages.

The classes have no instances of their own: isinstance() goes by the names in an object's class tree. Core's error for an
`auth=` that no plugin accepts lists them by name.
"""

from __future__ import annotations


class _HttpxAuthType(type):
    def __instancecheck__(cls, value: object) -> bool:
        return any(base.__name__ == "Auth" and hasattr(base, "async_auth_flow") for base in type(value).__mro__)


class HttpxAuth(metaclass=_HttpxAuthType):
    """The class of all authentication objects of httpx. Those of requests are callables, and need no class here."""


class _RequestsDigestAuthType(type):
    def __instancecheck__(cls, value: object) -> bool:
        kind = type(value)
        return kind.__name__ == "HTTPDigestAuth" and any(base.__name__ == "AuthBase" for base in kind.__mro__[1:])


class RequestsDigestAuth(metaclass=_RequestsDigestAuthType):
    """The class of requests' HTTPDigestAuth; objects of its subclasses are not instances."""

    username: str
    password: str
