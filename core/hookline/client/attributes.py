"""The options and attributes of a client, core's and its plugins', as attributes to read: `client.max_redirects`.

A `__getattr__` would do it in three lines, and make every other look at a client, `client.get` included, three times as slow:
0.3 us for each request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ClientAttributes:
    """The base of clients that holds these names. One stands here once any client of this process has had it."""


class _Name:
    """One of them. Each client answers for itself, by the plugins that it has now."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self
        name = self._name
        profile = client.configuration
        if name in profile.client_attributes:
            return profile.client_attributes[name].get(client)
        setting, keyword = client._values.get(name), profile.table.keywords.get(name)
        if setting is not None and (keyword is None or keyword.takes("request")):
            return setting.given
        if name in profile.options:  # one that no request has is read here alone, as its owner wants it
            return profile.options[name]
        raise AttributeError(f"{owner.__name__!r} object has no attribute {name!r}", name=name, obj=client)


def know(names: Iterable[str]) -> None:
    """Let clients be asked for these names."""
    for name in names:
        if name not in ClientAttributes.__dict__:
            setattr(ClientAttributes, name, _Name(name))


def own_names(client: Any) -> frozenset[str]:
    """The attributes that a client has of its own, which no plugin may take."""
    own: frozenset[str] = frozenset(dir(type(client))).difference(known_names()) | client.__dict__.keys()
    return own


def known_names() -> frozenset[str]:
    return frozenset(name for name, value in ClientAttributes.__dict__.items() if isinstance(value, _Name))
