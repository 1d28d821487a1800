"""The body of a response on a terminal: formatted and in colour."""

from __future__ import annotations

import codecs

from hookline import HttpResponse

from .body import RawWriter
from .formatting import highlight, indent, kind_of
from .printer import Printer, printable_lines

MAX_FORMATTED = (
    4 * 1024 * 1024
)  # bytes of a body that waits for its end to be formatted; a longer one is shown as it comes


def is_binary(data: bytes, kind: str) -> bool:
    """Say whether a body that begins with these bytes is no text. kind: "" = its media type does not tell."""
    if b"\0" in data:
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)  # a character may be cut at the end
    except UnicodeDecodeError:
        return not kind
    return False


class ShownWriter:
    """Show a body on a terminal: formatted and in colour, or line by line if it is a stream, or a note if it is binary.

    has_format, has_colour: indent JSON and XML? use colour? is_stream: show each line when it comes?
    """

    def __init__(
        self, printer: Printer, response: HttpResponse, *, has_format: bool, has_colour: bool, is_stream: bool
    ) -> None:
        kind = kind_of(response.headers.get("content-type", ""))
        self._printer = printer
        self._media = response.headers.get("content-type", "unknown type")
        self._is_stream = is_stream or kind in ("events", "lines")
        self._kind = "json" if kind == "lines" else kind
        self._has_format, self._has_colour = has_format, has_colour
        encoding = response.encoding or "utf-8"
        try:
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        except LookupError:  # a codec that cannot decode in parts
            self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = ""  # text that waits for the end of its line, or of the body
        self._size = 0
        self._is_binary = False
        self._ends_line = True

    @property
    def _waits_for_end(self) -> bool:
        return not self._is_stream and self._kind not in ("", "text", "events")

    def write(self, data: bytes) -> None:
        """Show a part, or keep it until more of it is here."""
        if not self._size:
            self._is_binary = is_binary(data, self._kind)
        self._size += len(data)
        if self._is_binary:
            return
        self._waiting += self._decoder.decode(data)
        if self._waits_for_end:
            if len(self._waiting) < MAX_FORMATTED:
                return
            self._kind = "text"  # too long to wait for its end
        if self._is_stream:
            *lines, self._waiting = self._waiting.split("\n")
            for line in lines:
                self._show(self._line(line) + "\n")
        else:
            text, self._waiting = self._waiting, ""
            self._show(printable_lines(text))

    def finish(self) -> None:
        """Show what is left, a line end, and a note instead of a binary body."""
        if self._is_binary:
            self._printer.line(
                f"[{self._size} bytes of binary data, {self._media.partition(';')[0]}; -o FILE keeps them, -o - prints them]"
            )
            return
        text = self._waiting + self._decoder.decode(b"", True)
        if text and self._is_stream:
            self._show(self._line(text))
        elif text:
            text = indent(text, self._kind) if self._has_format else text
            self._show(self._coloured(printable_lines(text), self._kind))
        if not self._ends_line:
            self._show("\n")

    def _line(self, line: str) -> str:
        """Return one line of a stream, with colour."""
        line = printable_lines(line)
        if self._kind == "events" and self._has_colour:
            name, colon, value = line.partition(":")
            kind = "json" if value.lstrip()[:1] in ("{", "[") else ""
            return self._printer.style(self._printer.out, "name", name) + colon + self._coloured(value, kind)
        return self._coloured(line, self._kind)

    def _coloured(self, text: str, kind: str) -> str:
        return highlight(text, kind) if self._has_colour else text

    def _show(self, text: str) -> None:
        """Write text, in the encoding of the stream."""
        encoding = self._printer.out.encoding or "utf-8"
        RawWriter(self._printer).write(text.encode(encoding, "backslashreplace"))
        self._ends_line = text.endswith("\n") if text else self._ends_line
