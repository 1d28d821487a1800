"""Cookies as a Netscape file (cookies.txt), which curl, wget and http.cookiejar read and write."""

import math
from collections.abc import Iterable

from .cookie import Cookie

_HEAD = "# Netscape HTTP Cookie File\n\n"
_HTTP_ONLY = "#HttpOnly_"  # begins the line of an HttpOnly cookie, as in curl; other lines with # are comments


def dump(cookies: Iterable[Cookie]) -> str:
    """Return the text of a file: one line for each cookie, with seven columns between tabs; no accepted cookie has a tab.

    The columns: domain, whether it includes subdomains, path, Secure, expiry in seconds since 1970 (0 = it does not expire),
    name, value.
    """
    return _HEAD + "".join(_line(cookie) for cookie in cookies)


def _line(cookie: Cookie) -> str:
    # Rounded down, so that no cookie lives longer; but not to 0, which means that it does not expire.
    expires = 0 if cookie.expires is None else max(1, int(cookie.expires))
    columns = (
        ("" if cookie.host_only else ".") + cookie.domain,
        "FALSE" if cookie.host_only else "TRUE",
        cookie.path,
        "TRUE" if cookie.secure else "FALSE",
        str(expires),
        cookie.name,
        cookie.value,
    )
    return (_HTTP_ONLY if cookie.http_only else "") + "\t".join(columns) + "\n"


def parse(text: str) -> list[Cookie]:
    """Return the cookies of a file. Comments, blank lines and cookies without a name are ignored.

    Raises:
        ValueError: a line has another form. The message says which line, without any of its text.
    """
    cookies = []
    # Not splitlines(), which splits at line ends outside ASCII too: a value may hold them.
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        http_only = line.startswith(_HTTP_ONLY)
        if http_only:
            line = line.removeprefix(_HTTP_ONLY)
        elif line.startswith("#"):
            continue
        if line.strip():
            cookie = _cookie(number, line, http_only)
            if cookie.name:
                cookies.append(cookie)
    return cookies


def _cookie(number: int, line: str, http_only: bool) -> Cookie:
    columns = line.split("\t", 6)
    if len(columns) == 6:
        columns.append("")  # an editor has cut off the tab before an empty value
    if len(columns) != 7:
        raise ValueError(f"line {number} does not have the seven columns of a Netscape cookie file")
    domain, subdomains, path, secure, expiry, name, value = columns
    if not {subdomains.upper(), secure.upper()} <= {"TRUE", "FALSE"}:
        raise ValueError(f"line {number}: columns 2 and 4 are TRUE or FALSE")
    try:
        expires = float(expiry or 0)  # http.cookiejar leaves the column empty if the cookie does not expire
    except ValueError:
        raise ValueError(f"line {number}: column 5 is not a number of seconds since 1970") from None
    if not math.isfinite(expires):
        raise ValueError(f"line {number}: column 5 is not a number of seconds since 1970")
    return Cookie(
        name=name,
        value=value,
        domain=domain.removeprefix("."),
        path=path,
        host_only=subdomains.upper() == "FALSE",
        secure=secure.upper() == "TRUE",
        http_only=http_only,
        expires=expires or None,
    )
