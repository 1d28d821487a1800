"""Request bodies: whole as bytes, or a source that gives chunks.

A source says how long it is (None: nobody knows), and whether it can be read again, for a follow-up.
"""

from __future__ import annotations

import inspect
import json as json_module
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from .errors import LocalProtocolError
from .url import encode_pairs, pairs

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Source:
    """A body that is produced while it is sent: any iterable, or async iterable, of bytes, str or awaitables of them."""

    __slots__ = ("_chunks", "_used", "is_repeatable", "length")

    def __init__(self, chunks: Any, length: int | None = None) -> None:
        self._chunks = chunks
        self.length = length
        is_async = hasattr(chunks, "__aiter__")
        self.is_repeatable = (
            (chunks.__aiter__() if is_async else iter(chunks)) is not chunks if not is_once(chunks) else False
        )
        self._used = False

    @property
    def can_be_sent(self) -> bool:
        return self.is_repeatable or not self._used

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body, chunk by chunk; empty ones are left out.

        Raises: TypeError, for what is no chunk; whatever the source raises.
        """
        self._used = True
        if hasattr(self._chunks, "__aiter__"):
            source = aiter(self._chunks)
            try:
                async for chunk in source:
                    if data := await as_bytes(chunk):
                        yield data
            finally:
                if inspect.isasyncgen(source):
                    await source.aclose()  # now, and not when it is collected
        else:
            for chunk in self._chunks:
                if data := await as_bytes(chunk):
                    yield data

    def __repr__(self) -> str:
        return f"<Source of {type(self._chunks).__name__}, length {self.length}>"


def is_once(chunks: Any) -> bool:
    """Is it an iterator, which can be read once only?"""
    return hasattr(chunks, "__next__") or hasattr(chunks, "__anext__")


async def as_bytes(chunk: Any) -> bytes:
    """Raises: TypeError."""
    if inspect.isawaitable(chunk):
        chunk = await chunk
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        return chunk.encode("utf-8")
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(f"a body's chunks must be bytes or str, got {type(chunk).__name__}")


def make_body(data: Any, json: Any, has_json: bool) -> tuple[bytes | Source | None, str | None]:
    """The body that a user asked for, and the Content-Type that goes with it where the user gave none.

    data: bytes and the like, str (UTF-8), a mapping or a list of pairs (a form), any other iterable (a stream).

    Raises: LocalProtocolError, for data and json together; TypeError.
    """
    if has_json:
        if data is not None:
            raise LocalProtocolError("give data= or json=, not both")
        return json_module.dumps(json, ensure_ascii=False, separators=(",", ":")).encode("utf-8"), JSON
    if data is None:
        return None, None
    if isinstance(data, bytes):
        return data, None
    if isinstance(data, str):
        return data.encode("utf-8"), None
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data), None
    if isinstance(data, Mapping) or is_form(data):
        return encode_pairs(pairs(data)).encode("ascii"), FORM
    if isinstance(data, (int, float)) or not (hasattr(data, "__iter__") or hasattr(data, "__aiter__")):
        raise TypeError(f"data= takes bytes, str, a mapping, pairs or an iterable of bytes, not {type(data).__name__}")
    return Source(data), None


def is_form(data: Any) -> bool:
    """A list or tuple of pairs; the first item decides."""
    return isinstance(data, (list, tuple)) and bool(data) and isinstance(data[0], (tuple, list)) and len(data[0]) == 2
