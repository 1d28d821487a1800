"""Secrets are taken out before anything is written to a file."""

from __future__ import annotations

import json
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


class Redaction:
    """Which names of parameters, form fields and JSON members have secret values, beside `NAMES`; in any case."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        if isinstance(names, str):
            raise TypeError("redact= takes a list of names, not one string")
        self._names = {name.lower() for name in names} | NAMES

    def url(self, url: str) -> str:
        """A URL with the values of such parameters replaced, in its query and its fragment."""
        rest, hash_mark, fragment = url.partition("#")
        place, mark, query = rest.partition("?")
        return f"{place}{mark}{self._form(query)}{hash_mark}{self._form(fragment)}"

    def fields(self, fields: Iterable[tuple[str, str]]) -> Pairs:
        """The fields of a head. Of Set-Cookie, the name and the attributes stay: a jar can still keep it."""
        found = []
        for name, value in fields:
            low = name.lower()
            if low == "set-cookie":
                pair, mark, attributes = value.partition(";")
                value = f"{pair.partition('=')[0]}={REDACTED}{mark}{attributes}"
            elif low in CREDENTIALS or low in self._names:
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

    def _json(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: REDACTED if name.lower() in self._names and isinstance(member, str) else self._json(member)
                for name, member in value.items()
            }
        return [self._json(each) for each in value] if isinstance(value, list) else value
