"""Snapshots: copies and pickles of responses, requests and errors.

A snapshot is made of everything that one of them refers to: a response, its request, the responses before it; an error and its
causes. `Recorder` writes them into a list of records, in which a `Link` stands for another object of the list; `restore` makes
objects of the records. To restore them, no plugin is needed but those that define an error class in the list. Nothing here is
recursive over the history of a response, so it may have any length.
"""

from __future__ import annotations

import copy
import copyreg
import io
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import get_ident
from time import monotonic
from typing import Any

from multidict import CIMultiDict, MultiDict

from ..errors import HooklineError, StreamConsumedError
from ..exchange.core_bodies import CORE_MEDIA_TYPES
from ..exchange.core_options import CORE_OPTIONS
from ..exchange.request import HttpRequest
from ..exchange.response import HttpResponse
from ..exchange.state import FINISHED, NEVER
from ..messages.request_body import Source
from ..messages.timeout import Timeout
from ..plugins.body_table import declarations_by_name
from .event_loop import COMPLETED

# A class, or a copy of an error that is no HooklineError; the attributes of the object; and what its `__dict__` has.
Record = tuple[Any, dict[str, Any], dict[str, Any]]

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
# Attributes that a snapshot has a copy of
_OF_RESPONSES = (
    "status_code", "raw_trailers", "is_consumed", "is_built", "is_stored", "_head", "_headers", "_encoding",
)  # fmt: skip
_OF_REQUESTS = (
    "method", "cause", "content_type", "_destination", "_target", "_closes_connection", "_is_exact",
    "_given_target",
)  # fmt: skip
_being_copied: set[tuple[int, int]] = set()  # thread and id: an error may be in a group that is its own cause


@dataclass(frozen=True)
class Link:
    """A reference to another object of a snapshot: its index in the list of records."""

    index: int


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

    _call_handlers = _given_fields = gate = None
    _extra_lines = ""
    _skips_pre_request = False
    _on_fast_path = True
    deadline = 0.0


class ResponseSnapshot(_Snapshot, HttpResponse):
    """A response without a client. The attributes that plugins add are in its `__dict__`."""

    _content_filter = _pool = connection = None
    _due = NEVER
    _on_fast_path = True
    _step = FINISHED
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
    """Makes the records of an object and of all that it refers to; `records` has that of the object itself first."""

    def __init__(self, root: Any) -> None:
        self._objects: list[Any] = []
        self._links: dict[int, Link] = {}  # by id
        self._foreign_errors: dict[int, Any] = {}  # copies of errors that are no HooklineError, by id
        self._link(root)
        self.records: list[Record] = []
        for each in self._objects:  # recording one may append others
            if isinstance(each, HttpResponse):
                self.records.append(self._response(each))
            elif isinstance(each, HttpRequest):
                self.records.append(self._request(each))
            else:
                self.records.append(self._error(each))

    def _link(self, found: Any) -> Link | None:
        """The link to an object, which is recorded if it was not yet; None for None."""
        if found is None:
            return None
        if id(found) not in self._links:
            self._links[id(found)] = Link(len(self._objects))
            self._objects.append(found)
        return self._links[id(found)]

    def _response(self, response: HttpResponse) -> Record:
        content = content_of(response)
        is_whole = content is not None or response.is_consumed
        attributes: dict[str, Any] = {name: copy.deepcopy(getattr(response, name)) for name in _OF_RESPONSES}
        attributes |= {
            "request": self._link(response.request),
            "_timings": copy.deepcopy(response.timings),
            "_content": content,
            "_parts": [],
            "_is_whole": is_whole,
            "_is_buffered": not is_whole,  # then `content` says why the body is not here
        }
        if hasattr(response, "_sent_at"):
            attributes["_sent_at"] = response._sent_at
            attributes["_head_at"] = getattr(response, "_head_at", None) or monotonic()
        own = [name for name in response.__dict__ if not (name.startswith("_") or name in _RESPONSE_MEMBERS)]
        members = plain_values(response, [*own, *declared_names("response", response.request)])
        return ResponseSnapshot, attributes, members

    def _request(self, request: HttpRequest) -> Record:
        secrets = {name.lower() for name in request.sensitive_headers or ()}
        if isinstance(request, RequestSnapshot):
            members = plain_values(request, request.__dict__)
        else:
            secrets |= request.configuration.client._credential_fields() | request.configuration.credentials
            options = request.configuration.options
            # of options of plugins only numbers are copied: text may be a secret
            readable = [n for n in options if n in _COPIED_OPTIONS or isinstance(getattr(request, n), (int, float))]
            names = [*readable, *declared_names("request", request)]
            members = {**dict.fromkeys(options), **plain_values(request, names)}
        body = copy.copy(request.body)
        if isinstance(body, bytes) and request.parent is not None:  # it may hold credentials, such as those for a token
            body = Source.already_sent(len(body))
        attributes = {name: copy.deepcopy(getattr(request, name)) for name in _OF_REQUESTS}
        attributes |= {
            "parent": self._link(request.parent),
            "body": body,
            "_history": [self._link(response) for response in request._history or ()],
            "_headers": fields_without(secrets, request.headers),
            "_unredirected": fields_without(secrets, request._unredirected or {}),
        }
        return RequestSnapshot, attributes, members

    def _error(self, error: BaseException) -> Record:
        attributes: dict[str, Any] = {
            "__cause__": self._link_to_error(error.__cause__),
            "__context__": self._link_to_error(error.__context__),
            "__suppress_context__": error.__suppress_context__,  # last, since `__cause__` sets it too
        }
        if not isinstance(error, HooklineError):
            return self._foreign_errors[id(error)], attributes, {}
        attributes["args"] = tuple(pickled_copy(arg, repr(arg)) for arg in error.args)
        for name in _OS_ERROR_ATTRIBUTES:
            if getattr(error, name, None) is not None:
                attributes[name] = getattr(error, name)
        members: dict[str, Any] = {}
        for name, value in error.__dict__.items():
            if isinstance(value, (HttpResponse, HttpRequest)):
                members[name] = self._link(value)
            elif isinstance(value, BaseException):
                members[name] = self._link_to_error(value)
            else:
                members[name] = pickled_copy(value)
        return type(error), attributes, members

    def _link_to_error(self, error: BaseException | None) -> Link | None:
        """The link to an error that led to another; None for one that cannot be pickled."""
        if error is not None and id(error) not in self._links:
            copied = pickled_copy(type(error) if isinstance(error, HooklineError) else error)
            if copied is None:
                return None
            self._foreign_errors[id(error)] = copied
        return self._link(error)


