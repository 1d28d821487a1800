"""What a body is made of: raw parts, the decoders that plugins put behind them, and the text in it."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Protocol
from urllib.parse import parse_qsl

from ..errors import BodyTooLarge
from .charset import codec_of

STEP = 256 * 1024  # how much a decoder may give at a time

_CHARSET = re.compile(r"""(?i);\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))""").search


class Decoder(Protocol):
    """A filter over the body, bounded: it never gives more than it was asked for."""

    @property
    def has_pending(self) -> bool:
        """Can more be had without more input?"""

    def decode(self, data: bytes, limit: int) -> bytes:
        """Take data in, and give at most `limit` bytes. With `has_pending`, call again with b"".

        Raises: DecodingError.
        """

    def finish(self) -> None:
        """The body is over.

        Raises: DecodingError, when it was cut.
        """


class Content:
    """The decoded body of one response, as far as somebody asks for it. Without decoders it is the parts as they came.

    limit: the most bytes that it may have, 0 = any.
    """

    __slots__ = ("_decoders", "_finished", "_given", "limit", "parts")

    def __init__(self, limit: int = 0) -> None:
        self.parts: list[bytes] = []
        self.limit = limit
        self._decoders: list[Decoder] = []
        self._given = 0
        self._finished = False

    def add_decoder(self, decoder: Decoder) -> None:
        """Put a filter behind those that are there: the first one added gets the raw body."""
        self._decoders.append(decoder)

    @property
    def has_pending(self) -> bool:
        return bool(self.parts) or any(decoder.has_pending for decoder in self._decoders)

    def take(self, *, is_complete: bool, bounded: bool) -> bytes:
        """Give what can be given now: all of it, or with `bounded` at most one step of it.

        Raises: DecodingError, BodyTooLarge.
        """
        if not self._decoders:
            return self._raw()
        given: list[bytes] = []
        last = len(self._decoders) - 1
        while piece := self._pull(last):
            given.append(piece)
            self._given += len(piece)
            if self.limit and self._given > self.limit:
                raise BodyTooLarge(f"the decoded body has more than max_body={self.limit} bytes")
            if bounded:
                break
        if is_complete and not self.has_pending and not self._finished:
            self._finished = True
            for decoder in self._decoders:
                decoder.finish()
        return given[0] if len(given) == 1 else b"".join(given)

    def _pull(self, index: int) -> bytes:
        """The next output of one decoder, from what it holds or from the one before it; b"" when there is none now."""
        decoder = self._decoders[index]
        while True:
            if decoder.has_pending:
                piece = decoder.decode(b"", STEP)
            else:
                data = self._pull(index - 1) if index else self._raw()
                if not data:
                    return b""
                piece = decoder.decode(data, STEP)
            if piece:
                return piece

    def _raw(self) -> bytes:
        parts, self.parts = self.parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Text(str):
    """A str that can be called: `response.text` and `response.text()` are the same."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


def charset_of(content_type: str | None) -> str | None:
    """The codec that the charset parameter of a Content-Type means; None when there is none, or none that is known."""
    match = _CHARSET(content_type or "")
    return None if match is None else codec_of(match[1] or match[2] or "")


def json_text(content: bytes, charset: str | None) -> str | bytes:
    """JSON without its byte order mark, which parsers may refuse (RFC 8259, section 8.1); bytes where they know better.

    Raises: UnicodeDecodeError.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]  # it is UTF-8 then, whatever the charset says
    return content if charset is None else content.decode(charset).removeprefix("\ufeff")


def decoded(content: bytes, content_type: str, charset: str | None) -> Any:
    """A body as its media type says: JSON as an object, a form as a list of pairs, text as str, anything else as bytes.

    charset: None = UTF-8; JSON may be UTF-16 and UTF-32 as well.

    Raises: ValueError (UnicodeDecodeError is one).
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in ("application/json", "text/json") or media_type.endswith("+json"):
        return json.loads(json_text(content, charset))
    if media_type == "application/x-www-form-urlencoded":
        charset = charset or "utf-8"
        return parse_qsl(content.decode(charset), keep_blank_values=True, encoding=charset, errors="strict")
    if media_type.startswith("text/"):
        return Text(content.decode(charset or "utf-8"))
    return content


def check_decoder(decoder: Any) -> None:
    """Raises: TypeError, for what is no Decoder."""
    for name in ("decode", "finish", "has_pending"):
        if not hasattr(decoder, name):
            raise TypeError(
                f"add_decoder takes an object with decode, finish and has_pending; {type(decoder).__name__} lacks {name}"
            )
