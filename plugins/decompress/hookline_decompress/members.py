"""Undo one coding in bounded steps, whatever the coding is: its data is one member, or several in a row.

A member is a stream with its own beginning and end: a gzip member (RFC 1952, section 2.2), a Zstandard frame, or all of a zlib,
deflate or Brotli stream. What a body has behind its last member is an error, and so is an end within one. NULs behind a
gzip member are padding, as for gzip itself: writers fill up blocks with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from hookline import DecodingError

# The first input is taken whole up to one read of a connection, so that a body of one read takes one call. Behind the first
# member pieces are smaller: zlib copies what it did not use, and a body of empty members would make it do so at every one.
FIRST_PIECE = 64 * 1024
NEXT_PIECE = 8 * 1024
_PADDING = re.compile(rb"\0*").match


class Member(Protocol):
    """A decompressor for one member.

    has_ended: was its end seen? holds_output: may it give more without input? takes_input: may it be given input now?
    unused: how many bytes at the end of all its input it did not take; more than the last piece only where it has ended.
    """

    has_ended: bool
    holds_output: bool
    takes_input: bool
    unused: int

    def decode(self, data: bytes, limit: int) -> bytes:
        """At most `limit` bytes. Raises: DecodingError."""


class Decoding:
    """A decoder in the sense of `hookline.Decoder`. several: may members follow each other? padded: and NULs?"""

    __slots__ = ("_at", "_begin", "_coding", "_input", "_member", "_padded", "_piece", "_several")

    def __init__(
        self, coding: str, begin: Callable[[], Member], *, several: bool = False, padded: bool = False
    ) -> None:
        self._coding = coding
        self._begin = begin
        self._several = several
        self._padded = padded
        self._member: Member | None = None
        self._input = b""
        self._at = 0
        self._piece = FIRST_PIECE

    @property
    def has_pending(self) -> bool:
        """Is there input that no member has taken, or output that one holds?"""
        return self._at < len(self._input) or (self._member is not None and self._member.holds_output)

    def decode(self, data: bytes, limit: int) -> bytes:
        """Take data in, and give at most `limit` bytes; b"" only when there is no more without input.

        Raises: DecodingError, for corrupt data, and for data behind the end.
        """
        if data:
            self._input = self._input + data if self._input else data
        while self.has_pending and not self._ends_in_padding():
            member = self._open_member()
            piece = self._next_piece() if member.takes_input else b""
            decoded = member.decode(piece, limit)
            taken = len(piece) - member.unused  # below 0 when the member gives back what it had taken before
            self._at += taken
            if self._at == len(self._input) and not member.holds_output:
                self._input = b""
                self._at = 0
            if decoded:
                return decoded
            if not taken and member.holds_output:
                raise DecodingError(f"the decoder of {self._coding} stands still")  # rather than spin
        return b""

    def finish(self) -> None:
        """The body is over; one of no bytes at all is fine, as for a server that codes nothing at all.

        Raises: DecodingError, when the member is not.
        """
        if self._member is not None and not self._member.has_ended:
            raise DecodingError(f"the {self._coding} body ends too early")

    def _ends_in_padding(self) -> bool:
        """Skip NULs behind a member; is nothing left then?"""
        member = self._member
        if not self._padded or member is None or not member.has_ended or member.holds_output:
            return False
        padding = _PADDING(self._input, self._at)
        self._at = padding.end() if padding else self._at
        if self._at < len(self._input):
            return False
        self._input = b""
        self._at = 0
        return True

    def _open_member(self) -> Member:
        member = self._member
        if member is None:
            member = self._member = self._begin()
        elif member.has_ended and not member.holds_output:
            if not self._several:
                raise DecodingError(f"{len(self._input) - self._at} bytes behind the end of the {self._coding} body")
            self._piece = NEXT_PIECE
            member = self._member = self._begin()
        return member

    def _next_piece(self) -> bytes:
        if not self._at and len(self._input) <= self._piece:
            return self._input
        return self._input[self._at : self._at + self._piece]
