"""Snapshots: copies and pickles of responses, requests and errors.

A snapshot is made of everything that one of them refers to: a response, its request, the responses before it; an error and its
causes. `Recorder` writes them into a list of records, which hold values of Python's own types and refer to each other by
their index in the list; `restore` makes objects of the records. To restore them, no plugin is needed but those that define
an error class in the list. Nothing here is recursive over the history of a response, so it may have any length.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterable, Mapping
from threading import get_ident
from time import monotonic
from typing import Any

from multidict import CIMultiDict, MultiDict

from ..errors import HooklineError, StreamConsumedError
from ..exchange.core_bodies import CORE_MEDIA_TYPES
from ..exchange.core_options import CORE_OPTIONS
from ..exchange.origin import Destination, Origin
from ..exchange.request import HttpRequest
from ..exchange.response import HttpResponse
from ..exchange.state import NEVER
from ..http1.parser import ResponseHead, StatusLine
from ..messages.request_body import Source
from ..messages.timeout import Timeout
from ..plugins.body_table import declarations_by_name
from .event_loop import COMPLETED

Record = tuple[str, Any]

_SECRET_OPTIONS = frozenset({"cert"})  # it may hold a password
_COPIED_OPTIONS = frozenset(option.name for option in CORE_OPTIONS) - _SECRET_OPTIONS
# Modules of the standard library whose objects are values that any process can unpickle
_VALUE_MODULES = frozenset({"datetime", "decimal", "fractions", "ipaddress", "pathlib", "uuid", "zoneinfo"})
# How an object of a subclass becomes one of the base: an IntEnum becomes an int
_CONVERSIONS: dict[type, Callable[[Any], Any]] = {
    str: str.__str__, bytes: bytes.__bytes__, int: int.__int__, float: float.__float__,
}  # fmt: skip
_OS_ERROR_ATTRIBUTES = ("errno", "strerror", "filename", "filename2")
_RESPONSE_MEMBERS = frozenset(dir(HttpResponse))  # they are recorded one by one, or were for the exchange alone
_being_copied: set[tuple[int, int]] = set()  # thread and id: an error may be in a group that is its own cause


class _Snapshot:
    """What both kinds of snapshot have in common: they belong to no client."""

    def __getattr__(self, name: str) -> Any:
        what = "request" if isinstance(self, HttpRequest) else "response"
        raise AttributeError(
            f"a copied or unpickled {what} has no {name!r}: it belongs to no client, and has plain values only",
            name=name,
            obj=self,
        )


class RequestSnapshot(_Snapshot, HttpRequest):
    """A request without a client. Its options and the attributes that plugins add are in its `__dict__`."""


class ResponseSnapshot(_Snapshot, HttpResponse):
    """A response without a client. The attributes that plugins add are in its `__dict__`."""

    # the media types that plugins decode do not belong to a snapshot
    _media_types = declarations_by_name("the media type", CORE_MEDIA_TYPES, ())

    @property
    def raw(self) -> Any:
        """Raises: StreamConsumedError, because a stream is read once, and this is a copy."""
        raise StreamConsumedError("a copied or unpickled response is no stream: its body is in `content`")

    def close(self) -> Any:
        """Do nothing: a snapshot has no connection."""
        return COMPLETED


def reduce(root: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What `__reduce__` of a response, a request or an error returns.

    Raises: TypeError, for a response whose exchange is not over.
    """
    if isinstance(root, HttpResponse) and (root.connection is not None or not root._is_finished):
        if root.was_handed_out or root._is_finished:
            raise TypeError(
                f"{root!r} is a stream that is open: before it is copied or pickled, read it (`await response.raw.read()`)"
                " or close it"
            )
        raise TypeError(f"the exchange of {root!r} is under way: it can be copied and pickled from post_request on")
    key = get_ident(), id(root)
    if key in _being_copied:
        raise TypeError(f"{type(root).__name__} refers to itself by way of another object")
    _being_copied.add(key)
    try:
        return restore, (Recorder(root).records,)
    finally:
        _being_copied.discard(key)


