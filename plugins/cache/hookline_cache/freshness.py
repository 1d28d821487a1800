"""How old a stored response is, how long it is fresh, and what a request may do with it (RFC 9111, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from .cache_control import Directives, as_seconds, seconds
from .http_date import parse_http_date

Fields = Mapping[str, Sequence[str]]  # values by name in lower case

# Statuses that may be stored without a statement about freshness (RFC 9110, section 15.1); 206 is never stored here.
HEURISTIC_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
# Those whose meaning for a cache is known here, for must-understand (RFC 9111, section 5.2.2.3).
UNDERSTOOD_STATUSES = HEURISTIC_STATUSES | {302, 303, 307, 400, 403, 500, 502, 503, 504}
HEURISTIC_FRACTION = 0.1  # of the time since Last-Modified (RFC 9111, section 4.2.2)
MAX_HEURISTIC = 86_400.0  # seconds; an estimate is not trusted longer than a day


class Use(Enum):
    """What a request may do with a stored response."""

    FRESH = "it answers the request"
    STALE = "it answers the request, although it is stale: the request allows that (max-stale)"
    STALE_WHILE_REVALIDATE = "it answers the request, and is validated in the background (RFC 5861, section 3)"
    VALIDATE = "the server has to be asked first"


def date_of(fields: Fields, received_at: float) -> float:
    """Return when a response was made, in seconds since the epoch: its Date, or when it was received."""
    dates = fields.get("date", ())
    date = parse_http_date(dates[0], received_at) if len(dates) == 1 else None
    return received_at if date is None else date


def freshness_lifetime(status: int, directives: Directives, fields: Fields, received_at: float) -> float:
    """Return the seconds for which a response is fresh, 0 = it is stale from the start (RFC 9111, section 4.2.1).

    s-maxage is for shared caches. Expires that is repeated or no date means stale.
    """
    max_age = seconds(directives, "max-age")
    if max_age is not None:
        return float(max_age)
    date = date_of(fields, received_at)
    expires = fields.get("expires", ())
    if expires:
        end = parse_http_date(expires[0], received_at) if len(expires) == 1 else None
        return 0.0 if end is None else max(0.0, end - date)
    modified = fields.get("last-modified", ())
    if modified and (status in HEURISTIC_STATUSES or "public" in directives):
        since = parse_http_date(modified[0], received_at)
        if since is not None:
            return min(max(0.0, (date - since) * HEURISTIC_FRACTION), MAX_HEURISTIC)
    return 0.0


def initial_age(fields: Fields, requested_at: float, received_at: float) -> float:
    """Return the age in seconds that a response had when it was received (RFC 9111, section 4.2.3).

    Of several Age values the first counts; one that is no number is ignored.
    """
    stated = as_seconds(fields.get("age", ("",))[0].partition(",")[0].strip(" \t")) or 0
    apparent = max(0.0, received_at - date_of(fields, received_at))
    return max(apparent, stated + max(0.0, received_at - requested_at))


def use_of(age: float, lifetime: float, response: Directives, request: Directives) -> Use:
    """Say what a request may do with a stored response.

    age, lifetime: of the response, in seconds. response, request: the directives of both.

    A fresh response that is immutable needs no validation for max-age=0, which programs send to reload (RFC 8246).
    """
    if "no-cache" in response or "no-cache" in request:
        return Use.VALIDATE
    is_fresh = lifetime > age
    max_age = seconds(request, "max-age")
    if max_age is not None and (age > max_age or not max_age) and not (is_fresh and "immutable" in response):
        return Use.VALIDATE
    if "min-fresh" in request and lifetime - age < (seconds(request, "min-fresh") or 0):
        return Use.VALIDATE
    if is_fresh:
        return Use.FRESH
    if "must-revalidate" in response:
        return Use.VALIDATE
    staleness = age - lifetime
    if "max-stale" in request and (request["max-stale"] is None or staleness <= (seconds(request, "max-stale") or 0)):
        return Use.STALE
    if max_age is None and staleness < (seconds(response, "stale-while-revalidate") or 0):
        return Use.STALE_WHILE_REVALIDATE
    return Use.VALIDATE


def may_replace_error(age: float, lifetime: float, response: Directives, request: Directives) -> bool:
    """Say whether a stored response may be used if the server fails (stale-if-error: RFC 5861, section 4)."""
    if "must-revalidate" in response or "no-cache" in response or "no-cache" in request:
        return False
    allowed = max(seconds(response, "stale-if-error") or 0, seconds(request, "stale-if-error") or 0)
    return age - lifetime < allowed
