"""The expectation 100-continue of a request (RFC 9110, section 10.1.1), and the time to wait for the answer."""

from __future__ import annotations

import math
from typing import Any

from hookline import BodyNotRepeatable, HttpRequest

CONTINUE = "100-continue"
DEFAULT_WAIT = 1.0  # as in curl; RFC 9110 names no time, but forbids to wait for an indefinite period


def as_wait_continue(value: Any) -> float | bool:
    """Check the value of `wait_continue=`: True, False, or seconds. 0 has the effect of False.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool):
        return value
    if not isinstance(value, (int, float)):
        raise TypeError(f"wait_continue= takes True, False or seconds, not {type(value).__name__}")
    if not 0 <= value < math.inf:
        raise ValueError(f"wait_continue= takes a finite number of seconds from 0 up, not {value}")
    return value


def wait_seconds(wait: float | bool | None) -> float:
    """Return the seconds after which the body is sent if no answer comes.

    wait: the option. Without it, for a user's own Expect field, the default time applies.
    """
    return DEFAULT_WAIT if wait is None or isinstance(wait, bool) or not wait else float(wait)


def has_content(request: HttpRequest) -> bool:
    """Say whether there is a body to wait with. A body of unknown length counts, even if it turns out to be empty."""
    return request.body is not None and request.body != b"" and getattr(request.body, "length", None) != 0


def expects_continue(field: str | None) -> bool:
    """Say whether the value of an Expect field, a list, has 100-continue, in upper or lower case."""
    return field is not None and any(member.strip().lower() == CONTINUE for member in field.split(","))


def add_expectation(request: HttpRequest, wait: float | bool | None) -> None:
    """Add 100-continue to the Expect field, and hold the body back. Other expectations in the user's own field stay.

    A request without a body must not have the expectation (RFC 9110, section 10.1.1): the field is removed. In HTTP/1.0
    servers ignore it, so it is not added.

    wait: the option `wait_continue`.
    """
    field = request.get_header("Expect") if request.has_header("Expect") else None  # get_header parses all fields
    is_asked = expects_continue(field)
    if not has_content(request):
        if is_asked:
            request.remove_header("Expect")
        return
    if request.version == "HTTP/1.0" or not (wait or is_asked):
        return
    if not is_asked:
        request.unredirected_headers["Expect"] = CONTINUE if field is None else f"{field}, {CONTINUE}"
    request.hold_body(wait_seconds(wait))


def copy_without_expectation(request: HttpRequest) -> HttpRequest | None:
    """Return a copy of the request without the expectation, also for its follow-ups; None if the body cannot be sent again."""
    try:
        new = request.copy(cause="expect", wait_continue=False)
    except BodyNotRepeatable:
        return None
    new.remove_header("Expect")
    return new
