"""Carry what a foreign authentication object changed on its own request over to ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import AuthError
from .field_text import field_text
from .flows import Request, set_field
from .targets import origin


class ForeignRequest(Protocol):
    """A request of another library, as far as it is looked at; headers has items()."""

    url: Any
    headers: Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a foreign request looked like before the authentication object saw it."""

    url: str
    fields: dict[str, str]

    @classmethod
    def of(cls, foreign: ForeignRequest) -> Snapshot:
        """Take a snapshot."""
        return cls(str(foreign.url), {name.lower(): _text(value) for name, value in foreign.headers.items()})

    def carry_over(self, foreign: ForeignRequest, request: Request) -> None:
        """Apply to request what foreign has that differs from this snapshot.

        Fields go to this hop only, except those that describe the body (Content-*). A new path or query is taken
        over.

        Raises:
            AuthError: the URL was moved to another origin.
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
    """Return the fields of a request as they go out."""
    hop = request.unredirected_headers
    return [*((name, value) for name, value in request.headers.items() if name not in hop), *hop.items()]


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return fields by name in the case that came first, several of one name as one list (RFC 9110 section 5.3)."""
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in fields:
        name = names.setdefault(name.lower(), name)
        values[name] = f"{values[name]}, {value}" if name in values else value
    return values


def _text(value: str | bytes) -> str:
    return field_text(value) if isinstance(value, bytes) else str(value)
