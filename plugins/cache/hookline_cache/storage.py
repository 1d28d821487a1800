"""What a cache needs of a storage. A storage of another distribution implements these two classes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol

from hookline import HooklineError

from .stored_response import StoredResponse


class StorageError(HooklineError):
    """A storage failed: it cannot be read or written. The cache logs it, and goes on without the storage.

    Example::

        from hookline_cache import MemoryStorage, StorageError

        try:
            found = MemoryStorage().find("http://127.0.0.1:8000/")
        except StorageError:
            found = []
        print(found)
    """


class BodyReader(Protocol):
    """The body of one stored response, which stays readable even if the response is removed meanwhile.

    Example: docs/caching.md#storages
    """

    def read(self, start: int, end: int) -> bytes | AsyncIterator[bytes]:
        """Return the bytes from `start` to `end`, which is not included; an iterator closes the reader at its end."""

    def close(self) -> None:
        """Free what the reader holds. May be called twice."""


class BodyWriter(Protocol):
    """Takes the body of a response that arrives.

    Example: docs/caching.md#storages
    """

    def write(self, data: bytes) -> bool:
        """Take the next bytes. Returns False if the body cannot be stored: then there are no further calls.

        It is called while the body is read, and must not wait.
        """

    def discard(self) -> None:
        """Forget the body: it did not come to its end, or is not wanted."""


class Storage(Protocol):
    """Where a cache keeps responses. What may take time returns an awaitable; what is at hand is returned at once.

    All methods raise StorageError if the storage cannot be used.

    Example: docs/caching.md#storages
    """

    def find(self, key: str) -> list[StoredResponse] | Awaitable[list[StoredResponse]]:
        """Return the stored responses for a URL, one for each variant."""

    def open(self, stored: StoredResponse) -> BodyReader | Awaitable[BodyReader | None] | None:
        """Return a reader of the body; None if it is not there any more."""

    def write(self, size: int | None) -> BodyWriter | None:
        """Return a writer for a body; None if one of this size is not stored. size: in bytes, None = unknown."""

    def add(self, stored: StoredResponse, body: Any) -> Awaitable[bool] | bool:
        """Store a response whose body is complete, in place of the one with the same key and variant. It is the storage's now.

        body: what `write` returned, and has taken all of the body.

        Returns False if it was not stored, for lack of space.
        """

    def renew(self, stored: StoredResponse) -> Awaitable[None] | None:
        """Replace the head and the times of a response; its body stays. If it is not there any more, nothing happens."""

    def remove(self, key: str) -> Awaitable[None] | None:
        """Remove all responses for a URL."""

    def close(self) -> Awaitable[None] | None:
        """Close what is open. The next use opens it again."""
