"""Fields of heads: checked before they are written, parsed when somebody asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from multidict import CIMultiDict

from .errors import LocalProtocolError, shown

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_FORBIDDEN = re.compile(r"[\r\n\x00]").search
_names: set[str] = set()  # names that were found good: a hit costs 0.03 us, the regex 0.3

HeadersLike = Mapping[str, Any] | Iterable[tuple[str, Any]] | None


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
    """A field value without what would end its line. Numbers are written as such.

    Raises: LocalProtocolError, which does not show the value; TypeError.
    """
    if not isinstance(value, str):
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
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
    return str(value)


def check_method(method: str) -> str:
    """A method in upper case (RFC 9110, section 9.1).

    Raises: LocalProtocolError.
    """
    if not _TOKEN(method):
        raise LocalProtocolError(f"not a method: {shown(str(method))}")
    return method.upper()


def check_target(target: str) -> str:
    """A request target that cannot end its line.

    Raises: LocalProtocolError.
    """
    if not target or not target.isascii() or re.search(r"[\x00-\x20\x7f]", target):
        raise LocalProtocolError(f"not a request target: {shown(target)}")
    return target


def checked(headers: HeadersLike) -> list[tuple[str, str | None]]:
    """Names and values that a user gave; a value of None removes a default.

    Raises: LocalProtocolError, TypeError.
    """
    if headers is None:
        return []
    items = headers.items() if isinstance(headers, Mapping) else headers
    return [(check_name(name), None if value is None else check_value(name, value)) for name, value in items]


def apply(fields: CIMultiDict[str], given: Iterable[tuple[str, str | None]]) -> None:
    """Put given fields over others: a name that is given replaces all fields of that name; None only removes them."""
    items = list(given)
    for name, _ in items:
        fields.popall(name, None)
    for name, value in items:
        if value is not None:
            fields.add(name, value)


def says_close(values: Iterable[str]) -> bool:
    """Do these values of Connection say that no other request follows (RFC 9112, section 9.6)?"""
    return any(token.strip().lower() == "close" for value in values for token in value.split(","))


def parse_fields(head: bytes) -> CIMultiDict[str]:
    """The fields of a head that llhttp has accepted, as UTF-8; other bytes as surrogates, which encode back to them."""
    text = head.decode("utf-8", "surrogateescape")
    found: CIMultiDict[str] = CIMultiDict()
    for line in text.split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            found.add(name, value.strip(" \t"))
    return found


def parse_trailers(trailers: Iterable[tuple[bytes, bytes]]) -> CIMultiDict[str]:
    """The fields of a trailer section."""
    return CIMultiDict([(n.decode("latin-1"), v.decode("utf-8", "surrogateescape").strip(" \t")) for n, v in trailers])


def write(fields: Iterable[tuple[str, str]]) -> str:
    """Fields as lines; all of them are checked once more, since a plugin may have set them.

    Raises: LocalProtocolError, TypeError.
    """
    return "".join(f"{check_name(name)}: {check_value(name, value)}\r\n" for name, value in fields)
