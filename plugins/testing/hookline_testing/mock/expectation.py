"""What a mocked route expects of a request, and how a request differs from it."""

from __future__ import annotations

import difflib
import json
import pprint
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ..credential_fields import CREDENTIAL_FIELDS
from ..server.seen_request import SeenRequest
from .url_pattern import UrlPattern

ANYTHING: Any = object()  # not given; None is a JSON value
MAX_SHOWN = 2000  # characters of a difference


@dataclass(frozen=True)
class Expectation:
    """The method and the URL of a request, and more if it is given. All of it must match.

    method: `*` = any. params: pairs that the query must contain; it may contain others. headers: the values of fields; None =
    the field must be missing. content, json, form: the whole body.
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
        """Return the differences of a request, one text for each part that differs; [] if it matches."""
        found = []
        if self.method not in ("*", request.method):
            found.append(f"method: expected {self.method}, got {request.method}")
        if not self.url.matches(request.url):
            found.append(f"url: expected {self.url}\n     got      {request.url}")
        found += self._params_differences(request)
        found += self._header_differences(request)
        found += self._body_differences(request)
        return [text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..." for text in found]

    def _params_differences(self, request: SeenRequest) -> list[str]:
        pairs = parse_qsl(request.query, keep_blank_values=True)
        found = []
        for name, wanted in (self.params or {}).items():
            values = [value for key, value in pairs if key == name]
            expected = [wanted] if isinstance(wanted, str) else [str(each) for each in wanted]
            if values != expected:
                found.append(f"parameter {name!r}: expected {shown(expected)}, got {shown(values)}")
        return found

    def _header_differences(self, request: SeenRequest) -> list[str]:
        found = []
        for name, wanted in (self.headers or {}).items():
            value = request.header(name)
            if value == wanted:
                continue
            if name.lower() in CREDENTIAL_FIELDS and value is not None and wanted is not None:
                found.append(f"field {name}: its value differs (a credential, not shown)")
            elif name.lower() in CREDENTIAL_FIELDS:
                found.append(
                    f"field {name}: expected {'none' if wanted is None else 'one'}, got {'none' if value is None else 'one'}"
                )
            else:
                found.append(f"field {name}: expected {wanted or 'none'}, got {value or 'none'}")
        return found

    def _body_differences(self, request: SeenRequest) -> list[str]:
        if self.content is not None and request.body != self.content:
            return [f"body: expected {shortened(self.content)}, got {shortened(request.body)}"]
        if self.form is not None:
            pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
            wanted = list(self.form.items() if isinstance(self.form, Mapping) else self.form)
            if sorted(pairs) != sorted(wanted):
                return ["form:\n" + diff(sorted(wanted), sorted(pairs))]
        if self.json is not ANYTHING:
            try:
                got = json.loads(request.body)
            except ValueError:
                wanted_json = shortened(json.dumps(self.json).encode())
                return [f"json: expected {wanted_json}, got {shortened(request.body)}, which is not JSON"]
            if got != self.json:
                return ["json:\n" + diff(self.json, got)]
        return []


def shown(values: Sequence[str]) -> str:
    """Return the values of one parameter for a message."""
    return "none" if not values else repr(values[0]) if len(values) == 1 else repr(list(values))


def shortened(data: bytes) -> str:
    """Return bytes for a message, cut to 200."""
    return repr(data) if len(data) <= 200 else f"{data[:200]!r}... ({len(data)} bytes)"


def diff(expected: Any, got: Any) -> str:
    """Return the lines in which two values differ: `-` was expected, `+` came."""
    before, after = (pprint.pformat(value, width=80).splitlines() for value in (expected, got))
    return "\n".join(f"  {line}" for line in difflib.ndiff(before, after) if not line.startswith("?"))
