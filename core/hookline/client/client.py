"""The client: what users make, configure and call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Self

from multidict import CIMultiDict

from ..copying import no_copy, set_reducer
from ..exchange.body_encoding import give_body
from ..exchange.call import CALLBACKS, CallHandlers, call_handlers_of
from ..exchange.core_options import DEFAULT_HTTP_HEADERS, PARAMETERS, POOL_SIZE, as_loop, as_max_connections
from ..exchange.exchange import exchange
from ..exchange.request import BODY_FRAMING, HttpRequest
from ..http1.connection import Connection
from ..messages import fields
from ..messages.url import as_params, as_url
from ..network.happy_eyeballs import Resolver
from ..network.pool import Pool
from ..network.route import Route
from ..network.tls import Contexts
from ..plugins.option_table import Setting
from ..plugins.selection import Autoload, Selection
from .event_loop import LoopBinding
from .plugin_host import PluginHost

# Of the client's fields, those that say nothing of what a plugin asks, maybe of another host.
FIELDS_OF_CALLS = BODY_FRAMING | {"host"}


class HttpClient(LoopBinding, PluginHost):
    """A client for HTTP/1.1. In a running loop its methods give coroutines; without one they run its own loop and
    return.

    base_url: what relative URLs are relative to (RFC 3986, section 5.2); without it they are an InvalidURL.
    params: joined to the query of every call; a name that the call gives replaces the client's, with None it goes.
    headers: default fields for every request, checked and sent as those of a call; a value of None removes one of ours.
    pool_size: connections to one route at most, None = 10. max_connections: over all routes, None = any number; first
    come, first served, and an idle one of another route is closed to make room.
    keep_alive: seconds that an idle connection is kept, None = 15. close_connections: one request per connection.
    resolver: `async f(host, port)` -> IP addresses, in the order in which they are tried; for hosts that are no address.
    parser: `f(loop)` -> Connection, what reads and parses on each connection; None = Connection itself.
    loop: the only loop that this client may run on. client_version: the User-Agent.
    plugins: objects, or names of optional plugins, to add. disable: names to leave out. require: names that must run.
    None is as none of them.
    autoload: True; "default" for those alone that the distribution `hookline` requires; False for none.
    options: those of core (`hookline.exchange.core_options`) and of the plugins.
    Each is an attribute too: what is set later goes through the same check, and counts from the next call on.

    Raises: PluginError; TypeError, for a keyword that nobody takes; TypeError or ValueError, naming the keyword, for what it
    does not take.
    """

    DEFAULT_HTTP_HEADERS: fields.HeadersLike = DEFAULT_HTTP_HEADERS  # a subclass may have others
    client_version: str = ""  # of a subclass; the package sets hookline/VERSION here

    base_url: str | None
    params: Any
    pool_size: int
    keep_alive: float
    close_connections: bool
    resolver: Resolver | None
    parser: Callable[[asyncio.AbstractEventLoop], Connection]
    logger: logging.Logger

    def __init__(
        self,
        *,
        base_url: str | None = None,
        params: Any = None,
        headers: fields.HeadersLike = None,
        pool_size: int | None = POOL_SIZE,
        max_connections: int | None = None,
        keep_alive: float | None = None,
        close_connections: bool = False,
        resolver: Resolver | None = None,
        parser: Callable[[asyncio.AbstractEventLoop], Connection] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        client_version: str | None = None,
        logger: logging.Logger | None = None,
        plugins: Iterable[Any] | None = (),
        disable: Iterable[str] | None = (),
        require: Iterable[str] | None = (),
        autoload: Autoload = True,
        **options: Any,
    ) -> None:
        LoopBinding.__init__(self, as_loop(loop), as_max_connections(max_connections))
        PluginHost.__init__(
            self, Selection(plugins=plugins, disable=disable, require=require, autoload=autoload), options
        )
        given = {
            "base_url": base_url, "params": params, "pool_size": pool_size, "keep_alive": keep_alive,
            "close_connections": close_connections, "resolver": resolver, "parser": parser,
            "client_version": client_version, "logger": logger,
        }  # fmt: skip
        for name, value in given.items():
            setattr(self, name, value)  # where it is checked
        self.contexts = Contexts()
        self.headers = self._apply_headers(self._own_headers(), headers)
        self._register()
        self._check_values()
        self._ready = True

    def _own_headers(self) -> CIMultiDict[str]:
        """The fields that stand in every request where the user says nothing."""
        headers: CIMultiDict[str] = CIMultiDict()
        fields.apply(headers, fields.checked(self.DEFAULT_HTTP_HEADERS))
        headers["User-Agent"] = self.client_version
        if self.close_connections:
            headers["Connection"] = "close"
        return headers

    def _apply_headers(self, headers: CIMultiDict[str], given: fields.HeadersLike) -> CIMultiDict[str]:
        """Put the user's fields over others; a value of None removes one, also where a plugin would add it."""
        pairs = fields.checked(given)
        fields.apply(headers, pairs)
        self._removed_headers = frozenset(name.lower() for name, value in pairs if value is None)
        return headers

    def _apply_removed_headers(self) -> None:
        """`client.headers[name] = None` removes a field, as it does in `headers=`."""
        if None in self.headers.values():
            removed = self._removed_headers
            headers = self._apply_headers(CIMultiDict(), list(self.headers.items()))
            self._removed_headers |= removed
            self.headers.clear()
            self.headers.extend(headers)

    def _check_values(self) -> None:
        table = self.configuration.table
        for name in self._values:
            if table.find(name, "client") is None:
                raise self._unexpected_keyword_error("HttpClient", name, "client", self.configuration)

    # -- options and attributes

    def __setattr__(self, name: str, value: Any) -> None:
        if name in PARAMETERS:
            value = PARAMETERS[name](value)
            if name == "client_version":
                value = value or type(self).client_version or HttpClient.client_version
            elif name == "parser":
                value = value or Connection
        if "_ready" not in self.__dict__ or name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        if name in self.__dict__:
            before = self._own_headers()
            if name == "headers":
                value = self._apply_headers(CIMultiDict(), value)
            object.__setattr__(self, name, value)
            if name in ("client_version", "close_connections"):
                self._renew_headers(before)
            self._renew_configuration()
            return
        keyword = self.configuration.table.find(name, "client")
        if keyword is None:
            raise AttributeError(f"{type(self).__name__} has no option {name!r}")
        setting = Setting(value)
        self.configuration.converted(keyword, setting)
        self._values[name] = setting
        self._renew_configuration()

    def _renew_headers(self, before: CIMultiDict[str]) -> None:
        """Follow a change of what our own fields say, where the user did not say otherwise. before: what they said."""
        own = self._own_headers()
        for name in {*before, *own}:
            if self.headers.get(name) == before.get(name) != own.get(name):
                fields.apply(self.headers, [(name, own.get(name))])

    # -- requests

    def get(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a GET request; see `request`."""
        return self.run(exchange(None, None, self, "GET", url, headers, data, kwargs, "get"))

    def options(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send an OPTIONS request; see `request`."""
        return self.run(exchange(None, None, self, "OPTIONS", url, headers, data, kwargs, "options"))

    def head(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a HEAD request; see `request`."""
        return self.run(exchange(None, None, self, "HEAD", url, headers, data, kwargs, "head"))

    def post(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a POST request; see `request`."""
        return self.run(exchange(None, None, self, "POST", url, headers, data, kwargs, "post"))

    def put(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a PUT request; see `request`."""
        return self.run(exchange(None, None, self, "PUT", url, headers, data, kwargs, "put"))

    def patch(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a PATCH request; see `request`."""
        return self.run(exchange(None, None, self, "PATCH", url, headers, data, kwargs, "patch"))

    def delete(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a DELETE request; see `request`."""
        return self.run(exchange(None, None, self, "DELETE", url, headers, data, kwargs, "delete"))

    def request(
        self, method: str, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any
    ) -> Any:
        """Send a request. In a running loop this gives a coroutine; else the HttpResponse itself.

        params: joined to the query. headers: over the client's; a value of None removes one. data: bytes, str, a
        form (mapping or pairs), a file, a path, or an iterable of bytes. json: any object but None. files: a mapping or
        pairs, see `multipart.file_part`. on_upload, on_download: f(done, total) in bytes, see `transfers`. pre_request,
        on_headers, post_request, data_received, data_processed: a handler, or a list of them, for this call. plugins,
        disable: more and fewer plugins for this call. The rest are the options of core and of the plugins.

        Raises: HttpRequestException and its kinds; InvalidURL; TypeError, for a keyword that nobody takes.
        """
        return self.run(exchange(None, None, self, fields.check_method(method), url, headers, data, kwargs, "request"))

    def _make_request(
        self, method: str, url: str, headers: fields.HeadersLike, data: Any, given: dict[str, Any], function: str
    ) -> HttpRequest:
        """The request of a call. given: its other keywords, which are taken out. function: what was called, for errors."""
        profile, version = (
            self._configuration,
            self._version,
        )  # a callable attribute, called as a method, is not specialised
        if profile is None or self._headers_version != version(self.headers):
            profile = self.configuration
        try:
            where = profile.destinations.get(url)
        except TypeError:  # what cannot be a key is no URL
            as_url("url", url)
            raise
        if given:
            if "disable" in given or "plugins" in given:
                profile = self._variant(given.pop("disable", None), given.pop("plugins", None))
                where = profile.destinations.get(url)
            params = given.pop("params", None)
            if params is not None:
                where = profile.destination_of_call(as_url("url", url), params)
        request: HttpRequest = profile.request_type(
            profile, method, where or profile.destination_of_call(as_url("url", url))
        )
        if headers is not None:
            request._give_headers(headers)
        total = profile.total_timeout
        if given:
            json, files = given.pop("json", None), given.pop("files", None)
            self._apply(request, given, f"HttpClient.{function}")
            give_body(request, data, json, files)  # by the options
            total = request.timeout.total
        elif data is not None and data.__class__ is not bytes:
            give_body(request, data)
        else:
            request.body = data
        if total:
            request.deadline = self.loop_resources.loop.time() + total
        return request

    def _apply(self, request: HttpRequest, given: dict[str, Any], function: str) -> None:
        """Handlers and options of one call."""
        if not CALLBACKS.isdisjoint(given):
            request._call_handlers = call_handlers_of(given)
        if given:
            request._configuration.apply_options(request, given, function)
            if request.timings and request._call_handlers is None:
                request._call_handlers = CallHandlers({})  # what belongs to a call alone makes its responses not plain

    def new_request(
        self,
        method: str,
        url: str,
        *,
        cause: str,
        parent: HttpRequest | None = None,
        headers: fields.HeadersLike = None,
        data: Any = None,
        **options: Any,
    ) -> HttpRequest:
        """A sub-request, which a plugin sends with `exchange` for the sake of another request.

        It has the deadline of its parent, none of the call's handlers, and reaches those implementations that name
        `cause`. Where no request is behind it, because a user asked the plugin itself, its parent is one that is never
        sent, and the client's timeout counts from now.
        """
        options["params"] = params = as_params(options.get("params"))
        request = self._make_request(fields.check_method(method), url, headers, data, options, "new_request")
        # and so are these, with those that plugins look at which do not run here
        for name in request._configuration.default_names & (
            FIELDS_OF_CALLS | request._configuration.pre_request_fields
        ):
            if not request.gave_header(name):
                request.headers.popall(name, None)
        if self.params is not None:  # those are for the calls of users
            request._destination = request._configuration.destination_of_call(url, params, is_call=False)
        request.cause = cause
        request._skips_pre_request = False
        if parent is None:
            request.parent = self._make_request(request.method, url, None, None, {}, "new_request")
        else:
            request.parent, request.deadline = parent, parent.deadline
        return request

    async def exchange(self, request: HttpRequest, connection: Connection | None = None) -> Any:
        """Send one request with its events, follow-ups left to the caller; on this connection, where one is given."""
        return await exchange(request, connection)

    async def pause(self, seconds: float) -> None:
        """Wait before a follow-up. The deadline of the call holds meanwhile, as in all that a plugin awaits.

        Raises: ClientClosed, when the client is closed.
        """
        await self.loop_resources.pause(seconds)

    def _pool_of(self, route: Route) -> Pool:
        """The pool of a route."""
        return self.loop_resources.pool(route.key, self.pool_size, 0.0 if self.close_connections else self.keep_alive)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    __reduce__ = no_copy("an HttpClient", "its connections belong to one process; make a client where one is needed")

    def __repr__(self) -> str:
        return f"<HttpClient {self._configuration and len(self._configuration.plugins)} plugins, {len(self.connection_pools)} pools>"


def _take_apart(found: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    from .snapshot import reduced  # here, because few objects are copied or pickled

    return reduced(found)


set_reducer(_take_apart)
