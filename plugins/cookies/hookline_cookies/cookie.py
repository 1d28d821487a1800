"""A cookie that was accepted, and the error for a cookie that is refused."""

from dataclasses import dataclass, field
from typing import Literal

SameSite = Literal["Strict", "Lax", "None"]


class CookieRefused(ValueError):
    """A cookie breaks a rule of RFC 6265bis. The message names the cookie and the rule, never the value.

    Example::

        from hookline_cookies import CookieJar, CookieRefused

        try:
            CookieJar().set("a", "1; Secure", domain="example.com")
        except CookieRefused as error:
            print(error)
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie (RFC 6265bis section 5.7). Its value is not part of the repr.

    domain: in lower case, without a leading dot. host_only: only this host gets the cookie; False = its subdomains too.
    expires: in seconds since 1970; None = at the end of the session, which is that of the jar. same_site: stored for its
    readers; it has no effect, because a client has no cross-site requests.

    Example::

        from hookline_cookies import Cookie, CookieJar

        jar = CookieJar([Cookie(name="a", value="1", domain="example.com")])
        print(jar.header_for("example.com"))
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
