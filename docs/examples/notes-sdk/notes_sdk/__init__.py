"""The API of a service for notes: an SDK on top of Hookline.

async with Notes("https://notes.example", token) as notes:
    print(await notes.create("buy milk", tags=["home"]))
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from hookline import HttpClient, HttpRequestException, HttpResponse, hookimpl

__version__ = "1.0"
__all__ = ["Busy", "NotFound", "Note", "Notes", "NotesError", "TokenRefused"]

T = TypeVar("T")


class NotesError(Exception):
    """The service did not do what was asked; the cause, if there is one, is an error of Hookline.

    status: that of the response; None = there was none.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotFound(NotesError):
    """There is no such note."""


class TokenRefused(NotesError):
    """The token is not valid, or not for this."""


class Busy(NotesError):
    """The service wants fewer requests, or is being repaired."""


ERRORS = {401: TokenRefused, 403: TokenRefused, 404: NotFound, 429: Busy, 502: Busy, 503: Busy, 504: Busy}


@dataclass(frozen=True, slots=True)
class Note:
    """A note."""

    id: int
    text: str
    tags: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Make a note of an object of the service. Members that this version does not know are ignored.

        Raises: KeyError, TypeError or ValueError, for another object.
        """
        return cls(int(value["id"]), str(value["text"]), tuple(map(str, value.get("tags", ()))))


class Signed:
    """The plugin that each call gets: it adds the token and the version of the API, at the origin of the service alone."""

    name = "notes_sdk"

    def __init__(self, token: str) -> None:
        self._token = token

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        request = response.request
        if not request.has_left_origin:  # after a redirect the call may be anywhere
            request.unredirected_headers["Authorization"] = f"Bearer {self._token}"
            request.unredirected_headers["Notes-Version"] = "1"


class Notes:
    """The notes of a user. Use it with `async with`, or call `close`.

    url: of the service, such as "https://notes.example". token: that of the user. client: the client of the program to use, for
    example with a proxy; it is neither changed nor closed. None: one of its own, with 30 seconds for each call.
    """

    def __init__(self, url: str, token: str, *, client: HttpClient | None = None) -> None:
        self._url = url.rstrip("/")
        self._plugins = [Signed(token)]
        self._own = None if client else HttpClient(autoload="default", disable=["cookies"], timeout=30)
        self._http = client or self._own

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, unless the client is that of the program."""
        if self._own is not None:
            await self._own.close()

    async def get(self, id: int) -> Note:
        """Return a note.

        Raises: NotesError, as all methods do; NotFound.
        """
        return parse(await self._call("GET", f"/notes/{id:d}"), Note.from_json)

    async def create(self, text: str, *, tags: Iterable[str] = ()) -> Note:
        """Store a note, and return it."""
        return parse(await self._call("POST", "/notes", json={"text": text, "tags": list(tags)}), Note.from_json)

    async def delete(self, id: int) -> None:
        """Delete a note. If there is none, that is no error."""
        try:
            await self._call("DELETE", f"/notes/{id:d}")
        except NotFound:
            return

    async def find(self, *, tag: str | None = None) -> AsyncGenerator[Note, None]:
        """Yield the notes, all or those with a tag, oldest first. They come page by page, when they are needed."""
        after: str | None = None
        while True:
            response = await self._call("GET", "/notes", params={"tag": tag, "after": after})
            notes, after = parse(response, read_page)
            for note in notes:
                yield note
            if after is None:
                return

    async def _call(self, method: str, path: str, **options: Any) -> HttpResponse:
        """Send a request, and return the response, whose status is below 400."""
        assert self._http is not None
        try:
            response = await self._http.request(method, self._url + path, plugins=self._plugins, **options)
            return response.raise_for_status()
        except HttpRequestException as error:
            status = error.response.status_code if error.response is not None else None
            raise ERRORS.get(status or 0, NotesError)(f"{method} {path}: {error}", status) from error


def read_page(value: Any) -> tuple[list[Note], str | None]:
    """Return the notes of a page, and where the next one begins; None = it is the last."""
    after = value.get("next")
    return [Note.from_json(each) for each in value["notes"]], None if after is None else str(after)


def parse(response: HttpResponse, read: Callable[[Any], T]) -> T:
    """Return what `read` makes of the JSON of a response.

    Raises: NotesError, if it is something else than this SDK expects.
    """
    try:
        return read(response.json())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotesError(f"an unexpected answer of the service: {error!r}", response.status_code) from error
