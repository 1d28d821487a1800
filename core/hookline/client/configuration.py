"""What follows from a set of plugins: the classes of requests and responses, the options, the plans, the default fields.

A client has one, and one more for each set of plugins that a call disables or adds. It is made anew when a plugin or a handler
comes or goes, or a default changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..errors import InvalidURL, PluginError
from ..exchange.core_options import (
    CONNECTION_OPTIONS,
    CORE_OPTIONS,
    CREDENTIALS,
    DEFAULT_HTTP_HEADERS,
    EXCHANGE_OPTIONS,
)
from ..exchange.interfaces import Client
from ..exchange.origin import Destination, Origin
from ..exchange.request import BODY_FRAMING, NOTHING, Given, HttpRequest
from ..exchange.response import HttpResponse
from ..exchange.streamed_response import StreamedResponse
from ..exchange.transfers import TRANSFERS
from ..hooks.declarations import Attribute, Credential, DefaultHeader, Option, Scheme
from ..hooks.dispatch_table import DispatchTable
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS
from ..messages import fields
from ..messages.timeout import Timeout
from ..messages.url import as_params, scheme_of, split_url, unserved, with_params
from ..messages.url_reference import joined_params, resolve
from ..plugins.option_table import Keyword, OptionTable, Setting
from ..plugins.order import ordered, successors
from ..plugins.plugin_info import PluginInfo
from ..plugins.selection import names_of
from .attributes import know, own_names

MAX_TARGETS = 1024
_CORE_SCHEMES = (Scheme("http", 80), Scheme("https", 443, tls=True))
_RESERVED = frozenset(
    {*dir(HttpRequest), "params", "headers", "data", "json", "files", "plugins", "disable", *EVENTS, *TRANSFERS}
)


class ConfiguredClient(Client, Protocol):
    """The client that a configuration is made for."""

    base_url: str | None
    client_version: str
    params: Any
    _removed_headers: frozenset[str]

    def _apply_removed_headers(self) -> None: ...

    def _unexpected_keyword_error(self, function: str, name: str, where: str, profile: Configuration) -> TypeError: ...


class Configuration:
    """See the module."""

    def __init__(
        self,
        client: ConfiguredClient,
        members: Iterable[PluginInfo],
        handlers: Mapping[str, tuple[Implementation, ...]],
        values: Mapping[str, Setting],
        silent: Sequence[PluginInfo] = (),
    ) -> None:
        """values: what the client was given for its options.

        silent: plugins that do not run in it; their options have their defaults.
        """
        self.client = client
        self.plugins = {member.name: member for member in members}
        self._handlers = dict(handlers)
        plugins = self.plugins.values()
        self.following = successors(
            {m.name: names_of(m.plugin, "before") for m in plugins},
            {m.name: names_of(m.plugin, "after") for m in plugins},
        )
        self._events = {event: self._in_order(event) for event in EVENTS}
        early = [i.conditions for i in self._events["pre_request"]]
        self.pre_request_options = frozenset(name for c in early for name in c.options or ())
        self.pre_request_fields = frozenset(name for c in early for name in c.fields or ())
        self.given_options = {name for name, setting in values.items() if setting.given is not None}
        self.table = OptionTable(
            CORE_OPTIONS,
            [(m.name, m.label, option) for m in plugins for option in m.of(Option)],
            _RESERVED | own_names(client),
        )
        self.schemes = self._schemes()
        self.credentials = frozenset({*CREDENTIALS, *(c.name.lower() for m in plugins for c in m.of(Credential))})
        self.connection_options = CONNECTION_OPTIONS
        self._make_classes(values, silent)
        self.default_fields = self._default_fields()
        self.default_names = frozenset(name.lower() for name, _ in self.default_fields)
        self._lines = fields.write(pair for pair in self.default_fields if pair[0].lower() != "host")
        hosts = [value for name, value in self.default_fields if name.lower() == "host"]
        self._host = hosts[0] if hosts else None
        # what fits one request and not another is checked with each: none of them takes the short way
        self.states_framing = len(hosts) > 1 or not self.default_names.isdisjoint(BODY_FRAMING)
        if self.states_framing:
            self.on_fast_path = False
        self.closes_connection = fields.says_close(v for name, v in self.default_fields if name.lower() == "connection")
        self._dispatch_tables: dict[tuple[str, bool], DispatchTable] = {}
        self._origins: dict[tuple[str, str, int], Origin] = {}
        self.destinations: dict[str, Destination] = {}  # by URL, as users give it
        is_plain = client.base_url is None and client.params is None
        self._located = self.destinations if is_plain else {}  # by whole URL
        self.given_fields: dict[Any, Given] = {}
        self.last_given_fields = NOTHING

    def _in_order(self, event: str) -> tuple[Implementation, ...]:
        found = {m.name: m.implementations[event] for m in self.plugins.values() if m.implementations[event]}
        names = ordered({name: min(i.rank for i in found[name]) for name in found}, self.following)
        return tuple(implementation for name in names for implementation in found[name])

    def _schemes(self) -> dict[str, Scheme]:
        """Raises: PluginError, for one that two plugins serve."""
        found = {scheme.name: scheme for scheme in _CORE_SCHEMES}
        owners = dict.fromkeys(found, "core")
        for member in self.plugins.values():
            for scheme in member.of(Scheme):
                if scheme.name in found:
                    raise PluginError(f"{owners[scheme.name]} and {member.label} both serve the scheme {scheme.name!r}")
                found[scheme.name], owners[scheme.name] = scheme, member.label
        return found

    def implementations(self) -> dict[str, tuple[Implementation, ...]]:
        """For each event, all who run at it for some request, in order: handlers of the client with the plugins."""
        return DispatchTable(self._events, self._handlers, None).events

    # -- classes

    def _make_classes(self, values: Mapping[str, Setting], silent: Sequence[PluginInfo]) -> None:
        defaults: dict[str, Any] = {o.name: o.default for member in silent for o in member.of(Option)}
        owners: dict[str, str | None] = {}
        for name, keyword in self.table.keywords.items():
            defaults[name] = keyword.default
            if name in values:
                try:
                    defaults[name], owners[name] = self.converted(keyword, values[name])
                except TypeError:
                    if not any(option.name == name for member in silent for option in member.of(Option)):
                        raise  # else it was meant for a plugin that does not run in this call
        self.client_owners = owners
        self.options = defaults
        timeout: Timeout = defaults["timeout"]
        self.total_timeout = timeout.total
        self.on_fast_path = not (defaults["stream"] or defaults["max_body"] or defaults["timings"] or timeout.has_parts)
        of_requests: dict[str, Any] = {name: as_attribute(value) for name, value in defaults.items()}
        of_requests["__module__"] = HttpRequest.__module__
        attributes: dict[str, Any] = {"__module__": HttpResponse.__module__}
        self.client_attributes: dict[str, Attribute] = {}
        taken: dict[tuple[str, str], str] = {}
        for member in self.plugins.values():
            for attribute in member.of(Attribute):
                own = {
                    "request": {*_RESERVED, *defaults},
                    "response": dir(HttpResponse),
                    "client": own_names(self.client),
                }.get(attribute.of)
                if own is None or attribute.name in own:
                    raise PluginError(
                        f"{member.label} declares the attribute {attribute.name!r} of {attribute.of!r}, which is taken"
                    )
                first = taken.setdefault((attribute.of, attribute.name), member.label)
                if first != member.label:
                    raise PluginError(f"{first} and {member.label} both declare the attribute {attribute.name!r}")
                if attribute.of == "client":
                    self.client_attributes[attribute.name] = attribute
                elif attribute.of == "request":
                    of_requests[attribute.name] = property(attribute.get)
                else:
                    attributes[attribute.name] = property(attribute.get)
        self.attributes = tuple(taken)
        self.request_type = type("HttpRequest", (HttpRequest,), of_requests)
        know({*defaults, *self.client_attributes})
        self.response_type: type[HttpResponse] = type("HttpResponse", (HttpResponse,), attributes)
        self.streamed_type: type[HttpResponse] = type("HttpResponse", (StreamedResponse,), attributes)

    def converted(self, keyword: Keyword, setting: Setting) -> tuple[Any, str | None]:
        """The value of an option of the client, and its owner; see `Keyword.convert`."""
        return setting.convert(keyword, {member.name: member.plugin for member in self.plugins.values()})

    def _default_fields(self) -> list[tuple[str, str]]:
        own = fields.checked(self.client.headers)
        removed = self.client._removed_headers
        known = {*removed, *(name.lower() for name, _ in own)}
        unasked = {*DEFAULT_HTTP_HEADERS, ("User-Agent", self.client.client_version)}
        self.client_fields = removed | {pair[0].lower() for pair in own if pair not in unasked}
        contributed = [
            (header.name, header.value)
            for member in self.plugins.values()
            for header in member.of(DefaultHeader)
            if header.name.lower() not in known
        ]
        return [(name, value) for name, value in (*own, *contributed) if value is not None]

    # -- plans

    def dispatch_table(self, scheme: str, *, of_sub_requests: bool = False) -> DispatchTable:
        """The plan for a scheme. Sub-requests of plugins reach those alone who name `cause`."""
        key = scheme, of_sub_requests
        found = self._dispatch_tables.get(key)
        if found is None:
            plugins = self._events
            if of_sub_requests:
                plugins = {event: tuple(i for i in every if i.wants_cause) for event, every in plugins.items()}
            handlers = {} if of_sub_requests else self._handlers
            found = self._dispatch_tables[key] = DispatchTable(
                plugins, handlers, scheme, self.given_options, self.client_fields, is_watched=self.options["timings"]
            )
        return found

    def dispatch_table_of(self, request: HttpRequest) -> DispatchTable:
        return self.dispatch_table(request._destination.origin.scheme, of_sub_requests=request.parent is not None)

    # -- requests

    def destination_of_call(self, url: str, params: Any = None, *, is_call: bool = True) -> Destination:
        """Where a URL of a user points: one that may be relative to `base_url`, with these params behind it.

        is_call: the client's params go with it too.

        Raises: InvalidURL, TypeError.
        """
        base = self.client.base_url
        own = self.client.params if is_call else None
        whole = url if base is None else resolve(str(base), url)
        if own is not None or params is not None:  # the client's may change: not remembered
            return self.destination_of(with_params(whole, joined_params(own, as_params(params))))
        found = self.destination_of(whole)
        if self._located is not self.destinations:
            if len(self.destinations) >= MAX_TARGETS:
                self.destinations.clear()
            self.destinations[url] = found
        return found

    def destination_of(self, url: str) -> Destination:
        """Where a URL points; remembered, because most URLs come again.

        Raises: InvalidURL.
        """
        found = self._located.get(url)
        if found is not None:
            return found
        name = scheme_of(url)
        if name is not None and name not in self.schemes:  # before the rest, which other schemes write in other ways
            raise InvalidURL(unserved(url, name, self.schemes))
        parts = split_url(url)
        scheme = self.schemes[parts.scheme]
        key = (parts.scheme, parts.host, scheme.port if parts.port is None else parts.port)
        origin = self._origins.get(key)
        if origin is None:
            if len(self._origins) >= MAX_TARGETS:
                self._origins.clear()
            origin = Origin(*key, scheme.port, scheme.tls)
            origin.dispatch_table = self.dispatch_table(parts.scheme)
            host = origin.authority if self._host is None else self._host
            origin.prefix = f" {self.options['version']}\r\nHost: {host}\r\n{self._lines}"
            self._origins[key] = origin  # whole: Ctrl-C may break in anywhere
        found = Destination(parts.url, origin, parts.target, parts.userinfo, parts.fragment)
        if len(self._located) >= MAX_TARGETS:
            self._located.clear()
        self._located[url] = found
        return found

    def apply_options(self, request: HttpRequest, given: Mapping[str, Any], function: str) -> None:
        """Set the options that were given for one request.

        Raises: TypeError, for one that nobody takes.
        """
        for name, value in given.items():
            keyword = self.table.find(name, "request")
            if keyword is None:
                raise self.client._unexpected_keyword_error(function, name, "request", self)
            converted, owner = keyword.convert(value)
            request.__dict__[name] = converted
            if name in EXCHANGE_OPTIONS or (name == "timeout" and converted.has_parts):
                request._on_fast_path = False
            if name in self.pre_request_options:
                request._skips_pre_request = False
            if len(keyword.owners) > 1:
                request.__dict__["option_owners"] = {**request.__dict__.get("option_owners", {}), name: owner}
            if name in CONNECTION_OPTIONS:
                request._choose_own_pool()

    # -- what users see

    def in_order(self) -> list[PluginInfo]:
        """The plugins, in the order of their names and of before and after."""
        names = ordered(dict.fromkeys(self.plugins, 0), self.following)
        return [self.plugins[name] for name in names]

    def order_reasons(self, name: str) -> list[str]:
        """What a plugin and the others say of its place."""
        plugin = self.plugins[name].plugin
        reasons = [f"before {other}" for other in names_of(plugin, "before") if other in self.plugins]
        reasons += [f"after {other}" for other in names_of(plugin, "after") if other in self.plugins]
        for other, member in self.plugins.items():
            if name in names_of(member.plugin, "before"):
                reasons.append(f"after {other}, which says before")
            if name in names_of(member.plugin, "after"):
                reasons.append(f"before {other}, which says after")
        return reasons


def as_attribute(value: Any) -> Any:
    """A value as an attribute of a class, such that an instance reads the value itself: a function is no method of it."""
    return staticmethod(value) if hasattr(type(value), "__get__") else value
