"""The expectation 100-continue of a request (RFC 9110, section 10.1.1), and how long to wait for the answer."""

from __future__ import annotations

import math
from typing import Any

from hookline import BodyNotRepeatable, HttpRequest

CONTINUE = "100-continue"
SECONDS = 1.0  # as curl waits; RFC 9110 names no time, and forbids only to wait for ever


def as_wait(value: Any) -> float | bool:
    """What a user gives as `wait_continue=`: True, False, or seconds. 0 is False.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool):
        return value
    if not isinstance(value, (int, float)):
        raise TypeError(f"wait_continue= takes True, False or seconds, not {type(value).__name__}")
    if not 0 <= value < math.inf:
        raise ValueError(f"wait_continue= takes a finite number of seconds from 0 up, not {value}")
    return value


def seconds_of(wait: Any) -> float:
    """How long the body is held where the server says nothing; also for a field that the user gave without the option."""
    return SECONDS if wait is None or isinstance(wait, bool) or not wait else float(wait)


def has_content(request: HttpRequest) -> bool:
    """Is there a body to hold? One that is produced while it is sent counts, also if it turns out to be empty."""
    return request.body is not None and request.body != b"" and getattr(request.body, "length", None) != 0


def expects_continue(field: str | None) -> bool:
    """Does the value of an Expect field hold 100-continue? It is a list, in any case of letters."""
    return field is not None and any(member.strip().lower() == CONTINUE for member in field.split(","))


def add_expectation(request: HttpRequest, wait: Any) -> None:
    """Make the head ask, and hold the body. What the user's own field asks for besides stays.

    A request without a body must not ask (RFC 9110, section 10.1.1): the field goes. Servers ignore it in HTTP/1.0.
    """
    field = request.get_header("Expect") if request.has_header("Expect") else None  # the first parses all fields
    is_asked = expects_continue(field)
    if not has_content(request):
        if is_asked:
            request.remove_header("Expect")
        return
    if request.version == "HTTP/1.0" or not (wait or is_asked):
        return
    if not is_asked:
        request.unredirected_headers["Expect"] = CONTINUE if field is None else f"{field}, {CONTINUE}"
    request.hold_body(seconds_of(wait))


def without_expectation(request: HttpRequest) -> HttpRequest | None:
    """The same request, which does not ask any more, nor do those that follow it; None where its body is gone."""
    try:
        new = request.copy(cause="expect", wait_continue=False)
    except BodyNotRepeatable:
        return None
    new.remove_header("Expect")
    return new
