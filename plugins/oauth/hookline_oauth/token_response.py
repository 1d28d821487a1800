"""Read the response of a token endpoint: a token, or why there is none (RFC 6749, sections 5.1 and 5.2)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hookline import HttpResponse

from .errors import TokenRefused
from .forms import parse_form
from .token import as_token
from .token_request import printable


def parse_token(response: HttpResponse, now: float, secrets: Iterable[str | None]) -> dict[str, Any]:
    """Return the token in a response.

    now: when the response came, in seconds since 1970. secrets: what no message may show.

    Raises: TokenRefused.
    """
    fields = parse_members(response, secrets)
    try:
        token = as_token(fields, now)
    except ValueError as problem:
        raise token_refused(response, f"its answer is not a token: {problem}") from None
    assert token is not None
    return token


def parse_members(response: HttpResponse, secrets: Iterable[str | None]) -> dict[str, Any]:
    """Return the members of the JSON object in a response, or the fields of a form, which some old servers send.

    secrets: what no message may show.

    Raises: TokenRefused, if the server reports an error, or the body is neither of the two.
    """
    secrets = tuple(secrets)
    try:
        fields = json.loads(response.content)
    except (ValueError, RecursionError):
        fields = dict(parse_form(response.content.decode("utf-8", "replace").strip())) if is_form(response) else None
    if isinstance(fields, dict) and fields.get("error"):
        error = printable(fields["error"], secrets)
        description = printable(fields.get("error_description") or "", secrets)
        reason = f"{error}: {description}" if description else error
        raise token_refused(response, reason, error=error, description=description)
    if not response.ok:
        raise token_refused(response, "and its answer does not say why")
    if not isinstance(fields, dict):
        raise token_refused(response, "its answer is not a JSON object")
    return fields


def is_form(response: HttpResponse) -> bool:
    """Say whether the body may be a form, by its content type; forms are often sent as text."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "text/plain", "text/html")


def token_refused(response: HttpResponse, why: str, error: str = "", description: str = "") -> TokenRefused:
    """Return the error for a response. why: a clause for its message."""
    status = f"{response.status_code} {printable(response.reason, ())}".strip()
    return TokenRefused(
        f"{response.request!r} gave no token: {status}: {why}", error=error, description=description, response=response
    )
