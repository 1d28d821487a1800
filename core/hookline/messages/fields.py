"""Fields of heads: checked before they are written, parsed when somebody asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from multidict import CIMultiDict

from ..errors import LocalProtocolError, PluginError, shown

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_FORBIDDEN = re.compile(r"[\r\n\x00]").search
_names: set[str] = set()  # names that were found good: a hit costs 0.03 us, the regex 0.3

HeadersLike = Mapping[str, Any] | Iterable[tuple[str, Any]] | None


class Latin1(str):
    """A field value that is no UTF-8, read as Latin-1. Where it is sent on, its bytes go out as they came."""

    __slots__ = ()

    @property
    def octets(self) -> bytes:
        """The bytes that came."""
        return self.encode("latin-1")


class NoFields(CIMultiDict[str]):
    """The fields of a response that has no head yet: there are none, and none can be put there."""

    def _refuse(self, *fields: object, **more: object) -> NoReturn:
        raise PluginError(
            "the response has no head yet, and its headers are what a server says; fields to send stand in"
            " response.request.headers, or for this hop alone in response.request.unredirected_headers"
        )

    __setitem__ = add = extend = merge = setdefault = update = _refuse


class Info(CIMultiDict[str]):
    """Fields that http.cookiejar can read: it asks as it would ask an `email.message.Message`."""

    def get_all(self, name: str, failobj: list[str] | None = None) -> list[str] | None:
        """The values of all fields of that name, `failobj` where there are none."""
        return self.getall(name, failobj)


def check_name(name: Any) -> str:
    """A field name (RFC 9110, section 5.1).

    Raises: LocalProtocolError, TypeError.
    """
    if name in _names:
        return str(name)
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    if not isinstance(name, str):
        raise TypeError(f"a field name must be str, got {type(name).__name__}")
    if not _TOKEN(name):
        raise LocalProtocolError(f"not a field name: {shown(name)}")
    if len(_names) < 4096:
        _names.add(name)
    return name


def check_value(name: str, value: Any) -> str:
    """A field value without what would end its line. Numbers are written as such; bytes go out as they are.

    Raises: LocalProtocolError, which does not show the value; TypeError.
    """
    if value.__class__ is not str:
        if isinstance(value, (bytes, Latin1)):
            value = field_octets(value).decode("utf-8", "surrogateescape")
        elif isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            value = str(value)
        else:
            raise TypeError(f"the value of {name} must be str, got {type(value).__name__}")
    if "\r" in value or "\n" in value or "\0" in value:
        raise LocalProtocolError(f"the value of {name} has a CR, LF or NUL")
    if not value.isascii():
        try:
            value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise LocalProtocolError(f"the value of {name} has a lone surrogate, which UTF-8 cannot carry") from None
    return value  # type: ignore[no-any-return]  # a str by now


def field_octets(value: str | bytes) -> bytes:
    """The bytes that a field value stands for: those that came, where it was received; UTF-8, where it is text of ours."""
    if isinstance(value, str):
        return value.octets if isinstance(value, Latin1) else value.encode("utf-8", "surrogateescape")
    return value


def check_method(method: str) -> str:
    """A method in upper case (RFC 9110, section 9.1).

    Raises: LocalProtocolError, TypeError.
    """
    if not isinstance(method, str):
        raise TypeError(f"method= takes a str, not {type(method).__name__}")
    if not _TOKEN(method):
        raise LocalProtocolError(f"not a method: {shown(method)}")
    return method.upper()


def check_target(target: str) -> str:
    """A request target that cannot end its line.

    Raises: LocalProtocolError.
    """
    if not target or not target.isascii() or re.search(r"[\x00-\x20\x7f]", target):
        raise LocalProtocolError(f"not a request target: {shown(target)}")
    return target


def checked(headers: Any) -> list[tuple[str, str | None]]:
    """Names and values that a user gave; a value of None removes a default.

    Raises: LocalProtocolError, TypeError.
    """
    if headers is None:
        return []
    items: Any = headers.items() if isinstance(headers, Mapping) else headers
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        raise TypeError(f"headers= takes a mapping, or pairs of a name and a value, not {type(items).__name__}")
    found: list[tuple[str, str | None]] = []
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(f"headers= takes pairs of a name and a value; one of them is {type(item).__name__}")
        name, value = item
        found.append((check_name(name), None if value is None else check_value(name, value)))
    return found


def apply(fields: CIMultiDict[str], given: Iterable[tuple[str, str | None]]) -> None:
    """Put given fields over others: a name that is given replaces all fields of that name; None only removes them."""
    items = list(given)
    for name, _ in items:
        fields.popall(name, None)
    for name, value in items:
        if value is not None:
            fields.add(name, value)


def says_close(values: Iterable[Any]) -> bool:
    """Do these values of Connection, given or received, say that no other request follows (RFC 9112, section 9.6)?"""
    return any(
        token.strip().lower() == "close"
        for value in values
        for token in (value.decode("latin-1") if isinstance(value, bytes) else str(value)).split(",")
    )


def parse_fields(head: bytes) -> CIMultiDict[str]:
    """The fields of a head that llhttp has accepted, as UTF-8. A value that is none is read as Latin-1; see `Latin1`."""
    found: CIMultiDict[str] = CIMultiDict()
    try:
        lines: list[Any] = head.decode().split("\r\n")
    except UnicodeDecodeError:
        lines = [as_text(line) for line in head.split(b"\r\n")]
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            value = value.strip(" \t")
            found.add(name, Latin1(value) if line.__class__ is Latin1 else value)
    return found


def parse_trailers(trailers: Iterable[tuple[bytes, bytes]]) -> CIMultiDict[str]:
    """The fields of a trailer section; see `parse_fields`."""
    return CIMultiDict([(name.decode("latin-1"), as_text(value.strip(b" \t"))) for name, value in trailers])


def as_text(data: bytes) -> str:
    """Received bytes as UTF-8, or as `Latin1` where they are none."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Latin1(data, "latin-1")


def write(fields: Iterable[tuple[str, Any]]) -> str:
    """Fields as lines; all of them are checked once more, since a plugin may have set them. One of None is no field.

    Raises: LocalProtocolError, TypeError.
    """
    return "".join(f"{check_name(name)}: {check_value(name, value)}\r\n" for name, value in fields if value is not None)
