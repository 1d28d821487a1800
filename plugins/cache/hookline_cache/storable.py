"""Which responses are stored (RFC 9111, section 3)."""

from __future__ import annotations

from .cache_control import Directives, seconds
from .freshness import HEURISTIC_STATUSES, UNDERSTOOD_STATUSES, Fields, freshness_lifetime, initial_age


def is_storable(
    method: str,
    status: int,
    request: Directives,
    response: Directives,
    fields: Fields,
    requested_at: float,
    received_at: float,
    *,
    is_own_location: bool = False,
) -> bool:
    """Say whether a private cache may store a response, and could use it later.

    request, response: the directives of both. fields: of the response. is_own_location: True if its Content-Location is the URL
    of the request; then a fresh response to POST is one to GET too (RFC 9110, section 9.3.3).

    Partial responses (206) are not stored. A response that is stale at once and cannot be validated is of no use.
    """
    if status < 200 or status in (206, 304) or "no-store" in request:
        return False
    if "must-understand" in response:
        if status not in UNDERSTOOD_STATUSES:
            return False
    elif "no-store" in response:
        return False
    is_explicit = "max-age" in response or "expires" in fields
    if method == "POST":
        return is_own_location and is_explicit and "no-cache" not in response
    if method != "GET":
        return False
    is_allowed = is_explicit or "public" in response or "private" in response or status in HEURISTIC_STATUSES
    if not is_allowed:
        return False
    if "etag" in fields or "last-modified" in fields:
        return True
    lifetime = freshness_lifetime(status, response, fields, received_at)
    age = initial_age(fields, requested_at, received_at)
    later = max(seconds(response, "stale-while-revalidate") or 0, seconds(response, "stale-if-error") or 0)
    return "no-cache" not in response and ((is_explicit and lifetime > 0) or lifetime + later > age)
