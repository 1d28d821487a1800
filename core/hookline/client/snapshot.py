"""Snapshots: what a copied or pickled response, request or error is made of.

Whatever hangs together (a response, its request, the responses before it; an error and its causes) is taken apart into a list
of records of plain values, which name each other by their places in it. `thaw` puts them together again. It needs no plugin
but those whose error classes are in the list. How long a history is does not matter: nothing here calls itself for it.
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
from ..exchange.core_options import CORE_OPTIONS
from ..exchange.origin import Destination, Origin
from ..exchange.request import HttpRequest
from ..exchange.response import HttpResponse
from ..exchange.state import NEVER
from ..http1.parser import ResponseHead, StatusLine
from ..messages.request_body import Source
from ..messages.timeout import Timeout
from .event_loop import nothing

Record = tuple[str, Any]

_SECRET_OPTIONS = frozenset({"cert"})  # it may hold a password
_CORE = frozenset(option.name for option in CORE_OPTIONS) - _SECRET_OPTIONS
_PLAIN_MODULES = frozenset({"datetime", "decimal", "fractions", "ipaddress", "pathlib", "uuid", "zoneinfo"})
_AS_PLAIN: dict[type, Callable[[Any], Any]] = {  # of a subclass: an IntEnum becomes an int
    str: str.__str__, bytes: bytes.__bytes__, int: int.__int__, float: float.__float__,
}  # fmt: skip
_in_progress: set[tuple[int, int]] = set()  # thread and root: an error may stand in a group that led to it
_OS_ERROR = ("errno", "strerror", "filename", "filename2")


class _Snapshot:
    """What both kinds have in common: they belong to no client."""

    def __getattr__(self, name: str) -> Any:
        what = "request" if isinstance(self, HttpRequest) else "response"
        raise AttributeError(
            f"a copied or unpickled {what} has no {name!r}: it belongs to no client, and what is no plain value was left out",
            name=name,
            obj=self,
        )


class RequestSnapshot(_Snapshot, HttpRequest):
    """A request without its client. Its options and what plugins add are attributes of its own."""


class ResponseSnapshot(_Snapshot, HttpResponse):
    """A response without its client. What plugins add are attributes of its own."""

    @property
    def raw(self) -> Any:
        """There is none: a stream is read once, and this is a copy.

        Raises: StreamConsumedError.
        """
        raise StreamConsumedError("a copied or unpickled response is no stream: its body is in `content`")

    def close(self) -> Any:
        """Nothing is open."""
        return nothing


def reduced(root: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What `__reduce__` of a response, a request or an error gives.

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
    if key in _in_progress:
        raise TypeError(f"{type(root).__name__} refers to itself by way of another object")
    _in_progress.add(key)
    try:
        return thaw, (Taken(root).records,)
    finally:
        _in_progress.discard(key)


class Taken:
    """Objects taken apart. records: of all that hangs together with `root`, which is the first."""

    def __init__(self, root: Any) -> None:
        self._places: dict[int, int] = {}
        self._found: list[Any] = []
        self._copies: dict[int, Any] = {}  # of errors that are not ours
        self._place(root)
        self.records: list[Record] = []
        for found in self._found:  # it grows meanwhile
            if isinstance(found, HttpResponse):
                self.records.append(("response", self._response(found)))
            elif isinstance(found, HttpRequest):
                self.records.append(("request", self._request(found)))
            else:
                self.records.append(("error", self._error(found)))

    def _place(self, found: Any) -> int | None:
        if found is None:
            return None
        place = self._places.get(id(found))
        if place is None:
            place = self._places[id(found)] = len(self._found)
            self._found.append(found)
        return place

    def _response(self, response: HttpResponse) -> dict[str, Any]:
        content = content_of(response)
        head = response._head
        began: float | None = getattr(response, "_sent_at", None)
        values = {n: v for n, v in response.__dict__.items() if not (n.startswith("_") or n in _OF_RESPONSES)}
        return {
            "request": self._place(response.request),
            "status_code": response.status_code,
            "head": None if head is None else (head.raw, *head.line),
            "headers": None if response._headers is None else without(set(), response._headers),
            "trailers": list(response.raw_trailers),
            "content": content,
            "is_consumed": response.is_consumed,
            "encoding": response._encoding,
            "times": None if began is None else (began, getattr(response, "_head_at", None) or monotonic()),
            "timings": copy.copy(response.timings),
            "values": {**kept(values.items()), **kept(attributes_of(response))},
        }

    def _request(self, request: HttpRequest) -> dict[str, Any]:
        secrets = {name.lower() for name in request.sensitive_headers or ()}
        if isinstance(request, RequestSnapshot):
            values = kept(request.__dict__.items())
        else:
            secrets |= request._client._credential_fields() | request._configuration.credentials
            options = ((name, option_of(request, name)) for name in request._configuration.options)
            values = {**dict(options), **kept(attributes_of(request))}
        origin = request._destination.origin
        body = request.body
        return {
            "method": request.method,
            "origin": (origin.scheme, origin.host, origin.port, origin.tls, origin.authority),
            "where": (request._destination.url, request._destination.target, request._destination.fragment),
            "target": request._target,
            "headers": without(secrets, request.headers),
            "unredirected": without(secrets, request._unredirected or {}),
            # what a plugin sends for the sake of another request may have credentials in its body
            "body": body if request.parent is None and not isinstance(body, Source) else None,
            "length": (body.length,) if isinstance(body, Source) else (len(body),) if body and request.parent else None,
            "content_type": request.content_type,
            "cause": request.cause,
            "closes": request._closes_connection,
            "parent": self._place(request.parent),
            "history": [self._place(response) for response in request._history or ()],
            "values": values,
        }

    def _error(self, error: BaseException) -> Any:
        chain = (self._cause(error.__cause__), self._cause(error.__context__), error.__suppress_context__)
        if not isinstance(error, HooklineError):
            return self._copies[id(error)], chain
        values, links = {}, {}
        for name, value in error.__dict__.items():
            if isinstance(value, (HttpResponse, HttpRequest)):
                links[name] = self._place(value)
            elif isinstance(value, BaseException):
                links[name] = self._cause(value)
            else:
                values[name] = copied(value)
        of_system = {name: value for name in _OS_ERROR if (value := getattr(error, name, None)) is not None}
        args = tuple(copied(arg, repr(arg)) for arg in error.args)
        return (type(error), args, values, links, of_system), chain

    def _cause(self, error: BaseException | None) -> int | None:
        """The place of an error that led to another; None for one that cannot be pickled."""
        if error is None or id(error) in self._places:
            return self._place(error)
        copy = copied(type(error) if isinstance(error, HooklineError) else error)
        if copy is None:
            return None
        self._copies[id(error)] = copy
        return self._place(error)


_OF_RESPONSES = frozenset(dir(HttpResponse))  # what it is, and what it was for while it was under way


def content_of(response: HttpResponse) -> bytes | None:
    """The body; None where it was taken as a stream, or cannot be decoded."""
    if response.connection is not None:
        return None  # of an error: the stream stays with whoever reads it
    try:
        return bytes(response.content)
    except Exception:  # noqa: BLE001  # a decoder's: the copy has no body then, and says so
        return None


def attributes_of(found: HttpRequest | HttpResponse) -> Iterable[tuple[str, Any]]:
    """What plugins add to a request or a response; what raises is left out."""
    of, request = ("request", found) if isinstance(found, HttpRequest) else ("response", found.request)
    for kind, name in () if isinstance(request, RequestSnapshot) else request._configuration.attributes:
        if kind == of:
            try:
                yield name, getattr(found, name)
            except Exception:  # noqa: BLE001, S112  # a plugin's: the copy does without
                continue


def option_of(request: HttpRequest, name: str) -> Any:
    """An option as it may stand in a copy. Text that a plugin is given may be a secret; a number, or a yes or no, is none."""
    value = getattr(request, name)
    if name not in _CORE:
        return plain(value) if isinstance(value, (bool, int, float)) else None
    return kept([(name, value)]).get(name)


def kept(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Those values that are plain, or can be made so."""
    found = {}
    for name, value in values:
        try:
            found[name] = plain(value)
        except Exception:  # noqa: BLE001, S112  # a value of its own class may raise what it likes
            continue
    return found


