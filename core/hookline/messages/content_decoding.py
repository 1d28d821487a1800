"""Decoding the content of a response: the decoders of its content codings, then its text or JSON, then its media type."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from ..errors import BodyTooLarge
from .charset import codec_of

T = TypeVar("T")

STEP = 256 * 1024  # bytes: the most that a decoder may return at a time
# The same for the last decoder of a body that is decoded whole: what it returns is kept in any case, and pieces that are to be
# joined cost more. In one step, 1 MiB takes 0.7 to 0.9 of the time (see docs/fast-path.md).
STEP_OF_WHOLE = 16 * 1024 * 1024

_CHARSET = re.compile(r"""(?i);\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))""").search


class Decoder(Protocol):
    """What `response.add_decoder` accepts: an object that decodes one content coding, in bounded steps.

    `decode` never returns more bytes than its `limit`, so that a small body cannot fill the memory.

    It may also have a method `abandon()`, without arguments: called once in place of `finish`, if the body is not decoded to its
    end, because it was cut, closed, given up for a follow-up, or is not in this coding. For what must be freed, or told.

    Example::

        from hookline import Decoder


        class Upper:
            has_pending = False

            def decode(self, data: bytes, limit: int) -> bytes:
                return data.upper()

            def finish(self) -> None: ...


        decoder: Decoder = Upper()  # `response.add_decoder(decoder)` in on_headers
        print(decoder.has_pending, decoder.decode(b"text", 1000), decoder.finish())
    """

    @property
    def has_pending(self) -> bool:
        """Is there output that needs no more input?"""

    def decode(self, data: bytes, limit: int) -> bytes:
        """Add input, and return at most `limit` bytes of output. While `has_pending`, b"" as data returns more.

        Raises: DecodingError, if the data is not in this coding.
        """

    def finish(self) -> None:
        """Check that the body was complete. Called once, after its last byte.

        Raises: DecodingError, if it was cut.
        """


class ContentFilter:
    """The chain of decoders of one response. It decodes only when its output is read.

    parts: pieces of the raw body that are not decoded yet.
    limit: the most bytes that the decoded body may have, from the option `max_body`; 0 = no limit.
    runs_always: True if the body is decoded even if nobody reads it.
    """

    __slots__ = ("_decoders", "_is_finished", "_output_size", "limit", "parts", "runs_always")

    def __init__(self, limit: int = 0) -> None:
        self.parts: list[bytes] = []
        self.limit = limit
        self._decoders: list[Decoder] = []
        self._output_size = 0
        self._is_finished = False
        self.runs_always = False

    def add_decoder(self, decoder: Decoder, *, first: bool = False) -> None:
        """Append a decoder, or put it first: the first one gets the raw body, each later one the output of the one before it."""
        self._decoders.insert(0 if first else len(self._decoders), decoder)

    @property
    def has_pending(self) -> bool:
        """Is there output that needs no more of the raw body?"""
        return bool(self.parts) or any(decoder.has_pending for decoder in self._decoders)

    def decode_available(self, *, is_complete: bool, bounded: bool) -> bytes:
        """Decode the parts that are here, and return the output.

        is_complete: no more parts will come. bounded: return at most `STEP` bytes and leave the rest pending.

        Raises: DecodingError, BodyTooLarge.
        """
        try:
            return self._decode_available(is_complete=is_complete, bounded=bounded)
        except BaseException:
            self.abandon()
            raise

    def _decode_available(self, *, is_complete: bool, bounded: bool) -> bytes:
        output: list[bytes] = []
        last = len(self._decoders) - 1
        step = STEP if bounded else STEP_OF_WHOLE
        while piece := self._pull(last, min(step, self.limit - self._output_size + 1) if self.limit else step):
            output.append(piece)
            self._output_size += len(piece)
            if self.limit and self._output_size > self.limit:
                raise BodyTooLarge(f"the decoded body has more than max_body={self.limit} bytes")
            if bounded:
                break
        if is_complete and not self.has_pending and not self._is_finished:
            self._is_finished = True
            for decoder in self._decoders:
                decoder.finish()
        return output[0] if len(output) == 1 else b"".join(output)

    def abandon(self) -> None:
        """Tell the decoders that the rest of the body will not come; not those that have finished."""
        if self._is_finished:
            return
        self._is_finished = True
        for decoder in self._decoders:
            abandon = getattr(decoder, "abandon", None)
            if abandon is None:
                continue
            try:
                abandon()
            except Exception:  # a plugin's: the exchange ends for another reason
                logging.getLogger("hookline").exception("abandon() of %s failed", type(decoder).__name__)

    def _pull(self, index: int, step: int) -> bytes:
        """Return the next output of one decoder, which gets its input from the one before it; b"" if there is none now.

        step: the most bytes of it.
        """
        decoder = self._decoders[index]
        while True:
            if decoder.has_pending:
                piece = decoder.decode(b"", step)
            else:
                if index:
                    data = self._pull(index - 1, STEP)
                else:
                    parts, self.parts = self.parts, []
                    data = parts[0] if len(parts) == 1 else b"".join(parts)
                if not data:
                    return b""
                piece = decoder.decode(data, step)
            if piece:
                return piece


class Text(str):
    """A str that can be called: `response.text` and `response.text()` are the same."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


def charset_of(content_type: str | None) -> str | None:
    """Return the codec for the charset parameter of a Content-Type; None if there is none, or if it is unknown."""
    match = _CHARSET(content_type or "")
    return None if match is None else codec_of(match[1] or match[2] or "")


def json_text(content: bytes, charset: str | None) -> str | bytes:
    """Return JSON without its byte order mark, which parsers may refuse (RFC 8259, section 8.1).

    charset: a codec, None = unknown. Without a charset the bytes are returned, since JSON parsers detect their encoding.


    Raises: UnicodeDecodeError.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]  # it is UTF-8 then, whatever the charset says
    return content if charset is None else content.decode(charset).removeprefix("\ufeff")


def decoder_of(content_type: str, decoders: Mapping[str, T]) -> T | None:
    """Return the decoder for a Content-Type: that of its media type, else of its suffix, else of all its subtypes; None = none.

    decoders: by media type, suffix (`+json`) or all subtypes of a type (`text/*`).
    """
    media_type = content_type.partition(";")[0].strip().lower()
    main, _, subtype = media_type.partition("/")
    for name in (media_type, f"+{subtype.rpartition('+')[2]}", f"{main}/*"):
        if name in decoders:
            return decoders[name]
    return None


def check_decoder(decoder: Any) -> None:
    """Check that an object has the members of `Decoder`.

    Raises: TypeError.
    """
    if hasattr(decoder, "decode") and hasattr(decoder, "finish") and hasattr(decoder, "has_pending"):
        return
    for name in ("decode", "finish", "has_pending"):
        if not hasattr(decoder, name):
            raise TypeError(
                f"add_decoder takes an object with decode, finish and has_pending; {type(decoder).__name__} has no {name}"
            )
