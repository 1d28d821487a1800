"""What a plugin declares: options, bodies, media types, attributes, URL schemes, credential fields and default fields."""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, get_args


class Option(NamedTuple):
    """A keyword of `HttpClient(...)` and of each request; `client.NAME` and `request.NAME` read its converted value.

    name: a Python identifier that core does not use.
    default: the value if the option is not given.
    request, client: may it be given to a request, to a client?
    convert: `f(value) -> value`, called once for each value given, but not for None. Raises TypeError or ValueError;
        core adds to the message the name of the option, what it takes, and the plugin with its distribution. It takes its
        own results too, since programs give one client what they read from another.
    accepts: the classes whose instances this plugin takes, and the builtin `callable` for anything that can be called.
        Needed if several plugins declare the option. The class nearest to that of the value decides; `callable` comes
        last; a tie is a TypeError. `request.owner("NAME")` returns the name of the plugin that took the value.
    doc: one line for `hookline plugins info NAME`.
    expected: the values that it takes, in words, for messages: "seconds, or a Timeout" makes "timeout= takes seconds, or a
        Timeout: ..." of the message of `convert`. Not needed if that message begins with the name of the option.

    Example: docs/plugins/options.md#converting-values
    """

    name: str
    default: Any = None
    request: bool = True
    client: bool = True
    convert: Callable[[Any], Any] | None = None
    accepts: Iterable[Any] = ()
    doc: str = ""
    expected: str = ""


class Body(NamedTuple):
    """Keywords of a request that become its body, such as `json=`.

    keywords: one name, or several as a tuple; Python identifiers. Core has `data` and `json`, which a plugin may replace;
        other names must not be those of an option or a parameter. A request may be given the keywords of one Body.
    encode: `f(request, *values) -> (content, content_type)`, called once when the request is made, with its options and
        fields set. values: those of the keywords, in their order; None = not given, and at least one of them was.
        content: bytes or a str; an iterable, async iterable or `Source`, which is read while it is sent; None = no body.
        content_type: a str, which a Content-Type of the user replaces; None = none.
        It may return NotImplemented instead for values of keywords that core has too: then core encodes them.
    doc: one line for `hookline plugins info NAME`.

    Example: docs/plugins/bodies.md#bodies-of-your-own
    """

    keywords: str | tuple[str, ...]
    encode: Callable[..., Any]
    doc: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The keywords as a tuple.

        Example::

            from hookline import Body

            assert Body("xml", encode=str).names == ("xml",)
        """
        return (self.keywords,) if isinstance(self.keywords, str) else tuple(self.keywords)


class MediaType(NamedTuple):
    """Media types that `response.decode_content()` decodes.

    types: one, or several as a tuple, in lower case: a whole type such as `application/cbor`, a suffix such as `+json` (RFC
        6839), or all subtypes such as `text/*`. The first of these three that fits a Content-Type decodes. Core has JSON,
        forms and text, which a plugin may replace.
    decode: `f(response) -> object`. Raises ValueError, for a body that is not of its type.
    doc: one line for `hookline plugins info NAME`.

    Example: docs/plugins/bodies.md#bodies-of-your-own
    """

    types: str | tuple[str, ...]
    decode: Callable[[Any], Any]
    doc: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The media types as a tuple.

        Example::

            from hookline import MediaType

            assert MediaType(("text/csv", "text/tab-separated-values"), decode=str).names[0] == "text/csv"
        """
        return (self.types,) if isinstance(self.types, str) else tuple(self.types)


class Scheme(NamedTuple):
    """A URL scheme that the plugin serves.

    name: in lower case, such as `ws`. port: the default port. tls: do its connections begin with a TLS handshake?

    Example::

        from hookline import HttpClient, Scheme, hookimpl


        class Plain:
            @hookimpl
            def declare(self):
                return [Scheme("plain", port=80)]


        with HttpClient(plugins=[Plain()]) as client:
            print(client.get("http://127.0.0.1:8000/".replace("http", "plain")).status_code)
    """

    name: str
    port: int
    tls: bool = False


class Attribute(NamedTuple):
    """A read-only attribute of every response, every request, the client or `response.raw`.

    get: `f(owner) -> value`, called at each access. owner: the object that has the attribute.
    of: whose attribute it is: "response", "request", "client", or "stream" for `response.raw`.
    doc: one line for `hookline plugins info NAME`.

    Example: docs/plugins/writing.md#the-module
    """

    name: str
    get: Callable[[Any], Any]
    of: str = "response"
    doc: str = ""


class Credential(NamedTuple):
    """The name of a header field that carries a credential: `request.follow()` does not send it to another origin.

    Example: docs/plugins/options.md#fields-and-origins
    """

    name: str


class DefaultHeader(NamedTuple):
    """A header field that core sends with every request, unless the client or the request has a field of this name.

    Example::

        from hookline import DefaultHeader, HttpClient, hookimpl


        class German:
            @hookimpl
            def declare(self):
                return [DefaultHeader("Accept-Language", "de")]


        with HttpClient(plugins=[German()]) as client:
            print(b"Accept-Language: de" in client.get("http://127.0.0.1:8000/").request.encode())
    """

    name: str
    value: str


class Protocol(NamedTuple):
    """A protocol that the plugin speaks on connections, such as HTTP/2: TLS offers it, and the server may choose it (ALPN).

    name: by which ALPN knows it, such as `h2`. make: `f(loop) -> MultiplexedConnection`, called once for each connection.
    schemes: of URLs for which it is offered. `DirectRoute(protocol=name)` speaks it without asking, in cleartext too.
    options: names of options of the client; `make` gets their values as keyword arguments.

    Example: docs/plugins/protocols.md#a-small-protocol
    """

    name: str
    make: Callable[..., Any]
    schemes: Iterable[str] = ("https",)
    options: Iterable[str] = ()


Declaration = Option | Body | MediaType | Protocol | Scheme | Attribute | Credential | DefaultHeader
KINDS = get_args(Declaration)


def kind_of(declaration: Any) -> type[Any] | None:
    """Return the class of a declaration, of these eight; None for an object that is none."""
    kind = type(declaration)
    return kind if kind in KINDS else next((each for each in KINDS if isinstance(declaration, each)), None)
