"""Replace secrets in exchanges before they are written to a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from ..credential_fields import CREDENTIAL_FIELDS

REDACTED = "REDACTED"
# Parameters, form fields and members whose values give access, in lower case. `state`, `nonce`, `code_challenge` and
# `client_id` are not among them: they are good for one authorization only, or public.
NAMES = frozenset({
    # tokens, secrets and grants: RFC 6749, 7009 and 7662 (`token`), 7521 (`assertion`), 7591, 7636, 8628, 8693
    "access_token", "refresh_token", "token", "client_secret", "code", "code_verifier", "device_code", "user_code",
    "assertion", "client_assertion", "subject_token", "actor_token", "registration_access_token",
    # OpenID Connect, its logout, and its backchannel (CIBA)
    "id_token", "id_token_hint", "logout_token", "login_hint_token", "auth_req_id",
    # OAuth 1 (RFC 5849); nonce and timestamp only because they differ each time, and requests are compared
    "oauth_token", "oauth_token_secret", "oauth_signature", "oauth_verifier", "oauth_nonce", "oauth_timestamp",
    # SAML, whose response can serve as an `assertion` (RFC 7522), and sign-in forms
    "samlresponse", "password",
})  # fmt: skip
# Many services number their errors by this name in JSON; a secret is a string.
_NEVER_NUMBERS = frozenset({"code"})
_MAX_DEPTH = 4  # of URLs within the query of URLs
Pairs = list[tuple[str, str]]
_LINK = re.compile(r"<([^>]*)>").sub
_REFRESH = re.compile(r"(?i)(;\s*url\s*=\s*[\"']?)([^\"']*)").sub
_IS_URL = re.compile(r"(?i)[a-z][a-z0-9+.-]*://").match
_IS_FORM = re.compile(rb"[^\s<>{}=&]+=[^\s<>{}]*\s*").fullmatch
_USERINFO = re.compile(r"//[^/?#@]*@").sub
_BOUNDARY = re.compile(r"(?i)^multipart/.*;\s*boundary=(?:\"([^\"]*)\"|([^\s;\"]*))").search
_PART_NAME = re.compile(rb"(?i)content-disposition:[^\r\n]*;\s*name=\"([^\"\r\n]*)\"").search


class Redaction:
    """Replaces the secret values of fields, parameters, form fields and JSON members by `REDACTED`.

    names: names of secrets in addition to `NAMES`, ignoring case. keep: names in `NAMES` that are no secrets here.
    """

    def __init__(self, names: Iterable[str] = (), keep: Iterable[str] = ()) -> None:
        for argument, given in (("redact", names), ("keep", keep)):
            if isinstance(given, str):
                raise TypeError(f"{argument}= takes a list of names, not one string")
        self._given = {name.lower() for name in names}
        self._names = NAMES - {name.lower() for name in keep} | self._given
        self._fields = set(CREDENTIAL_FIELDS | self._names)
        alternatives = "|".join(re.escape(json.dumps(name)[1:-1]) for name in sorted(self._names))
        self._members = re.compile(rf'(?i)("(?:{alternatives})"\s*:\s*)"(?:[^"\\]|\\.)*(?:"|$)'.encode()).sub

    def add_fields(self, names: Iterable[str]) -> None:
        """Treat the values of these fields as secrets, too: those that a client and its plugins declare."""
        self._fields.update(name.lower() for name in names)

    def url(self, url: str, depth: int = _MAX_DEPTH) -> str:
        """Return a URL without its userinfo and the secret values in its query and fragment."""
        rest, hash_mark, fragment = url.partition("#")
        place, mark, query = rest.partition("?")
        place = _USERINFO(f"//{REDACTED}@", place, 1)
        return f"{place}{mark}{self._form(query, depth)}{hash_mark}{self._form(fragment, depth)}"

    def fields(self, fields: Iterable[tuple[str, str]]) -> Pairs:
        """Return fields without secret values. Set-Cookie keeps its name and attributes, so that a jar still stores it."""
        found = []
        for name, value in fields:
            low = name.lower()
            if low == "set-cookie":
                pair, mark, attributes = value.partition(";")
                value = f"{pair.partition('=')[0]}={REDACTED}{mark}{attributes}"
            elif low in self._fields:
                value = REDACTED
            elif low == "link":
                value = _LINK(lambda match: f"<{self.url(match[1])}>", value)
            elif low == "refresh":
                value = _REFRESH(lambda match: match[1] + self.url(match[2]), value)
            elif low in ("location", "referer", "content-location") or _IS_URL(value):
                value = self.url(value)
            found.append((name, value))
        return found

    def body(self, body: bytes, content_type: str) -> bytes:
        """Return a body without the secret values of a form, of multipart or of JSON; any other body as it is.

        A body that looks like a form or like JSON is treated as such: many servers send OAuth tokens as text/plain or
        text/html.
        """
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return self._multipart(body, multipart_boundary(content_type))
        if kind == "application/x-www-form-urlencoded" or _IS_FORM(body):
            return self._form(body.decode("latin-1")).encode("latin-1")
        if "json" in kind or kind == "text/event-stream" or body.lstrip()[:1] in (b"{", b"["):
            try:
                value = json.loads(body)
                cleaned = self._json(value)
            except (ValueError, RecursionError):  # cut off, or several JSON texts in sequence
                return self._members(rb'\1"REDACTED"', body)
            if cleaned != value:
                return json.dumps(cleaned).encode()
            return self._members(
                rb'\1"REDACTED"', body
            )  # of two members with the same name, json.loads kept only the last
        return body

    def _form(self, text: str, depth: int = _MAX_DEPTH) -> str:
        return "&".join(self._pair(part, depth) for part in text.split("&"))

    def _pair(self, part: str, depth: int) -> str:
        name, mark, value = part.partition("=")
        if mark and unquote_plus(name).lower() in self._names:
            return f"{name}={quote(REDACTED)}"
        if depth and (plain := unquote_plus(value)) and _IS_URL(plain):
            cleaned = self.url(plain, depth - 1)
            if cleaned != plain:
                return f"{name}={quote_plus(cleaned)}"
        return part

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

    def _json(self, value: Any, name: str = "", *, is_secret: bool = False) -> Any:
        """Return a JSON value without secrets.

        name: of the member that has this value, in lower case. is_secret: everything within the value is a secret.
        """
        if isinstance(value, dict):
            return {
                key: self._json(member, key.lower(), is_secret=is_secret or key.lower() in self._given)
                for key, member in value.items()
            }
        if isinstance(value, list):
            return [self._json(each, name, is_secret=is_secret) for each in value]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_secret or name in self._names:
            is_replaced = isinstance(value, str) or (is_number and (is_secret or name not in _NEVER_NUMBERS))
            return REDACTED if is_replaced else value
        return self.url(value) if isinstance(value, str) and _IS_URL(value) else value


def multipart_boundary(content_type: str) -> bytes:
    """Return the boundary of a multipart body; b"" if its Content-Type names none."""
    found = _BOUNDARY(content_type)
    return (found[1] or found[2] or "").encode("latin-1", "replace") if found else b""