class Recorder:
    """Makes the records of an object and of all that it refers to.

    records: pairs of kind ("request", "response" or "error") and content; that of the object itself is the first.
    """

    def __init__(self, root: Any) -> None:
        self._objects: list[Any] = []
        self._indices: dict[int, int] = {}  # by id
        self._foreign_errors: dict[int, Any] = {}  # copies of errors that are no HooklineError, by id
        self._index_of(root)
        self.records: list[Record] = []
        for each in self._objects:  # recording one may append others
            if isinstance(each, HttpResponse):
                self.records.append(("response", self._response(each)))
            elif isinstance(each, HttpRequest):
                self.records.append(("request", self._request(each)))
            else:
                self.records.append(("error", self._error(each)))

    def _index_of(self, found: Any) -> int | None:
        """The index of an object, which is recorded if it was not yet; None for None."""
        if found is None:
            return None
        index = self._indices.get(id(found))
        if index is None:
            index = self._indices[id(found)] = len(self._objects)
            self._objects.append(found)
        return index

    def _response(self, response: HttpResponse) -> dict[str, Any]:
        content = content_of(response)
        head = response._head
        sent_at: float | None = getattr(response, "_sent_at", None)
        values = {n: v for n, v in response.__dict__.items() if not (n.startswith("_") or n in _RESPONSE_MEMBERS)}
        return {
            "request": self._index_of(response.request),
            "status_code": response.status_code,
            "head": None if head is None else (head.raw, *head.line),
            "headers": None if response._headers is None else fields_without(set(), response._headers),
            "trailers": list(response.raw_trailers),
            "content": content,
            "is_consumed": response.is_consumed,
            "encoding": response._encoding,
            "times": None if sent_at is None else (sent_at, getattr(response, "_head_at", None) or monotonic()),
            "timings": copy.copy(response.timings),
            "values": {**builtin_values(values.items()), **builtin_values(plugin_attributes(response))},
        }

    def _request(self, request: HttpRequest) -> dict[str, Any]:
        secrets = {name.lower() for name in request.sensitive_headers or ()}
        if isinstance(request, RequestSnapshot):
            values = builtin_values(request.__dict__.items())
        else:
            secrets |= request.configuration.client._credential_fields() | request.configuration.credentials
            options = ((name, copied_option(request, name)) for name in request.configuration.options)
            values = {**dict(options), **builtin_values(plugin_attributes(request))}
        origin = request._destination.origin
        body = request.body
        return {
            "method": request.method,
            "origin": (origin.scheme, origin.host, origin.port, origin.tls, origin.authority),
            "destination": (request._destination.url, request._destination.target, request._destination.fragment),
            "target": request._target,
            "headers": fields_without(secrets, request.headers),
            "unredirected": fields_without(secrets, request._unredirected or {}),
            # the body of a sub-request may hold credentials, such as those for a token
            "body": body if request.parent is None and not isinstance(body, Source) else None,
            "length": (body.length,) if isinstance(body, Source) else (len(body),) if body and request.parent else None,
            "content_type": request.content_type,
            "cause": request.cause,
            "closes_connection": request._closes_connection,
            "parent": self._index_of(request.parent),
            "history": [self._index_of(response) for response in request._history or ()],
            "values": values,
        }

    def _error(self, error: BaseException) -> Any:
        chain = (
            self._index_of_cause(error.__cause__),
            self._index_of_cause(error.__context__),
            error.__suppress_context__,
        )
        if not isinstance(error, HooklineError):
            return self._foreign_errors[id(error)], chain
        values, links = {}, {}
        for name, value in error.__dict__.items():
            if isinstance(value, (HttpResponse, HttpRequest)):
                links[name] = self._index_of(value)
            elif isinstance(value, BaseException):
                links[name] = self._index_of_cause(value)
            else:
                values[name] = pickled_copy(value)
        of_system = {name: value for name in _OS_ERROR_ATTRIBUTES if (value := getattr(error, name, None)) is not None}
        args = tuple(pickled_copy(arg, repr(arg)) for arg in error.args)
        return (type(error), args, values, links, of_system), chain

    def _index_of_cause(self, error: BaseException | None) -> int | None:
        """The index of an error that led to another; None for one that cannot be pickled."""
        if error is None or id(error) in self._indices:
            return self._index_of(error)
        copy = pickled_copy(type(error) if isinstance(error, HooklineError) else error)
        if copy is None:
            return None
        self._foreign_errors[id(error)] = copy
        return self._index_of(error)


def content_of(response: HttpResponse) -> bytes | None:
    """The body; None if it was read as a stream, or cannot be decoded."""
    if response.connection is not None:
        return None  # a response of an error, whose stream may still be read
    try:
        return bytes(response.content)
    except Exception:  # noqa: BLE001  # a decoder's; the snapshot then says that it has no body
        return None


def plugin_attributes(owner: HttpRequest | HttpResponse) -> Iterable[tuple[str, Any]]:
    """What plugins add to a request or a response: names and values. An attribute that raises is left out."""
    of, request = ("request", owner) if isinstance(owner, HttpRequest) else ("response", owner.request)
    for kind, name in () if isinstance(request, RequestSnapshot) else request.configuration.attributes:
        if kind == of:
            try:
                yield name, getattr(owner, name)
            except Exception:  # noqa: BLE001, S112  # a plugin's
                continue


def copied_option(request: HttpRequest, name: str) -> Any:
    """The value of an option that a snapshot may hold, else None.

    Of options of plugins only numbers and booleans are copied: text may be a secret.
    """
    value = getattr(request, name)
    if name not in _COPIED_OPTIONS:
        return to_builtin(value) if isinstance(value, (bool, int, float)) else None
    return builtin_values([(name, value)]).get(name)


