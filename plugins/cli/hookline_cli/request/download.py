"""Downloads: the name of the file, how a broken one goes on, and its checksum.

The body is written to `NAME.part`, which becomes NAME when it is complete. Beside it, `NAME.part.validator` keeps the ETag or
Last-Modified of the response: a download goes on only if the server still has the same content (If-Range, RFC 9110, section
13.1.5).
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from hookline import HttpResponse

from ..running import OutputRefused, UsageError, refusal

# filename*=UTF-8''a%20b.txt and filename="a b.txt" (RFC 6266, section 4.1)
_EXTENDED = re.compile(r"filename\*\s*=\s*([\w!#$&+^`{}~-]+)'[^']*'([^\s;]+)", re.IGNORECASE)
_PLAIN = re.compile(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))', re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')
MAX_NAME = 200  # characters, so that the name and its endings fit into a folder
EXTENSIONS = {"text/html": ".html", "application/json": ".json", "text/plain": ".txt", "application/xml": ".xml"}


def name_of(response: HttpResponse) -> str:
    """Return the name for the file: that of Content-Disposition, else the end of the URL, else `index` and an extension.

    It never leads to another folder or to a hidden file.
    """
    found = safe_name(name_in_disposition(response.headers.get("content-disposition", "")))
    media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return found or name_of_url(response.url, EXTENSIONS.get(media, ""))


def name_of_url(url: str, extension: str = "") -> str:
    """Return the name for the file by its URL alone. extension: of the name `index`, if the URL has none."""
    return safe_name(unquote(urlsplit(url).path).rpartition("/")[2]) or f"index{extension}"


def safe_name(name: str) -> str:
    """Return a name that leads to no other folder and to no hidden file; "" if nothing of it is left."""
    return _UNSAFE.sub("_", name).lstrip(". ").rstrip(". ")[:MAX_NAME]


def name_in_disposition(value: str) -> str:
    """Return the name in a Content-Disposition, without folders; "" if it has none."""
    extended = _EXTENDED.search(value)
    if extended is not None:
        try:
            return re.split(r"[/\\]", unquote(extended[2], extended[1], "replace"))[-1]
        except LookupError:
            pass  # an unknown charset; the plain name may be there too
    plain = _PLAIN.search(value)
    if plain is None:
        return ""
    name = re.sub(r"\\(.)", r"\1", plain[1]) if plain[1] is not None else plain[2]
    return re.split(r"[/\\]", name)[-1]


def free_path(name: str) -> Path:
    """Return a path in the working folder that does not exist: `name`, else `name-1.ext` and so on."""
    path = Path(name)
    number = 0
    while path.exists():
        number += 1
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
    return path


class Checksum:
    """A checksum that the file must have, given as `sha256:HEX`.

    Raises: UsageError.
    """

    def __init__(self, text: str) -> None:
        name, _, expected = text.partition(":")
        if name not in hashlib.algorithms_guaranteed or name.startswith("shake") or not expected:
            raise UsageError(f"--checksum takes NAME:HEX such as sha256:9f86d0…, got {text!r}")
        self._name = name
        self._expected = expected.strip().lower()

    def check(self, path: Path) -> None:
        """Compare a file with the checksum.

        Raises: OutputRefused.
        """
        with path.open("rb") as file:
            found = hashlib.file_digest(file, self._name).hexdigest()
        if found != self._expected:
            raise OutputRefused(f"{path} has the {self._name} {found}, not {self._expected}; the file is kept")


class Partial:
    """The part of a download that is here already.

    path: of the finished file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f"{path.name}.part")
        self._note = path.with_name(f"{path.name}.part.validator")

    def request_fields(self) -> list[tuple[str, str]]:
        """Return the fields that ask for the rest; none if nothing is here, or it has no validator."""
        try:
            size, validator = self._part.stat().st_size, self._note.read_text(encoding="latin-1")
        except OSError:
            return []
        return [("Range", f"bytes={size}-"), ("If-Range", validator)] if size and validator else []

    def open(self, response: HttpResponse) -> tuple[BinaryIO, int]:
        """Open the file, and return it with the bytes that it has already. A response with the whole body begins anew.

        Raises: OutputRefused.
        """
        kept = 0
        if response.status_code == 206:
            begin = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
            kept = self._part.stat().st_size if self._part.exists() else 0
            if begin is None or int(begin[1]) != kept:
                raise OutputRefused(
                    f"the server sent another part than was asked for; remove {self._part} and try again"
                )
        with refusal(f"cannot write {self._part}"):
            file = self._part.open("ab" if kept else "wb")
            validator = validator_of(response)
            if validator:
                self._note.write_text(validator, encoding="latin-1")
            else:
                self._note.unlink(missing_ok=True)
        return file, kept

    def finish(self) -> None:
        """Give the file its name.

        Raises: OutputRefused.
        """
        with refusal(f"cannot write {self.path}"):
            os.replace(self._part, self.path)
            self._note.unlink(missing_ok=True)


def validator_of(response: HttpResponse) -> str:
    """Return what If-Range can compare: a strong ETag, else Last-Modified, else ""."""
    etag = response.headers.get("etag", "")
    if etag and not etag.startswith("W/"):
        return str(etag)
    return str(response.headers.get("last-modified", ""))
