"""What a cookie is once it has been accepted, and the error for one that is not."""

from dataclasses import dataclass, field
from typing import Literal

SameSite = Literal["Strict", "Lax", "None"]


class CookieRefused(ValueError):
    """A cookie breaks a rule of RFC 6265bis. The message names the cookie and the rule, never the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One stored cookie (RFC 6265bis section 5.7). Its value is not part of the repr.

    `domain` is in lower case, without a leading dot; `host_only` says whether it means this host alone or its
    subdomains too. `expires` is in seconds since 1970, None for the length of the session. `same_site` is kept for
    those who read it: a client has no cross-site requests to which it would apply.
    """

    name: str
    value: str = field(repr=False)
    domain: str
    path: str = "/"
    host_only: bool = True
    secure: bool = False
    http_only: bool = False
    same_site: SameSite | None = None
    expires: float | None = None


def shown(name: str) -> str:
    """Quote the name of a cookie for a message: escaped and cut to 60 characters."""
    return ascii(name if len(name) <= 60 else name[:57] + "...")
