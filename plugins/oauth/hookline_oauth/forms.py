"""Forms and queries (application/x-www-form-urlencoded), percent-encoded as OAuth wants it (RFC 5849, section 3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, quote

Pairs = Iterable[tuple[str, str]]

FORM = "application/x-www-form-urlencoded"


def percent_encode(text: str) -> str:
    """Percent-encode all but the unreserved characters. Surrogates stand for bytes that are not UTF-8."""
    return quote(text, safe="~", errors="surrogateescape")


def parse_form(form: str) -> list[tuple[str, str]]:
    """Return names and values of a query or a form, in their order, repeated names too."""
    return parse_qsl(form, keep_blank_values=True, errors="surrogateescape")


def append_to_form(form: str, parameters: Pairs) -> str:
    """Return a query or a form with parameters after what it has (RFC 5849, sections 3.5.2 and 3.5.3)."""
    more = "&".join(f"{percent_encode(name)}={percent_encode(value)}" for name, value in parameters)
    return f"{form}&{more}" if form else more
