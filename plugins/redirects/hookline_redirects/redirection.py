"""How redirection changes a request (RFC 9110, section 15.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookline import HttpRequest

STATUSES = (301, 302, 303, 307, 308)


def becomes_get(status: int, method: str) -> bool:
    """Say whether the next request is a GET without a body.

    After 303 it is, for every method but HEAD, which stays HEAD. After 301 and 302 it is for POST, as in all browsers (RFC
    9110, sections 15.4.2 and 15.4.3, allows it). After 307 and 308 it never is.
    """
    if status == 303:
        return method not in ("GET", "HEAD")
    return method == "POST" and status in (301, 302)


def fields_without_body(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the fields without those that describe a body or its transfer. Several of one name stay."""
    return [(name, value) for name, value in fields.items() if not _describes_body(name.lower())]


def _describes_body(name: str) -> bool:
    return name.startswith("content-") or name in ("transfer-encoding", "expect")


def count_redirects(requests: Iterable[HttpRequest]) -> int:
    """Return how many requests of a call were sent for a redirect; those for challenges and retries do not count."""
    return sum(request.cause == "redirect" for request in requests)
