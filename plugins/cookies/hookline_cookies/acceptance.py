"""Decide which cookies may be stored (RFC 6265bis section 5.7), by the rules that concern one cookie alone."""

import math
import re
from dataclasses import replace

from .cookie import Cookie, CookieRefused, shown
from .cookie_pairs import check_pair
from .matching import canonical_host, default_path, domain_match, is_address
from .public_suffixes import is_public_suffix
from .set_cookie import MAX_PAIR, SetCookie, octets

MAX_AGE = 400 * 24 * 3600  # seconds, RFC 6265bis section 5.5

# Control characters, and the surrogates that stand for no octet (PEP 383 uses U+DC80 to U+DCFF).
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udc7f\udd00-\udfff]")


def accept_from_response(parsed: SetCookie, host: str, path: str, secure: bool, now: float) -> Cookie:
    """Return the cookie that a response sets. If its `expires` is not after `now`, it removes the stored one.

    host: of the request, canonical. path: of the request. secure: the request was sent over TLS. now: seconds since 1970.

    Raises:
        CookieRefused: the response may not set this cookie.
    """
    if parsed.secure and not secure:
        raise CookieRefused(f"cookie {shown(parsed.name)}: Secure, but set by a connection without TLS")
    domain, host_only = _domain(parsed, host)
    cookie_path = parsed.path
    if cookie_path is None or not cookie_path.startswith("/"):
        cookie_path = default_path(path)
    _check_attributes(parsed, cookie_path)
    return Cookie(
        name=parsed.name,
        value=parsed.value,
        domain=domain,
        path=cookie_path,
        host_only=host_only,
        secure=parsed.secure,
        http_only=parsed.http_only,
        same_site=parsed.same_site,
        expires=_expiry(parsed, now),
    )


def _domain(parsed: SetCookie, host: str) -> tuple[str, bool]:
    """Return the domain of a cookie, and whether only that host gets it, without subdomains."""
    if parsed.domain is None:
        return host, True
    domain = canonical_host(parsed.domain)
    if domain is None or not domain_match(host, domain):
        raise CookieRefused(f"cookie {shown(parsed.name)}: its Domain does not cover {host}")
    if is_address(domain):
        return domain, True  # an address has no subdomains
    if is_public_suffix(domain):
        if domain != host:
            raise CookieRefused(f"cookie {shown(parsed.name)}: Domain={domain} is a public suffix")
        return domain, True
    return domain, False


def _expiry(parsed: SetCookie, now: float) -> float | None:
    """Return the time of expiry, by Max-Age rather than Expires, at most 400 days away; None = it does not expire."""
    if parsed.max_age is not None:
        # min() before the sum: an integer of a thousand digits cannot be added to a float.
        if parsed.max_age <= 0:
            return -math.inf
        return now + min(parsed.max_age, MAX_AGE)
    return None if parsed.expires is None else min(parsed.expires, now + MAX_AGE)


def _check_attributes(cookie: SetCookie | Cookie, path: str) -> None:
    """Refuse a cookie that breaks a rule about its name, its path or SameSite."""
    if _UNFIT.search(path) is not None:
        raise CookieRefused(f"cookie {shown(cookie.name)}: its path has a control character or a stray surrogate")
    if cookie.same_site == "None" and not cookie.secure:
        raise CookieRefused(f"cookie {shown(cookie.name)}: SameSite=None needs Secure")
    if not cookie.name.startswith("__"):
        return
    name = cookie.name.lower()  # without case, because some servers compare so: RFC 6265bis section 5.4
    if name.startswith(("__secure-", "__host-")) and not cookie.secure:
        raise CookieRefused(f"cookie {shown(cookie.name)}: the prefix of its name needs Secure")
    if name.startswith("__host-"):
        has_domain = not cookie.host_only if isinstance(cookie, Cookie) else cookie.domain is not None
        if has_domain or cookie.path != "/":
            raise CookieRefused(f"cookie {shown(cookie.name)}: __Host- needs Path=/ and no Domain")


def accept_from_user(cookie: Cookie, now: float) -> Cookie:
    """Return a cookie that did not come with a response in the form that the jar stores: from the user, a file, another jar.

    The rules are those for responses, except for the rule that the host of the response must be in the cookie's domain.

    Raises:
        CookieRefused: no response could set this cookie.
        TypeError: the name or the value is not a str.
    """
    check_pair(cookie.name, cookie.value)
    named = f"cookie {shown(cookie.name)}"
    if octets(cookie.name) + octets(cookie.value) > MAX_PAIR:
        raise CookieRefused(f"{named}: name and value have more than {MAX_PAIR} octets")
    domain = canonical_host(cookie.domain)
    if domain is None or not all(domain.removesuffix(".").split(".")):
        raise CookieRefused(f"{named}: its domain is not the name or the address of a host")
    if not cookie.path.startswith("/"):
        raise CookieRefused(f"{named}: its path does not begin with '/'")
    if cookie.same_site not in (None, "Strict", "Lax", "None"):
        raise CookieRefused(f"{named}: SameSite is 'Strict', 'Lax', 'None' or None")
    expires = cookie.expires
    if expires is not None:
        if math.isnan(expires):
            raise CookieRefused(f"{named}: its expiry is not a number")
        expires = min(expires, now + MAX_AGE)
    host_only = cookie.host_only or is_address(domain)
    if not host_only and is_public_suffix(domain):
        raise CookieRefused(f"{named}: {domain} is a public suffix")
    if (domain, host_only, expires) != (cookie.domain, cookie.host_only, cookie.expires):
        cookie = replace(cookie, domain=domain, host_only=host_only, expires=expires)
    _check_attributes(cookie, cookie.path)
    return cookie
