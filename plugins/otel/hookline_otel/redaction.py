"""What must not leave the program: the values of queries, and fields that carry credentials."""

from __future__ import annotations

from collections.abc import Container

REDACTED = "REDACTED"


def redact_url(url: str, kept: Container[str] = ()) -> str:
    """Return a URL without secrets: the values of its query are REDACTED, its fragment and its userinfo are gone.

    url: absolute. kept: the names of the parameters whose values stay, as they are written in the URL.
    """
    url = url.partition("#")[0]  # it is not sent, and may hold tokens (RFC 6749, section 4.2.2)
    front, mark, query = url.partition("?")
    scheme, separator, rest = front.partition("://")
    authority, slash, path = rest.partition("/")
    front = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
    if not mark:
        return front
    parts = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        if name in kept or not part:
            parts.append(part)
        else:  # without `=` the part may be a name or a value
            parts.append(f"{name}={REDACTED}" if equals else REDACTED)
    return f"{front}?{'&'.join(parts)}"
