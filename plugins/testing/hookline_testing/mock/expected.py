"""What a mocked route expects of a request, and how a request differs from it."""

from __future__ import annotations

import difflib
import json
import pprint
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ..secrets import CREDENTIALS
from ..server.seen import SeenRequest
from .pattern import UrlPattern

ANYTHING: Any = object()  # no expectation; None is a JSON value
SHOWN = 2000  # characters of a difference; more is cut


@dataclass(frozen=True)
class Expected:
    """Method and URL, and those of the others that are given: each must fit.

    params: pairs that the query must hold, among others. headers: fields that must be there with this value; None = must
    not be there. content, json, form: the whole body.
    """

    method: str
    url: UrlPattern
    params: Mapping[str, str | Sequence[str]] | None = None
    headers: Mapping[str, str | None] | None = None
    content: bytes | None = None
    json: Any = ANYTHING
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url}"

    def differences(self, request: SeenRequest) -> list[str]:
        """How a request differs, a text for each part that does; [] when it fits."""
        found = []
        if self.method not in ("*", request.method):
            found.append(f"method: expected {self.method}, got {request.method}")
        if not self.url.fits(request.url):
            found.append(f"url: expected {self.url}\n     got      {request.url}")
        found += self._of_params(request)
        found += self._of_headers(request)
        found += self._of_body(request)
        return [text if len(text) <= SHOWN else f"{text[:SHOWN]}..." for text in found]

    def _of_params(self, request: SeenRequest) -> list[str]:
        pairs = parse_qsl(request.query, keep_blank_values=True)
        found = []
        for name, wanted in (self.params or {}).items():
            values = [value for key, value in pairs if key == name]
            expected = [wanted] if isinstance(wanted, str) else [str(each) for each in wanted]
            if values != expected:
                found.append(f"parameter {name!r}: expected {shown(expected)}, got {shown(values)}")
        return found

    def _of_headers(self, request: SeenRequest) -> list[str]:
        found = []
        for name, wanted in (self.headers or {}).items():
            value = request.header(name)
            if value == wanted:
                continue
            if name.lower() in CREDENTIALS and value is not None and wanted is not None:
                found.append(f"field {name}: its value differs (a credential, not shown)")
            elif name.lower() in CREDENTIALS:
                found.append(
                    f"field {name}: expected {'none' if wanted is None else 'one'}, got {'none' if value is None else 'one'}"
                )
            else:
                found.append(f"field {name}: expected {wanted or 'none'}, got {value or 'none'}")
        return found

    def _of_body(self, request: SeenRequest) -> list[str]:
        if self.content is not None and request.body != self.content:
            return [f"body: expected {cut(self.content)}, got {cut(request.body)}"]
        if self.form is not None:
            pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
            wanted = list(self.form.items() if isinstance(self.form, Mapping) else self.form)
            if sorted(pairs) != sorted(wanted):
                return ["form:\n" + lines_that_differ(sorted(wanted), sorted(pairs))]
        if self.json is not ANYTHING:
            try:
                got = json.loads(request.body)
            except ValueError:
                return [f"json: expected {cut(json.dumps(self.json).encode())}, got {cut(request.body)}, which is none"]
            if got != self.json:
                return ["json:\n" + lines_that_differ(self.json, got)]
        return []


def shown(values: Sequence[str]) -> str:
    """The values of one parameter."""
    return "none" if not values else repr(values[0]) if len(values) == 1 else repr(list(values))


def cut(data: bytes) -> str:
    """Bytes for a message."""
    return repr(data) if len(data) <= 200 else f"{data[:200]!r}... ({len(data)} bytes)"


def lines_that_differ(expected: Any, got: Any) -> str:
    """Two values line by line: - was expected, + came."""
    before, after = (pprint.pformat(value, width=80).splitlines() for value in (expected, got))
    return "\n".join(f"  {line}" for line in difflib.ndiff(before, after) if not line.startswith("?"))
