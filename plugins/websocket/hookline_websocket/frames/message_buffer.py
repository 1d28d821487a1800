"""Join the pieces of a message."""

from __future__ import annotations

from typing import Any

_MAX_PIECES = 256  # are joined at once: a piece of one byte is an object of fifty


class MessageBuffer:
    """The pieces of one message that have come so far, all str or all bytes."""

    __slots__ = ("_joined", "_pieces", "is_empty")

    def __init__(self) -> None:
        self._pieces: list[Any] = []
        self._joined: list[Any] = []
        self.is_empty = True

    def append(self, piece: str | bytes) -> None:
        self.is_empty = False
        if piece or not self._pieces:
            self._pieces.append(piece)
            if len(self._pieces) == _MAX_PIECES:
                self._joined.append(self._pieces[0][:0].join(self._pieces))
                self._pieces = [piece[:0]]

    def take(self) -> Any:
        """Return the whole message, and empty the buffer."""
        message = self._pieces[0][:0].join([*self._joined, *self._pieces])
        self._pieces, self._joined = [], []
        self.is_empty = True
        return message
