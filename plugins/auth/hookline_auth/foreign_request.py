"""Carry over to our request what an authentication object of requests or httpx changed on its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .errors import AuthError
from .field_text import field_text
from .messages import ORIGINALS, set_field
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

        A changed path or query changes the URL for this hop only. So does a changed field, except those that describe the
        body (Content-*). A removed field is removed.

        Raises:
            AuthError: the URL was changed to another origin.
        """
        url = str(foreign.url)
        if url != self.url:
            if origin(url) != origin(self.url):
                raise AuthError("the authentication object moved the request to another origin")
            change(request, url=url)
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


def change(request: Request, **values: Any) -> None:
    """Change `url` or `body` of a request for this hop only: `restore` undoes it on a follow-up.

    They may hold credentials, and the object is asked anew for each hop.
    """
    kept = vars(request).get(ORIGINALS, {})
    for name, value in values.items():
        original = kept[name][1] if name in kept else getattr(request, name)
        setattr(request, name, value)
        kept = {**kept, name: (getattr(request, name), original)}  # not in place: copies of the request share it
    vars(request)[ORIGINALS] = kept


def restore(request: Request) -> None:
    """Undo what `change` did to the request that this one is a copy of, where the copy still has it."""
    for name, (changed, original) in vars(request).pop(ORIGINALS, {}).items():
        if getattr(request, name) == changed:
            setattr(request, name, original)


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
