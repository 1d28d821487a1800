"""What a token endpoint answered: a token, or why there is none (RFC 6749, sections 5.1 and 5.2)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hookline import HttpResponse

from .errors import TokenRefused
from .signature import pairs_of
from .token import as_token
from .token_request import words_of


def token_in(response: HttpResponse, now: float, secrets: Iterable[str | None]) -> dict[str, Any]:
    """The token of an answer. now: when it came, in seconds since 1970. secrets: what no message may show.

    Raises: TokenRefused.
    """
    fields = fields_in(response, secrets)
    try:
        token = as_token(fields, now)
    except ValueError as problem:
        raise refused(response, f"its answer is no token: {problem}") from None
    assert token is not None
    return token


def fields_in(response: HttpResponse, secrets: Iterable[str | None]) -> dict[str, Any]:
    """The members of an answer; a form is taken too, as some old servers send it.

    Raises: TokenRefused, for an error, or what is neither.
    """
    secrets = tuple(secrets)
    try:
        fields = json.loads(response.content)
    except (ValueError, RecursionError):
        fields = dict(pairs_of(response.content.decode("utf-8", "replace").strip())) if is_form(response) else None
    if isinstance(fields, dict) and fields.get("error"):
        error = words_of(fields["error"], secrets)
        description = words_of(fields.get("error_description") or "", secrets)
        said = f"{error}: {description}" if description else error
        raise refused(response, said, error=error, description=description)
    if not response.ok:
        raise refused(response, "and its answer does not say why")
    if not isinstance(fields, dict):
        raise refused(response, "its answer is no JSON object")
    return fields


def is_form(response: HttpResponse) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "text/plain", "text/html")


def refused(response: HttpResponse, why: str, error: str = "", description: str = "") -> TokenRefused:
    """The error for an answer."""
    status = f"{response.status_code} {words_of(response.reason, ())}".strip()
    return TokenRefused(
        f"{response.request!r} gave no token: {status}: {why}", error=error, description=description, response=response
    )
