"""Heads that llhttp refuses although other clients accept them: rewritten, so that llhttp can check the rest.

Only deviations that cannot change where a message ends are accepted.
"""

from __future__ import annotations

import re

from ..errors import RemoteProtocolError, shown

_CONTROLS = bytes({*range(0x20), 0x7F} - {0, *b"\t\r\n"})
_MASK = bytes.maketrans(_CONTROLS, b"?" * len(_CONTROLS))

# Fields that decide where a message ends, and which message or protocol the bytes after it belong to.
FRAMING = (b"content-length", b"transfer-encoding", b"connection", b"proxy-connection", b"upgrade")
_FRAMING_LINE = rb"(?i)(?:%b)[ \t]*:" % b"|".join(FRAMING)
# What may have come of the last line of an unfinished head or trailer section: the beginning of a folded line, or of a field.
UNFINISHED_LINE = (
    rb"(?i)(?:[ \t][^\0\r]*|(?!content-length:)[!#$%&'*+\-.^_`|~0-9a-z]*(?::[^\0\r]*)?|content-length:[0-9, \t]*)\r?"
)


class LenientHead:
    """A head that is rewritten line by line, and a copy of it for llhttp.

    Lines that end in LF (RFC 9112, section 2.2) get a CR LF. A folded line (section 5.2) is joined with one SP. A
    Content-Length that is repeated with the same value (RFC 9110, section 8.6) is written once. Control characters in values
    are masked, for llhttp alone. Fields that frame the message must be neither folded nor masked. Everything else, the first
    line included, is for llhttp to check.

    raw: the rewritten head, values unmasked. masked: the copy for llhttp.
    """

    __slots__ = ("_length", "_name", "masked", "raw")

    def __init__(self, first_line: bytes) -> None:
        self.raw = bytearray(first_line.removesuffix(b"\r"))
        self.masked = self.raw.copy()
        self._name = b""  # of the field of the last line, in lower case
        self._length: bytes | None = None  # the value of Content-Length, once there is one

    def add(self, line: bytes) -> None:
        """Add the next line, without its LF; the empty line ends the head.

        Raises: RemoteProtocolError if it could change where the message ends, or is no field.
        """
        line = line.removesuffix(b"\r")
        if b"\r" in line:
            raise self._refusal("a CR within a line")
        if not line:
            self.raw += b"\r\n\r\n"
            self.masked += b"\r\n\r\n"
        elif line.startswith((b" ", b"\t")):
            self._fold(line.strip(b" \t"))
        else:
            self._add_field(line)

    def _fold(self, line: bytes) -> None:
        # Other parsers may take a blank line for the end of the head, or a folded field name for a field.
        if not self._name or self._name in FRAMING or not line or re.match(_FRAMING_LINE, line):
            raise self._refusal("a folded line where it could change the framing")
        self.raw += b" " + line
        self.masked += b" " + line.translate(_MASK)

    def _add_field(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if not colon:
            raise self._refusal("a line without a colon")
        self._name = name.lower()
        value = value.strip(b" \t")
        if self._name == b"content-length":
            lengths = {length.strip(b" \t") for length in value.split(b",")}
            if len(lengths) > 1 or self._length not in (None, *lengths):
                raise self._refusal("Content-Length with more than one value")
            if self._length is not None:
                return
            value = self._length = lengths.pop()
        self.raw += b"\r\n" + name + b": " + value
        self.masked += b"\r\n" + name + b": " + (value if self._name in FRAMING else value.translate(_MASK))

    def _refusal(self, what: str) -> RemoteProtocolError:
        first = bytes(self.raw).partition(b"\r\n")[0]  # empty for trailers
        return RemoteProtocolError(
            f"malformed fields: {what}" + (f" (the head begins {shown(first)})" if first else "")
        )
