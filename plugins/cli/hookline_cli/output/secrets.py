"""Credentials, as the command line shows them: never in full, unless the user asks for it."""

from __future__ import annotations

import re
from collections.abc import Collection

HIDDEN = "…"
# In lower case; the fields that plugins declare and the client's `sensitive_headers` come on top.
SECRET_FIELDS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_PASSWORD = re.compile(r"(://[^/?#@:]*):[^/?#]*@")
_SCHEMES = ("authorization", "proxy-authorization")


def hide_password(text: str) -> str:
    """Return a text with the passwords of its URLs hidden."""
    return _PASSWORD.sub(rf"\1:{HIDDEN}@", text)


def hide_field(name: str, value: str, secret: Collection[str] = ()) -> str:
    """Return the value of a field as it may be shown: the scheme of credentials and the names of cookies stay.

    secret: more names of fields with credentials, in lower case.
    """
    low = name.lower()
    if low in _SCHEMES:
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {HIDDEN}" if space else HIDDEN
    if low == "cookie":
        return "; ".join(f"{pair.partition('=')[0]}={HIDDEN}" for pair in value.split("; "))
    if low == "set-cookie":
        pair, semicolon, attributes = value.partition(";")
        return f"{pair.partition('=')[0]}={HIDDEN}{semicolon}{attributes}"
    return HIDDEN if low in secret else value
