"""The client: what users make, configure and call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self

from multidict import CIMultiDict

from . import fields
from .call import CALLBACKS, Call, call_of
from .exchange import exchange
from .loops import LoopBound
from .payload import give_body
from .plugged import Plugged
from .plugins.selection import Autoload, Selection
from .request import HttpRequest
from .settings import DEFAULT_HTTP_HEADERS, KEEP_ALIVE, POOL_SIZE
from .tls import Contexts
from .url import split_url
from .wire.connection import Connection

if TYPE_CHECKING:
    from .dial import Resolver
    from .pool import Pool
    from .route import Route


class HttpClient(LoopBound, Plugged):
    """A client for HTTP/1.1. In a running loop its methods give coroutines; without one they run its own loop and
    return.

    base_url: what relative URLs are relative to (RFC 3986, section 5.2); without it they are an InvalidURL.
    params: joined to the query of every call; a name that the call gives replaces the client's, with None it goes.
    headers: default fields for every request; a value of None removes one of ours. pool_size: connections to one
    route at most. max_connections: over all routes, None = any number; first come, first served, and an idle one of
    another route is closed to make room.
    keep_alive: seconds that an idle connection is kept, None = 15. close_connections: one request per connection.
    resolver: `async f(host, port)` -> IP addresses, in the order in which they are tried; for hosts that are no address.
    parser: `f(loop)` -> Connection, what reads and parses on each connection; None = Connection itself.
    loop: the only loop that this client may run on. client_version: the User-Agent.
    plugins: objects, or names of optional plugins, to add. disable: names to leave out. require: names that must run.
    autoload: True; "default" for those alone that the distribution `hookline` requires; False for none.
    options: those of core (`hookline.settings`) and of the plugins.

    Raises: PluginError; TypeError, for a keyword that nobody takes.
    """

    DEFAULT_HTTP_HEADERS: fields.HeadersLike = DEFAULT_HTTP_HEADERS  # a subclass may have others
    client_version: str = ""  # of a subclass; empty = hookline/VERSION

    def __init__(
        self,
        *,
        base_url: str | None = None,
        params: Any = None,
        headers: fields.HeadersLike = None,
        pool_size: int = POOL_SIZE,
        max_connections: int | None = None,
        keep_alive: float | None = None,
        close_connections: bool = False,
        resolver: Resolver | None = None,
        parser: Callable[[asyncio.AbstractEventLoop], Connection] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        client_version: str | None = None,
        logger: logging.Logger | None = None,
        plugins: Iterable[Any] = (),
        disable: Iterable[str] = (),
        require: Iterable[str] = (),
        autoload: Autoload = True,
        **options: Any,
    ) -> None:
        LoopBound.__init__(self, loop, max_connections)
        for name, size in (("pool_size", pool_size), ("max_connections", max_connections)):
            if size is not None and size < 1:
                raise ValueError(f"{name}= takes 1 or more, not {size}")
        if base_url is not None:
            split_url(str(base_url))
        if resolver is not None and not callable(resolver):
            raise TypeError(
                f"resolver= takes an async function (host, port) -> addresses, not {type(resolver).__name__}"
            )
        if parser is not None and not callable(parser):
            raise TypeError(f"parser= takes a function (loop) -> Connection, not {type(parser).__name__}")
        self.resolver = resolver
        self.parser = parser or Connection
        self.base_url = base_url
        self.params = params
        Plugged.__init__(self, Selection(plugins=plugins, disable=disable, require=require, autoload=autoload), options)
        self.pool_size = pool_size
        self.keep_alive = KEEP_ALIVE if keep_alive is None else keep_alive
        self.close_connections = close_connections
        self.client_version = client_version or self.client_version or default_version()
        self.logger = logger or logging.getLogger("hookline")
        self.contexts = Contexts()
        self._set_headers(headers)
        self._register()
        self._check_values()
        self._ready = True

    def _set_headers(self, given: fields.HeadersLike) -> None:
        """The default fields, with the user's over them."""
        headers = CIMultiDict(self.DEFAULT_HTTP_HEADERS or ())
        headers["User-Agent"] = self.client_version
        if self.close_connections:
            headers["Connection"] = "close"
        pairs = fields.checked(given)
        fields.apply(headers, pairs)
        self.removed_headers = frozenset(name.lower() for name, value in pairs if value is None)
        self.headers = headers

    def _check_values(self) -> None:
        table = self.profile.table
        for name in self._values:
            if table.find(name, "client") is None:
                raise self.unexpected("HttpClient", name, "client", self.profile)

    # -- options and attributes

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or "_ready" not in self.__dict__ or name in self.__dict__:
            if name == "headers" and not isinstance(value, CIMultiDict):
                value = CIMultiDict((field, text) for field, text in fields.checked(value) if text is not None)
            object.__setattr__(self, name, value)
            self.__dict__.get("_variants", {}).clear()
            if not name.startswith("_"):
                self.__dict__["_profile"] = None
            return
        keyword = self.profile.table.find(name, "client")
        if keyword is None:
            raise AttributeError(f"{type(self).__name__} has no option {name!r}")
        keyword.convert(value)
        self._values[name] = value
        self._changed()

    # -- requests

    def get(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a GET request; see `request`."""
        return self.wait_for(exchange(None, None, self, "GET", url, headers, data, kwargs, "get"))

    def options(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send an OPTIONS request; see `request`."""
        return self.wait_for(exchange(None, None, self, "OPTIONS", url, headers, data, kwargs, "options"))

    def head(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a HEAD request; see `request`."""
        return self.wait_for(exchange(None, None, self, "HEAD", url, headers, data, kwargs, "head"))

    def post(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a POST request; see `request`."""
        return self.wait_for(exchange(None, None, self, "POST", url, headers, data, kwargs, "post"))

    def put(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a PUT request; see `request`."""
        return self.wait_for(exchange(None, None, self, "PUT", url, headers, data, kwargs, "put"))

    def patch(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a PATCH request; see `request`."""
        return self.wait_for(exchange(None, None, self, "PATCH", url, headers, data, kwargs, "patch"))

    def delete(self, url: str, *, headers: fields.HeadersLike = None, data: Any = None, **kwargs: Any) -> Any:
        """Send a DELETE request; see `request`."""
        return self.wait_for(exchange(None, None, self, "DELETE", url, headers, data, kwargs, "delete"))

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
        return self.wait_for(
            exchange(None, None, self, fields.check_method(method), url, headers, data, kwargs, "request")
        )

    def make_request(
        self, method: str, url: str, headers: fields.HeadersLike, data: Any, given: dict[str, Any], function: str
    ) -> HttpRequest:
        """The request of a call. given: its other keywords, which are taken out. function: what was called, for errors."""
        profile, version = self._profile, self._version  # a callable attribute, called as a method, is not specialised
        if profile is None or self._headers_version != version(self.headers):
            profile = self.profile
        where = profile.targets.get(url)
        if given:
            if "disable" in given or "plugins" in given:
                profile = self._variant(given.pop("disable", None) or (), given.pop("plugins", None) or ())
                where = profile.targets.get(url)
            params = given.pop("params", None)
            if params is not None:
                where = profile.place(str(url), params)
        request: HttpRequest = profile.request_type(profile, method, where or profile.place(str(url)))
        if headers is not None:
            request.give_headers(headers)
        if given or (data is not None and data.__class__ is not bytes):
            give_body(request, data, given)
        else:
            request.body = data
        total = profile.total
        if given:
            self._apply(request, given, f"HttpClient.{function}")
            total = request.timeout.total
        if total:
            request.deadline = self.scope.loop.time() + total
        return request

    def _apply(self, request: HttpRequest, given: dict[str, Any], function: str) -> None:
        """Handlers and options of one call."""
        if not CALLBACKS.isdisjoint(given):
            request.call = call_of(given)
        if given:
            request.profile.apply_options(request, given, function)
            if request.timings and request.call is None:
                request.call = Call({})  # what belongs to a call alone makes its responses not plain

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
        params = options.get("params")
        request = self.make_request(fields.check_method(method), url, headers, data, options, "new_request")
        if self.params is not None:  # those are for the calls of users
            request.where = request.profile.place(url, params, is_call=False)
        request.cause = cause
        request.is_bare = False
        if parent is None:
            request.parent = self.make_request(request.method, url, None, None, {}, "new_request")
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
        await self.scope.pause(seconds)

    def pool_of(self, route: Route) -> Pool:
        """The pool of a route."""
        return self.scope.pool(route.key, self.pool_size, 0.0 if self.close_connections else self.keep_alive)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<HttpClient {self._profile and len(self._profile.members)} plugins, {len(self.connection_pools)} pools>"
        )


def default_version() -> str:
    from . import __version__

    return f"hookline/{__version__}"
