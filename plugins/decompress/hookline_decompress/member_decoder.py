"""Decode a body of any coding in steps of limited size. The body is one member, or several in a row.

A member is a stream with its own beginning and end: a gzip member (RFC 1952, section 2.2), a Zstandard frame, or a whole zlib,
deflate or Brotli stream. Data after the last member is an error, and so is an end of the body within a member. NULs after a
gzip member are padding, as for the program gzip: writers fill up blocks with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from hookline import DecodingError

# The pieces of the first member are as large as the limit of the output, so that a whole body takes one call, but not smaller
# than one read of a connection. After it pieces are smaller: zlib copies the input that it did not use, and in a body of empty
# members that happens at each of them. (A piece that reaches the limit again and again is copied as often as its output.)
FIRST_PIECE = 64 * 1024
NEXT_PIECE = 8 * 1024
_PADDING = re.compile(rb"\0*").match


class Member(Protocol):
    """A decompressor for one member.

    has_ended: it has met the end of the member. holds_output: it may return more without input. takes_input: it may be
    given input now. unused: how many bytes at the end of its input it did not use; these are more than the last piece only
    if it has ended.
    """

    has_ended: bool
    holds_output: bool
    takes_input: bool
    unused: int

    def decode(self, data: bytes, limit: int) -> bytes:
        """Decode data, which is b"" to get more without input; return at most `limit` bytes. Raises: DecodingError."""


class MemberDecoder:
    """A decoder as `hookline.Decoder` describes it, for bodies of one coding.

    coding: its name, for messages. begin: makes the decompressor of the next member. has_several: members may follow each
    other. is_padded: NULs may follow them.
    """

    __slots__ = ("_at", "_begin", "_coding", "_has_several", "_input", "_is_first", "_is_padded", "_member")

    def __init__(
        self, coding: str, begin: Callable[[], Member], *, has_several: bool = False, is_padded: bool = False
    ) -> None:
        self._coding = coding
        self._begin = begin
        self._has_several = has_several
        self._is_padded = is_padded
        self._member: Member | None = None
        self._input = b""
        self._at = 0
        self._is_first = True

    @property
    def has_pending(self) -> bool:
        """Say whether there is input that no member has used, or output that a member holds."""
        return self._at < len(self._input) or (self._member is not None and self._member.holds_output)

    def decode(self, data: bytes, limit: int) -> bytes:
        """Add data to the input, and return at most `limit` bytes; b"" only if there are no more without more input.

        Raises: DecodingError, for corrupt data, and for data after the end.
        """
        if data:
            self._input = self._input + data if self._input else data
        while self.has_pending and not self._ends_in_padding():
            member = self._open_member()
            piece = self._next_piece(limit) if member.takes_input else b""
            decoded = member.decode(piece, limit)
            taken = len(piece) - member.unused  # below 0 if the member did not use part of an earlier piece
            self._at += taken
            if self._at == len(self._input) and not member.holds_output:
                self._input = b""
                self._at = 0
            if decoded:
                return decoded
            if not taken and member.holds_output:
                raise DecodingError(f"the {self._coding} decoder makes no progress")  # instead of an endless loop
        return b""

    def finish(self) -> None:
        """Check that the body may end here. A body without a byte is valid: some servers send that for an empty one.

        Raises: DecodingError, if a member has not ended.
        """
        if self._member is not None and not self._member.has_ended:
            raise DecodingError(f"the {self._coding} body ends too early")

    def _ends_in_padding(self) -> bool:
        """Skip the NULs after a member; say whether they were all that was left of the input."""
        member = self._member
        if not self._is_padded or member is None or not member.has_ended or member.holds_output:
            return False
        padding = _PADDING(self._input, self._at)
        self._at = padding.end() if padding else self._at
        if self._at < len(self._input):
            return False
        self._input = b""
        self._at = 0
        return True

    def _open_member(self) -> Member:
        """Return the member that the next input belongs to.

        Raises: DecodingError, if the only member has ended.
        """
        member = self._member
        if member is None:
            member = self._member = self._begin()
        elif member.has_ended and not member.holds_output:
            if not self._has_several:
                raise DecodingError(f"{len(self._input) - self._at} bytes after the end of the {self._coding} body")
            self._is_first = False
            member = self._member = self._begin()
        return member

    def _next_piece(self, limit: int) -> bytes:
        size = max(limit, FIRST_PIECE) if self._is_first else NEXT_PIECE
        if not self._at and len(self._input) <= size:
            return self._input
        return self._input[self._at : self._at + size]
