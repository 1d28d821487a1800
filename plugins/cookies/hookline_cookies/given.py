"""What a user gave as `cookies=`, made ready to be sent, and how it goes together with what is stored."""

from collections.abc import Iterator, Mapping
from typing import Any

from .cookiejar import split_source
from .jar import CookieJar
from .parsing import octets
from .rendering import render_pairs
from .selection import MAX_HEADER

_SEPARATOR = "; "


class Given(Mapping[str, str]):
    """The pairs of a dict, read-only, with their field value; and the jar, where cookies with a domain were given.

    source: the object that the user gave. A client converts its options anew when a plugin comes or goes; by this one knows
    that nothing was given anew.
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

    def below(self, stored: str) -> str:
        """These pairs as defaults of what is stored; the last answer is kept, since most requests go to the same host."""
        if stored is not self._stored:
            self._stored, self._joined = stored, joined("", stored, self.field)
        return self._joined


def as_given(value: Any) -> Given:
    """Take a dict, a jar of ours or of `http.cookiejar`, or `Cookie` objects.

    Raises:
        CookieRefused: a name or value is not fit to be sent.
        TypeError: it is something else.
    """
    if isinstance(value, Given):
        return value
    if isinstance(value, CookieJar):
        return Given(value, {}, value)
    if isinstance(value, (str, bytes, Iterator)):  # an iterator could be read once only
        raise TypeError(f"cookies= takes a dict or a jar, not {type(value).__name__}")
    cookies, pairs = split_source(value)
    return Given(value, pairs, CookieJar(cookies) if cookies else None)


def joined(asked: str, stored: str, defaults: str) -> str:
    """Join three Cookie field values into one, any of them may be empty.

    A name in `asked` keeps those of that name out of `stored` and `defaults`, a name in `stored` those of `defaults`: what a
    call says goes before what a server set, and that before what the client started with. Where the field becomes too
    long, stored cookies are left out: no server can crowd out what the user gave.
    """
    names = names_in(asked)
    kept = [pair for pair in _pairs_in(stored) if pair.partition("=")[0] not in names]
    room = MAX_HEADER - sum(octets(part) + len(_SEPARATOR) for part in (asked, defaults) if part)
    if octets(stored) > room:
        kept = _fitting(kept, room)
    if defaults:
        names.update(pair.partition("=")[0] for pair in kept)
        kept += [pair for pair in _pairs_in(defaults) if pair.partition("=")[0] not in names]
    return _SEPARATOR.join([asked, *kept] if asked else kept)


def names_in(field: str) -> set[str]:
    """Return the names in a Cookie field value."""
    return {pair.partition("=")[0] for pair in _pairs_in(field)}


def _pairs_in(field: str) -> list[str]:
    # Exact, since neither a name nor a value may have a semicolon in it.
    return field.split(_SEPARATOR) if field else []


def _fitting(pairs: list[str], room: int) -> list[str]:
    """Return the pairs that fit into `room` octets; one that does not fit does not keep out a shorter one after it."""
    kept: list[str] = []
    for pair in pairs:
        size = octets(pair) + (len(_SEPARATOR) if kept else 0)
        if size <= room:
            room -= size
            kept.append(pair)
    return kept
