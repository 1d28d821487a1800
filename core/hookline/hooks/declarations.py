"""What a plugin declares: options, URL schemes, attributes, credential fields and default header fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Option(NamedTuple):
    """A keyword of `HttpClient(...)` and of each request; `client.NAME` and `request.NAME` read its value.

    name: a Python identifier that core does not use.
    default: the value if the option is not given.
    request, client: may it be given to a request, to a client?
    convert: `f(value) -> value`, called once for each value given, but not for None. Raises TypeError or ValueError;
        core adds the name of the option to the message.
    accepts: the classes whose instances this plugin takes, and the builtin `callable` for anything that can be called.
        Needed if several plugins declare the option. The class nearest to that of the value decides; `callable` comes
        last; a tie is a TypeError. `request.owner("NAME")` returns the name of the plugin that took the value.
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
    """A URL scheme that the plugin serves.

    name: in lower case, such as `ws`. port: the default port. tls: do its connections begin with a TLS handshake?
    """

    name: str
    port: int
    tls: bool = False


class Attribute(NamedTuple):
    """A read-only attribute of every response (`of="response"`), every request (`"request"`) or the client (`"client"`).

    get: `f(owner) -> value`, called at each access. owner: the response, the request or the client.
    doc: one line for `hookline plugins info NAME`.
    """

    name: str
    get: Callable[[Any], Any]
    of: str = "response"
    doc: str = ""


class Credential(NamedTuple):
    """The name of a header field that carries a credential: `request.follow()` does not send it to another origin."""

    name: str


class DefaultHeader(NamedTuple):
    """A header field that core sends with every request, unless the client or the request has a field of this name."""

    name: str
    value: str


class Protocol(NamedTuple):
    """A protocol that the plugin speaks on connections, such as HTTP/2: TLS offers it, and the server may choose it (ALPN).

    name: by which ALPN knows it, such as `h2`. make: `f(loop) -> MultiplexedConnection`, called once for each connection.
    schemes: of URLs for which it is offered. `DirectRoute(protocol=name)` speaks it without asking, in cleartext too.
    """

    name: str
    make: Callable[[Any], Any]
    schemes: Iterable[str] = ("https",)


Declaration = Option | Protocol | Scheme | Attribute | Credential | DefaultHeader
