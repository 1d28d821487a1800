"""Parse the Content-Encoding field (RFC 9110, section 8.4)."""

from __future__ import annotations

from collections.abc import Iterable

from hookline import DecodingError

MAX_CODINGS = 5  # as in curl: servers apply one or two, and each one costs memory and multiplies the size of a bomb


def codings_in(values: Iterable[str]) -> list[str]:
    """Return the codings of all fields together, in lower case, in the order in which they were applied, without `identity`.

    Raises: DecodingError, for more than five.
    """
    members = [member.strip(" \t").lower() for value in values for member in value.split(",")]
    codings = [member for member in members if member]
    if len(codings) > MAX_CODINGS:
        raise DecodingError(f"{len(codings)} content codings on one body; at most {MAX_CODINGS} are undone")
    return [coding for coding in codings if coding != "identity"]


def shown(coding: str) -> str:
    """Return a coding that a peer named for a message: escaped, and cut to 40 characters."""
    return ascii(coding[:40])
