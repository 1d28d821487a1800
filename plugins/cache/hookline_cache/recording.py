"""Recording a body while it is read: a decoder that changes nothing, and gives the bytes to the storage."""

from __future__ import annotations

from collections.abc import Callable

from .storage import BodyWriter


class Recording:
    """A decoder for `response.add_decoder`.

    writer: takes the body. None = the storage does not take it, or no longer.
    is_complete: True once the last byte has arrived.
    """

    has_pending = False

    def __init__(self, writer: BodyWriter, give_up: Callable[[], None]) -> None:
        """give_up: called if the storage does not take the body, because it is too large."""
        self.writer: BodyWriter | None = writer
        self.is_complete = False
        self.size = 0
        self._give_up = give_up

    def decode(self, data: bytes, limit: int) -> bytes:
        if data and self.writer is not None:
            self.size += len(data)
            if not self.writer.write(data):
                self.abandon()
                self._give_up()
        return data

    def finish(self) -> None:
        self.is_complete = True

    def abandon(self) -> None:
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.discard()
