"""The value of `cookies=`, ready to be sent, and the rules by which it is joined with stored cookies."""

from collections.abc import Iterator, Mapping
from typing import Any

from .cookie_pairs import render_pairs
from .http_cookiejar import split_source
from .jar import CookieJar
from .selection import MAX_FIELD
from .set_cookie import octets

_SEPARATOR = "; "


class CookiesOption(Mapping[str, str]):
    """A read-only dict of the cookies without a domain, and a jar of those with one.

    source: the object that the user gave. A client converts its options again when a plugin is added or removed; the same
    source means that the user has given nothing new. field: the cookies without a domain as the value of a Cookie field.
    jar: None = all cookies are without a domain.
    """

    __slots__ = ("_joined", "_pairs", "_stored", "field", "jar", "source")

    def __init__(self, source: Any, pairs: Mapping[str, str], jar: CookieJar | None) -> None:
        self.source = source
        self.jar = jar
        self.field = render_pairs(pairs)
        self._pairs = dict(pairs)
        self._stored = self._joined = ""

    def __getitem__(self, name: str) -> str:
        return self._pairs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"<cookies {list(self._pairs)}>"  # the names alone: values are secrets

    def with_stored(self, stored: str) -> str:
        """Return the field value of stored cookies, with these cookies as defaults.

        The last result is cached, since most requests of a client go to the same host.
        """
        if stored is not self._stored:
            self._stored, self._joined = stored, join_fields("", stored, self.field)
        return self._joined


def as_cookies_option(value: Any) -> CookiesOption:
    """Convert a dict, a jar of ours or of `http.cookiejar`, or `Cookie` objects.

    Raises:
        CookieRefused: a name or a value cannot be sent.
        TypeError: value is something else.
    """
    if isinstance(value, CookiesOption):
        return value
    if isinstance(value, CookieJar):
        return CookiesOption(value, {}, value)
    if isinstance(value, (str, bytes, Iterator)):  # an iterator could be read only once
        raise TypeError(f"cookies= takes a dict or a jar, not {type(value).__name__}")
    cookies, pairs = split_source(value)
    return CookiesOption(value, pairs, CookieJar(cookies) if cookies else None)


def join_fields(call: str, stored: str, defaults: str) -> str:
    """Join the values of three Cookie fields, each of which may be empty.

    Of several cookies of one name, that of the call is sent, else the stored one, else that of the client's defaults. If
    the field becomes too long, stored cookies are left out, so that no server can crowd out what the user gave.

    call: the cookies of the call. stored: those of the jar. defaults: those that the client was given.
    """
    names = names_in(call)
    kept = [pair for pair in _pairs_in(stored) if pair.partition("=")[0] not in names]
    room = MAX_FIELD - sum(octets(part) + len(_SEPARATOR) for part in (call, defaults) if part)
    if octets(stored) > room:
        kept = _fitting(kept, room)
    if defaults:
        names.update(pair.partition("=")[0] for pair in kept)
        kept += [pair for pair in _pairs_in(defaults) if pair.partition("=")[0] not in names]
    return _SEPARATOR.join([call, *kept] if call else kept)


def names_in(field: str) -> set[str]:
    """Return the names in the value of a Cookie field."""
    return {pair.partition("=")[0] for pair in _pairs_in(field)}


def _pairs_in(field: str) -> list[str]:
    # No pair is cut in two, since neither a name nor a value may hold a semicolon.
    return field.split(_SEPARATOR) if field else []


def _fitting(pairs: list[str], room: int) -> list[str]:
    """Return the pairs that fit into `room` octets; a shorter one may follow one that was too long."""
    kept: list[str] = []
    for pair in pairs:
        size = octets(pair) + (len(_SEPARATOR) if kept else 0)
        if size <= room:
            room -= size
            kept.append(pair)
    return kept
