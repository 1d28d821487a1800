"""Select the cookies for a request, and put them in order (RFC 6265bis section 5.8.3)."""

from collections.abc import Iterable

from .cookie_store import CookieStore, StoredCookie
from .matching import domains_of, path_match, request_paths
from .set_cookie import octets

# Octets of the field value. Apache takes 8190 for the whole line by default (LimitRequestFieldSize), others 8 KiB.
MAX_FIELD = 8190 - len("Cookie: ")


def cookies_for_host(store: CookieStore, host: str, secure: bool) -> list[StoredCookie]:
    """Return the stored cookies for a canonical host, of all paths, in the order of creation; expired ones too."""
    found: list[StoredCookie] = []
    for domain in domains_of(host):
        in_domain = store.domains.get(domain)
        if in_domain is not None:
            for stored in in_domain.values():
                cookie = stored.cookie
                if (secure or not cookie.secure) and (not cookie.host_only or domain == host):
                    found.append(stored)
    found.sort(key=_created)
    return found


def cookies_for_path(cookies: Iterable[StoredCookie], path: str) -> list[StoredCookie]:
    """Return those of the cookies that match `path` (without query): longer paths first, then in the order given."""
    forms = request_paths(path)
    selected = [stored for stored in cookies if any(path_match(form, stored.cookie.path) for form in forms)]
    selected.sort(key=_longest_path_first)
    return selected


def _created(stored: StoredCookie) -> int:
    return stored.created


def _longest_path_first(stored: StoredCookie) -> int:
    return -len(stored.cookie.path)


def render_stored(cookies: list[StoredCookie]) -> tuple[str | None, list[StoredCookie]]:
    """Return the value of the Cookie field, None if there is nothing to send, and the cookies in it.

    Servers answer a field that is too long with 400, and would do so until the cookies expire. So cookies that do not fit
    are left out; shorter ones after them are sent.
    """
    value = _join(cookies)
    if octets(value) > MAX_FIELD:
        cookies = _fitting(cookies)
        value = _join(cookies)
    return value or None, cookies


def _fitting(cookies: Iterable[StoredCookie]) -> list[StoredCookie]:
    kept = []
    room = MAX_FIELD + len("; ")
    for stored in cookies:
        size = octets(stored.cookie.name) + octets(stored.cookie.value) + len("=; ")
        if size <= room:
            room -= size
            kept.append(stored)
    return kept


def _join(cookies: Iterable[StoredCookie]) -> str:
    return "; ".join([f"{stored.cookie.name}={stored.cookie.value}" for stored in cookies])
