"""multipart/form-data (RFC 7578): fields and files as the parts of one body, which is produced while it is sent."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import LocalProtocolError
from . import fields
from .request_body import Source, as_content

CR_LF = "\r\n"
ANY_TYPE = "application/octet-stream"
TOGETHER = 64 * 1024  # a body that is here already, and no longer, is joined

_BOUNDARY = re.compile(r"(?i);\s*boundary\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]*))").search
# RFC 2046, section 5.1.1
_IS_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]").fullmatch
_LINE_END = re.compile(r"\r\n|\r|\n")


class Part(NamedTuple):
    """One part: its head, with the empty line, and its content."""

    head: bytes
    content: bytes | Source


class Multipart:
    """The parts with the boundaries between them, as an async iterable of chunks.

    length: in bytes, None when that of a part is unknown. is_repeatable: can all of its parts be read again?
    """

    __slots__ = ("_boundary", "_parts", "is_repeatable", "length")

    def __init__(self, parts: Iterable[Part], boundary: str) -> None:
        self._parts = list(parts)
        self._boundary = boundary.encode("ascii")
        self.is_repeatable = all(part.content.is_repeatable for part in self._parts if isinstance(part.content, Source))
        self.length = self._length()

    def _length(self) -> int | None:
        total = len(self._boundary) + 6  # the last line
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
        """All of it at once where it is short and here already."""
        if self.length is not None and self.length <= TOGETHER:
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
    """A Content-Type of multipart that names its boundary, and the boundary: the one that it has, or a random one.

    Raises: LocalProtocolError, for one that no boundary can be (RFC 2046, section 5.1.1).
    """
    match = _BOUNDARY(content_type or "")
    if match is None:
        boundary = os.urandom(16).hex()  # not to be foreseen, so that no content can hold it on purpose
        return f"{content_type or 'multipart/form-data'}; boundary={boundary}", boundary
    boundary = match[1] or match[2] or ""
    if not _IS_BOUNDARY(boundary):
        raise LocalProtocolError(
            "the boundary in the Content-Type is none: 1 to 70 characters (RFC 2046, section 5.1.1)"
        )
    assert content_type is not None
    return content_type, boundary


def field_part(name: str, value: str) -> Part:
    """A field of a form. Its value goes out as it is; surrogates stand for bytes that were no UTF-8."""
    return Part(part_head(name, None, None, ()), encoded(value, "a value"))


def file_parts(files: Any) -> list[Part]:
    """The files of a form: a mapping, or pairs of a name and what `file_part` takes.

    Raises: see `file_part`.
    """
    found = []
    for item in files.items() if isinstance(files, Mapping) else files:
        if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], str):
            raise TypeError("files= takes a mapping, or pairs, of a name (str) and a file")
        found.append(file_part(*item))
    return found


def file_part(name: str, given: Any) -> Part:
    """A file of a form.

    given: content, (filename, content), (filename, content, type) or (filename, content, type, headers). A filename of None
    makes it a field without one; a type of None is guessed from the filename.

    Raises: TypeError, ValueError, OSError, LocalProtocolError: for what cannot be sent.
    """
    filename, content, content_type, headers = taken_apart(name, given)
    if content_type is None and filename is not None:
        content_type = guessed_type(filename)
    head = part_head(name, filename, content_type, fields.checked(headers))
    return Part(head, as_content(content, f"files[{name!r}]"))


def taken_apart(name: str, given: Any) -> tuple[str | None, Any, str | None, fields.HeadersLike]:
    """Filename, content, type and headers.

    Raises: TypeError.
    """
    if not isinstance(given, (tuple, list)):
        return filename_of(given) or name, given, None, None
    if not 2 <= len(given) <= 4:
        raise TypeError(
            f"files= takes content, (filename, content), (filename, content, type) or (filename, content, type, headers);"
            f" {name!r} has {len(given)} members"
        )
    filename, content, content_type, headers = (*given, None, None)[:4]
    if filename is not None and not isinstance(filename, str):
        raise TypeError(f"the filename of {name!r} must be str, got {type(filename).__name__}")
    if isinstance(content, (list, tuple, Mapping)):
        raise TypeError(f"the content of {name!r} must be bytes, str, a file, a path or a stream")
    return filename, content, content_type, headers


def filename_of(content: Any) -> str | None:
    """The name of a file or a path, without its directory."""
    name = os.fspath(content) if isinstance(content, os.PathLike) else getattr(content, "name", None)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if not isinstance(name, str) or name.startswith(
        "<"
    ):  # a descriptor has a number for a name, standard input <stdin>
        return None
    return os.path.basename(name) or None


def guessed_type(filename: str) -> str:
    """The media type of a file by its name; one that is compressed is octets."""
    import mimetypes  # reads files of the system at its first use

    # the suffix alone: of a whole name that looks like a data: URL, what it says itself would be taken
    found, coding = mimetypes.guess_type("file" + os.path.splitext(filename)[1])
    return found if found is not None and coding is None else ANY_TYPE


def part_head(
    name: str, filename: str | None, content_type: str | None, headers: Iterable[tuple[str, str | None]]
) -> bytes:
    """The fields of a part, with the empty line. A field in `headers` goes before our own of that name.

    Raises: LocalProtocolError.
    """
    lines = {"content-disposition": f"Content-Disposition: {disposition(name, filename)}\r\n"}
    if content_type is not None:
        lines["content-type"] = f"Content-Type: {fields.check_value('Content-Type', content_type)}\r\n"
    for field, value in headers:
        lines[field.lower()] = "" if value is None else f"{field}: {value}\r\n"
    return encoded("".join(lines.values()) + "\r\n", "the head of a part")


def disposition(name: str, filename: str | None) -> str:
    """The value of Content-Disposition, written as browsers do it (WHATWG HTML, "multipart/form-data encoding algorithm"):
    UTF-8, the quote and line ends percent-encoded, and nothing else. The line ends of a name are CR LF first.
    """
    found = f'form-data; name="{escaped(_LINE_END.sub(CR_LF, name))}"'
    return found if filename is None else f'{found}; filename="{escaped(filename)}"'


def escaped(text: str) -> str:
    """Raises: LocalProtocolError, for NUL, which ends a text in some languages."""
    if "\0" in text:
        raise LocalProtocolError("a name or filename of multipart/form-data has a NUL")
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def encoded(text: str, what: str) -> bytes:
    """Text in UTF-8; surrogates that stand for single bytes become those again.

    Raises: LocalProtocolError, for other surrogates.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise LocalProtocolError(f"{what} has a lone surrogate, which UTF-8 cannot carry") from None