def plain(value: Any) -> Any:
    """A value of Python's own types, which any process can unpickle.

    Raises: TypeError, for what is none and cannot be made one.
    """
    kind = type(value)
    if value is None or kind in (bool, complex, Timeout) or kind in _AS_PLAIN:
        return value
    if kind.__module__.partition(".")[0] in _PLAIN_MODULES:
        return value
    if isinstance(value, (MultiDict, CIMultiDict)):
        own = CIMultiDict if isinstance(value, CIMultiDict) else MultiDict
        return own([(str(name), plain(each)) for name, each in value.items()])
    if isinstance(value, Mapping):
        return {plain(name): plain(each) for name, each in value.items()}
    for base in (list, tuple, set, frozenset, bytearray):
        if isinstance(value, base):
            return base(plain(each) for each in value)
    for own_type, make in _AS_PLAIN.items():
        if isinstance(value, own_type):
            return make(value)
    raise TypeError(f"{kind.__name__} is no plain value")


def copied(value: Any, instead: Any = None) -> Any:
    """A copy by way of pickle; `instead` where that cannot be."""
    try:
        return pickle.loads(pickle.dumps(value))  # noqa: S301  # what was pickled a moment ago
    except Exception:  # noqa: BLE001  # whatever a class does that is not made for it
        return instead


