"""How long a server asks to be left alone: Retry-After, and the fields in which servers state their limits.

Read are Retry-After of 429 and 503 (RFC 9110, section 10.2.3); RateLimit with RateLimit-Policy, as
draft-ietf-httpapi-ratelimit-headers has them since its version 8 (`"name";r=0;t=30`) and had them in version 7 (`limit=10,
remaining=0, reset=30`); RateLimit-Remaining with RateLimit-Reset, of version 6 and before; and the X- fields that are widely
used, whose Reset is a number of seconds, or seconds or milliseconds since 1970. Retry-After takes precedence over the others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

REMAINING = {  # the field of the remaining requests, by the field that says when there are more
    "ratelimit-reset": "ratelimit-remaining",
    "x-ratelimit-reset": "x-ratelimit-remaining",
    "x-ratelimit-reset-after": "x-ratelimit-remaining",
    "x-rate-limit-reset": "x-rate-limit-remaining",
}
FIELDS = ("retry-after", "ratelimit", *REMAINING)
REFUSALS = frozenset({429, 503})
EPOCH = 1_000_000_000.0  # numbers of seconds from here on are since 1970: 31 years are no delay
MILLISECONDS = 100_000_000_000.0  # and from here on they are milliseconds
QUOTED = r'"(?:[^"\\]|\\.)*"'
MEMBER = re.compile(rf'\s*({QUOTED}|[^\s,;="]+)((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=(?:{QUOTED}|[^,;"]*))?)*)\s*(?:,|$)')
PARAMETER = re.compile(rf';\s*([a-z*][a-z0-9_.*-]*)=({QUOTED}|[^,;"]*)')
NUMBER = re.compile(r"([0-9]+)(\.[0-9]*)?")
MAX_DIGITS = 15  # of an integer of structured fields (RFC 9651, section 3.3.1)


def seconds_asked_for(status: int, fields: Any, now: float) -> float:
    """Return the seconds for which the server wants no further request; infinity if it asks for centuries, 0.0 if for none.

    fields: of the response. now: seconds since 1970. Times are measured from the Date field, so that wrong clocks do not matter.
    """
    date = http_date_seconds(fields.get("date", ""))
    base = now if date is None else date
    if status in REFUSALS and "retry-after" in fields:
        return max(seconds_of_retry_after(value.strip(" \t"), base) for value in fields.getall("retry-after"))
    refused = status in REFUSALS
    asked = seconds_of_ratelimit(
        ",".join(fields.getall("ratelimit", [])), ",".join(fields.getall("ratelimit-policy", [])), refused=refused
    )
    for reset, remaining in REMAINING.items():
        if reset in fields and is_used_up(fields.get(remaining), refused=refused):
            asked = max(asked, seconds_until(number(fields[reset]), base))
    return asked


def seconds_of_retry_after(value: str, base: float) -> float:
    """Return the seconds that one value of Retry-After asks for, a number or a date; 0.0 if it is neither."""
    if value.isascii() and value.isdigit():
        return as_float(value)
    moment = http_date_seconds(value)
    return 0.0 if moment is None else max(moment - base, 0.0)


def seconds_of_ratelimit(limits: str, policies: str, *, refused: bool) -> float:
    """Return the longest time after which a limit that is used up allows more. limits, policies: the values of both fields.

    A limit that does not say when it allows more does so after its window (`w`), if its policy states one.
    """
    windows = {name: parameters.get("w") for name, parameters in members(policies)} if policies else {}
    asked, old = 0.0, {}
    for name, parameters in members(limits):
        if "r" not in parameters:
            key, _, value = name.partition("=")
            old[key] = value
        elif number(parameters["r"]) == 0:
            asked = max(asked, number(parameters.get("t") or windows.get(name)) or 0.0)
    if old.keys() >= {"remaining", "reset"} and is_used_up(old["remaining"], refused=refused):
        asked = max(asked, number(old["reset"]) or 0.0)
    return asked


def members(value: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the members of a list of structured fields: each with its parameters, as they are written.

    What cannot be parsed ends it. A member of a dictionary is yielded as `key=value`.
    """
    at = 0
    while at < len(value):
        match = MEMBER.match(value, at) or DICTIONARY_MEMBER.match(value, at)
        if match is None:
            return
        yield match[1], {name: text.strip() for name, text in PARAMETER.findall(match[2] or "")}
        at = match.end()


DICTIONARY_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*=[^,;]*)((?:;[^,]*)?)(?:,|$)")


def is_used_up(remaining: str | None, *, refused: bool) -> bool:
    """Say whether no request remains. remaining: the field; None = it is missing, then a refusal says so."""
    return refused if remaining is None else number(remaining) == 0


def number(value: str | None) -> float | None:
    """Return the number, from 0 up, with which a value begins; None if it begins with none."""
    match = NUMBER.match((value or "").strip())
    return None if match is None else as_float(match[1]) + float(match[2] if match[2] and len(match[2]) > 1 else 0)


def as_float(digits: str) -> float:
    """Return a number of seconds; infinity if it has more than 15 digits."""
    return float(digits) if len(digits.lstrip("0")) <= MAX_DIGITS else math.inf


def seconds_until(reset: float | None, base: float) -> float:
    """Return the seconds until a reset, which is in seconds from now, or in seconds or milliseconds since 1970."""
    if reset is None:
        return 0.0
    if reset < EPOCH or reset == math.inf:
        return reset
    return max((reset / 1000 if reset >= MILLISECONDS else reset) - base, 0.0)


def http_date_seconds(date: str) -> float | None:
    """Return an HTTP-date in any of its three forms (RFC 9110, section 5.6.7) as seconds since 1970; None if it is none."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):  # the parser raises all of them for malformed dates
        return None
