"""The options of core and plugins, and the attributes that plugins declare, as attributes of a client: `client.timeout`.

A `__getattr__` would need three lines, but makes every other lookup on a client, `client.get` included, three times as slow:
0.3 us for each request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

Read_co = TypeVar("Read_co", covariant=True)
Given_contra = TypeVar("Given_contra", contravariant=True)


class ClientOption(Generic[Read_co, Given_contra]):
    """The type of an option as an attribute of clients, for type checkers: `timeout: ClientOption[Timeout, Timeout | float]`.

    The first type is that of the converted value, which is read; the second that of the values that may be set. Classes with
    such annotations describe what a plugin adds to clients (docs/typing.md). An option whose two types are one has it alone.

    Example::

        from hookline import ClientOption, HttpClient, Option, hookimpl


        class StampClient:  # for type checkers: reads as str, and may be set to an int
            stamp: ClientOption[str, str | int]


        class Stamp:
            @hookimpl
            def declare(self):
                return [Option("stamp", convert=str)]


        class Client(StampClient, HttpClient): ...


        client = Client(plugins=[Stamp()], stamp=7)
        print(client.stamp)
    """

    if TYPE_CHECKING:

        def __get__(self, client: object, owner: type | None = None) -> Read_co: ...

        def __set__(self, client: object, value: Given_contra) -> None: ...


class ClientAttributes:
    """A base class of clients that holds these attributes: all that any client of this process has had."""


class _ClientAttribute:
    """The descriptor of one attribute. Its value, or an AttributeError, depends on the client's plugins at that time."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self
        name = self._name
        configuration = client.configuration
        if name in configuration.client_attributes:
            return configuration.client_attributes[name].get(client)
        if name in configuration.options:  # as its owner has converted it
            return configuration.options[name]
        raise AttributeError(f"{owner.__name__!r} object has no attribute {name!r}", name=name, obj=client)


def define_client_attributes(names: Iterable[str]) -> None:
    """Give all clients attributes of these names, unless they have them."""
    for name in names:
        if name not in ClientAttributes.__dict__:
            setattr(ClientAttributes, name, _ClientAttribute(name))


def names_of_client(client: Any) -> frozenset[str]:
    """The attributes of a client itself, whose names no plugin may take."""
    own: frozenset[str] = frozenset(dir(type(client))).difference(defined_names()) | client.__dict__.keys()
    return own


def defined_names() -> frozenset[str]:
    """The names that `define_client_attributes` has defined."""
    return frozenset(name for name, value in ClientAttributes.__dict__.items() if isinstance(value, _ClientAttribute))
