"""A message that comes in several pieces, put together; how large it may get."""

from __future__ import annotations

from typing import Any

_PIECES = 256  # that are joined at once: pieces of one byte must not cost fifty


class TooBig(Exception):
    """The message has more bytes than it may have."""


class Assembly:
    """See the module. limit: bytes of a whole message, text counted in UTF-8; 0 = any."""

    __slots__ = ("_joined", "_limit", "_pieces", "_size", "is_empty", "safe")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Characters of text that fit whatever they are: up to four bytes each. Bytes are counted as they are.
        self.safe = limit // 4 if limit else 1 << 62
        self._pieces: list[Any] = []
        self._joined: list[Any] = []
        self._size = 0
        self.is_empty = True

    def check(self, piece: str | bytes) -> None:
        """Count a piece.

        Raises: TooBig.
        """
        if type(piece) is str and not piece.isascii():
            self._size += len(piece.encode())
        else:
            self._size += len(piece)
        if self._limit and self._size > self._limit:
            raise TooBig

    def add(self, piece: str | bytes) -> None:
        """Keep a piece.

        Raises: TooBig.
        """
        self.check(piece)
        self.is_empty = False
        if piece or not self._pieces:
            self._pieces.append(piece)
            if len(self._pieces) == _PIECES:
                self._joined.append(self._pieces[0][:0].join(self._pieces))
                self._pieces = [piece[:0]]

    def take(self) -> Any:
        """The whole message; then there is none."""
        message = self._pieces[0][:0].join([*self._joined, *self._pieces])
        self._pieces, self._joined = [], []
        self.reset()
        return message

    def reset(self) -> None:
        """Begin to count anew."""
        self._size = 0
        self.is_empty = True
