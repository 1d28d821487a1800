"""How a request changes when it is redirected (RFC 9110, section 15.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookline import HttpRequest

STATUSES = (301, 302, 303, 307, 308)


def becomes_get(status: int, method: str) -> bool:
    """Does the follow-up ask with GET, without a body?

    303 says so for every method; HEAD stays, since it asks for the same without the body. For POST on 301 and 302 it is what
    all browsers do (RFC 9110, sections 15.4.2 and 15.4.3 allow it). 307 and 308 never do.
    """
    if status == 303:
        return method not in ("GET", "HEAD")
    return method == "POST" and status in (301, 302)


def fields_without_body(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields, without those that describe a body or its sending. Several of one name stay."""
    return [(name, value) for name, value in fields.items() if not _describes_body(name.lower())]


def _describes_body(name: str) -> bool:
    return name.startswith("content-") or name in ("transfer-encoding", "expect")


def redirects_in(requests: Iterable[HttpRequest]) -> int:
    """How many of the requests of a call were sent for a redirect; challenges and retries do not count."""
    return sum(request.cause == "redirect" for request in requests)
