"""The head of a response: its status line and its fields as text."""

from __future__ import annotations

from typing import Any, NamedTuple


class StatusLine(NamedTuple):
    """The first line of a response (RFC 9112, section 4).

    status: the status code. reason: the reason phrase as sent, "" for none. minor: 1 for HTTP/1.1, 0 for HTTP/1.0.
    other_version: the version of another protocol, such as "HTTP/2"; "" = HTTP/1.
    """

    status: int
    reason: str
    minor: int
    other_version: str = ""

    @property
    def version(self) -> str:
        """The version of the protocol, such as "HTTP/1.1"."""
        return self.other_version or f"HTTP/1.{self.minor}"


class ResponseHead:
    """A parsed head. One that comes again on a connection is the same object.

    raw: the head with its empty line, as it came, or as a `LenientHead` has rewritten it.
    low: `raw` in lower case.
    line: the status line. status: its code.
    keep_alive: True if the connection may persist, as far as the head tells.
    length: of the body in bytes, by Content-Length; -1 without one.
    cached_table, cached_hooks: for the exchange: what it has computed from this head, and for which dispatch table.
    """

    __slots__ = ("cached_hooks", "cached_table", "keep_alive", "length", "line", "low", "raw", "status")

    def __init__(self, raw: bytes, line: StatusLine, low: bytes, keep_alive: bool = False, length: int = -1) -> None:
        self.raw = raw
        self.line = line
        self.status = line.status
        self.low = low
        self.keep_alive = keep_alive
        self.length = length
        self.cached_table: object = None
        self.cached_hooks: Any = None

    def __reduce__(self) -> tuple[type[ResponseHead], tuple[bytes, StatusLine, bytes, bool, int]]:
        """Copy and pickle it without what an exchange has computed from it."""
        return ResponseHead, (self.raw, self.line, self.low, self.keep_alive, self.length)
