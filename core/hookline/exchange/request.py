"""One request: what is asked for, of whom, with which fields and options; and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from multidict import CIMultiDict

from ..copying import snapshot
from ..errors import BodyNotRepeatable, LocalProtocolError, PluginError, shown
from ..messages import fields
from ..messages.body_gate import Gate
from ..messages.request_body import Source
from ..messages.timeout import Timeout
from ..network.pool import Pool
from ..network.route import DirectRoute, Route
from ..network.tls import TLS
from .call import CallHandlers
from .core_options import ORIGIN_OPTIONS, VERSIONS
from .interfaces import Client, Configuration
from .origin import Destination, Origin

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # RFC 9110, section 9.2.2
WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})  # these say Content-Length: 0 when they have no body (RFC 9110, 8.6)
METHODS = WITH_LENGTH | {"GET", "HEAD", "OPTIONS", "DELETE", "CONNECT", "TRACE"}  # which need no check

BODY_FRAMING = frozenset({"content-length", "transfer-encoding"})
FRAMING = BODY_FRAMING | {"host", "connection"}  # more than lines: they are looked at

MAX_DIGITS = 19  # of a Content-Length: 8 EiB, and far below the 4300 at which Python's int() gives up
MAX_HEADS = 16  # that are remembered for one URL
MAX_GIVEN = 256  # headers= of so many kinds are remembered

# headers= as it was given, its fields, and those as lines (None: they replace some of the defaults); do they wake
# implementations of pre_request?
Given = tuple[dict[str, Any], list[tuple[str, str | None]], str | None, bool]
NOTHING: Given = ({}, [], "", False)


class HttpRequest:
    """One request. Made by a client; each client has its own subclass, whose class attributes are the options.

    cause: why it is sent: "call", or what a plugin says of its follow-up ("redirect", "auth", …) or sub-request ("connect", …).
    parent: the request for whose sake a sub-request is sent, else None.
    """

    # _on_fast_path: do all options of core have values that need no further look? _skips_pre_request: do the preconditions of
    # pre_request find nothing in it? _uses_origin_pool: do its options leave the choice of the pool to its origin?
    # _closes_connection: does the head say that the connection carries no other request?

    __slots__ = (
        "__dict__", "_call_handlers", "_closes_connection", "_configuration", "_destination", "_extra_lines",
        "_given_fields", "_headers", "_history", "_on_fast_path", "_route", "_skips_pre_request", "_target",
        "_unredirected", "_uses_origin_pool", "body", "cause", "content_type", "deadline", "gate", "method",
        "parent",
    )  # fmt: skip

    # Options that core has; the values are those of the client.
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
    _call_handlers: CallHandlers | None
    content_type: str | None
    _given_fields: list[tuple[str, str | None]] | None
    _headers: CIMultiDict[str] | None
    _unredirected: CIMultiDict[str] | None
    _history: list[Any] | None
    _route: Route | None
    _target: str | None
    gate: Gate | None

    def __init__(self, profile: Configuration, method: str, where: Destination) -> None:
        self._configuration = profile
        self.method = method
        self._destination = where
        self.cause = "call"
        self.deadline = 0.0
        self._extra_lines = ""  # lines of the fields given for this request, where they can stand behind the defaults
        self._uses_origin_pool = True
        self._skips_pre_request = where.userinfo is None
        self._on_fast_path = profile.on_fast_path
        self._closes_connection = profile.closes_connection
        # In one chain, because each request runs through it: 0.18 us against 0.27 for a line each.
        self.parent = self.body = self._call_handlers = self.content_type = self._given_fields = self._headers = (
            self._unredirected
        ) = self._history = self._route = self._target = self.gate = None

    # -- where it goes

    @property
    def client(self) -> Any:
        """The HttpClient that made it."""
        return self._configuration.client

    @property
    def _client(self) -> Client:
        return self._configuration.client

    @property
    def url(self) -> str:
        """The URL without userinfo; setting it parses it."""
        return self._destination.url

    @url.setter
    def url(self, url: str) -> None:
        where = self._configuration.destination_of(url)
        if where.origin is not self._destination.origin:
            self._check_unconnected("the origin of the URL")
        self._destination = where

    full_url = url

    @property
    def origin(self) -> Origin:
        """Scheme, host and port of the URL (RFC 9110, section 4.3.1)."""
        return self._destination.origin

    @property
    def userinfo(self) -> str | None:
        """What stood before the @ of the URL, percent-encoded as it was. A secret."""
        return self._destination.userinfo

    @property
    def target(self) -> str:
        """The request target: path and query, unless a plugin set another form (RFC 9112, section 3.2)."""
        return self._target or self._destination.target

    @target.setter
    def target(self, target: str) -> None:
        self._target = fields.check_target(target)

    @property
    def route(self) -> Route:
        """Where and how to connect; a plugin may set another in pre_request."""
        if self._route is None:
            return self._direct_route()
        return self._route

    @route.setter
    def route(self, route: Route) -> None:
        self._check_unconnected("the route")
        self._route = route
        self._uses_origin_pool = False

    def _direct_route(self) -> DirectRoute:
        """The route straight to its origin, by its options."""
        origin = self._destination.origin
        tls = TLS(self.verify, self.cert, self.server_hostname) if origin.tls else None
        scheme = "https" if origin.tls else "http"
        limits = self.timeout
        connecting = limits.connect if limits.tls else 0.0  # else that is the limit of the whole
        return DirectRoute(
            scheme,
            origin.host,
            origin.port,
            tls,
            self.source_address,
            self.unix_socket,
            handshake=limits.tls,
            connecting=connecting,
        )

    @property
    def has_route(self) -> bool:
        """Did somebody set a route? Without, core goes straight to the origin."""
        return self._route is not None

    def _check_unconnected(self, what: str) -> None:
        if self._is_connected:
            raise PluginError(f"{what} was set after the connection was taken")

    @property
    def _is_connected(self) -> bool:
        return bool(self.__dict__.get("connected", False))

    def _mark_connected(self) -> None:
        """Its connection was taken: the route stays as it is."""
        self.__dict__["connected"] = True

    def _choose_own_pool(self) -> None:
        """An option of this request alone decides over the connection: the route is worked out anew."""
        self._uses_origin_pool = False

    def _pool(self) -> Pool:
        """The pool of its route."""
        if self._uses_origin_pool:
            origin = self._destination.origin
            pool = origin.pool
            if pool is None or pool.retired:
                pool = origin.pool = self._configuration.client._pool_of(self._direct_route())
            return pool
        return self._configuration.client._pool_of(self.route)

    # -- fields

    def _give_headers(self, headers: fields.HeadersLike) -> None:
        """Put a user's fields over the defaults.

        Raises: LocalProtocolError, TypeError.
        """
        known, self._given_fields, lines, wakes = self._configuration.last_given_fields
        try:
            is_known = headers.__class__ is dict and headers == known and (len(known) == 1 or [*headers] == [*known])
        except Exception:  # noqa: BLE001  # a value that cannot be compared is no str
            is_known = False
        if not is_known:
            _, self._given_fields, lines, wakes = self._remember_given(headers)
        if wakes:
            self._skips_pre_request = False
        if lines is None:
            self._headers = self.headers
        else:
            self._extra_lines = lines

    def _remember_given(self, headers: fields.HeadersLike) -> Given:
        """Callers give the same few again and again: 1 us less for each, and another 0.2 for the same as last time."""
        profile = self._configuration
        key = tuple(headers.items()) if headers.__class__ is dict else None
        try:
            found = profile.given_fields.get(key)
        except TypeError:
            found = key = None  # a value that is no str
        if found is None:
            given = fields.checked(headers)
            wakes = not profile.pre_request_fields.isdisjoint(name.lower() for name, _ in given)
            found = dict(key or ()), given, self._lines(given), wakes
            # a value that is no ASCII may be equal to one that was received in other bytes
            if key is None or not all(type(value) is str and value.isascii() for _, value in key):
                return found
            if len(profile.given_fields) >= MAX_GIVEN:
                profile.given_fields.clear()
            profile.given_fields[key] = found
        profile.last_given_fields = found
        return found

    def _lines(self, given: list[tuple[str, str | None]]) -> str | None:
        """Fields as lines, where they can stand behind the defaults; None where they replace some of them."""
        names = {name.lower() for name, _ in given}
        if not names.isdisjoint(self._configuration.default_names) or not names.isdisjoint(FRAMING):
            return None
        if any(value is None for _, value in given):
            return None
        return "".join(f"{name}: {value}\r\n" for name, value in given)

    @property
    def headers(self) -> CIMultiDict[str]:
        """The user's fields and the client's defaults; they go with every follow-up to the same origin."""
        if self._headers is None:
            headers = CIMultiDict(self._configuration.default_fields)
            if self._given_fields:
                fields.apply(headers, self._given_fields)
            if self.content_type is not None and "content-type" not in headers:
                headers["Content-Type"] = self.content_type
            self._headers = headers
        return self._headers

    @property
    def unredirected_headers(self) -> CIMultiDict[str]:
        """Fields for this hop alone: credentials and the like, which no follow-up repeats."""
        if self._unredirected is None:
            self._unredirected = CIMultiDict()
        return self._unredirected

    def has_header(self, header_name: str) -> bool:
        """Is there a field of that name, of the user, of the client or of a plugin?"""
        if self._unredirected is not None and header_name in self._unredirected:
            return True
        if self._headers is None:
            low = header_name.lower()
            if low in self._configuration.default_names:
                return True
            return self._given_fields is not None and any(name.lower() == low for name, _ in self._given_fields)
        return header_name in self._headers

    def gave_header(self, header_name: str) -> bool:
        """Did the user give a field of that name with this request, and not with the client?"""
        low = header_name.lower()
        return self._given_fields is not None and any(
            name.lower() == low and value is not None for name, value in self._given_fields
        )

    def get_header(self, header_name: str, default: str | None = None) -> str | None:
        """The first field of that name; a plugin's for this hop goes before the user's."""
        if self._unredirected is not None and header_name in self._unredirected:
            return self._unredirected[header_name]
        return self.headers.get(header_name, default)

    def remove_header(self, header_name: str) -> str | None:
        """Remove all fields of that name; returns the first value, None when there was none."""
        value = self.get_header(header_name)
        self.headers.popall(header_name, None)
        if self._unredirected is not None:
            self._unredirected.popall(header_name, None)
        return value

    def add_unredirected_header(self, key: str, val: str) -> None:
        """Set a field for this hop alone, as http.cookiejar asks for it."""
        self.unredirected_headers[key] = val

    # -- its bytes

    def encode(self) -> bytes:
        """The head, with the body behind it where that is bytes.

        Fields that nobody looked at go out as lines that were made before: 0.3 us against 3. The same head, but for the
        length of the body, is not made twice.

        Raises: LocalProtocolError, for fields that HTTP cannot carry.
        """
        body = self.body
        if self._headers is None and self._unredirected is None and self._target is None and self._on_fast_path:
            heads = self._destination.heads
            if body is None:
                key: tuple[str | None, ...] = (self.method, self._extra_lines)
                return heads.get(key) or self._remember_head(key, f"{self._first_lines()}{self._length_line()}\r\n")
            if body.__class__ is bytes:
                size = len(body)
                method, extra, kind, length, known = self._destination.last
                # the comparison takes 0.3 us less than to put the head together
                if size != length or extra != self._extra_lines or kind != self.content_type or method != self.method:
                    key = self.method, self._extra_lines, self.content_type
                    begun = heads.get(key)
                    if begun is None:
                        begun = self._remember_head(
                            key, f"{self._first_lines()}{self._content_type_line()}Content-Length: "
                        )
                    known = b"%b%d\r\n\r\n" % (begun, size)
                    self._destination.last = (*key, size, known)
                return known + body
        return self._encode_head() + body if isinstance(body, bytes) else self._encode_head()

    def _encode_head(self) -> bytes:
        """The head with its empty line.

        Raises: LocalProtocolError, for fields that HTTP cannot carry.
        """
        hop = None
        if self._headers is None and self._target is None and self.body.__class__ is not Source:
            hop = self._unredirected_lines()
        if hop is None or (
            not self._on_fast_path and (self._configuration.states_framing or "version" in self.__dict__)
        ):
            return self._encode_all_fields().encode("utf-8", "surrogateescape")
        text = f"{self._first_lines()}{hop}{self._content_type_line()}{self._length_line()}\r\n"
        return text.encode("utf-8", "surrogateescape")

    def _first_lines(self) -> str:
        return f"{self._method()} {self._destination.target}{self._destination.origin.prefix}{self._extra_lines}"

    def _method(self) -> str:
        if self.method not in METHODS:
            fields.check_method(self.method)  # a handler may have set it
        return self.method

    def _content_type_line(self) -> str:
        if self.content_type is None or self.has_header("content-type"):
            return ""
        return f"Content-Type: {fields.check_value('Content-Type', self.content_type)}\r\n"

    def _length_line(self) -> str:
        if isinstance(self.body, bytes):
            return f"Content-Length: {len(self.body)}\r\n"
        return "Content-Length: 0\r\n" if self.method in WITH_LENGTH else ""

    def _unredirected_lines(self) -> str | None:
        """The fields for this hop alone, which stand behind the others; None where they replace some of them."""
        if self._unredirected is None:
            return ""
        given = () if self._given_fields is None else [name.lower() for name, _ in self._given_fields]
        lines = ""
        for name, value in self._unredirected.items():
            low = name.lower()
            if low in FRAMING or low in given or low in self._configuration.default_names:
                return None
            lines += f"{fields.check_name(name)}: {fields.check_value(name, value)}\r\n"
        return lines

    def _remember_head(self, key: tuple[str | None, ...], text: str) -> bytes:
        """Keep the head of a request, or its beginning, for others that differ in nothing: 0.15 us less for each."""
        heads = self._destination.heads
        if len(heads) >= MAX_HEADS:
            heads.clear()
        found = heads[key] = text.encode("utf-8", "surrogateescape")
        return found

    def _encode_all_fields(self) -> str:
        hop, every = self._unredirected, self.headers
        hosts = [self._destination.origin.authority]
        if hop is not None or "host" in every:
            every = CIMultiDict(every)
            fields.apply(every, (hop or {}).items())
            hosts = given_values(every, "host") or hosts
            every.popall("host", None)
        lines = fields.write(every.items())
        if self.version not in VERSIONS:
            raise LocalProtocolError(f"not a version of HTTP/1: {shown(str(self.version))}")
        if len(hosts) > 1:
            raise LocalProtocolError("a request has one Host field (RFC 9112, section 3.2)")
        self._closes_connection = fields.says_close(every.getall("connection", ()))
        lengths = given_values(every, "content-length") if "content-length" in every else []
        codings = given_values(every, "transfer-encoding") if "transfer-encoding" in every else []
        framing = self._framing(lengths, codings)
        return f"{self._method()} {self.target} {self.version}\r\nHost: {hosts[0]}\r\n{lines}{framing}\r\n"

    def _framing(self, lengths: list[str], codings: list[str]) -> str:
        """Content-Length or Transfer-Encoding, unless the user gave a fitting one. lengths, codings: those that stand there.

        Raises: LocalProtocolError, for one that does not fit the body, and for several: no two readers may see two ends.
        """
        body = self.body
        length = len(body) if isinstance(body, bytes) else None if body is None else body.length
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
            if (
                not (stated.isascii() and stated.isdigit() and len(stated) <= MAX_DIGITS)
                or (length is not None and int(stated) != length)
                or (body is None and int(stated))
            ):
                raise LocalProtocolError(f"Content-Length: {stated[:40]} does not fit the body ({length or 0} bytes)")
            return ""
        if body is None:
            return "Content-Length: 0\r\n" if self.method in WITH_LENGTH else ""
        if length is None:
            if self.version == "HTTP/1.0":
                raise LocalProtocolError("HTTP/1.0 carries no body of unknown length; give Content-Length")
            return "Transfer-Encoding: chunked\r\n"
        return f"Content-Length: {length}\r\n"

    def _stated_length(self) -> int | None:
        """The length that the head announces for a streamed body; None = chunked."""
        assert isinstance(self.body, Source)
        if self.get_header("transfer-encoding") is not None:
            return None
        stated = self.get_header("content-length")
        return int(stated) if stated is not None else self.body.length

    # -- the body, and copies

    def hold_body(self, seconds: float | None = None) -> Gate:
        """Send the head alone, and the body when the gate is opened.

        seconds: open it by itself after so long; None = when somebody does.
        """
        if self.gate is None:
            self.gate = Gate(seconds)
        return self.gate

    @property
    def can_be_sent(self) -> bool:
        """Is its body still there? Not where it can be read once only, and was; `copy` raises BodyNotRepeatable then."""
        return not isinstance(self.body, Source) or self.body.can_be_sent

    @property
    def _can_be_repeated(self) -> bool:
        """May it be sent once more when a connection died that had said nothing (RFC 9110, section 9.2.2)?"""
        return self.method in IDEMPOTENT and self.can_be_sent

    # -- copies

    def copy(
        self, *, url: str | None = None, method: str | None = None, cause: str | None = None, **changes: Any
    ) -> Self:
        """A request like this one, without `unredirected_headers`, to answer post_request with.

        To another origin it drops, for good: Host, all fields that are declared to carry credentials,
        `sensitive_headers`, and `cert`, `server_hostname` and `unix_socket` where the call gave them. Those of the
        client stay: they are for whatever it connects to.

        changes: `headers` (they replace those of this request), `body` (bytes or None), options.

        Raises: BodyNotRepeatable; TypeError, for an unknown option.
        """
        new = type(self)(
            self._configuration, self.method if method is None else fields.check_method(method), self._destination
        )
        new.__dict__.update(self.__dict__)
        new.__dict__.pop("connected", None)
        if url is not None:
            new._destination = self._configuration.destination_of(url)
        new.cause = self.cause if cause is None else cause
        new._skips_pre_request = False
        new._on_fast_path = self._on_fast_path
        new.parent = self.parent
        new._call_handlers, new.deadline = self._call_handlers, self.deadline
        if new._destination.origin.key != self._destination.origin.key:
            for name in ORIGIN_OPTIONS:
                new.__dict__.pop(name, None)
        new._uses_origin_pool = not any(name in new.__dict__ for name in self._configuration.connection_options)
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
        self._configuration.apply_options(new, changes, "HttpRequest.copy")
        if new._destination.origin.key != self._destination.origin.key:
            new._drop_secrets()
        return new

    def follow(self, url: str, *, cause: str, **changes: Any) -> Self:
        """A follow-up to a URL that the peer named: a copy, without the userinfo of that URL.

        Raises: BodyNotRepeatable, InvalidURL.
        """
        new = self.copy(url=url, cause=cause, **changes)
        same = new._destination.origin.key == self._destination.origin.key
        new._destination = new._destination.with_userinfo(self._destination.userinfo if same else None)
        return new

    def _drop_secrets(self) -> None:
        """At the border of an origin: all fields that may carry a credential, all of several, and Host."""
        headers = self.headers
        for name in ("host", *self._configuration.credentials, *self.sensitive_headers):
            headers.popall(name, None)
        self._given_fields, self._extra_lines = None, ""

    # -- what urllib calls it

    @property
    def history(self) -> list[Any]:
        """Each HttpResponse that led here, oldest first."""
        return [] if self._history is None else list(self._history)

    @property
    def has_left_origin(self) -> bool:
        """Was the call at another origin before? What was given for it goes nowhere else, nor back from there."""
        here = self._destination.origin.key
        return any(earlier.request._destination.origin.key != here for earlier in self._history or ())

    def is_overruled(self, option: str, header_name: str) -> bool:
        """Did the user give this request a field, and the option that a plugin makes that field from only to the client?"""
        return option not in self.__dict__ and self.has_header(header_name)

    def _follow_history(self, history: Sequence[Any]) -> None:
        """Say which responses led here."""
        self._history = list(history)

    def owner(self, option: str) -> str | None:
        """The plugin that took the value of a shared option; None when nobody gave one."""
        owners: dict[str, str | None] = self.__dict__.get("option_owners") or {}
        if option in owners:
            return owners[option]
        if option in self.__dict__:  # the only owner is not written down at each request
            return None if self.__dict__[option] is None else self._configuration.table.keywords[option].owners[0][0]
        return self._configuration.option_owners.get(option)

    def get_full_url(self) -> str:
        """The URL, as http.cookiejar asks for it."""
        return self.url

    @property
    def type(self) -> str:
        """The scheme of the URL."""
        return self._destination.origin.scheme

    @property
    def host(self) -> str:
        """The host of the URL."""
        return self._destination.origin.host

    @property
    def origin_req_host(self) -> str:
        """The host of the request that the user made."""
        first = self._history[0].request if self._history else self
        return first._destination.origin.host

    @property
    def unverifiable(self) -> bool:
        """Did the user not choose the URL (RFC 2965)?"""
        return bool(self._history)

    @property
    def ssl(self) -> Any:
        """The TLS context of its connection; None for plain HTTP, or where another route decides."""
        tls = getattr(self.route, "tls", None)
        return None if tls is None else self._client.contexts.get(tls)

    __reduce__ = snapshot

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method} {self._destination.origin}{self._destination.target.partition('?')[0]}>"


def given_values(every: CIMultiDict[Any], name: str) -> list[str]:
    """The values of all fields of a name, as they are written.

    Raises: LocalProtocolError, TypeError.
    """
    return [fields.check_value(name, value) for value in every.getall(name, ()) if value is not None]
