"""One request: its URL and route, its fields, its body and its options; and how its head is written."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from math import inf
from typing import Any, Self

from multidict import CIMultiDict, getversion

from ..copying import snapshot
from ..errors import BodyNotRepeatable, LocalProtocolError, PluginError, shown
from ..hooks.implementation import Implementation
from ..messages import fields
from ..messages.body_gate import Gate
from ..messages.request_body import Source, digest_of
from ..messages.timeout import Timeout
from ..network.pool import Pool
from ..network.route import DirectRoute, Route
from ..network.tls import TLS
from .core_options import CONNECTION_OPTIONS, EXCHANGE_OPTIONS, ORIGIN_OPTIONS, VERSIONS
from .interfaces import Configuration
from .origin import Destination, Origin

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # RFC 9110, section 9.2.2
WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})  # without a body they state Content-Length: 0 (RFC 9110, section 8.6)
# Other methods are checked before they are sent.
KNOWN_METHODS = WITH_LENGTH | {"GET", "HEAD", "OPTIONS", "DELETE", "CONNECT", "TRACE"}

BODY_FRAMING = frozenset({"content-length", "transfer-encoding"})
FRAMING = BODY_FRAMING | {"host", "connection"}  # fields that are checked with the whole head, and not copied as lines

MAX_DIGITS = 19  # of a Content-Length: 8 EiB, and far below the 4300 digits that Python's int() accepts
MAX_HEADS = 16  # heads that are remembered for one URL
MAX_GIVEN_HEADERS = 256  # different headers= that are remembered for one configuration

# headers= as it was given; its fields; these as lines, None if they replace default fields; and whether a precondition of
# pre_request names one of them.
GivenHeaders = tuple[dict[str, Any], CIMultiDict[Any], str | None, bool]
NO_GIVEN_HEADERS: GivenHeaders = ({}, CIMultiDict(), "", False)
# exact_headers= as it was given; its fields; these as lines; and whether a precondition of pre_request names one of them.
ExactHeaders = tuple[list[Any], CIMultiDict[Any], str, bool]
NO_EXACT_HEADERS: ExactHeaders = ([], CIMultiDict(), "", False)
NO_LINES = -1, ""
version_of: Callable[[Any], int] = getversion  # of a multidict: another one after each change


class HttpRequest:
    """A request: what is sent, where to, and with which options.

    `client.get` and the other methods of a client make it, `response.request` is it, `copy` and `follow` make a follow-up,
    and a plugin makes a sub-request with `client.new_request`. Users do not call the class itself. Each client has a subclass
    of its own, whose class attributes are the values of its options.

    Plugins and handlers change it in pre_request: `headers` and `unredirected_headers`, `url`, `target`, `route`, `body`, and
    options. From then on it is sent as it is; the route and the origin are fixed once its connection is taken.

    Its body is bytes, or a source that produces it while it is sent. `encode` returns the head, and the body if it is bytes.

    Plain attributes:

    method: the method in upper case, a str.
    body: bytes, or a Source if it is produced while it is sent. None = no body.
    content_type: the Content-Type that belongs to the body, a str; a field in `headers` replaces it. None = none.
    cause: why it is sent, a str: "call", or a plugin's word for a follow-up ("redirect", "auth", "expect", "retry") or a
    sub-request ("connect", "token").
    parent: the HttpRequest for whose sake a sub-request is sent. None = it is no sub-request.
    deadline: the time at which the total timeout of its call ends, a float in the loop's time (`loop.time()`). 0 = none;
        math.inf = none either, but its read timeout limits each wait.
    gate: the Gate of a body that a plugin holds, see `hold_body`. None = the body is not held.
    configuration: what follows from the plugins that run in its call: `options`, `credentials` (fields), `plugins` and more.

    The options are attributes too, with their converted values. Hooks may set them in pre_request, to values of that kind;
    those that decide about the connection (`verify` to `unix_socket`) then hold for the connection of this request alone.
    Those of core are:

    version: "HTTP/1.1" or "HTTP/1.0".
    stream: True if the caller gets the response at its head and reads the body. False by default.
    timeout: a Timeout, in seconds. By default there is none.
    timings: True if `response.timings` is wanted. False by default.
    max_body: the most bytes that the body of the response may have. 0 = any number, the default.
    sensitive_headers: names of fields that no follow-up sends to another origin, a frozenset of str in lower case.
    verify: how to check the server's certificate: True (the default), False, or a path or an SSLContext to check it with.
    cert: the client's certificate: a path, (certificate, key) or (certificate, key, password). None = none.
    server_hostname: the name to check in the server's certificate, a str. None = the host of the URL.
    source_address: the (address, port) to connect from; port 0 = any. None = any address.
    unix_socket: the path of a socket to connect to, a str. None = TCP.
    json_encoder: the function that converts the object of json= to str or bytes. None = Python's own.
    json_decoder: the function behind `response.json()`. None = Python's own.

    A request can be copied and pickled.

    Example: docs/plugins/hooks.md#sub-requests
    """

    # What the engine keeps:
    # _destination: its URL, split.
    # _on_fast_path: True while all options of core have values that the fast path serves.
    # _skips_pre_request: True while the preconditions of pre_request find nothing in it.
    # _uses_origin_pool: True while its options leave the choice of the pool to its origin.
    # _closes_connection: True if its head says that the connection ends with it.
    # _exact_lines: the version of `_headers` with which these were given as `exact_headers=`, and the same as lines.
    # _extra_lines: the fields given for it, as lines behind the default fields, if they can stand there.
    # _given_fields: the same as a multidict. _headers, _unredirected: the fields once they were asked for; None = not yet.
    # _call_handlers: the handlers of its call, by event; None = none. _history: the responses that led to it.
    # _route, _target: what a plugin has set; None = as the URL says.

    __slots__ = (
        "__dict__", "_call_handlers", "_closes_connection", "_destination", "_exact_lines", "_extra_lines", "_given_fields",
        "_headers", "_history", "_on_fast_path", "_route", "_skips_pre_request", "_target", "_unredirected",
        "_uses_origin_pool", "body", "cause", "configuration", "content_type", "deadline", "gate", "method",
        "parent",
    )  # fmt: skip

    # The options of core. Their values are class attributes of the client's subclass.
    version: str
    stream: bool
    timeout: Timeout
    timings: bool
    max_body: int
    sensitive_headers: frozenset[str]
    verify: Any
    cert: Any
    server_hostname: str | None
    source_address: Any
    unix_socket: str | None
    json_encoder: Callable[[Any], Any] | None
    json_decoder: Callable[..., Any] | None

    parent: HttpRequest | None
    body: bytes | Source | None
    _call_handlers: dict[str, tuple[Implementation, ...]] | None
    content_type: str | None
    _exact_lines: tuple[int, str]
    _given_fields: CIMultiDict[Any] | None
    _headers: CIMultiDict[str] | None
    _unredirected: CIMultiDict[str] | None
    _history: list[Any] | None
    _route: Route | None
    _target: str | None
    gate: Gate | None

    # What few requests set is set in __dict__, which other requests leave empty.
    _is_connected = False  # was its connection taken early, see `HttpResponse.connect`
    _is_template = False  # was it made to be sent by `HttpClient.send`, and is it as its user left it
    _given_target: str | None = None  # the `target=` of its call, which follow-ups to the same URL have too
    _is_exact = False  # are its fields those of `exact_headers=`, without default fields and in their order
    _option_owners: Mapping[str, str | None] = {}  # of options that several plugins share

    def __init__(self, configuration: Configuration, method: str, destination: Destination) -> None:
        self.configuration = configuration
        self.method = method
        self._destination = destination
        self.cause = "call"
        self.deadline = 0.0
        self._extra_lines = ""
        self._uses_origin_pool = True
        self._skips_pre_request = destination.userinfo is None
        self._on_fast_path = configuration.on_fast_path
        self._closes_connection = configuration.closes_connection
        # One chained assignment, because every request is made here: 0.18 us, against 0.27 for one line each.
        self.parent = self.body = self._call_handlers = self.content_type = self._given_fields = self._headers = (
            self._unredirected
        ) = self._history = self._route = self._target = self.gate = None

    # -- where it goes

    @property
    def client(self) -> Any:
        """The HttpClient that made it and sends it.

        Example: docs/plugins/hooks.md#sub-requests
        """
        return self.configuration.client

    @property
    def url(self) -> str:
        """The URL without userinfo, a str. A plugin may set another one in pre_request.

        Raises: InvalidURL; PluginError, for another origin after the connection was taken.

        Example::

            from hookline import HttpClient

            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/a?b=c")
            request.url = "http://127.0.0.1:8000/other"
            print(request.url, request.target)
        """
        return self._destination.url

    @url.setter
    def url(self, url: str) -> None:
        destination = self.configuration.destination_of(url)
        if destination.origin is not self._destination.origin:
            self._check_unconnected("the origin of the URL")
        self._destination = destination

    @property
    def origin(self) -> Origin:
        """The origin of the URL: an object with scheme, host, port and authority (RFC 9110, section 4.3.1).

        Example: docs/plugins/replacing.md#replacing-a-plugin
        """
        return self._destination.origin

    @property
    def origin_form(self) -> str:
        """The path and the query of the URL (RFC 9112, section 3.2.1); `target` is the same unless a plugin has set it.

        Example: docs/plugins/hooks.md#connection-hooks
        """
        return self._destination.target

    @property
    def userinfo(self) -> str | None:
        """What stood before the @ of the URL, a str, percent-encoded as it was. A secret. None = nothing stood there.

        Example::

            from hookline import HttpClient

            request = HttpClient().build_request("GET", "http://user:secret@127.0.0.1:8000/")
            print(request.userinfo, request.url)
        """
        return self._destination.userinfo

    @property
    def target(self) -> str:
        """The request target, a str: path and query, unless a plugin has set another form (RFC 9112, section 3.2).

        Raises: LocalProtocolError, for a target that is empty, or has spaces, control characters or characters outside ASCII.

        Example: docs/requests.md#an-exact-target
        """
        return self._target or self._destination.target

    @target.setter
    def target(self, target: str) -> None:
        self._target = fields.check_target(target)

    @property
    def route(self) -> Route:
        """Where and how to connect: a Route, by default the DirectRoute to the origin. A plugin may set another in pre_request.

        Raises: PluginError, if it is set after the connection was taken.

        Example::

            from hookline import HttpClient, hookimpl


            class ToTheTwin:
                @hookimpl
                def pre_request(self, response):
                    request = response.request
                    if not request.has_route:  # no proxy
                        request.route = request.route.to_address("127.0.0.1")


            with HttpClient(plugins=[ToTheTwin()], trust_env=False) as client:
                print(client.get("http://127.0.0.1:8000/").ok)
        """
        if self._route is None:
            return self._direct_route()
        return self._route

    @route.setter
    def route(self, route: Route) -> None:
        self._check_unconnected("the route")
        self._route = route
        self._uses_origin_pool = False

    def _direct_route(self) -> DirectRoute:
        """Return the route to its origin, by its options."""
        origin = self._destination.origin
        offered = () if "version" in self.__dict__ else self.configuration.protocols_for(origin.scheme)
        alpn = (*(protocol.name for protocol in offered), "http/1.1")
        tls = TLS(self.verify, self.cert, self.server_hostname, alpn) if origin.tls else None
        scheme = "https" if origin.tls else "http"
        timeout = self.timeout
        return DirectRoute(
            scheme,
            origin.host,
            origin.port,
            tls,
            self.source_address,
            self.unix_socket,
            protocols=self.configuration.protocols,
            tls_timeout=timeout.tls,
            # without `tls`, `acquire` limits both together by `connect`
            connect_timeout=timeout.connect if timeout.tls else 0.0,
        )

    def _require_protocol(self, name: str) -> None:
        """Have the request sent by one protocol alone, on a connection of the same route. name: as ALPN has it."""
        self._route = self.route.only_by(name)
        self._uses_origin_pool = False

    @property
    def has_route(self) -> bool:
        """True if a plugin has set a route; False if the request goes to its origin directly."""
        return self._route is not None

    def _check_unconnected(self, what: str) -> None:
        """Raise PluginError if the connection was taken already. what: what was set, for the message."""
        if self._is_connected:
            raise PluginError(f"{what} was set after the connection was taken")

    def _heed_own_options(self) -> None:
        """Leave the fast path, and the pool of the origin, for options that were set on this request itself and ask for it.

        Without it, a request with `verify=False` would share its connections with requests that check the certificate.
        """
        own = self.__dict__
        if own:
            if not EXCHANGE_OPTIONS.isdisjoint(own):
                self._on_fast_path = False
            if not CONNECTION_OPTIONS.isdisjoint(own):
                self._uses_origin_pool = False
            if not self.deadline and self.timeout.read:  # a hook has set it
                self.deadline = inf

    def _pool(self) -> Pool:
        """Return the pool of its route."""
        if self._uses_origin_pool:
            origin = self._destination.origin
            pool = origin.pool
            if pool is None or pool.retired:
                pool = origin.pool = self.configuration.client._pool_of(self._direct_route())
            return pool
        return self.configuration.client._pool_of(self.route)

    # -- fields

    def _apply_given_headers(self, headers: fields.HeadersLike) -> None:
        """Set the fields that the user gave to the call; they replace default fields of the same name.

        Raises: LocalProtocolError, TypeError.
        """
        known, self._given_fields, lines, needs_hooks = self.configuration.last_given_headers
        try:
            is_known = headers.__class__ is dict and headers == known and (len(known) == 1 or [*headers] == [*known])
        except Exception:  # noqa: BLE001  # a value whose comparison fails is no str
            is_known = False
        if not is_known:
            _, self._given_fields, lines, needs_hooks = self._remember_given(headers)
        if needs_hooks:
            self._skips_pre_request = False
        if lines is None:
            self._headers = self.headers
        else:
            self._extra_lines = lines

    def _apply_exact_headers(self, headers: fields.HeadersLike) -> None:
        """Set the fields that the user gave to the call as `exact_headers=`: these alone, in their order and spelling.

        Raises: LocalProtocolError, TypeError.
        """
        known, given, lines, needs_hooks = self.configuration.last_exact_headers
        try:
            is_known = headers.__class__ is list and headers == known
        except Exception:  # noqa: BLE001  # a value whose comparison fails is neither str nor bytes
            is_known = False
        if not is_known:
            _, given, lines, needs_hooks = self._remember_exact(headers)
        if needs_hooks:
            self._skips_pre_request = False
        self._is_exact = True
        self._given_fields, self._headers = given, CIMultiDict(given)
        self._exact_lines = version_of(self._headers), lines

    def _remember_exact(self, headers: fields.HeadersLike) -> ExactHeaders:
        """Check and convert exact_headers=, and remember the result for the next call: 18 us less for the five fields of httpx.

        Raises: LocalProtocolError, TypeError.
        """
        if isinstance(headers, Iterator):
            headers = list(headers)
        pairs: list[tuple[str, str]] = []
        for name, value in fields.check_fields(headers, "exact_headers="):
            if value is None:
                raise TypeError(f"exact_headers= takes values that are sent, not None for {name}")
            pairs.append((name, value))
        needs_hooks = not self.configuration.pre_request_fields.isdisjoint(name.lower() for name, _ in pairs)
        copied: list[Any] = list(headers) if headers.__class__ is list else []
        found = copied, CIMultiDict[Any](pairs), fields.field_lines(pairs), needs_hooks
        # a str outside ASCII may be equal to one that was received as other bytes
        if copied and all(
            each.__class__ is tuple
            and all(part.__class__ is bytes or (part.__class__ is str and part.isascii()) for part in each)
            for each in copied
        ):
            self.configuration.last_exact_headers = found
        return found

    def _apply_target(self, target: str) -> None:
        """Set the `target=` of the call: it is sent in place of the path and the query of the URL.

        Raises: LocalProtocolError, TypeError.
        """
        if not isinstance(target, str):
            raise TypeError(f"target= takes a str, not {type(target).__name__}")
        if target != self._destination.target:
            self.target = self._given_target = target

    def _remember_given(self, headers: fields.HeadersLike) -> GivenHeaders:
        """Check and convert headers=, and remember the result.

        Programs give the same few values again and again: this saves 1 us for each, and `_apply_given_headers` another 0.2 for
        the value of the last call.

        Raises: LocalProtocolError, TypeError.
        """
        configuration = self.configuration
        key = tuple(headers.items()) if headers.__class__ is dict else None
        try:
            found = configuration.given_headers.get(key)
        except TypeError:
            found = key = None  # a value that is no str
        if found is None:
            given: CIMultiDict[Any] = CIMultiDict(fields.check_fields(headers))
            lines = None if None in given.values() else lines_unless_taken(given, FRAMING, configuration.default_names)
            needs_hooks = not configuration.pre_request_fields.isdisjoint(name.lower() for name in given)
            found = dict(key or ()), given, lines, needs_hooks
            # a value outside ASCII may be equal to one that was received as other bytes
            if key is None or not all(type(value) is str and value.isascii() for _, value in key):
                return found
            if len(configuration.given_headers) >= MAX_GIVEN_HEADERS:
                configuration.given_headers.clear()
            configuration.given_headers[key] = found
        configuration.last_given_headers = found
        return found

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields of the user and the default fields: a case-insensitive multidict of str, which can be changed.

        With `exact_headers=` they are those alone, and what plugins add.
        Every follow-up to the same origin has them too. Host, Content-Length and Transfer-Encoding are added when the head is
        written, unless they are here.

        Example: docs/requests.md#made-first-sent-later
        """
        if self._headers is None:
            headers = CIMultiDict(self.configuration.default_fields)
            if self._given_fields:
                fields.override(headers, self._given_fields.items())
            if self.content_type is not None and "content-type" not in headers:
                headers["Content-Type"] = self.content_type
            self._headers = headers
        return self._headers

    @property
    def unredirected_headers(self) -> CIMultiDict[str]:
        """The fields for this request alone, such as credentials: a multidict as `headers`, empty at first.

        They replace fields of `headers` of the same name. Follow-ups do not have them.

        Example: docs/plugins/hooks.md#sub-requests
        """
        if self._unredirected is None:
            self._unredirected = CIMultiDict()
        return self._unredirected

    def has_header(self, header_name: str) -> bool:
        """Return True if a field of this name, in any case, is in `headers` or `unredirected_headers`.

        Host, Content-Length and Transfer-Encoding are not found if they are added when the head is written.

        Example: docs/requests.md#header-fields
        """
        if self._unredirected is not None and header_name in self._unredirected:
            return True
        if self._headers is not None:
            return header_name in self._headers
        return header_name.lower() in self.configuration.default_names or header_name in (self._given_fields or ())

    def gave_header(self, header_name: str) -> bool:
        """Return True if the user gave a field of this name, in any case, to this call; False if only to the client.

        Example::

            from hookline import HttpClient

            client = HttpClient(headers={"Accept": "text/plain"})
            request = client.build_request("GET", "http://127.0.0.1:8000/", headers={"X-Mine": "1"})
            print(request.gave_header("x-mine"), request.gave_header("accept"))
        """
        return any(value is not None for value in (self._given_fields or CIMultiDict()).getall(header_name, ()))

    def get_header(self, header_name: str, default: str | None = None) -> str | None:
        """Return the value of the first field of this name, from `unredirected_headers` before `headers`.

        default: returned if there is none; None unless given.

        Example: docs/plugins/hooks.md#sub-requests
        """
        if self._unredirected is not None and header_name in self._unredirected:
            return self._unredirected[header_name]
        return self.headers.get(header_name, default)

    def remove_header(self, header_name: str) -> str | None:
        """Remove all fields of this name, and return the first value; None = there was none.

        Example::

            from hookline import HttpClient

            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/", headers={"X-Mine": "1"})
            print(request.remove_header("x-mine"), request.remove_header("x-mine"))
        """
        value = self.get_header(header_name)
        self.headers.popall(header_name, None)
        if self._unredirected is not None:
            self._unredirected.popall(header_name, None)
        return value

    # -- the head, as bytes

    def encode(self) -> bytes:
        """Return the bytes of the head, followed by the body if it is bytes. The engine sends these.

        A head that differs from an earlier one to the same URL at most in the length of the body is not written again, unless
        `headers` was used: 0.3 us, against 3.

        Raises: LocalProtocolError, for a method or a field that HTTP cannot carry, and for framing that does not fit the body.

        Example: docs/requests.md#header-fields
        """
        body = self.body
        if self._headers is None and self._unredirected is None and self._target is None and self._on_fast_path:
            heads = self._destination.heads
            if body is None:
                key: tuple[str | None, ...] = (self.method, self._extra_lines)
                return heads.get(key) or self._remember_head(key, f"{self._framing_line()}\r\n")
            if body.__class__ is bytes:
                size = len(body)
                method, extra, kind, length, known = self._destination.last
                # the comparison saves 0.3 us over the search in `heads`
                if size != length or extra != self._extra_lines or kind != self.content_type or method != self.method:
                    key = self.method, self._extra_lines, self.content_type
                    begun = heads.get(key) or self._remember_head(key, f"{self._content_type_line()}Content-Length: ")
                    known = b"%b%d\r\n\r\n" % (begun, size)
                    self._destination.last = (*key, size, known)
                return known + body
        return self._encode_head() + body if isinstance(body, bytes) else self._encode_head()

    def fields_as_sent(self) -> list[tuple[str, str]]:
        """Return the fields as HTTP/1.1 sends them, in order: those of the user, of plugins and of core, such as Host.

        Raises: as `encode`.

        Example::

            from hookline import HttpClient

            request = HttpClient(autoload=False).build_request("GET", "http://127.0.0.1:8000/")
            print(request.fields_as_sent())
        """
        lines = self._encode_head().decode("utf-8", "surrogateescape").split("\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]

    def _encode_head(self) -> bytes:
        """Return the head with the empty line at its end.

        Raises: as `encode`.
        """
        lines = None
        if (
            self._headers is None
            and self._target is None
            and self.body.__class__ is not Source
            and (self._on_fast_path or not (self.configuration.states_framing or "version" in self.__dict__))
        ):
            lines = lines_unless_taken(
                self._unredirected or {}, FRAMING, self.configuration.default_names, self._given_fields or ()
            )
        if lines is None:
            text = self._text_of_all_fields()
        else:
            text = f"{self._first_lines()}{lines}{self._content_type_line()}{self._framing_line()}\r\n"
        return text.encode("utf-8", "surrogateescape")

    def _first_lines(self) -> str:
        """Return the request line, Host, the default fields, and the given ones."""
        return (
            f"{self._checked_method()} {self._destination.target}{self._destination.origin.prefix}{self._extra_lines}"
        )

    def _checked_method(self) -> str:
        if self.method not in KNOWN_METHODS:
            fields.check_method(self.method)  # a handler may have set it
        return self.method

    def _content_type_line(self) -> str:
        if self.content_type is None or self.has_header("content-type"):
            return ""
        return f"Content-Type: {fields.check_value('Content-Type', self.content_type)}\r\n"

    def _remember_head(self, key: tuple[str | None, ...], rest: str) -> bytes:
        """Encode the first lines and the rest of a head, and keep it for requests with the same key: 0.15 us less for each."""
        heads = self._destination.heads
        if len(heads) >= MAX_HEADS:
            heads.clear()
        found = heads[key] = f"{self._first_lines()}{rest}".encode("utf-8", "surrogateescape")
        return found

    def _text_of_all_fields(self) -> str:
        """Write the head from all of its fields, and check those that frame it.

        Raises: as `encode`.
        """
        every = self.headers
        if self._unredirected is not None:
            every = CIMultiDict(every)
            fields.override(every, self._unredirected.items())
        hosts = field_values(every, "host")
        if hosts and not self._is_exact:
            every = CIMultiDict(every)
            every.popall("host")
        host = hosts[0] if hosts else self._destination.origin.authority
        host_line = "" if hosts and self._is_exact else f"Host: {host}\r\n"  # exact fields have it in its place
        version, lines = getattr(self, "_exact_lines", NO_LINES)
        if version != version_of(every):  # they were changed, or are not exact
            lines = fields.field_lines(every.items())
        if self.version not in VERSIONS:
            raise LocalProtocolError(f"not a version of HTTP/1: {shown(str(self.version))}")
        if len(hosts) > 1:
            raise LocalProtocolError("a request has one Host field (RFC 9112, section 3.2)")
        self._closes_connection = fields.says_close(every.getall("connection", ()))
        framing = self._framing_line(field_values(every, "content-length"), field_values(every, "transfer-encoding"))
        return f"{self._checked_method()} {self.target} {self.version}\r\n{host_line}{lines}{framing}\r\n"

    def _framing_line(self, lengths: Sequence[str] = (), codings: Sequence[str] = ()) -> str:
        """Return the line of Content-Length or Transfer-Encoding that has to be added; "" = none.

        lengths, codings: the values of these two fields that the request has already.

        Raises: LocalProtocolError, for a field that does not fit the body, and for several: two readers of the request could
        see two different ends of it (RFC 9112, section 11.2).
        """
        body = self.body
        length = len(body) if isinstance(body, bytes) else 0 if body is None else body.length
        if codings:
            if [coding.strip().lower() for coding in codings] != ["chunked"] or not isinstance(body, Source) or lengths:
                raise LocalProtocolError(
                    "Transfer-Encoding is for bodies that are streamed: 'chunked', once, without Content-Length"
                )
            if self.version == "HTTP/1.0":
                raise LocalProtocolError("HTTP/1.0 has no Transfer-Encoding (RFC 9112, section 6.1)")
            return ""
        if len(lengths) > 1:
            raise LocalProtocolError("a request has one Content-Length field (RFC 9110, section 8.6)")
        if lengths:
            stated = lengths[0]
            is_number = stated.isascii() and stated.isdigit() and len(stated) <= MAX_DIGITS
            if not is_number or (length is not None and int(stated) != length):
                raise LocalProtocolError(f"Content-Length: {stated[:40]} does not fit the body ({length or 0} bytes)")
            return ""
        if body is None and self.method not in WITH_LENGTH:
            return ""
        if length is None:
            if self.version == "HTTP/1.0":
                raise LocalProtocolError("HTTP/1.0 carries no body of unknown length; give Content-Length")
            return "Transfer-Encoding: chunked\r\n"
        return f"Content-Length: {length}\r\n"

    def _stated_length(self) -> int | None:
        """Return the length in bytes that the head states for a streamed body; None = it is chunked."""
        assert isinstance(self.body, Source)
        if self.get_header("transfer-encoding") is not None:
            return None
        stated = self.get_header("content-length")
        return int(stated) if stated is not None else self.body.length

    # -- the body

    def _set_body(self, body: bytes | Source | None, content_type: str | None) -> None:
        """Set the body and the Content-Type that belongs to it. A field that the user gave, or removed with None, stays so."""
        if self._is_exact:
            content_type = None
        self.body, self.content_type = body, content_type
        # these fields were made before the body was known
        if self._headers is not None and content_type is not None and not self._states("content-type"):
            self._headers.setdefault("Content-Type", content_type)

    def _states(self, low: str) -> bool:
        """Say whether the call gave a field of this name, which is in lower case, be it None to remove the field."""
        return low in (self._given_fields or ())

    def hold_body(self, seconds: float | None = None) -> Gate:
        """Have the head sent alone, and return the Gate: `gate.open()` sends the body, `gate.close()` gives it up.

        For plugins, in pre_request. A second call returns the same gate.

        seconds: the gate opens by itself so long after the head was sent; None = it does not.

        Example::

            from hookline import HttpClient, hookimpl


            class Slowly:
                @hookimpl
                def pre_request(self, response):
                    if response.request.body:
                        response.request.hold_body(0.1)  # or keep the gate, and open it later


            with HttpClient(plugins=[Slowly()]) as client:
                print(client.post("http://127.0.0.1:8000/echo", data=b"late").text)
        """
        if self.gate is None:
            self.gate = Gate(seconds)
        return self.gate

    @property
    def can_be_sent(self) -> bool:
        """True if the body can be sent, or sent once more; False if it can be read only once, and was.

        Then `copy` and `follow` raise BodyNotRepeatable.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                response = client.post("http://127.0.0.1:8000/echo", data=(chunk for chunk in [b"once"]))
                print(response.request.can_be_sent)
        """
        return not isinstance(self.body, Source) or self.body.can_be_sent

    async def digest(self, algorithm: str) -> bytes:
        """Return the digest of the body as it will be sent, before a transfer coding; that of b"" if there is no body.

        For plugins that sign requests, in pre_request, behind those that set the body. A file or another source is read for it
        without blocking the loop, and sent as a whole afterwards. What functions of `response.wrap_upload` change is not in it.

        algorithm: a name that `hashlib` knows, such as "sha256". The result is bytes; `.hex()` is the usual text.

        Raises: BodyNotRepeatable, for a body that can be read only once; ValueError, for an unknown algorithm; what the source
        of the body raises.

        Example: docs/plugins/bodies.md#the-digest-of-a-body
        """
        if isinstance(self.body, Source) and not self.body.is_repeatable:
            raise BodyNotRepeatable(
                f"{self.method} {self._destination.origin}: its body can be read once only, so its digest cannot be known"
                " before it is sent; give bytes, a file, or an iterable that can be read again",
                request=self,
            )
        return await digest_of(self.body, algorithm)

    @property
    def _can_be_repeated(self) -> bool:
        """Say whether it may be sent once more after its connection was closed without a response (RFC 9110, section 9.2.2)."""
        return self.method in IDEMPOTENT and self.can_be_sent

    # -- copies

    def copy(
        self, *, url: str | None = None, method: str | None = None, cause: str | None = None, **changes: Any
    ) -> Self:
        """Return a request like this one, without `unredirected_headers`: the follow-up that a plugin answers post_request with.

        url, method, cause: those of the new request; None = as this one. changes: `headers`, a mapping or pairs that replace
        all fields of this request; `body`, bytes or None; and options, by name.

        For another origin it has no Host, none of the fields that carry credentials (Authorization, Proxy-Authorization and
        those that plugins declare), none of `sensitive_headers`, and not the `cert`, `server_hostname` and `unix_socket` that
        the call gave. Those that the client was given stay, because they are for every origin.

        Raises: BodyNotRepeatable, if the body can be read only once, and was; InvalidURL; TypeError, for an unknown option.

        Example: docs/plugins/hooks.md#answers
        """
        method = self.method if method is None else fields.check_method(method)
        destination = self._destination if url is None else self.configuration.destination_of(url)
        leaves_origin = destination.origin.key != self._destination.origin.key
        new = type(self)(self.configuration, method, destination)
        new.__dict__.update(self.__dict__)
        for name in ("_is_connected", "_is_template", *(ORIGIN_OPTIONS if leaves_origin else ())):
            new.__dict__.pop(name, None)
        if url is None:
            new._target = self._given_target
        else:
            new.__dict__.pop("_given_target", None)
        new.cause = self.cause if cause is None else cause
        new._skips_pre_request = False
        new._on_fast_path = self._on_fast_path
        new.parent = self.parent
        new._call_handlers, new.deadline = self._call_handlers, self.deadline
        new._uses_origin_pool = CONNECTION_OPTIONS.isdisjoint(new.__dict__)
        if self._headers is not None:
            new._headers = self._headers.copy()
        new._given_fields, new._extra_lines, new.content_type = self._given_fields, self._extra_lines, self.content_type
        if "headers" in changes:
            new._headers = CIMultiDict(changes.pop("headers"))
        body = changes.pop("body", self.body)
        if isinstance(body, Source) and not body.can_be_sent:
            raise BodyNotRepeatable(
                f"{new.method} {new._destination.origin}: its body can be read once only, and was; give bytes, or an iterable"
                " that can be read again",
                request=self,
            )
        new.body = body
        if body is None:
            new.content_type = None
        self.configuration.apply_options(new, changes, "HttpRequest.copy")
        if leaves_origin:
            for name in ("host", *self.configuration.credentials, *new.sensitive_headers):
                new.headers.popall(name, None)
            new._given_fields, new._extra_lines = None, ""
        return new

    def follow(self, url: str, *, cause: str, **changes: Any) -> Self:
        """Return a copy for a URL that the peer has named, such as a redirect's. The userinfo in that URL is not used.

        For the same origin it has the userinfo of this request, for another one none. cause, changes: as for `copy`.

        Raises: as `copy`.

        Example: docs/plugins/replacing.md#replacing-a-plugin
        """
        new = self.copy(url=url, cause=cause, **changes)
        same = new._destination.origin.key == self._destination.origin.key
        new._destination = new._destination.with_userinfo(self._destination.userinfo if same else None)
        return new

    # -- for plugins

    @property
    def history(self) -> list[Any]:
        """The responses of this call before this request, oldest first: a list of HttpResponse, a copy. Empty for the first.

        Example: docs/requests.md#made-first-sent-later
        """
        return [] if self._history is None else list(self._history)

    @property
    def has_left_origin(self) -> bool:
        """True if an earlier request of this call was for another origin.

        Then what the user gave for the first origin, such as credentials, must not be sent, not even if this request returns
        there: another origin has caused it.

        Example::

            from hookline import HttpClient, Option, hookimpl


            class Key:
                @hookimpl
                def declare(self):
                    return [Option("key")]

                @hookimpl(options=("key",))
                def pre_request(self, response):
                    request = response.request
                    if not request.has_left_origin and not request.is_overruled("key", "X-Key"):
                        request.unredirected_headers["X-Key"] = request.key


            with HttpClient(plugins=[Key()], key="of the client") as client:
                response = client.get("http://127.0.0.1:8000/", headers={"X-Key": "of the call"})
                print(response.request.get_header("X-Key"))
        """
        here = self._destination.origin.key
        return any(earlier.request._destination.origin.key != here for earlier in self._history or ())

    def is_overruled(self, option: str, header_name: str) -> bool:
        """Return True if a field of the user takes precedence over an option from which a plugin makes the same field.

        That is so if the request has the field, and the option was not given to this call, but at most to the client.
        """
        return option not in self.__dict__ and self.has_header(header_name)

    def owner(self, option: str) -> str | None:
        """Return the name of the plugin that accepted the value of an option, for options that several plugins share.

        None = no value was given.

        Example: docs/plugins/options.md#a-keyword-of-several-plugins
        """
        if option in self._option_owners:
            return self._option_owners[option]
        if option in self.__dict__:  # for an option with one owner, the owner is not noted in each request
            return None if self.__dict__[option] is None else self.configuration.table.keywords[option].owners[0].name
        return self.configuration.option_owners.get(option)

    @property
    def ssl(self) -> Any:
        """The ssl.SSLContext of its connection; None for plain HTTP, and for a route of a plugin that has no attribute `tls`.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                print(client.get("http://127.0.0.1:8000/").request.ssl)
        """
        tls = getattr(self.route, "tls", None)
        return None if tls is None else self.configuration.client.contexts.get(tls)

    __reduce__ = snapshot

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {self._destination.origin}{self._destination.target.partition('?')[0]}>"


def lines_unless_taken(given: Mapping[str, Any], *taken: Container[str]) -> str | None:
    """Return fields as lines to add to a head; None if one of the names is taken, because it stands there already.

    taken: names in lower case.

    Raises: LocalProtocolError, TypeError.
    """
    for name in given:
        low = name.lower()
        if any(low in names for names in taken):
            return None
    return fields.field_lines(given.items())


def field_values(every: CIMultiDict[Any], name: str) -> list[str]:
    """Return the values of all fields of a name, checked and converted to str as they are sent.

    Raises: LocalProtocolError, TypeError.
    """
    return [fields.check_value(name, value) for value in every.getall(name, ()) if value is not None]
