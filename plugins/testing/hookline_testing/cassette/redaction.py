"""Secrets are taken out before anything is written to a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote_plus

from ..secrets import CREDENTIALS

REDACTED = "REDACTED"
# Of OAuth (RFC 6749, OpenID Connect), and of sign-in forms.
NAMES = frozenset(
    {"access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "password", "code_verifier"}
)
Pairs = list[tuple[str, str]]
_USERINFO = re.compile(r"//[^/?#@]*@").sub
_BOUNDARY = re.compile(r"(?i)^multipart/.*;\s*boundary=(?:\"([^\"]*)\"|([^\s;\"]*))").search
_PART_NAME = re.compile(rb"(?i)content-disposition:[^\r\n]*;\s*name=\"([^\"\r\n]*)\"").search


class Redaction:
    """Which names of parameters, form fields and JSON members have secret values, beside `NAMES`; in any case."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        if isinstance(names, str):
            raise TypeError("redact= takes a list of names, not one string")
        self._given = {name.lower() for name in names}
        self._names = self._given | NAMES
        self._fields = set(CREDENTIALS | self._names)

    def add_fields(self, names: Iterable[str]) -> None:
        """Take the values of these fields for secrets, too: what a client and its plugins say of theirs."""
        self._fields.update(name.lower() for name in names)

    def url(self, url: str) -> str:
        """A URL with userinfo, and the values of such parameters in its query and its fragment, replaced."""
        rest, hash_mark, fragment = url.partition("#")
        place, mark, query = rest.partition("?")
        place = _USERINFO(f"//{REDACTED}@", place, 1)
        return f"{place}{mark}{self._form(query)}{hash_mark}{self._form(fragment)}"

    def fields(self, fields: Iterable[tuple[str, str]]) -> Pairs:
        """The fields of a head. Of Set-Cookie, the name and the attributes stay: a jar can still keep it."""
        found = []
        for name, value in fields:
            low = name.lower()
            if low == "set-cookie":
                pair, mark, attributes = value.partition(";")
                value = f"{pair.partition('=')[0]}={REDACTED}{mark}{attributes}"
            elif low in self._fields:
                value = REDACTED
            elif low in ("location", "referer", "content-location", "link"):
                value = self.url(value)
            found.append((name, value))
        return found

    def body(self, body: bytes, content_type: str) -> bytes:
        """A form, or a JSON text, with the values of such members replaced; anything else as it is."""
        kind = content_type.partition(";")[0].strip().lower()
        try:
            if kind == "application/x-www-form-urlencoded":
                return self._form(body.decode("ascii")).encode()
            if kind == "multipart/form-data":
                return self._multipart(body, boundary_of(content_type))
            if kind == "application/json" or kind.endswith("+json"):
                value = json.loads(body)
                cleaned = self._json(value)
                return body if cleaned == value else json.dumps(cleaned).encode()
        except ValueError:
            pass  # not what it says it is
        return body

    def _form(self, text: str) -> str:
        parts = []
        for part in text.split("&"):
            name, mark, _ = part.partition("=")
            parts.append(f"{name}={quote(REDACTED)}" if mark and unquote_plus(name).lower() in self._names else part)
        return "&".join(parts)

    def _multipart(self, body: bytes, boundary: bytes) -> bytes:
        if not boundary:
            return body
        before, *parts = body.split(b"--" + boundary)
        return (b"--" + boundary).join([before, *map(self._part, parts)])

    def _part(self, part: bytes) -> bytes:
        head, mark, _ = part.partition(b"\r\n\r\n")
        name = _PART_NAME(head)
        if not mark or name is None or name[1].decode("utf-8", "replace").lower() not in self._names:
            return part
        return head + mark + REDACTED.encode() + b"\r\n"

    def _json(self, value: Any, *, is_secret: bool = False, goes_deep: bool = False) -> Any:
        """is_secret: numbers and strings here are; goes_deep: and those of the members below, too."""
        if isinstance(value, dict):
            return {
                name: self._json(
                    member,
                    is_secret=goes_deep or name.lower() in self._names,
                    goes_deep=goes_deep or name.lower() in self._given,
                )
                for name, member in value.items()
            }
        if isinstance(value, list):
            return [self._json(each, is_secret=is_secret, goes_deep=goes_deep) for each in value]
        return REDACTED if is_secret and isinstance(value, (str, int, float)) and not isinstance(value, bool) else value


def boundary_of(content_type: str) -> bytes:
    """The boundary of a multipart body; b"" where its Content-Type names none."""
    found = _BOUNDARY(content_type)
    return (found[1] or found[2] or "").encode("latin-1", "replace") if found else b""
