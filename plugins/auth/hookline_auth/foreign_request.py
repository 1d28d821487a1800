"""Carry over to our request what an authentication object of requests or httpx changed on its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .errors import AuthError
from .field_text import field_text
from .messages import set_field
from .url_parts import origin

if TYPE_CHECKING:
    from .interfaces import Request


class ForeignRequest(Protocol):
    """A request of another library, as far as it is read: `str(url)`, and `headers.items()` with str or bytes values."""

    url: Any
    headers: Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The URL and the fields of a foreign request before the authentication object got it."""

    url: str
    fields: dict[str, str]

    @classmethod
    def of(cls, foreign: ForeignRequest) -> Snapshot:
        """Take a snapshot; names of fields in lower case."""
        return cls(str(foreign.url), {name.lower(): _text(value) for name, value in foreign.headers.items()})

    def carry_over(self, foreign: ForeignRequest, request: Request) -> None:
        """Apply to request what differs between foreign and this snapshot.

        A changed path or query changes the URL. A changed field is set for this hop only, except those that describe
        the body (Content-*). A removed field is removed.

        Raises:
            AuthError: the URL was changed to another origin.
        """
        url = str(foreign.url)
        if url != self.url:
            if origin(url) != origin(self.url):
                raise AuthError("the authentication object moved the request to another origin")
            request.url = url
        after = {name.lower(): (name, _text(value)) for name, value in foreign.headers.items()}
        for name in self.fields.keys() - after.keys():
            request.headers.popall(name, None)
            request.unredirected_headers.popall(name, None)
        for key, (name, value) in after.items():
            if self.fields.get(key) == value:
                continue
            if key.startswith("content-"):
                request.headers[name] = value
            else:
                set_field(request, name.title() if name.islower() else name, value)


def sent_fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a request as they are sent."""
    hop = request.unredirected_headers
    return [*((name, value) for name, value in request.headers.items() if name not in hop), *hop.items()]


def join_by_name(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return fields by name, several of one name as one list (RFC 9110 section 5.3), each name as it is first spelled."""
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in fields:
        name = names.setdefault(name.lower(), name)
        values[name] = f"{values[name]}, {value}" if name in values else value
    return values


def _text(value: str | bytes) -> str:
    return field_text(value) if isinstance(value, bytes) else str(value)
