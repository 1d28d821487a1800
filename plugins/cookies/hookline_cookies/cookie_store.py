"""The cookie store: cookies by domain, in the order of their creation, within the limits of their number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .cookie import Cookie
from .matching import domain_match, path_match

MAX_IN_DOMAIN = 180  # Chromium's limit; RFC 6265bis section 6.1 asks for at least 50
MAX_IN_ALL = 3000  # RFC 6265bis section 6.1
KEPT_OF_ALL = 2700  # so many stay when MAX_IN_ALL is passed: a flood of cookies does not sort all of them for each one

Key = tuple[str, str, bool]  # name, path, host_only: within a domain, cookies that differ in one of these are different


@dataclass(slots=True, eq=False)
class StoredCookie:
    """A cookie with the ticks of its creation and of its last use. The jar counts ticks: a greater one is later."""

    cookie: Cookie
    created: int
    used: int


class CookieStore:
    """The stored cookies. Which requests may see them is decided elsewhere."""

    def __init__(self) -> None:
        self.domains: dict[str, dict[Key, StoredCookie]] = {}
        self.count = 0
        self._secure_names: dict[str, int] = {}  # how many Secure cookies have this name

    def __iter__(self) -> Iterator[StoredCookie]:
        for stored in self.domains.values():
            yield from stored.values()

    def get(self, cookie: Cookie) -> StoredCookie | None:
        """Return the stored cookie with the domain, name, path and host-only flag of `cookie`; None if there is none."""
        in_domain = self.domains.get(cookie.domain)
        return None if in_domain is None else in_domain.get((cookie.name, cookie.path, cookie.host_only))

    def put(self, cookie: Cookie, tick: int) -> None:
        """Store `cookie`. If it replaces another, it keeps the time of creation of that (RFC 6265bis section 5.7)."""
        old = self.get(cookie)
        if old is None:
            in_domain = self.domains.setdefault(cookie.domain, {})
            in_domain[cookie.name, cookie.path, cookie.host_only] = StoredCookie(cookie, tick, tick)
            self.count += 1
        else:
            self._count_secure(old.cookie, -1)
            old.cookie, old.used = cookie, tick
        self._count_secure(cookie, 1)

    def remove(self, cookie: Cookie) -> None:
        """Remove the stored cookie with the domain, name, path and host-only flag of `cookie`."""
        in_domain = self.domains[cookie.domain]
        self._count_secure(in_domain.pop((cookie.name, cookie.path, cookie.host_only)).cookie, -1)
        self.count -= 1
        if not in_domain:
            del self.domains[cookie.domain]

    def _count_secure(self, cookie: Cookie, by: int) -> None:
        if cookie.secure:
            count = self._secure_names.get(cookie.name, 0) + by
            if count:
                self._secure_names[cookie.name] = count
            else:
                del self._secure_names[cookie.name]

    def shadows_secure(self, cookie: Cookie, now: float) -> bool:
        """Say whether `cookie`, set without TLS, would shadow a stored Secure one ("leave Secure cookies alone").

        It would if the names are equal, one domain covers the other, and its path is that of the Secure one or below it.
        """
        if cookie.name not in self._secure_names:
            return False
        for domain, in_domain in self.domains.items():
            if domain_match(domain, cookie.domain) or domain_match(cookie.domain, domain):
                for stored in in_domain.values():
                    other = stored.cookie
                    same = other.secure and other.name == cookie.name and not is_expired(other, now)
                    if same and path_match(cookie.path, other.path):
                        return True
        return False


def excess_in_domain(stored: Iterable[StoredCookie], now: float) -> list[Cookie]:
    """Return what to remove of a domain's cookies: those above the limit.

    Expired cookies go first, then those without Secure, then Secure ones; among equals the least recently used.
    """
    in_turn = sorted(stored, key=lambda s: (not is_expired(s.cookie, now), s.cookie.secure, s.used))
    return [s.cookie for s in in_turn[: max(0, len(in_turn) - MAX_IN_DOMAIN)]]


def excess_in_all(stored: Iterable[StoredCookie], now: float) -> list[Cookie]:
    """Return what to remove of all cookies: those above the limit, expired ones first, then the least recently used."""
    in_turn = sorted(stored, key=lambda s: (not is_expired(s.cookie, now), s.used))
    return [s.cookie for s in in_turn[: len(in_turn) - KEPT_OF_ALL]] if len(in_turn) > MAX_IN_ALL else []


def is_expired(cookie: Cookie, now: float) -> bool:
    """Say whether a cookie has expired."""
    return cookie.expires is not None and cookie.expires <= now
