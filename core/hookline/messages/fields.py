"""Header and trailer fields (RFC 9110, section 5): checked before they are sent, parsed when they are first read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from multidict import CIMultiDict

from ..errors import LocalProtocolError, PluginError, shown

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_names: set[str] = set()  # names that were found valid: a look-up here takes 0.03 us, the expression 0.3 us

HeadersLike = Mapping[str, Any] | Iterable[tuple[str, Any]] | None


class Latin1(str):
    """A received field value that is not valid UTF-8, as text in Latin-1. If it is sent again, the same bytes are sent."""

    __slots__ = ()

    @property
    def octets(self) -> bytes:
        """The bytes that were received."""
        return self.encode("latin-1")


class NoFields(CIMultiDict[str]):
    """The headers of a response whose head was not received yet: an empty mapping that cannot be changed."""

    def _refuse(self, *fields: object, **more: object) -> NoReturn:
        raise PluginError(
            "the response has no head yet, and its headers come from the server; set fields to send in"
            " response.request.headers, or for this hop alone in response.request.unredirected_headers"
        )

    __setitem__ = add = extend = merge = setdefault = update = _refuse


class CookieJarFields(CIMultiDict[str]):
    """Fields with the method of `email.message.Message` that http.cookiejar needs."""

    def get_all(self, name: str, failobj: list[str] | None = None) -> list[str] | None:
        """Return the values of all fields of that name; `failobj` if there are none."""
        return self.getall(name, failobj)


def check_name(name: Any) -> str:
    """Check a field name (RFC 9110, section 5.1), and return it as a str.

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
    """Check that a field value cannot end its line, and return it as a str.

    Numbers become their decimal text. Bytes are sent unchanged: those that are not UTF-8 become surrogates (PEP 383).

    Raises: LocalProtocolError, without the value in its message, since it may be a credential; TypeError.
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
    return value  # type: ignore[no-any-return]  # it is a str here


def field_octets(value: str | bytes) -> bytes:
    """Return the bytes of a field value: those that were received, or for text of this program, UTF-8.

    value: a value of `response.headers` or `request.headers`; bytes are returned unchanged.

    Example::

        from hookline import field_octets

        print(field_octets("naïve"), field_octets(b"bytes"))
    """
    if isinstance(value, str):
        return value.octets if isinstance(value, Latin1) else value.encode("utf-8", "surrogateescape")
    return value


def check_method(method: str) -> str:
    """Check a method (RFC 9110, section 9.1), and return it in upper case.

    Raises: LocalProtocolError, TypeError.
    """
    if not isinstance(method, str):
        raise TypeError(f"method= takes a str, not {type(method).__name__}")
    if not _TOKEN(method):
        raise LocalProtocolError(f"not a method: {shown(method)}")
    return method.upper()


def check_target(target: str) -> str:
    """Check that a request target cannot end the request line: ASCII, without spaces and control characters.

    Raises: LocalProtocolError.
    """
    if not target or not target.isascii() or re.search(r"[\x00-\x20\x7f]", target):
        raise LocalProtocolError(f"not a request target: {shown(target)}")
    return target


def check_fields(headers: Any, keyword: str = "headers=") -> list[tuple[str, str | None]]:
    """Check the fields that a user set, and return their names and values.

    headers: a mapping, or pairs of a name and a value; a value of None removes a default field; None = no fields.
    keyword: by which they were given, for messages.

    Raises: LocalProtocolError, TypeError.

    Example::

        from hookline import check_fields

        print(check_fields({"X-Count": 7, "Accept": None}))
    """
    if headers is None:
        return []
    items: Any = headers.items() if headers.__class__ is not list and isinstance(headers, Mapping) else headers
    if items.__class__ is not list and (isinstance(items, (str, bytes)) or not isinstance(items, Iterable)):
        raise TypeError(f"{keyword} takes a mapping, or pairs of a name and a value, not {type(items).__name__}")
    found: list[tuple[str, str | None]] = []
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(f"{keyword} takes pairs of a name and a value; one item is {type(item).__name__}")
        name, value = item
        found.append((check_name(name), None if value is None else check_value(name, value)))
    return found


def override(fields: CIMultiDict[str], given: Iterable[tuple[str, str | None]]) -> None:
    """Override fields in place: each given name replaces all fields of that name; a value of None only removes them."""
    items = list(given)
    for name, _ in items:
        fields.popall(name, None)
    for name, value in items:
        if value is not None:
            fields.add(name, value)


def says_close(values: Iterable[Any]) -> bool:
    """Does Connection, sent or received, with these values contain the option close (RFC 9112, section 9.6)?"""
    return any(
        token.strip().lower() == "close"
        for value in values
        for token in (value.decode("latin-1") if isinstance(value, bytes) else str(value)).split(",")
    )


def parse_fields(head: bytes) -> CIMultiDict[str]:
    """Parse the fields of a head that llhttp has accepted. Values are UTF-8; those that are not become `Latin1`.

    head: with its first line, which is skipped.
    """
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
    """Convert the raw names and values of a trailer section to fields, decoded as in `parse_fields`."""
    return CIMultiDict([(name.decode("latin-1"), as_text(value.strip(b" \t"))) for name, value in trailers])


def as_text(data: bytes) -> str:
    """Decode received bytes as UTF-8, or to `Latin1` if they are not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Latin1(data, "latin-1")


def field_lines(fields: Iterable[tuple[str, Any]]) -> str:
    """Write fields as field lines (RFC 9112, section 5), each with its line end. Fields with the value None are left out.

    All names and values are checked again, since plugins may have changed the fields.

    Raises: LocalProtocolError, TypeError.
    """
    return "".join(f"{check_name(name)}: {check_value(name, value)}\r\n" for name, value in fields if value is not None)
