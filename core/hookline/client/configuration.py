"""What follows from a set of plugins: classes of requests and responses, options, dispatch tables, default fields.

A client has one configuration, and one more for each set of plugins that a call disables or adds. It is made anew when a
plugin or a handler comes or goes, or a default changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import InvalidURL, PluginError
from ..exchange.core_bodies import CORE_BODIES, CORE_MEDIA_TYPES
from ..exchange.core_options import (
    CONNECTION_OPTIONS,
    CONVERTED,
    CORE_OPTIONS,
    CREDENTIALS,
    DEFAULT_HTTP_HEADERS,
    EXCHANGE_OPTIONS,
)
from ..exchange.interfaces import Client
from ..exchange.origin import Destination, Origin
from ..exchange.request import BODY_FRAMING, NO_EXACT_HEADERS, NO_GIVEN_HEADERS, GivenHeaders, HttpRequest
from ..exchange.response import HttpResponse
from ..exchange.response_stream import ResponseStream
from ..exchange.streamed_response import StreamedResponse
from ..hooks.declarations import Attribute, Body, Credential, DefaultHeader, MediaType, Option, Scheme, kind_of
from ..hooks.declarations import Protocol as WireProtocol
from ..hooks.dispatch_table import DispatchTable
from ..hooks.implementation import Implementation
from ..hooks.markers import CONNECTION_HOOKS, EVENTS, HOOKS
from ..messages import fields
from ..messages.params import as_params, join_params, with_params
from ..messages.url import explain_unserved_scheme, scheme_of, split_url
from ..plugins.body_table import BodyTable, declarations_by_name
from ..plugins.option_table import Keyword, Level, OptionTable, Owner, Setting, was_read
from ..plugins.order import order_of
from ..plugins.plugin_info import PluginInfo
from .attributes import define_client_attributes, names_of_client

if TYPE_CHECKING:
    from ..hooks.connection_hooks import ConnectionHooks

C = TypeVar("C")
D = TypeVar("D")

MAX_DESTINATIONS = 1024  # URLs, and as many origins, that one configuration remembers
MAX_OPTION_NAMES = 256  # sets of keywords that one configuration remembers
_CORE_KEYWORDS = {option.name: Keyword(option.name, Owner(None, "core", option)) for option in CORE_OPTIONS}
_CORE_SCHEMES = (Scheme("http", 80), Scheme("https", 443, tls=True))
# The keywords of calls that are neither options nor bodies.
CALL_KEYWORDS = ("params", "headers", "exact_headers", "target", "plugins", "disable", *EVENTS)
# No option, no body and no attribute of a request may have one of these names; those of core's bodies may be declared anew.
_OF_RESPONSES, _OF_STREAMS = frozenset(dir(HttpResponse)), frozenset(dir(ResponseStream))
_RESERVED = frozenset({*dir(HttpRequest), *CALL_KEYWORDS, *(name for body in CORE_BODIES for name in body.names)})


class ConfiguredClient(Client, Protocol):
    """The client that a configuration is made for."""

    base_url: str | None
    client_version: str
    params: Any
    _ready: bool
    _removed_headers: frozenset[str]

    def _apply_removed_headers(self) -> None: ...

    def _unexpected_keyword_error(
        self, function: str, name: str, level: Level, configuration: Configuration
    ) -> TypeError: ...


class Configuration:
    """The plugins, handlers and option values of a client, and what requests and responses need of them.

    client: the client.
    plugins: the plugins that run, by name.
    table: the options of clients and requests, with their owners.
    bodies: the keywords of bodies, and their encoders. media_types: what `decode_content` decodes, by name.

    request_type, response_type: the classes of requests and responses, with the options and what plugins add as attributes.
    streamed_type: the class of responses that are handed out as a stream.
    stream_type: the class of `response.raw`.
    attributes: (of, name) of each attribute that plugins declare; `of` is "request", "response", "stream" or "client".
    client_attributes: the attributes of the client that plugins declare, by name.

    options: the values of the client's options, by name.
    option_owners: for each option that the client was given, the plugin that converted the value; None for core.
    given_options: the names of options that the client was given, None excepted.
    on_fast_path: do the options and default fields allow the fast path?
    pre_request_options, pre_request_fields: the names of options and fields in preconditions of pre_request.

    default_fields: name and value of each field that requests have by default.
    default_names: their names, in lower case.
    client_fields: the names, in lower case, of fields that the client was given, None to remove one included.
    credentials: the names, in lower case, of fields that carry credentials.
    closes_connection: do the default fields say `Connection: close`?
    states_framing: do the default fields have to be checked with each request: several Host, or what frames a body?
    given_headers, last_given_headers: `headers=` of earlier calls and of the last one, with what `HttpRequest` has made of them.
    last_exact_headers: the same for `exact_headers=` of the last call.
    option_names: the keywords of earlier calls that had options alone.

    schemes: the schemes that are served, by name.
    destinations: where URLs point, by URL as the calls gave it.

    Raises: PluginError, for plugins that do not fit each other; TypeError or ValueError, for wrong option values.
    """

    def __init__(
        self,
        client: ConfiguredClient,
        plugins: Iterable[PluginInfo],
        handlers: Mapping[str, tuple[Implementation, ...]],
        values: Mapping[str, Setting],
        inactive: Iterable[PluginInfo] = (),
    ) -> None:
        """Make the configuration.

        handlers: those of the client, by event. values: what the client was given for its options. inactive: plugins of the
        client that do not run in this call; their options have their defaults.
        """
        self.client = client
        self.plugins = {info.name: info for info in plugins}
        self._handlers = dict(handlers)
        self._order = order_of(self.plugins.values())
        self._declarations: dict[type[Any], list[tuple[PluginInfo, Any]]] = {}  # by kind
        for info in self.plugins.values():
            for each in info.declarations:
                kind = kind_of(each)
                assert kind is not None  # `declare` of the plugin has checked it
                self._declarations.setdefault(kind, []).append((info, each))
        self._implementations = self._ordered_implementations()
        conditions = [implementation.conditions for implementation in self._implementations["pre_request"]]
        self.pre_request_options = frozenset(name for each in conditions for name in each.options or ())
        self.pre_request_fields = frozenset(name for each in conditions for name in each.fields or ())
        self.given_options = {name for name, setting in values.items() if setting.given is not None}
        own_names = names_of_client(client)
        self.table = OptionTable(_CORE_KEYWORDS, self._declared(Option), _RESERVED | own_names)
        self.bodies = BodyTable(
            CORE_BODIES,
            [(info.label, body) for info, body in self._declared(Body)],
            _RESERVED | self.table.keywords.keys(),
        )
        self.media_types = declarations_by_name(
            "the media type", CORE_MEDIA_TYPES, [(info.label, found) for info, found in self._declared(MediaType)]
        )
        self.schemes = self._served_schemes()
        self.connection_hooks: ConnectionHooks | None
        self.run_connected: Callable[[Any, Any], None] | None  # of those, if one has `connected`
        self.stop_skipping()
        self.credentials = CREDENTIALS.union(credential.name.lower() for _, credential in self._declared(Credential))
        self.options, self.option_owners = self._option_values(values, inactive)
        self._protocols = self._declared_protocols()
        self.on_fast_path = not (self.options["stream"] or self.options["max_body"] or self.options["timings"])
        attributes = self._declared_attributes(own_names)
        self.attributes = tuple((of, name) for of, by_name in attributes.items() for name in by_name)
        self.client_attributes = attributes["client"]
        define_client_attributes({*self.options, *self.client_attributes})
        self.request_type = subclass(HttpRequest, HttpRequest, attributes["request"], self.options)
        self.response_type = subclass(HttpResponse, HttpResponse, attributes["response"])
        self.streamed_type = subclass(StreamedResponse, HttpResponse, attributes["response"])
        self.stream_type = subclass(ResponseStream, ResponseStream, attributes["stream"])
        self._set_default_fields()
        self._dispatch_tables: dict[tuple[str, bool], DispatchTable] = {}
        self._origins: dict[tuple[str, str, int], Origin] = {}
        self.destinations: dict[str, Destination] = {}
        self._absolute_destinations: dict[str, Destination] = {}
        self.given_headers: dict[Any, GivenHeaders] = {}
        self.last_given_headers = NO_GIVEN_HEADERS
        self.last_exact_headers = NO_EXACT_HEADERS
        self.option_names: set[tuple[str, ...]] = set()

    # -- how it is made

    def _ordered_implementations(self) -> dict[str, tuple[Implementation, ...]]:
        """The implementations of each hook, ordered by `before` and `after`, then tryfirst and trylast, then name."""
        found: dict[str, dict[str, list[Implementation]]] = {hook: {} for hook in (*HOOKS, "declare")}
        for name, info in self.plugins.items():
            for hook, every in info.implementations.items():
                found[hook][name] = sorted(every, key=attrgetter("rank")) if len(every) > 1 else every
        orders = {
            hook: self._order.sort({name: every[0].rank for name, every in found[hook].items()}) for hook in HOOKS
        }
        return {hook: tuple(each for name in orders[hook] for each in found[hook][name]) for hook in HOOKS}

    def stop_skipping(self) -> None:
        """Make the connection hooks, of the implementations whose switch is on; called again when one is turned on."""
        found = {
            hook: tuple(i for i in self._implementations[hook] if not i.is_switched_off) for hook in CONNECTION_HOOKS
        }
        self.connection_hooks = self.run_connected = None
        if any(found.values()):
            from ..hooks.connection_hooks import ConnectionHooks

            self.connection_hooks = hooks = ConnectionHooks(found)
            self.run_connected = hooks.run_connected if found["connected"] else None
        for hook in CONNECTION_HOOKS:
            for implementation in self._implementations[hook]:
                if implementation.is_switched_off:
                    implementation.switch._subscribe(self)  # type: ignore[union-attr]  # there is one

    def _declared(self, kind: type[D]) -> list[tuple[PluginInfo, D]]:
        """All declarations of one kind, each with its plugin."""
        return self._declarations.get(kind, [])

    def _declared_protocols(self) -> tuple[WireProtocol, ...]:
        """The protocols of the plugins.

        Raises: PluginError, for a protocol that two plugins bring, and for one with an unknown option.
        """
        found: dict[str, tuple[str, WireProtocol]] = {}
        for info, protocol in self._declared(WireProtocol):
            label, _ = found.setdefault(protocol.name, (info.label, protocol))
            if label != info.label:
                raise PluginError(f"{label} and {info.label} both bring the protocol {protocol.name!r}")
            for name in protocol.options:
                if name not in self.options:
                    raise PluginError(f"{label} brings the protocol {protocol.name!r} with an unknown option, {name!r}")
        return tuple(
            protocol._replace(make=partial(protocol.make, **{name: self.options[name] for name in protocol.options}))
            for _, protocol in found.values()
        )

    def _served_schemes(self) -> dict[str, Scheme]:
        """The schemes of core and of the plugins, by name.

        Raises: PluginError, for a scheme that two plugins serve.
        """
        found = {scheme.name: scheme for scheme in _CORE_SCHEMES}
        owners = dict.fromkeys(found, "core")
        for info, scheme in self._declared(Scheme):
            if scheme.name in found:
                raise PluginError(f"{owners[scheme.name]} and {info.label} both serve the scheme {scheme.name!r}")
            found[scheme.name], owners[scheme.name] = scheme, info.label
        return found

    def _option_values(
        self, values: Mapping[str, Setting], inactive: Iterable[PluginInfo]
    ) -> tuple[dict[str, Any], dict[str, str | None]]:
        """The value of each option, and the owners of those that the client was given.

        Raises: TypeError or ValueError, for a wrong value.
        """
        options: dict[str, Any] = {option.name: option.default for info in inactive for option in info.of(Option)}
        inactive_names = frozenset(options)
        owners: dict[str, str | None] = {}
        for name, keyword in self.table.keywords.items():
            options[name] = keyword.default
            if name in values:
                try:
                    options[name], owners[name] = values[name].convert(keyword, self.plugins)
                except TypeError:
                    if name not in inactive_names:
                        raise  # else the value is for a plugin that does not run in this call
        return options, owners

    def _declared_attributes(self, names_of_client: Collection[str]) -> dict[str, dict[str, Attribute]]:
        """The attributes that plugins declare: for requests, responses and the client, by name.

        Raises: PluginError, for a name that is taken.
        """
        taken: dict[str, Collection[str]] = {
            "request": _RESERVED | self.options.keys(),
            "response": _OF_RESPONSES,
            "stream": _OF_STREAMS,
            "client": names_of_client,
        }
        found: dict[str, dict[str, Attribute]] = {of: {} for of in taken}
        labels: dict[tuple[str, str], str] = {}
        for info, attribute in self._declared(Attribute):
            of, name = attribute.of, attribute.name
            if of not in taken or name in taken[of]:
                raise PluginError(f"{info.label} declares the attribute {name!r} of {of!r}, which is taken")
            label = labels.setdefault((of, name), info.label)
            if label != info.label:
                raise PluginError(f"{label} and {info.label} both declare the attribute {name!r}")
            found[of][name] = attribute
        return found

    def _set_default_fields(self) -> None:
        """Work out the default fields, of the client and of the plugins, and what follows from them for each request."""
        own = fields.check_fields(self.client.headers)
        removed = self.client._removed_headers
        of_core = {*DEFAULT_HTTP_HEADERS, ("User-Agent", self.client.client_version)}
        self.client_fields = removed | {pair[0].lower() for pair in own if pair not in of_core}
        known = {*removed, *(name.lower() for name, _ in own)}
        of_plugins = [header for _, header in self._declared(DefaultHeader) if header.name.lower() not in known]
        self.default_fields = [(name, value) for name, value in (*own, *of_plugins) if value is not None]
        self.default_names = frozenset(name.lower() for name, _ in self.default_fields)
        self._default_lines = fields.field_lines(pair for pair in self.default_fields if pair[0].lower() != "host")
        hosts = [value for name, value in self.default_fields if name.lower() == "host"]
        self._default_host = hosts[0] if hosts else None
        self.states_framing = len(hosts) > 1 or not self.default_names.isdisjoint(BODY_FRAMING)
        if self.states_framing:
            self.on_fast_path = False  # what fits one request does not fit another, so each one is checked
        self.closes_connection = fields.says_close(v for name, v in self.default_fields if name.lower() == "connection")

    # -- what a request needs: its destination, its dispatch table, its options

    def destination_of_call(self, url: str, params: Any = None, *, with_client_params: bool = True) -> Destination:
        """Where a URL that the user gave points.

        url: absolute, or relative to `base_url`. params: of the call, added to the query. with_client_params: add those of the
        client too?

        Raises: InvalidURL, TypeError.
        """
        base = self.client.base_url
        client_params = self.client.params if with_client_params else None
        if base is None:
            absolute = url
        else:
            from ..messages.url_syntax import resolve_reference

            absolute = resolve_reference(str(base), url)
        if client_params is not None or params is not None:  # not remembered: those of the client may change
            return self.destination_of(with_params(absolute, join_params(client_params, as_params(params))))
        found = self.destination_of(absolute)
        if len(self.destinations) >= MAX_DESTINATIONS:
            self.destinations.clear()
        self.destinations[url] = found
        return found

    def destination_of(self, url: str) -> Destination:
        """Where an absolute URL points. Remembered, because most URLs come again.

        Raises: InvalidURL.
        """
        found = self._absolute_destinations.get(url)
        if found is not None:
            return found
        name = scheme_of(url)
        if name is not None and name not in self.schemes:  # before the rest, whose syntax depends on the scheme
            raise InvalidURL(explain_unserved_scheme(url, name, self.schemes))
        parts = split_url(url)
        scheme = self.schemes[parts.scheme]
        key = (parts.scheme, parts.host, scheme.port if parts.port is None else parts.port)
        origin = self._origins.get(key)
        if origin is None:
            if len(self._origins) >= MAX_DESTINATIONS:
                self._origins.clear()
            origin = Origin(*key, scheme.port, scheme.tls)
            origin.dispatch_table = self.dispatch_table(parts.scheme)
            host = origin.authority if self._default_host is None else self._default_host
            origin.prefix = f" {self.options['version']}\r\nHost: {host}\r\n{self._default_lines}"
            self._origins[key] = origin  # only when it is complete: Ctrl-C may interrupt anywhere
        found = Destination(parts.url, origin, parts.target, parts.userinfo, parts.fragment)
        if len(self._absolute_destinations) >= MAX_DESTINATIONS:
            self._absolute_destinations.clear()
        self._absolute_destinations[url] = found
        return found

    def protocols_for(self, scheme: str) -> tuple[WireProtocol, ...]:
        """The protocols of plugins that are offered for URLs of a scheme, beside HTTP/1.1."""
        if "version" in self.given_options:
            return ()
        return tuple(protocol for protocol in self._protocols if scheme in protocol.schemes)

    @property
    def protocols(self) -> tuple[WireProtocol, ...]:
        """All protocols of plugins."""
        return self._protocols

    def dispatch_table_of(self, request: HttpRequest) -> DispatchTable:
        """The dispatch table of a request."""
        return self.dispatch_table(request._destination.origin.scheme, of_sub_requests=request.parent is not None)

    def dispatch_table(self, scheme: str, *, of_sub_requests: bool = False) -> DispatchTable:
        """The dispatch table for URLs of a scheme. That of sub-requests has only implementations with a `cause` parameter."""
        key = scheme, of_sub_requests
        found = self._dispatch_tables.get(key)
        if found is None:
            implementations, handlers = self._implementations, self._handlers
            if of_sub_requests:
                handlers = {}
                implementations = {
                    event: tuple(i for i in every if i.wants_cause) for event, every in implementations.items()
                }
            found = self._dispatch_tables[key] = DispatchTable(
                implementations,
                handlers,
                scheme,
                self.given_options,
                self.client_fields,
                leaves_fast_path=self.options["timings"],
            )
        return found

    def apply_options(self, request: HttpRequest, given: Mapping[str, Any], function: str) -> None:
        """Set the options that were given for one request. function: the called method, for error messages.

        Raises: TypeError, for an unknown keyword; TypeError or ValueError, for a wrong value.
        """
        own, known = request.__dict__, self._options_of_requests
        for name, value in given.items():
            found = known.get(name)
            if found is None:
                raise self.client._unexpected_keyword_error(function, name, "request", self)
            keyword, present, has_effects, converted = found
            if value.__class__ is converted:
                own[name], owner = value, None  # an option of core
            elif value is present and was_read(value, present):
                own[name], owner = value, self.option_owners.get(name)
            else:
                own[name], owner = keyword.convert(value)
            if not has_effects:
                continue
            if name in EXCHANGE_OPTIONS:
                request._on_fast_path = False
                if name == "timings" and own[name] and request._call_handlers is None:
                    request._call_handlers = {}  # an exchange with handlers of its call leaves the fast path
            if name in self.pre_request_options:
                request._skips_pre_request = False
            if len(keyword.owners) > 1:
                request._option_owners = {**request._option_owners, name: owner}
            if name in CONNECTION_OPTIONS:
                request._uses_origin_pool = False

    @cached_property
    def _options_of_requests(self) -> dict[str, tuple[Keyword, Any, bool, type | None]]:
        """Each option that may be given to a request, with the client's value; does it change more than the request's value?

        And the class of values that are converted already; None = `convert` tells.
        """
        effective = EXCHANGE_OPTIONS | CONNECTION_OPTIONS | self.pre_request_options
        return {
            name: (keyword, self.options[name], name in effective or len(keyword.owners) > 1, CONVERTED.get(name))
            for name, keyword in self.table.keywords.items()
            if keyword.takes("request")
        }

    def remember_option_names(self, names: tuple[str, ...]) -> None:
        """Remember the keywords of a call, all of them options."""
        if len(self.option_names) >= MAX_OPTION_NAMES:
            self.option_names.clear()
        self.option_names.add(names)

    # -- what `client.plugins` shows

    def implementations(self) -> dict[str, tuple[Implementation, ...]]:
        """For each hook, all implementations that run at some time, in order: plugins and handlers of the client."""
        return {**self._implementations, **DispatchTable(self._implementations, self._handlers, None).events}

    def of_hook(self, hook: str) -> tuple[Implementation, ...]:
        """The implementations of a hook by the plugins, in order."""
        return self._implementations[hook]

    def ordered_plugins(self) -> dict[str, PluginInfo]:
        """The plugins by name, ordered by `before` and `after`, then by name."""
        return {name: self.plugins[name] for name in self._order.sort(dict.fromkeys(self.plugins, 0))}

    def order_reasons(self, name: str) -> list[str]:
        """The `before` and `after` of a plugin, and those of others that name it, in words."""
        sides = {"before": "after", "after": "before"}
        own = self.plugins[name]
        reasons = [f"{side} {other}" for side in sides for other in own.names_in(side) if other in self.plugins]
        for other, info in self.plugins.items():
            reasons += [f"{sides[side]} {other}, which says {side}" for side in sides if name in info.names_in(side)]
        return reasons


def subclass(
    base: type[C], shown_as: type[Any], attributes: Mapping[str, Attribute], options: Mapping[str, Any] | None = None
) -> type[C]:
    """Make a subclass of a class of requests or responses, with the attributes that plugins add, by name.

    shown_as: the class whose name it has. options: the values of options, which are class attributes.
    """
    members: dict[str, Any] = {"__module__": shown_as.__module__}
    members |= {name: unbound(value) for name, value in (options or {}).items()}
    members |= {name: property(attribute.get) for name, attribute in attributes.items()}
    return type(shown_as.__name__, (base,), members)


def unbound(value: Any) -> Any:
    """Wrap a value for a class, so that instances read it unchanged: a function must not become a method."""
    return staticmethod(value) if hasattr(type(value), "__get__") else value
