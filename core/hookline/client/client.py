"""`HttpClient`: its parameters, its methods, and how a call becomes a request."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self

from multidict import CIMultiDict

from .. import forks
from ..copying import no_copy, set_reducer
from ..errors import DNSError, reason_of
from ..exchange.core_options import DEFAULT_HTTP_HEADERS, PARAMETERS, POOL_SIZE, as_loop, as_max_connections
from ..exchange.exchange import exchange, send_follow_ups
from ..exchange.origin import Destination
from ..exchange.request import BODY_FRAMING, HttpRequest
from ..exchange.response import HttpResponse
from ..exchange.state import NEVER
from ..hooks.handlers import implementations_of
from ..hooks.markers import EVENTS
from ..messages import fields
from ..messages.fields import HeadersLike
from ..messages.params import as_params
from ..messages.timeout import Timeout
from ..messages.url import as_url
from ..network.pool import Pool
from ..network.route import Route
from ..network.tls import Contexts
from ..plugins.option_table import Setting, was_read
from ..plugins.selection import Autoload, BrokenPlugins, Selection
from ..wire.opening import run_before_dial
from .attributes import ClientOption
from .configuration import Configuration
from .event_loop import LoopBinding
from .plugin_host import PluginHost

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ..http1.connection import Connection
    from ..network.happy_eyeballs import Resolver

    ResponseT_co = TypeVar("ResponseT_co", bound=HttpResponse[Any, Any], default=HttpResponse, covariant=True)
else:  # type checkers alone need the default, which Python has from 3.13 on
    from typing import TypeVar

    ResponseT_co = TypeVar("ResponseT_co")

T = TypeVar("T")
Call = Coroutine[Any, Any, T]  # what a call returns in a running loop

# Fields of the client that describe calls of its user. A sub-request of a plugin, which may go to another host with another
# body, is sent without them.
_EVENTS = frozenset(EVENTS)
CALL_FIELDS = BODY_FRAMING | {"host"}


class HttpClient(LoopBinding, PluginHost, Generic[ResponseT_co]):
    """An HTTP/1.1 client: it sends requests, keeps connections for reuse, and runs plugins at the events of each exchange.

    The same methods work with and without asyncio. In a running event loop they return an awaitable:

        async with HttpClient() as client:
            response = await client.get("http://127.0.0.1:8000/")

    Without a running loop, the client runs a loop of its own until the work is done, and they return the result:

        with HttpClient() as client:
            response = client.get("http://127.0.0.1:8000/")

    To a type checker, calls are awaitables in both cases; `SyncHttpClient` has the types of the second. `HttpClient[Response]`
    states the type of responses with what plugins add to them (docs/typing.md).

    All tasks of one event loop can share a client; two loops, or two threads, cannot use it at the same time (RuntimeError).
    The end of `with`, or `close()`, closes the connections. A closed client can be used again.

    Parameters (None stands for the default, except for `autoload`):

    base_url: the URL that relative URLs are resolved against (RFC 3986, section 5.2). Default None: each URL must be absolute.
    params: added to the query of every call: a mapping, pairs, or a str. A call's own `params` replace those of the same name;
        a value of None there leaves the name out. Default None: nothing is added.
    headers: fields for every request: a mapping, or pairs. A value is a str (sent as UTF-8), bytes or a number; None removes
        a field that the client or a plugin would send. Default: `DEFAULT_HTTP_HEADERS` and User-Agent.
    pool_size: the most connections to one route (host, port, TLS settings, proxy), from 1. Default 10.
    max_connections: the most connections over all routes, from 1. If all are in use, calls wait in the order in which they
        came; an idle connection of another route is closed to make room. Default None: no limit.
    keep_alive: seconds for which an idle connection is kept for reuse; 0: not at all. Default 15.
    close_connections: True closes each connection after one exchange, and sends `Connection: close`. Default False.
    resolver: `async f(host, port)`, which returns IP addresses in the order in which to try them; not called for a host that
        is an IP address. Default None: that of the event loop (`getaddrinfo`).
    parser: `f(loop)`, which returns the `Connection` that reads and parses; a subclass, for example. Default `Connection`.
    loop: the only event loop that the client may run on. Default None: any, one after the other.
    client_version: the value of the User-Agent field. Default: that of the subclass, else "hookline/VERSION".
    logger: a `logging.Logger` for warnings. Default: the logger "hookline".
    plugins: plugin objects to add, and names of optional plugins to load. Default: none.
    disable: names of plugins to leave out. Default: none.
    require: names of plugins without which the client must not be made. They cannot be left out, replaced or unregistered
        later either, by whatever means: that is a PluginError. Default: none.
    autoload: which installed plugins run: True (the default) for all but optional ones, "default" for those that the
        distribution `hookline` requires, False for none.
    broken_plugins: what to do about an installed plugin that cannot be used, because it cannot be imported, made or registered,
        or does not fit the others: "error" raises PluginError; "skip" leaves it out, warns once per process, and
        `client.plugins.absent` says why. Plugins in `require` and objects are an error in any case. Default: what the environment
        variable HOOKLINE_BROKEN_PLUGINS says, else "error".

    Options of core, which each call can set for itself as well, `trust_env` excepted:

    timeout: seconds for a whole call, follow-ups included, or a `Timeout` with a limit for each part; 0: no limit. Default 0.
    version: "HTTP/1.1" (the default) or "HTTP/1.0".
    stream: True returns a response as soon as its head is here; the caller then reads the body. Default False.
    max_body: the most bytes of a response body, before and after decoding; a larger one is BodyTooLarge; 0: no limit. Default 0.
    timings: True records in `response.timings` how long each step took. Default False.
    verify: how to check a server's certificate: True (the default) with the authorities of the system, False not at all, a
        path of a file or directory of authorities, or an `ssl.SSLContext`.
    cert: the client's certificate: a path, (certificate, key), or (certificate, key, password). Default None: no certificate.
    server_hostname: the name to check in a server's certificate. Default None: the host of the URL.
    source_address: the local address to connect from: an IP address, or (address, port). Default None: any.
    unix_socket: the path of a Unix socket to connect to. Default None: TCP.
    sensitive_headers: names of fields that are not sent to another origin, beside those that are declared to carry credentials.
        Default: names that are common for keys and tokens (`hookline.exchange.core_options.SENSITIVE_HEADERS`).
    json_encoder: `f(object)`, which returns the str or bytes that `json=` sends. Default: that of `json`, without NaN.
    json_decoder: `f(bytes or str)`, which returns what `response.json()` returns. Default: that of `json`.
    trust_env: False forbids plugins to read settings from the environment and from files such as netrc. Default True.

    The plugins add options of their own; `client.plugins` lists them.

    Each parameter up to `parser`, `client_version`, `logger` and each option is an attribute as well. A value that is set later
    is checked in the same way and takes effect at the next call; `max_connections` and `loop` cannot be set.

    headers: the fields for every request, a case-insensitive multidict that can be changed.
    contexts: for plugins, the TLS contexts of the connections: `contexts.get(TLS(...))` returns an `ssl.SSLContext`.

    Raises: PluginError, if the plugins cannot be loaded or do not fit each other; TypeError, for an unknown keyword; TypeError or
    ValueError, which name the keyword, for a wrong value; InvalidURL, for a wrong `base_url`; LocalProtocolError, for a field
    that cannot be sent.

    Example: docs/quickstart.md#a-request
    """

    DEFAULT_HTTP_HEADERS: HeadersLike = DEFAULT_HTTP_HEADERS  # a subclass may define others
    client_version: str = ""  # a subclass may define another; `hookline/__init__.py` sets "hookline/VERSION"

    # True once `__init__` is over. It is looked up without `__dict__`, which nothing may read while the object is still empty:
    # up to CPython 3.13.3 an object of 30 attributes whose `__dict__` was read so early is never collected if it is part of
    # a cycle (gh-133543), and a client and its configuration are.
    _ready = False

    base_url: str | None
    params: Any
    pool_size: int
    keep_alive: float
    close_connections: bool
    resolver: Resolver | None
    _parser: Callable[[asyncio.AbstractEventLoop], Connection] | None
    logger: logging.Logger

    # The options of core, as they are read. `ClientAttributes` answers for them.
    version: ClientOption[str, str | None]
    stream: ClientOption[bool, bool | None]
    timeout: ClientOption[Timeout, Timeout | float | None]
    timings: ClientOption[bool, bool | None]
    max_body: ClientOption[int, int | None]
    sensitive_headers: ClientOption[frozenset[str], Iterable[str] | None]
    verify: ClientOption[bool | str | ssl.SSLContext, bool | str | os.PathLike[str] | ssl.SSLContext | None]
    cert: ClientOption[str | tuple[Any, ...] | None, Any]
    server_hostname: str | None
    source_address: ClientOption[tuple[str, int] | None, str | tuple[str, int] | None]
    unix_socket: ClientOption[str | None, str | os.PathLike[str] | None]
    json_encoder: Callable[[Any], Any] | None
    json_decoder: Callable[..., Any] | None
    trust_env: bool

    def __init__(
        self,
        *,
        base_url: str | None = None,
        params: Any = None,
        headers: HeadersLike = None,
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
        broken_plugins: BrokenPlugins | None = None,
        **options: Any,
    ) -> None:
        """Make a client. The class documents the parameters and the errors."""
        LoopBinding.__init__(self, as_loop(loop), as_max_connections(max_connections), self._closed_hooks)
        PluginHost.__init__(self, Selection(plugins, disable, require, autoload, broken_plugins), options)
        parameters = {
            "base_url": base_url, "params": params, "pool_size": pool_size, "keep_alive": keep_alive,
            "close_connections": close_connections, "resolver": resolver, "parser": parser,
            "client_version": client_version, "logger": logger,
        }  # fmt: skip
        for name, value in parameters.items():
            setattr(self, name, value)  # `__setattr__` checks it
        self.contexts = Contexts()
        self.headers = self._apply_headers(self._own_headers(), headers)
        self._register()
        self._check_options()
        self._ready = True
        self._attach(self.configuration.of_hook("attached"))
        for function in _wanting_clients:
            function(self)

    def _own_headers(self) -> CIMultiDict[str]:
        """Return the fields of every request, as long as the user gives no others."""
        headers: CIMultiDict[str] = CIMultiDict()
        fields.override(headers, fields.check_fields(self.DEFAULT_HTTP_HEADERS))
        headers["User-Agent"] = self.client_version
        if self.close_connections:
            headers["Connection"] = "close"
        return headers

    def _apply_headers(self, headers: CIMultiDict[str], given: HeadersLike) -> CIMultiDict[str]:
        """Put the user's fields over these headers, and return them.

        A value of None removes a field, also one that a plugin would add.
        """
        pairs = fields.check_fields(given)
        fields.override(headers, pairs)
        self._removed_headers = frozenset(name.lower() for name, value in pairs if value is None)
        return headers

    def _apply_removed_headers(self) -> None:
        """Remove the fields that the user has set to None in `client.headers`, as `headers=` does."""
        if None in self.headers.values():
            removed = self._removed_headers
            headers = self._apply_headers(CIMultiDict(), list(self.headers.items()))
            self._removed_headers |= removed
            self.headers.clear()
            self.headers.extend(headers)

    def _check_options(self) -> None:
        """Raises: TypeError, for an unknown keyword."""
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
        if not self._ready or name.startswith("_") or name == "parser":
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
        configuration = self.configuration
        keyword = configuration.table.find(name, "client")
        if keyword is None:
            raise AttributeError(f"{type(self).__name__} has no option {name!r}")
        if was_read(value, configuration.options[name]):
            return
        setting = Setting(value)
        setting.convert(keyword, configuration.plugins)
        self._values[name] = setting
        self._renew_configuration()

    @property
    def parser(self) -> Callable[[asyncio.AbstractEventLoop], Connection]:
        """What makes the connections: `f(loop)`, the class `Connection` unless another one was given.

        Example::

            from hookline import Connection, HttpClient

            print(HttpClient().parser is Connection)
        """
        if self._parser is not None:
            return self._parser
        from ..http1.connection import Connection  # with httptools: the first client opens no connection yet

        return Connection

    @parser.setter
    def parser(self, parser: Callable[[asyncio.AbstractEventLoop], Connection] | None) -> None:
        self._parser = parser

    def _renew_headers(self, before: CIMultiDict[str]) -> None:
        """Update our own fields in `headers`, unless the user has replaced them. before: what they were until now."""
        own = self._own_headers()
        for name in {*before, *own}:
            if self.headers.get(name) == before.get(name) != own.get(name):
                fields.override(self.headers, [(name, own.get(name))])

    # -- requests

    def get(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> Call[ResponseT_co]:
        """Send a GET request. Parameters, result and errors are those of `request`.

        Example: docs/quickstart.md#a-request
        """
        return self.run(exchange(None, None, self, "GET", url, headers, data, kwargs, "get"))

    def options(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> Call[ResponseT_co]:
        """Send an OPTIONS request. Parameters, result and errors are those of `request`.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                print(client.options("http://127.0.0.1:8000/").headers.get("Allow"))
        """
        return self.run(exchange(None, None, self, "OPTIONS", url, headers, data, kwargs, "options"))

    def head(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> Call[ResponseT_co]:
        """Send a HEAD request. Parameters, result and errors are those of `request`.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                print(client.head("http://127.0.0.1:8000/").headers["Content-Type"])
        """
        return self.run(exchange(None, None, self, "HEAD", url, headers, data, kwargs, "head"))

    def post(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> Call[ResponseT_co]:
        """Send a POST request. Parameters, result and errors are those of `request`.

        Example: docs/quickstart.md#sending-a-body
        """
        return self.run(exchange(None, None, self, "POST", url, headers, data, kwargs, "post"))

    def put(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> Call[ResponseT_co]:
        """Send a PUT request. Parameters, result and errors are those of `request`.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                client.put("http://127.0.0.1:8000/things/7", json={"name": "thing"})
        """
        return self.run(exchange(None, None, self, "PUT", url, headers, data, kwargs, "put"))

    def patch(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> Call[ResponseT_co]:
        """Send a PATCH request. Parameters, result and errors are those of `request`.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                client.patch("http://127.0.0.1:8000/things/7", json={"name": "other"})
        """
        return self.run(exchange(None, None, self, "PATCH", url, headers, data, kwargs, "patch"))

    def delete(self, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any) -> Call[ResponseT_co]:
        """Send a DELETE request. Parameters, result and errors are those of `request`.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                client.delete("http://127.0.0.1:8000/things/7").raise_for_status()
        """
        return self.run(exchange(None, None, self, "DELETE", url, headers, data, kwargs, "delete"))

    def request(
        self, method: str, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any
    ) -> Call[ResponseT_co]:
        """Send a request, and return its `HttpResponse` when the whole body is here; with `stream=True` when the head is here.

        In a running event loop this returns a coroutine, which returns the response when it is awaited.

        method: such as "GET"; sent in upper case.
        url: absolute, or relative to `base_url`.
        headers: fields over those of the client: a mapping, or pairs; a value of None removes a field.
        exact_headers: all fields, instead of `headers` and of what the client and its plugins send by default: a mapping, or
            pairs. They are sent in this order and spelling, also several of one name; bytes stay bytes. Where they are not
            among them, Host is sent first, and Content-Length or Transfer-Encoding last. None: not given.
        target: the request target to send, as it is, in place of the path and the query of the URL: "*" of OPTIONS, or a path
            that must not be normalised (RFC 9112, section 3.2). Redirects do not have it. None: that of the URL.
        params: added to the query: a mapping, pairs, or a str. They replace those of the client of the same name.
        data: the body: bytes, str (UTF-8), or an iterable of bytes, async or not; a mapping or a list of pairs is sent as a form.
            None: no body.
        json: an object to send as JSON; None: no body.
        pre_request, on_headers, post_request, data_received, data_processed: a handler of this event, or a list of them.
        plugins: plugin objects, and names of optional plugins, that run in this call too.
        disable: names of plugins that do not run in this call.

        The other keywords are the options of core (see the class) and of the plugins, and bodies that plugins encode, such as
        files. Options take precedence over those of the client. None for an option of core means the default of core.

        Raises: HttpRequestException and its subclasses, if the exchange fails (an error status is a response, and no error);
        InvalidURL; TypeError, for an unknown keyword; TypeError or ValueError, for a wrong value; PluginError, for an unknown
        plugin or more than 100 follow-ups; RuntimeError, if the client is in use on another loop or in another thread.

        Example: docs/requests.md#an-exact-target
        """
        return self.run(exchange(None, None, self, fields.check_method(method), url, headers, data, kwargs, "request"))

    def _make_request(
        self, method: str, url: str, headers: HeadersLike, data: Any, keywords: dict[str, Any], function: str
    ) -> HttpRequest:
        """Make the request of a call.

        keywords: the others of the call; they are taken out of the dict. function: the called method, for error messages.
        """
        # `_version` goes through a local: CPython does not specialise the call of a callable attribute as if it were a method
        configuration, version = self._configuration, self._version
        if configuration is None or self._headers_version != version(self.headers):
            configuration = self.configuration
        try:
            destination = configuration.destinations.get(url)
        except TypeError:  # not hashable, so it is no URL
            as_url("url", url)
            raise
        if keywords and tuple(keywords) not in configuration.option_names:
            return self._make_request_with(configuration, destination, method, url, headers, data, keywords, function)
        request: HttpRequest = configuration.request_type(
            configuration, method, destination or configuration.destination_of_call(as_url("url", url))
        )
        if headers is not None:
            request._apply_given_headers(headers)
        if keywords:
            configuration.apply_options(request, keywords, f"HttpClient.{function}")
        if data is not None and data.__class__ is not bytes:
            configuration.bodies.set_body(request, {"data": data})
        else:
            request.body = data
        return request

    def _make_request_with(
        self,
        configuration: Configuration,
        destination: Destination | None,
        method: str,
        url: str,
        headers: HeadersLike,
        data: Any,
        keywords: dict[str, Any],
        function: str,
    ) -> HttpRequest:
        """Make the request of a call whose keywords may be others than options.

        If they are options alone, the next call with the same ones is spared the search for the others: 3 us.
        """
        names = tuple(keywords)
        if "disable" in keywords or "plugins" in keywords:
            configuration = self._variant(keywords.pop("disable", None), keywords.pop("plugins", None))
            destination = configuration.destinations.get(url)
        params = keywords.pop("params", None)
        if params is not None:
            destination = configuration.destination_of_call(as_url("url", url), params)
        request: HttpRequest = configuration.request_type(
            configuration, method, destination or configuration.destination_of_call(as_url("url", url))
        )
        exact = keywords.pop("exact_headers", None)
        if exact is not None:
            if headers is not None:
                raise TypeError(f"HttpClient.{function}() takes headers= or exact_headers=, not both")
            request._apply_exact_headers(exact)
        elif headers is not None:
            request._apply_given_headers(headers)
        target = keywords.pop("target", None)
        if target is not None:
            request._apply_target(target)
        given = configuration.bodies.take(data, keywords)
        self._apply_keywords(request, keywords, f"HttpClient.{function}")
        if tuple(keywords) == names:
            configuration.remember_option_names(names)
        if given:
            configuration.bodies.set_body(request, given)  # after the options, on which it depends
        return request

    def _apply_keywords(self, request: HttpRequest, keywords: dict[str, Any], function: str) -> None:
        """Give the handlers and options of one call to its request."""
        if not _EVENTS.isdisjoint(keywords):
            given = [event for event in EVENTS if event in keywords]
            request._call_handlers = {event: implementations_of(event, keywords.pop(event)) for event in given}
        if keywords:
            request.configuration.apply_options(request, keywords, function)

    def build_request(
        self, method: str, url: str, *, headers: HeadersLike = None, data: Any = None, **kwargs: Any
    ) -> HttpRequest:
        """Make a request without sending it: `send` sends it, once or several times. It can be changed before.

        The parameters and the errors are those of `request`. The fields, options and plugins of the client are those of now.

        Example: docs/requests.md#made-first-sent-later
        """
        request = self._make_request(fields.check_method(method), url, headers, data, kwargs, "build_request")
        request._is_template = True
        return request

    def send(self, request: HttpRequest, **options: Any) -> Call[ResponseT_co]:
        """Send a request in a call of its own: with follow-ups, a new deadline and an empty history.

        What is sent is a copy, so that the request can be sent again. Of a request that was sent before, such as
        `response.request`, the copy has no `unredirected_headers`: plugins find anew what belongs there. A sub-request keeps
        its parent, and the parent's deadline.

        request: from `build_request`, `new_request`, or `response.request` of this client. options: options and handlers of this
        call, such as `stream=True`; they replace those of the request.

        Returns what `request` returns, in the same way.

        Raises: ValueError, for a request of another client or of none; BodyNotRepeatable, if the body can be read only once,
        and was; what `request` raises.

        Example: docs/requests.md#made-first-sent-later
        """
        return self.run(self._send(request, options))

    async def _send(self, request: HttpRequest, options: dict[str, Any]) -> Any:
        """Do what `send` says."""
        if getattr(request, "client", None) is not self:
            raise ValueError(
                f"send: {request!r} belongs to another client, or to none; make it with build_request of this client"
            )
        new = request.copy(cause="call" if request.parent is None else None)
        if request._is_template:
            new.unredirected_headers.extend(request.unredirected_headers)
        self._apply_keywords(new, options, "HttpClient.send")
        if new.parent is None:
            self._start_deadline(new)
        return await send_follow_ups(await exchange(new), is_call=True)

    def _start_deadline(self, request: HttpRequest) -> None:
        """Let the total timeout of a call begin, if it has one."""
        timeout = request.timeout
        if timeout.total:
            resources = self._loop_resources or self.loop_resources  # the property takes a call
            request.deadline = resources.loop.time() + timeout.total
        else:
            request.deadline = NEVER if timeout.read else 0.0

    def new_request(
        self,
        method: str,
        url: str,
        *,
        cause: str,
        parent: HttpRequest | None = None,
        headers: HeadersLike = None,
        data: Any = None,
        **options: Any,
    ) -> HttpRequest:
        """Make a sub-request: one that a plugin sends with `exchange` for the sake of another request.

        Implementations without a `cause` parameter, and the handlers of the user, skip sub-requests. The `params` of the client
        are not added, nor its Host, Content-Length and Transfer-Encoding.

        method, url, headers, data, options: see `request`.
        cause: what the sub-request is for, such as "token"; implementations get it as `cause`.
        parent: the request for whose sake it is sent; the sub-request has the same deadline. None: the user has called the plugin
            itself; then the parent is a request that is never sent, and the client's timeout starts now.

        Raises: InvalidURL; LocalProtocolError; TypeError, for an unknown keyword; TypeError or ValueError, for a wrong value.

        Example: docs/plugins/hooks.md#sub-requests
        """
        options["params"] = params = as_params(options.get("params"))
        request = self._make_request(fields.check_method(method), url, headers, data, options, "new_request")
        # Default fields that describe calls are not for it, nor are those that `fields=` of some pre_request asks for, such as
        # Expect: the plugin that carries them out may skip sub-requests.
        for name in request.configuration.default_names & (CALL_FIELDS | request.configuration.pre_request_fields):
            if not request.gave_header(name):
                request.headers.popall(name, None)
        if self.params is not None:  # these are for calls of the user
            request._destination = request.configuration.destination_of_call(url, params, with_client_params=False)
        request.cause = cause
        request._skips_pre_request = False
        if parent is None:
            request.parent = self._make_request(request.method, url, None, None, {}, "new_request")
            self._start_deadline(request)
        else:
            request.parent = parent
            request.deadline = parent.deadline or (NEVER if request.timeout.read else 0.0)
        return request

    async def exchange(self, request: HttpRequest, connection: Connection | None = None) -> Any:
        """Send one request, with its events; for plugins.

        connection: where to send it; it stays with the caller. None: one of the pool.

        Returns the HttpResponse, or the HttpRequest that a plugin answered with, which is left to the caller to send.

        Raises: HttpRequestException and its subclasses.

        Example: docs/plugins/hooks.md#sub-requests
        """
        return await exchange(request, connection)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Look up a host as the client does for its own connections; for plugins that open sockets themselves.

        Returns its IP addresses in the order to try them; of an IP address, itself.

        Raises: DNSError; whatever `resolver` raises.

        Example::

            from hookline import HttpClient

            async with HttpClient() as client:
                print(await client.resolve("127.0.0.1", 8000))
        """
        from ..network.happy_eyeballs import address_text, as_address, resolve_host

        address = as_address(host, port)
        try:
            found = [address] if address is not None else await resolve_host(host, port, self.resolver)
        except socket.gaierror as error:
            raise DNSError(f"no address for the host {host!r}: {reason_of(error)}") from error
        return [address_text(each) for each in found]

    async def before_dial(self, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        """Run the hooks `connecting`; for routes that dial a socket themselves, once before each dial.

        Returns the addresses to try. Free without such hooks.

        Example::

            from hookline import HttpClient

            async with HttpClient() as client:
                print(await client.before_dial("origin.example", 443, ["127.0.0.1"]))
        """
        return list(await run_before_dial(host, port, addresses))

    async def pause(self, seconds: float) -> None:
        """Wait before a follow-up; for plugins. seconds: how long.

        The deadline of the call ends the wait, as it ends everything that an implementation awaits.

        Raises: ClientClosed, if the client is closed in the meantime.

        Example::

            from hookline import HttpClient, hookimpl


            class Patient:
                @hookimpl(statuses=(503,))
                async def post_request(self, response):
                    await response.request.client.pause(0.1)
                    return response.request.copy(cause="retry") if not response.history else None


            async with HttpClient(plugins=[Patient()]) as client:
                print(len((await client.get("http://127.0.0.1:8000/busy")).history))
        """
        await self.loop_resources.pause(seconds)

    async def until_closed(self, awaitable: Awaitable[T]) -> T:
        """Await something that may take long, such as a turn in a queue, and return its result; for plugins.

        The deadline of the call ends the wait, as it ends everything that an implementation awaits.

        Raises: ClientClosed, if the client is closed in the meantime; whatever the awaitable raises.

        Example::

            import asyncio
            from hookline import HttpClient, hookimpl


            class OneAtATime:
                turn = asyncio.Lock()

                @hookimpl
                async def pre_request(self, response):
                    await response.request.client.until_closed(self.turn.acquire())

                @hookimpl
                def post_request(self, response):
                    self.turn.release()


            async with HttpClient(plugins=[OneAtATime()]) as client:
                await client.get("http://127.0.0.1:8000/")
        """
        return await self.loop_resources.until_closed(awaitable)

    def _pool_of(self, route: Route) -> Pool:
        """Return the pool of a route; made at its first use."""
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
        plugins = self._configuration and len(self._configuration.plugins)
        return f"<HttpClient {plugins} plugins, {len(self.connection_pools)} pools>"


_wanting_clients: tuple[Callable[[Any], object], ...] = ()  # the functions of `for_each_client`


def for_each_client(function: Callable[[Any], object]) -> Callable[[], None]:
    """Call a function with each `HttpClient`: now with those that exist, and with each that is made from now on.

    It is called before the first request of a new client, and what it raises, `HttpClient(...)` raises. It is for programs that
    add something to the clients of all libraries, such as a plugin: `client.plugins.manager.register(plugin)`.

    function: called as `function(client)`, in the thread that makes the client.

    Returns a function that ends this.

    Example::

        from hookline import HttpClient, for_each_client

        end = for_each_client(lambda client: print("a client"))
        HttpClient()
        end()
    """
    global _wanting_clients
    _wanting_clients = (*_wanting_clients, function)
    for client in forks.known_clients():
        if client._ready:
            function(client)

    def stop() -> None:
        global _wanting_clients
        _wanting_clients = tuple(each for each in _wanting_clients if each is not function)

    return stop


def _reduce(copied: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    from .snapshot import reduce  # imported at its first use: few programs copy or pickle

    return reduce(copied)


set_reducer(_reduce)
