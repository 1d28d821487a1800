"""A body as lines of text, while it is received."""

from __future__ import annotations

import codecs
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any, NoReturn

from hookline import BodyTooLarge, check_charset

MAX_LINE = 16 * 1024 * 1024  # characters: of one line, which is kept in memory


class LineSplitter:
    r"""A splitter of bytes into lines of text, wherever the bytes are cut.

    A line ends with \n, \r\n or \r, as in Python's text files and in event streams; not at the other characters at which
    str.splitlines splits, because JSON text may contain some of them. Lines are returned without their ends. The last line
    need not have one. A \r ends its line at once, because the peer may wait for us before it sends more; a \n that follows
    belongs to it.

    encoding: a charset or codec. limit: the most characters that a line may have, 0 = any number.

    Raises: LookupError, for a charset that is unknown.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self._decoder = codecs.getincrementaldecoder(check_charset(encoding))()
        self._newlines = io.IncrementalNewlineDecoder(None, translate=True)
        self._is_behind_cr = False
        self._limit = limit
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, data: bytes, *, is_last: bool = False) -> list[str]:
        """Return the lines that end within this data; with is_last=True also the rest, which has no end.

        Raises: UnicodeDecodeError; BodyTooLarge, for a line of more than `limit` characters.
        """
        text = self._decoder.decode(data, is_last)
        if text:
            if self._is_behind_cr:
                text = text.removeprefix("\n")
            self._is_behind_cr = text.endswith("\r")
        first, *others = self._newlines.decode(text, final=True).split("\n")
        self._keep(first)
        lines = []
        for piece in others:
            lines.append("".join(self._pieces))
            self._pieces, self._size = [], 0
            self._keep(piece)
        if is_last and self._size:
            lines.append("".join(self._pieces))
        return lines

    def _keep(self, piece: str) -> None:
        """Keep a piece of the line whose end has not arrived."""
        self._size += len(piece)
        if self._limit and self._size > self._limit:
            raise BodyTooLarge(f"a line of the body has more than limit={self._limit} characters")
        if piece:
            self._pieces.append(piece)


def iter_lines(stream: Any, *, limit: int = MAX_LINE) -> Lines:
    r"""Return the body as lines of text, an iterable of str without line ends (\n, \r\n or \r): `response.raw.iter_lines()`.

    They are decoded strictly with `response.encoding`, or as UTF-8. limit: the most characters that one line may have, by
    default 16 Mi; 0 = any number. No more than one line is kept in memory.

    Raises: LookupError, if `response.encoding` was set to a label that is unknown. The iteration raises StreamConsumedError,
    UnicodeDecodeError, BodyTooLarge (a line of more than `limit` characters), and what reading raises.
    """
    return Lines(stream, limit)


class Lines:
    """The lines of a response's body, which can be read once: `async for` in a running loop, `for` without one.

    A line that cannot be decoded, or is too long, ends the exchange with an error.
    """

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._splitter = LineSplitter(stream.response.encoding or "utf-8", limit)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stream of lines cannot be copied or pickled: it is read once; copy the lines")

    async def __aiter__(self) -> AsyncIterator[str]:
        async for data in self._stream:
            for line in await self._split(data):
                yield line
        for line in await self._split(b"", is_last=True):
            yield line

    def __iter__(self) -> Iterator[str]:
        return self._lines_of(iter(self._stream))  # `iter` refuses it in a running loop

    def _lines_of(self, chunks: Iterator[bytes]) -> Iterator[str]:
        run = self._stream.response.request.client.run
        for data in chunks:
            yield from run(self._split(data))
        yield from run(self._split(b"", is_last=True))

    async def _split(self, data: bytes, *, is_last: bool = False) -> list[str]:
        """Split a chunk; an error ends the exchange."""
        try:
            return self._splitter.feed(data, is_last=is_last)
        except (UnicodeDecodeError, BodyTooLarge) as error:
            await self._stream.response.fail(error)
            raise
