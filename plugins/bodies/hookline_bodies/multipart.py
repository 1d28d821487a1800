"""multipart/form-data (RFC 7578): form fields and files as the parts of one body, which is produced while it is sent."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, NamedTuple

from hookline import LocalProtocolError, Source, check_fields

from .files import as_content

CR_LF = "\r\n"
ANY_TYPE = "application/octet-stream"
MAX_JOINED = 64 * 1024  # bytes: a body up to this size whose parts are all bytes is joined to one piece

_BOUNDARY = re.compile(r"(?i);\s*boundary\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]*))").search
# RFC 2046, section 5.1.1
_IS_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]").fullmatch
_LINE_END = re.compile(r"\r\n|\r|\n")


class Part(NamedTuple):
    """One part of the body.

    head: its fields, with the empty line after them. content: bytes, or a source that is read while it is sent.
    """

    head: bytes
    content: bytes | Source


class Multipart:
    """A body of type multipart/form-data: an async iterable of chunks, the parts with the boundaries between them.

    length: in bytes, None if that of a part is unknown. is_repeatable: all parts can be read again.
    """

    __slots__ = ("_boundary", "_parts", "is_repeatable", "length")

    def __init__(self, parts: Iterable[Part], boundary: str) -> None:
        self._parts = list(parts)
        self._boundary = boundary.encode("ascii")
        self.is_repeatable = all(part.content.is_repeatable for part in self._parts if isinstance(part.content, Source))
        self.length = self._length()

    def _length(self) -> int | None:
        """Add up the length of the parts and boundaries; None if that of a part is unknown."""
        total = len(self._boundary) + 6  # the last boundary: "--" before it, "--" CR LF after it
        for head, content in self._parts:
            size = content.length if isinstance(content, Source) else len(content)
            if size is None:
                return None
            total += len(self._boundary) + 4 + len(head) + size + 2
        return total

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self._chunks()

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        line = b"--" + self._boundary
        end = b""
        for head, content in self._parts:
            start = b"%b%b\r\n%b" % (end, line, head)
            end = b"\r\n"
            if not isinstance(content, Source):
                yield start
                yield content
                continue
            yield start
            size = 0
            chunks = content.chunks()
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    yield chunk
            finally:
                await chunks.aclose()
            if content.length is not None and size != content.length:
                raise LocalProtocolError(f"a part ended after {size} of its {content.length} bytes")
        yield b"%b%b--\r\n" % (end, line)

    def as_body(self) -> bytes | Source:
        """Return the body to send: joined to bytes if it is short and all parts are bytes, else a source."""
        if self.length is not None and self.length <= MAX_JOINED:
            line = b"--" + self._boundary
            joined = [
                b"%b\r\n%b%b\r\n" % (line, head, content)
                for head, content in self._parts
                if not isinstance(content, Source)
            ]
            if len(joined) == len(self._parts):
                return b"%b%b--\r\n" % (b"".join(joined), line)
        return Source(self, self.length)


def with_boundary(content_type: str | None) -> tuple[str, str]:
    """Return a multipart Content-Type with a boundary, and the boundary: that of the user, or a random one.

    content_type: as the user set it; None = multipart/form-data.

    Raises: LocalProtocolError, for an invalid boundary (RFC 2046, section 5.1.1).
    """
    match = _BOUNDARY(content_type or "")
    if match is None:
        boundary = os.urandom(16).hex()  # unpredictable, so that no content can contain it on purpose
        return f"{content_type or 'multipart/form-data'}; boundary={boundary}", boundary
    boundary = match[1] or match[2] or ""
    if not _IS_BOUNDARY(boundary):
        raise LocalProtocolError(
            "the boundary in the Content-Type is invalid; expected 1 to 70 characters of RFC 2046, section 5.1.1"
        )
    assert content_type is not None
    return content_type, boundary


def field_part(name: str, value: str) -> Part:
    """Make the part of a form field. Its value is sent unchanged; surrogates stand for bytes that are not UTF-8 (PEP 383)."""
    return Part(part_head(name, None, None, ()), encoded(value, "a value"))


def file_parts(files: Any) -> list[Part]:
    """Make the parts of `files=`: a mapping, or pairs of a name and a file as in `file_part`.

    Raises: as `file_part`.
    """
    found = []
    for item in files.items() if isinstance(files, Mapping) else files:
        if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], str):
            raise TypeError("files= takes a mapping, or pairs, of a name (str) and a file")
        found.append(file_part(*item))
    return found


def file_part(name: str, given: Any) -> Part:
    """Make the part of one file.

    given: content, (filename, content), (filename, content, type) or (filename, content, type, headers). With a filename of
    None, the part has no filename, as a form field; a type of None is guessed from the filename.

    Raises: TypeError, ValueError, OSError or LocalProtocolError, for a value that cannot be sent.
    """
    filename, content, content_type, headers = unpack_file(name, given)
    if content_type is None and filename is not None:
        content_type = guess_type(filename)
    head = part_head(name, filename, content_type, check_fields(headers))
    return Part(head, as_content(content, f"files[{name!r}]"))


def unpack_file(name: str, given: Any) -> tuple[str | None, Any, str | None, Any]:
    """Return the filename, content, type and headers of one value of `files=`; None = not given.

    Raises: TypeError.
    """
    if not isinstance(given, (tuple, list)):
        return filename_of(given) or name, given, None, None
    if not 2 <= len(given) <= 4:
        raise TypeError(
            f"files= takes content, (filename, content), (filename, content, type) or (filename, content, type, headers);"
            f" {name!r} has {len(given)} items"
        )
    filename, content, content_type, headers = (*given, None, None)[:4]
    if filename is not None and not isinstance(filename, str):
        raise TypeError(f"the filename of {name!r} must be str, got {type(filename).__name__}")
    if isinstance(content, (list, tuple, Mapping)):
        raise TypeError(f"the content of {name!r} must be bytes, str, a file, a path or a stream")
    return filename, content, content_type, headers


def filename_of(content: Any) -> str | None:
    """Return the name of a file or a path, without its directory; None if it has no name."""
    name = os.fspath(content) if isinstance(content, os.PathLike) else getattr(content, "name", None)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    # files without a path have a descriptor or a word such as <stdin> as their name
    if not isinstance(name, str) or name.startswith("<"):
        return None
    return os.path.basename(name) or None


def guess_type(filename: str) -> str:
    """Guess the media type of a file from its name; for compressed files it is application/octet-stream."""
    import mimetypes  # imported here: its first use reads files of the operating system

    # Only the suffix counts: for a name that looks like a data: URL, guess_type would return the type in that URL.
    found, coding = mimetypes.guess_type("file" + os.path.splitext(filename)[1])
    return found if found is not None and coding is None else ANY_TYPE


def part_head(
    name: str, filename: str | None, content_type: str | None, headers: Iterable[tuple[str, str | None]]
) -> bytes:
    """Write the head of a part, with the empty line. A field in `headers` replaces the default field of that name; None
    removes it.

    Raises: LocalProtocolError.
    """
    lines = {"content-disposition": f"Content-Disposition: {content_disposition(name, filename)}\r\n"}
    if content_type is not None:
        headers = [*check_fields([("Content-Type", content_type)]), *headers]
    for field, value in headers:
        lines[field.lower()] = "" if value is None else f"{field}: {value}\r\n"
    return encoded("".join(lines.values()) + "\r\n", "the head of a part")


def content_disposition(name: str, filename: str | None) -> str:
    """Write the value of Content-Disposition as browsers do (WHATWG HTML, "multipart/form-data encoding algorithm").

    It is UTF-8; only quotes and line ends are percent-encoded. In a name, all line ends become CR LF before that.
    """
    found = f'form-data; name="{escaped(_LINE_END.sub(CR_LF, name))}"'
    return found if filename is None else f'{found}; filename="{escaped(filename)}"'


def escaped(text: str) -> str:
    """Percent-encode quotes and line ends.

    Raises: LocalProtocolError, for NUL, at which some programs end a text.
    """
    if "\0" in text:
        raise LocalProtocolError("a name or filename of multipart/form-data has a NUL")
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def encoded(text: str, what: str) -> bytes:
    """Encode text as UTF-8; surrogates that stand for bytes (PEP 383) become these bytes. what: the text, for messages.

    Raises: LocalProtocolError, for other surrogates.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise LocalProtocolError(f"{what} has a lone surrogate, which UTF-8 cannot carry") from None