def builtin_values(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Those values that are of Python's own types, or can be converted to them."""
    found = {}
    for name, value in values:
        try:
            found[name] = to_builtin(value)
        except Exception:  # noqa: BLE001, S112  # an object of any class may raise anything
            continue
    return found


def to_builtin(value: Any) -> Any:
    """Convert a value to Python's own types, which any process can unpickle. Containers are converted with their items.

    Raises: TypeError, if that is not possible.
    """
    kind = type(value)
    if value is None or kind in (bool, complex, Timeout) or kind in _CONVERSIONS:
        return value
    if kind.__module__.partition(".")[0] in _VALUE_MODULES:
        return value
    if isinstance(value, (MultiDict, CIMultiDict)):
        multidict = CIMultiDict if isinstance(value, CIMultiDict) else MultiDict
        return multidict([(str(name), to_builtin(each)) for name, each in value.items()])
    if isinstance(value, Mapping):
        return {to_builtin(name): to_builtin(each) for name, each in value.items()}
    for container in (list, tuple, set, frozenset, bytearray):
        if isinstance(value, container):
            return container(to_builtin(each) for each in value)
    for base, convert in _CONVERSIONS.items():
        if isinstance(value, base):
            return convert(value)
    raise TypeError(f"{kind.__name__} is no plain value")


def pickled_copy(value: Any, default: Any = None) -> Any:
    """Copy a value by pickling it; returns the default if that is not possible."""
    try:
        return pickle.loads(pickle.dumps(value))  # noqa: S301  # what was pickled a moment ago
    except Exception:  # noqa: BLE001  # an object that cannot be pickled may raise anything
        return default


def fields_without(names: set[str], headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields of other names than these, which are in lower case."""
    return [(str(name), value) for name, value in headers.items() if name.lower() not in names]


# -- restoring


def restore(records: list[Record]) -> Any:
    """Make the objects of these records, and return the first."""
    objects = [_CREATE[kind](record) for kind, record in records]

    def at(index: int | None) -> Any:
        return None if index is None else objects[index]

    for created, (kind, record) in zip(objects, records, strict=True):
        _FILL[kind](created, record, at)
    return objects[0]


def _fill_request(request: RequestSnapshot, record: dict[str, Any], at: Callable[[int | None], Any]) -> None:
    scheme, host, port, tls, authority = record["origin"]
    origin = Origin(scheme, host, port, port, tls)
    origin.authority = authority
    url, target, fragment = record["destination"]
    request._destination = Destination(url, origin, target, None, fragment)
    request.method, request._target = record["method"], record["target"]
    request._headers = CIMultiDict(record["headers"])
    request._unredirected = CIMultiDict(record["unredirected"])
    request.body = record["body"]
    if record["length"] is not None:
        request.body = Source.already_sent(*record["length"])
    request.content_type, request.cause = record["content_type"], record["cause"]
    request._closes_connection = record["closes_connection"]
    request.parent = at(record["parent"])
    request._history = [at(index) for index in record["history"]]
    request._call_handlers = request.gate = request._given_fields = None
    request._extra_lines, request.deadline = "", 0.0
    request._skips_pre_request, request._on_fast_path = False, True
    request.__dict__.update(record["values"])


def _fill_response(response: ResponseSnapshot, record: dict[str, Any], at: Callable[[int | None], Any]) -> None:
    response.request = at(record["request"])
    response.connection = response._pool = response._head = response._content_filter = response._headers = None
    if record["head"] is not None:
        raw, *line = record["head"]
        response._head = ResponseHead(raw, StatusLine(*line), raw.lower())
    if record["headers"] is not None:
        response._headers = CIMultiDict(record["headers"])
    response.status_code = record["status_code"]
    response.raw_trailers = record["trailers"]
    response._parts = []
    response._content = record["content"]
    response.is_consumed = record["is_consumed"]
    response._is_whole = response._content is not None or response.is_consumed
    response._is_buffered = not response._is_whole  # then `content` says why the body is not here
    response._encoding = record["encoding"]
    if record["times"] is not None:
        response._sent_at, response._head_at = record["times"]
    response.timings = record["timings"]
    response._on_fast_path, response._due = True, NEVER
    response._mark_finished()
    response.__dict__.update(record["values"])


def _create_error(record: Any) -> Any:
    own, _ = record
    if not isinstance(own, tuple):
        return own
    kind = own[0]
    # not `kind(*args)`: the parameters of a class are unknown
    return next(base for base in kind.__mro__ if base.__module__ == "builtins").__new__(kind)


def _fill_error(error: Any, record: Any, at: Callable[[int | None], Any]) -> None:
    own, (cause, context, is_suppressed) = record
    if isinstance(own, tuple):
        _, error.args, values, links, of_system = own
        error.__dict__.update(values)
        error.__dict__.update((name, at(index)) for name, index in links.items())
        for name, value in of_system.items():
            setattr(error, name, value)
    error.__cause__, error.__context__, error.__suppress_context__ = at(cause), at(context), is_suppressed


_CREATE: dict[str, Callable[[Any], Any]] = {
    "request": lambda record: RequestSnapshot.__new__(RequestSnapshot),
    "response": lambda record: ResponseSnapshot.__new__(ResponseSnapshot),
    "error": _create_error,
}
_FILL: dict[str, Callable[[Any, Any, Callable[[int | None], Any]], None]] = {
    "request": _fill_request,
    "response": _fill_response,
    "error": _fill_error,
}
