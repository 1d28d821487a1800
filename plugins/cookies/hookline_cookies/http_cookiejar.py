"""Convert cookies from `http.cookiejar`, and to it; split what users give as `cookies=`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .cookie import Cookie, SameSite

if TYPE_CHECKING:
    # Imported at first use only: it imports urllib.request and http.client.
    import http.cookiejar

_SAME_SITE: dict[str, SameSite] = {"strict": "Strict", "lax": "Lax", "none": "None"}


def split_source(
    source: "Mapping[str, str] | Iterable[Cookie] | http.cookiejar.CookieJar",
) -> tuple[list[Cookie], dict[str, str]]:
    """Return the cookies with a domain, and name and value of those without, in what a user gave as `cookies=`.

    Without a domain are those of a dict, and cookies of `http.cookiejar` that were made without one.

    Raises:
        TypeError: source is something else.

    Example::

        from hookline_cookies import Cookie, split_source

        print(split_source([Cookie(name="a", value="1", domain="example.com")]), split_source({"b": "2"}))
    """
    if isinstance(source, Mapping) and not _is_standard(source, "CookieJar"):  # the jar of requests is both
        return [], dict(source)
    pairs: dict[str, str] = {}
    return list(cookies_in(source, pairs)), pairs


def _is_standard(item: object, name: str) -> bool:
    """Say whether `item` is an instance of the class `name` of `http.cookiejar`, without importing that."""
    standard = sys.modules.get("http.cookiejar")
    return standard is not None and isinstance(item, getattr(standard, name))


def cookies_in(
    source: "Iterable[Cookie | str] | http.cookiejar.CookieJar", pairs: dict[str, str] | None = None
) -> Iterator[Cookie]:
    """Yield the cookies of a jar as `Cookie` objects; add those without a domain to `pairs`.

    Raises:
        TypeError: source holds something else.
    """
    for item in source:
        if isinstance(item, Cookie):
            yield item
        elif isinstance(item, str) or not _is_standard(item, "Cookie"):
            raise TypeError(f"cookies are a dict, a CookieJar or Cookie objects, not {type(item).__name__}")
        elif item.value is None:
            continue  # a cookie without a name: `http.cookiejar` stores its value as the name
        elif item.domain:
            yield from _from_standard(item)
        elif pairs is not None:
            pairs[item.name] = item.value


def _from_standard(item: "http.cookiejar.Cookie") -> Iterator[Cookie]:
    """Yield the cookie, twice if `http.cookiejar` does not say for which of two hosts it is.

    It stores a cookie of `localhost` under `localhost.local`, as it does one of the host `localhost.local`, and sends it to
    both. Port lists (RFC 2965) are left out: ports make no difference to cookies.
    """
    domain = item.domain.removeprefix(".")
    host_only = not item.domain.startswith(".")
    domains = [domain]
    if host_only and domain.endswith(".local") and domain.count(".") == 1:
        domains.append(domain.removesuffix(".local"))
    # Attributes that `http.cookiejar` does not know; its public method for them compares names with their case.
    rest: dict[str, str | None] = {key.lower(): value for key, value in getattr(item, "_rest", {}).items()}
    for host in domains:
        yield Cookie(
            name=item.name,
            value=item.value or "",
            domain=host,
            path=item.path or "/",
            host_only=host_only,
            secure=bool(item.secure),
            http_only="httponly" in rest,
            same_site=_SAME_SITE.get((rest.get("samesite") or "").lower()),
            expires=None if item.expires is None else float(item.expires),
        )


def to_cookiejar(cookies: Iterable[Cookie]) -> "http.cookiejar.CookieJar":
    """Return a jar of `http.cookiejar` with these cookies; `localhost` is `localhost.local` there."""
    import http.cookiejar

    jar = http.cookiejar.CookieJar()
    for cookie in cookies:
        rest: dict[str, str] = {}
        if cookie.http_only:
            rest["HttpOnly"] = ""
        if cookie.same_site is not None:
            rest["SameSite"] = cookie.same_site
        domain = cookie.domain if cookie.host_only else "." + cookie.domain
        if cookie.host_only and "." not in domain and ":" not in domain:
            domain += ".local"
        jar.set_cookie(
            http.cookiejar.Cookie(
                version=0,
                name=cookie.name,
                value=cookie.value,
                port=None,
                port_specified=False,
                domain=domain,
                domain_specified=not cookie.host_only,
                domain_initial_dot=not cookie.host_only,
                path=cookie.path,
                path_specified=True,
                secure=cookie.secure,
                expires=None if cookie.expires is None else int(cookie.expires),
                discard=cookie.expires is None,
                comment=None,
                comment_url=None,
                rest=rest,
                rfc2109=False,
            )
        )
    return jar
