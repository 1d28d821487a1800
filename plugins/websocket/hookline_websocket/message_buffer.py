"""Join the pieces of a message, and limit its size."""

from __future__ import annotations

from typing import Any

_MAX_PIECES = 256  # are joined at once: a piece of one byte is an object of fifty


class MessageTooBig(Exception):
    """The message has more bytes than the limit allows."""


class MessageBuffer:
    """The pieces of one message that have come so far, all str or all bytes.

    limit: bytes of a whole message, text counted in UTF-8; 0 = no limit.
    safe_length: a piece of at most this length (characters or bytes) is within the limit, whatever it contains.
    """

    __slots__ = ("_joined", "_limit", "_pieces", "_size", "is_empty", "safe_length")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.safe_length = limit // 4 if limit else 1 << 62  # a character has at most four bytes in UTF-8
        self._pieces: list[Any] = []
        self._joined: list[Any] = []
        self._size = 0
        self.is_empty = True

    def count(self, piece: str | bytes) -> None:
        """Add the size of a piece to that of the message.

        Raises: MessageTooBig.
        """
        if type(piece) is str and not piece.isascii():
            self._size += len(piece.encode())
        else:
            self._size += len(piece)
        if self._limit and self._size > self._limit:
            raise MessageTooBig

    def add(self, piece: str | bytes) -> None:
        """Append a piece.

        Raises: MessageTooBig.
        """
        self.count(piece)
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
        self.reset()
        return message

    def reset(self) -> None:
        """Begin to count the next message."""
        self._size = 0
        self.is_empty = True
