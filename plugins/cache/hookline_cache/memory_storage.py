"""A storage in memory, for one process. It is bounded by bytes: what was not used for the longest time goes first."""

from __future__ import annotations

from collections import OrderedDict

from .stored_response import StoredResponse

MAX_VARIANTS = 16  # of one URL, so that a field that always changes cannot fill the storage


class MemoryBody:
    """A body in memory: reader of one that is stored, and writer of one that arrives."""

    __slots__ = ("_limit", "parts", "size")

    def __init__(self, limit: int = 0, body: bytes = b"") -> None:
        self._limit = limit
        self.parts = [body] if body else []
        self.size = len(body)

    def write(self, data: bytes) -> bool:
        self.size += len(data)
        if self.size > self._limit:
            self.parts.clear()
            return False
        self.parts.append(bytes(data))
        return True

    def discard(self) -> None:
        self.parts.clear()

    def read(self, start: int, end: int) -> bytes:
        body = self.whole()
        return body if start == 0 and end == len(body) else body[start:end]

    def whole(self) -> bytes:
        """Return all of it."""
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)

    def close(self) -> None:
        """Do nothing: the memory is freed with the last reference."""


class MemoryStorage:
    """Keeps responses in the memory of this process.

    max_bytes: what all of them together may take, about. max_body: the largest body that is stored, in bytes.

    Raises: ValueError, for a limit below 1, or a `max_body` above `max_bytes`.

    Example::

        from hookline import HttpClient
        from hookline_cache import Cache, MemoryStorage

        storage = MemoryStorage(max_bytes=1_000_000, max_body=100_000)
        with HttpClient(plugins=["cache"], cache=Cache(storage)) as client:
            client.get("http://127.0.0.1:8000/cached")
            print(storage.size > 0)
        storage.close()
    """

    def __init__(self, max_bytes: int = 64 * 1024 * 1024, max_body: int = 4 * 1024 * 1024) -> None:
        self._max_bytes, self._max_body = check_limits(max_bytes, max_body)
        self._size = 0
        self._by_key: dict[str, dict[str, StoredResponse]] = {}
        self._by_use: OrderedDict[tuple[str, str], StoredResponse] = OrderedDict()  # the least recently used first

    @property
    def size(self) -> int:
        """About how many bytes all responses take."""
        return self._size

    def find(self, key: str) -> list[StoredResponse]:
        found = self._by_key.get(key)
        return [] if found is None else [*found.values()]

    def open(self, stored: StoredResponse) -> MemoryBody:
        if (stored.key, stored.variant) in self._by_use:
            self._by_use.move_to_end((stored.key, stored.variant))
        return MemoryBody(0, stored.body)

    def write(self, size: int | None) -> MemoryBody | None:
        return None if size is not None and size > self._max_body else MemoryBody(self._max_body)

    def add(self, stored: StoredResponse, body: MemoryBody) -> bool:
        stored.size, stored.body = body.size, body.whole()
        key, variant, cost = stored.key, stored.variant, stored.cost
        if cost > self._max_bytes:
            return False
        if key in self._by_key:
            self._make_room_for(key, variant)
        self._by_key.setdefault(key, {})[variant] = self._by_use[key, variant] = stored
        self._size += cost
        while self._size > self._max_bytes:
            self._remove(*next(iter(self._by_use)))
        return True

    def _make_room_for(self, key: str, variant: str) -> None:
        """Remove the earlier response of this variant, and the first ones for this URL if there are too many."""
        self._remove(key, variant)
        variants = self._by_key.get(key, {})
        while len(variants) >= MAX_VARIANTS:
            self._remove(key, next(iter(variants)))

    def renew(self, stored: StoredResponse) -> None:
        known = self._by_use.get((stored.key, stored.variant))
        if known is not None and known.body is stored.body:
            self._by_key[stored.key][stored.variant] = self._by_use[stored.key, stored.variant] = stored
            self._size += stored.cost - known.cost

    def remove(self, key: str) -> None:
        for variant in list(self._by_key.get(key, ())):
            self._remove(key, variant)

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _remove(self, key: str, variant: str) -> None:
        known = self._by_use.pop((key, variant), None)
        if known is not None:
            self._size -= known.cost
            variants = self._by_key[key]
            del variants[variant]
            if not variants:
                del self._by_key[key]

    def __repr__(self) -> str:
        return f"<MemoryStorage {len(self._by_use)} responses, {self._size} bytes>"


def check_limits(max_bytes: int, max_body: int) -> tuple[int, int]:
    """Return both.

    Raises: TypeError, ValueError.
    """
    for name, value in (("max_bytes", max_bytes), ("max_body", max_body)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} takes a number of bytes, not {type(value).__name__}")
        if value < 1:
            raise ValueError(f"{name} takes 1 or more, not {value}")
    if max_body > max_bytes:
        raise ValueError(
            f"max_body={max_body} is more than max_bytes={max_bytes}, so no body of that size would be kept"
        )
    return max_bytes, max_body
