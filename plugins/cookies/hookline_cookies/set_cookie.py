"""Parse the value of a Set-Cookie field (RFC 6265bis section 5.6). Whether its sender may set it is decided later."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .cookie import SameSite
from .dates import parse_cookie_date

MAX_PAIR = 4096  # octets of name and value together, RFC 6265bis section 5.6
MAX_ATTRIBUTE = 1024  # octets of one attribute's value, RFC 6265bis section 5.6

_control: Callable[[str], re.Match[str] | None] = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
_seconds: Callable[[str], re.Match[str] | None] = re.compile(r"-?[0-9]+").fullmatch
_SAME_SITE: dict[str, SameSite] = {"strict": "Strict", "lax": "Lax", "none": "None"}


@dataclass(slots=True)
class SetCookie:
    """The value of one Set-Cookie field. None = the attribute is absent or invalid.

    domain: in lower case, without a leading dot, never empty. expires: in seconds since 1970. max_age: in seconds from now.
    path: any text, also an empty one.

    Example::

        from hookline_cookies import CookieJar, SetCookie

        jar = CookieJar()
        jar.store([SetCookie("id", "7", max_age=60)], host="www.example.com")
        print(jar.header_for("www.example.com"))
    """

    name: str
    value: str = field(repr=False)
    expires: int | None = None
    max_age: int | None = None
    domain: str | None = None
    path: str | None = None
    secure: bool = False
    http_only: bool = False
    same_site: SameSite | None = None


def octets(text: str) -> int:
    """Return the length in octets of `text` as it is sent.

    Raises:
        UnicodeEncodeError: `text` cannot be sent (a surrogate that stands for no octet).
    """
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def parse_set_cookie(line: str | bytes) -> SetCookie | None:
    """Return the cookie in the value of one field; None if it is to be ignored.

    Octets are decoded as UTF-8. Those that are not UTF-8 become surrogates (PEP 383), so that every value is sent back
    unchanged.

    These are ignored: a cookie without a name (the RFC stores it, but then `Set-Cookie: =__Host-a=b` would be sent as if
    another server had set `__Host-a`); one of more than 4096 octets; and one with a control character, also a tab within a
    name or value, which separates the columns of a Netscape file. One exception: NUL, CR or LF ends a line that has no
    attributes. The http-state tests end every line at NUL and CR; but that could cut off an attribute such as Secure.

    Example::

        from hookline_cookies import parse_set_cookie

        print(parse_set_cookie("id=7; Path=/; Secure; Max-Age=60").max_age)
    """
    if isinstance(line, bytes):
        line = line.decode("utf-8", "surrogateescape")
    control = _control(line)
    if control is not None:
        if control[0] not in "\0\r\n" or ";" in line:
            return None
        line = line[: control.start()]
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    name = name.strip(" \t")
    value = value.strip(" \t")
    if not equals or not name or "\t" in name or "\t" in value:
        return None
    try:
        if octets(name) + octets(value) > MAX_PAIR:
            return None
    except UnicodeEncodeError:
        return None
    cookie = SetCookie(name, value)
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        _apply(cookie, key.strip(" \t").lower(), text.strip(" \t"))
    return cookie


def _apply(cookie: SetCookie, key: str, text: str) -> None:
    """Set one attribute; of several of one name the last counts. Unknown and too long ones are ignored."""
    # A character has at most four octets, so those of a short text need not be counted.
    if len(text) > MAX_ATTRIBUTE // 4 and len(text.encode("utf-8", "surrogatepass")) > MAX_ATTRIBUTE:
        return
    match key:
        case "path":
            cookie.path = text
        case "secure":
            cookie.secure = True
        case "httponly":
            cookie.http_only = True
        case "max-age":
            if _seconds(text) is not None:
                cookie.max_age = int(text)
        case "expires":
            date = parse_cookie_date(text)
            if date is not None:
                cookie.expires = date
        case "samesite":
            cookie.same_site = _SAME_SITE.get(text.lower())
        case "domain":
            # An empty one is ignored, so that an earlier one stays: http-state case OPTIONAL_DOMAIN0042.
            domain = text.removeprefix(".").lower()
            if domain:
                cookie.domain = domain
