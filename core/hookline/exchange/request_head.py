"""The head of a request: where it goes, and with which fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from ..errors import PluginError
from ..messages import fields
from ..messages.body_gate import Gate
from ..messages.request_body import Source
from .origin import Target, direct_route

if TYPE_CHECKING:
    from ..client.client import HttpClient
    from ..client.configuration import Profile
    from ..messages.timeout import Timeout
    from ..network.pool import Pool
    from ..network.route import Route
    from .call import Call
    from .request import HttpRequest
    from .response import HttpResponse

MAX_GIVEN = 256  # headers= of so many kinds are remembered

# headers= as it was given, its fields, and those as lines (None: they replace some of the defaults); do they wake
# implementations of pre_request?
Given = tuple[dict[str, Any], list[tuple[str, str | None]], str | None, bool]
NOTHING: Given = ({}, [], "", False)

BODY_FRAMING = frozenset({"content-length", "transfer-encoding"})
FRAMING = BODY_FRAMING | {"host", "connection"}  # more than lines: they are looked at


class RequestHead:
    """See the module. What an HttpRequest is made of: `RequestLines` adds how it is written, `HttpRequest` how it is held
    back, copied and followed.

    is_bare: does it give implementations of pre_request that sleep no reason to wake up? is_special: may options of core
    have other values than those that ask for nothing? closes: does the head say that the connection carries no other
    request? gate: before the body, where a plugin holds it.
    """

    __slots__ = (
        "_extra", "_given", "_headers", "_history", "_is_direct", "_route", "_target", "_unredirected", "body", "call",
        "cause", "closes", "content_type", "deadline", "gate", "is_bare", "is_special", "method", "parent", "profile", "where",
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
    call: Call | None
    content_type: str | None
    _given: list[tuple[str, str | None]] | None
    _headers: CIMultiDict[str] | None
    _unredirected: CIMultiDict[str] | None
    _history: list[HttpResponse] | None
    _route: Route | None
    _target: str | None
    gate: Gate | None

    def __init__(self, profile: Profile, method: str, where: Target) -> None:
        self.profile = profile
        self.method = method
        self.where = where
        self.cause = "call"
        self.deadline = 0.0
        self._extra = ""  # lines of the fields given for this request, where they can stand behind the defaults
        self._is_direct = True
        self.is_bare = where.userinfo is None
        self.is_special = profile.is_special
        self.closes = profile.closes
        # In one chain, because each request runs through it: 0.18 us against 0.27 for a line each.
        self.parent = self.body = self.call = self.content_type = self._given = self._headers = self._unredirected = (
            self._history
        ) = self._route = self._target = self.gate = None

    # -- where it goes

    @property
    def client(self) -> HttpClient:
        return self.profile.client

    @property
    def url(self) -> str:
        """The URL without userinfo; setting it parses it."""
        return self.where.url

    @url.setter
    def url(self, url: str) -> None:
        where = self.profile.locate(url)
        if where.origin is not self.where.origin:
            self._check_unconnected("the origin of the URL")
        self.where = where

    full_url = url

    @property
    def userinfo(self) -> str | None:
        """What stood before the @ of the URL, percent-encoded as it was. A secret."""
        return self.where.userinfo

    @property
    def target(self) -> str:
        """The request target: path and query, unless a plugin set another form (RFC 9112, section 3.2)."""
        return self._target or self.where.target

    @target.setter
    def target(self, target: str) -> None:
        self._target = fields.check_target(target)

    @property
    def route(self) -> Route:
        """Where and how to connect; a plugin may set another in pre_request."""
        if self._route is None:
            return direct_route(self)
        return self._route

    @route.setter
    def route(self, route: Route) -> None:
        self._check_unconnected("the route")
        self._route = route
        self._is_direct = False

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

    def mark_connected(self) -> None:
        """Its connection was taken: the route stays as it is."""
        self.__dict__["connected"] = True

    def mark_indirect(self) -> None:
        """An option of this request alone decides over the connection: the route is worked out anew."""
        self._is_direct = False

    def pool(self) -> Pool:
        """The pool of its route."""
        if self._is_direct:
            origin = self.where.origin
            pool = origin.pool
            if pool is None or pool.retired:
                pool = origin.pool = self.profile.client.pool_of(direct_route(self))
            return pool
        return self.profile.client.pool_of(self.route)

    # -- fields

    def give_headers(self, headers: fields.HeadersLike) -> None:
        """Put a user's fields over the defaults.

        Raises: LocalProtocolError, TypeError.
        """
        known, self._given, lines, wakes = self.profile.last_given
        try:
            is_known = headers.__class__ is dict and headers == known and (len(known) == 1 or [*headers] == [*known])
        except Exception:  # noqa: BLE001  # a value that cannot be compared is no str
            is_known = False
        if not is_known:
            _, self._given, lines, wakes = self._remembered(headers)
        if wakes:
            self.is_bare = False
        if lines is None:
            self._headers = self.headers
        else:
            self._extra = lines

    def _remembered(self, headers: fields.HeadersLike) -> Given:
        """Callers give the same few again and again: 1 us less for each, and another 0.2 for the same as last time."""
        profile = self.profile
        key = tuple(headers.items()) if headers.__class__ is dict else None
        try:
            found = profile.given_fields.get(key)
        except TypeError:
            found = key = None  # a value that is no str
        if found is None:
            given = fields.checked(headers)
            wakes = not profile.waking_fields.isdisjoint(name.lower() for name, _ in given)
            found = dict(key or ()), given, self._lines(given), wakes
            # a value that is no ASCII may be equal to one that was received in other bytes
            if key is None or not all(type(value) is str and value.isascii() for _, value in key):
                return found
            if len(profile.given_fields) >= MAX_GIVEN:
                profile.given_fields.clear()
            profile.given_fields[key] = found
        profile.last_given = found
        return found

    def _lines(self, given: list[tuple[str, str | None]]) -> str | None:
        """Fields as lines, where they can stand behind the defaults; None where they replace some of them."""
        names = {name.lower() for name, _ in given}
        if not names.isdisjoint(self.profile.default_names) or not names.isdisjoint(FRAMING):
            return None
        if any(value is None for _, value in given):
            return None
        return "".join(f"{name}: {value}\r\n" for name, value in given)

    @property
    def headers(self) -> CIMultiDict[str]:
        """The user's fields and the client's defaults; they go with every follow-up to the same origin."""
        if self._headers is None:
            headers = CIMultiDict(self.profile.default_fields)
            if self._given:
                fields.apply(headers, self._given)
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
            if low in self.profile.default_names:
                return True
            return self._given is not None and any(name.lower() == low for name, _ in self._given)
        return header_name in self._headers

    def gave_header(self, header_name: str) -> bool:
        """Did the user give a field of that name with this request, and not with the client?"""
        low = header_name.lower()
        return self._given is not None and any(name.lower() == low and value is not None for name, value in self._given)

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
