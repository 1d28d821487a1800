"""What a plugin declares: options, URL schemes, attributes, credential fields and default header fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Option(NamedTuple):
    """A keyword of `HttpClient(...)` and of each request; `client.NAME` and `request.NAME` read it.

    default: the value where nobody gave one.
    request, client: may it be given to a request, to a client?
    convert: `f(value) -> value`, called once for each value given; raises TypeError or ValueError. None is passed on
    as it is.
    accepts: needed where several plugins share the name: classes whose instances this plugin takes, and the builtin
    `callable`
        for anything that can be called. The nearest class decides; `callable` comes last; a tie is a TypeError.
        `request.owner("NAME")` names the plugin that took the value.
    doc: one line for `hookline plugins info NAME`.
    """

    name: str
    default: Any = None
    request: bool = True
    client: bool = True
    convert: Callable[[Any], Any] | None = None
    accepts: Iterable[Any] = ()
    doc: str = ""


class Scheme(NamedTuple):
    """A URL scheme that the plugin serves. `tls` says whether its connections begin with a TLS handshake."""

    name: str
    port: int
    tls: bool = False


class Attribute(NamedTuple):
    """A read-only attribute on every response (`of="response"`), every request (`"request"`) or the client (`"client"`).

    get: `f(owner) -> value`, called at each reading.
    """

    name: str
    get: Callable[[Any], Any]
    of: str = "response"
    doc: str = ""


class Credential(NamedTuple):
    """The name of a field that carries a credential: `request.follow()` drops it at the border of an origin."""

    name: str


class DefaultHeader(NamedTuple):
    """A field that stands in every request while the plugin is enabled, unless the client or the request says otherwise."""

    name: str
    value: str


Declaration = Option | Scheme | Attribute | Credential | DefaultHeader