def content_of(response: HttpResponse) -> bytes | None:
    """The body; None if it was read as a stream, or cannot be decoded."""
    if response.connection is not None:
        return None  # a response of an error, whose stream may still be read
    try:
        return bytes(response.content)
    except Exception:  # noqa: BLE001  # a decoder's; the snapshot then says that it has no body
        return None


def declared_names(of: str, request: HttpRequest) -> list[str]:
    """The names of the attributes that plugins add to requests or responses. of: "request" or "response"."""
    declared = () if isinstance(request, RequestSnapshot) else request.configuration.attributes
    return [name for kind, name in declared if kind == of]


def plain_values(owner: HttpRequest | HttpResponse, names: Iterable[str]) -> dict[str, Any]:
    """The values of those attributes that are of Python's own types, or can be converted to them."""
    found = {}
    for name in names:
        try:
            found[name] = to_builtin(getattr(owner, name))
        except Exception:  # noqa: BLE001, S112  # a plugin's attribute, and an object of any class, may raise anything
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
    """Copy a value by pickling it; returns the default if that is not possible.

    Packages such as tblib, which Dask loads, register functions that pickle an error with its traceback and with the errors that
    led to it. These are linked one by one here: pickled with each, a chain of them would take for ever.
    """
    written = io.BytesIO()
    pickler = pickle.Pickler(written)
    pickler.dispatch_table = {kind: function for kind, function in copyreg.dispatch_table.items() if not is_error(kind)}
    try:
        pickler.dump(value)
        return pickle.loads(written.getbuffer())  # noqa: S301  # what was pickled a moment ago
    except Exception:  # noqa: BLE001  # an object that cannot be pickled may raise anything
        return default


def is_error(kind: Any) -> bool:
    """Say whether it is a class of errors."""
    return isinstance(kind, type) and issubclass(kind, BaseException)


def fields_without(names: set[str], headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The fields of other names than these, which are in lower case."""
    return CIMultiDict([(name, value) for name, value in headers.items() if name.lower() not in names])


# -- restoring


def restore(records: list[Record]) -> Any:
    """Make the objects of these records, and return the first."""
    objects = [new(kind) if isinstance(kind, type) else kind for kind, _, _ in records]

    def linked(value: Any) -> Any:
        if isinstance(value, list):
            return [linked(each) for each in value]
        return objects[value.index] if isinstance(value, Link) else value

    for found, (_, attributes, members) in zip(objects, records, strict=True):
        for name, value in attributes.items():
            setattr(found, name, linked(value))
        found.__dict__.update({name: linked(value) for name, value in members.items()})
    return objects[0]


def new(kind: Any) -> Any:
    """Make an object of a class without calling its `__init__`, whose parameters are unknown."""
    return next(base for base in kind.__mro__ if base.__module__ == "builtins").__new__(kind)