def without(names: set[str], headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(str(name), value) for name, value in headers.items() if name.lower() not in names]


# -- together again


def thaw(records: list[Record]) -> Any:
    """Put together what was taken apart; returns the first of it."""
    made = [_MAKERS[kind](record) for kind, record in records]

    def at(place: int | None) -> Any:
        return None if place is None else made[place]

    for found, (kind, record) in zip(made, records, strict=True):
        _FILLERS[kind](found, record, at)
    return made[0]


def _fill_request(request: RequestSnapshot, record: dict[str, Any], at: Callable[[int | None], Any]) -> None:
    scheme, host, port, tls, authority = record["origin"]
    origin = Origin(scheme, host, port, port, tls)
    origin.authority = authority
    url, target, fragment = record["where"]
    request._destination = Destination(url, origin, target, None, fragment)
    request.method, request._target = record["method"], record["target"]
    request._headers = CIMultiDict(record["headers"])
    request._unredirected = CIMultiDict(record["unredirected"])
    request.body = record["body"]
    if record["length"] is not None:
        request.body = Source.spent(*record["length"])
    request.content_type, request.cause, request._closes_connection = (
        record["content_type"],
        record["cause"],
        record["closes"],
    )
    request.parent = at(record["parent"])
    request._history = [at(place) for place in record["history"]]
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
    response._is_buffered = not response._is_whole  # of a body that is not here it says why
    response._encoding = record["encoding"]
    if record["times"] is not None:
        response._sent_at, response._head_at = record["times"]
    response.timings = record["timings"]
    response._on_fast_path, response._due = True, NEVER
    response._mark_finished()
    response.__dict__.update(record["values"])


def _make_error(record: Any) -> Any:
    own, _ = record
    if not isinstance(own, tuple):
        return own
    kind = own[0]
    # not `kind(*args)`: a class may take what it likes
    return next(base for base in kind.__mro__ if base.__module__ == "builtins").__new__(kind)


def _fill_error(error: Any, record: Any, at: Callable[[int | None], Any]) -> None:
    own, (cause, context, is_suppressed) = record
    if isinstance(own, tuple):
        _, error.args, values, links, of_system = own
        error.__dict__.update(values)
        error.__dict__.update((name, at(place)) for name, place in links.items())
        for name, value in of_system.items():
            setattr(error, name, value)
    error.__cause__, error.__context__, error.__suppress_context__ = at(cause), at(context), is_suppressed


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "request": lambda record: RequestSnapshot.__new__(RequestSnapshot),
    "response": lambda record: ResponseSnapshot.__new__(ResponseSnapshot),
    "error": _make_error,
}
_FILLERS: dict[str, Callable[[Any, Any, Callable[[int | None], Any]], None]] = {
    "request": _fill_request,
    "response": _fill_response,
    "error": _fill_error,
}
