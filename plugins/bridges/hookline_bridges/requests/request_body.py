"""The body of a prepared request: bytes, or an iterable that the thread of the caller reads while it is sent."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from urllib3.exceptions import UnrewindableBodyError
from urllib3.util.request import rewind_body, set_file_position

BLOCK = 262_144  # bytes that are read of a file at once: each block is one hand-over from the thread of the caller


class RequestBody:
    """The body of one request, for all of its attempts.

    content: bytes; None = no body, or one that is read while it is sent.
    """

    def __init__(self, body: Any) -> None:
        self.content: bytes | None = None
        self._source: Any = None
        self._position: Any = None
        self._was_begun = False
        if isinstance(body, (bytes, str)):
            self.content = body.encode() if isinstance(body, str) else body
        elif isinstance(body, (bytearray, memoryview)):
            self.content = bytes(body)
        elif body is not None:
            self._source = body
            self._position = set_file_position(body, None)

    def for_attempt(self) -> bytes | Iterator[bytes] | None:
        """Return what is sent: bytes, an iterator that is to be read in the thread of the caller, or None."""
        return self.content if self._source is None else self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        """Read the file or the iterable.

        Raises: TypeError, for an object that is neither; what the object raises.
        """
        self._was_begun = True
        if hasattr(self._source, "read"):
            encodes = isinstance(self._source, io.TextIOBase)
            while block := self._source.read(BLOCK):
                yield block.encode() if encodes else block
            return
        for piece in self._source:
            if piece:
                yield piece.encode() if isinstance(piece, str) else piece

    def rewind(self) -> None:
        """Make it ready for another attempt.

        Raises: UnrewindableBodyError of urllib3, for a body that has been read and cannot be read again.
        """
        if not self._was_begun or self._source is None:
            return
        if self._position is None and hasattr(self._source, "__next__"):
            raise UnrewindableBodyError("the body is an iterator, which was read already")
        if self._position is not None:
            rewind_body(self._source, self._position)
