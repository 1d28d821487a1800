"""Hold cookies by domain, in the order of their creation, never more than the limits allow."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .cookie import Cookie
from .matching import domain_match, path_match

MAX_IN_DOMAIN = 180  # Chromium's limit; RFC 6265bis section 6.1 asks for at least 50
MAX_IN_ALL = 3000  # RFC 6265bis section 6.1
KEPT_OF_ALL = 2700  # so many stay when MAX_IN_ALL is passed, that a flood is not sorted again at every cookie

Key = tuple[str, str, bool]  # name, path, host_only: what one domain tells cookies apart by


@dataclass(slots=True, eq=False)
class Held:
    """A stored cookie with the ticks of its creation and of its last use (a greater tick is later)."""

    cookie: Cookie
    created: int
    used: int


class Shelf:
    """The stored cookies, without any rule about who may see them."""

    def __init__(self) -> None:
        self.domains: dict[str, dict[Key, Held]] = {}
        self.count = 0
        self._secure_names: dict[str, int] = {}  # how many Secure cookies have a name

    def __iter__(self) -> Iterator[Held]:
        for held in self.domains.values():
            yield from held.values()

    def get(self, cookie: Cookie) -> Held | None:
        """Return what is stored under the domain, name, path and host-only flag of `cookie`."""
        in_domain = self.domains.get(cookie.domain)
        return None if in_domain is None else in_domain.get((cookie.name, cookie.path, cookie.host_only))

    def put(self, cookie: Cookie, tick: int) -> None:
        """Store `cookie`. One that takes another's place keeps its time of creation (RFC 6265bis section 5.7)."""
        old = self.get(cookie)
        if old is None:
            in_domain = self.domains.setdefault(cookie.domain, {})
            in_domain[cookie.name, cookie.path, cookie.host_only] = Held(cookie, tick, tick)
            self.count += 1
        else:
            self._count_secure(old.cookie, -1)
            old.cookie, old.used = cookie, tick
        self._count_secure(cookie, 1)

    def drop(self, cookie: Cookie) -> None:
        """Take out what is stored under the domain, name, path and host-only flag of `cookie`."""
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
        """Tell whether `cookie`, set without TLS, would take the place of a Secure one ("leave Secure cookies alone").

        So it is when the names are equal, one domain covers the other and its path is at or below the Secure one's.
        """
        if cookie.name not in self._secure_names:
            return False
        for domain, in_domain in self.domains.items():
            if domain_match(domain, cookie.domain) or domain_match(cookie.domain, domain):
                for held in in_domain.values():
                    other = held.cookie
                    same = other.secure and other.name == cookie.name and not is_expired(other, now)
                    if same and path_match(cookie.path, other.path):
                        return True
        return False


def excess_in_domain(held: Iterable[Held], now: float) -> list[Cookie]:
    """Choose what leaves a domain with too many cookies: expired, then without Secure, least recently used first."""
    in_turn = sorted(held, key=lambda h: (not is_expired(h.cookie, now), h.cookie.secure, h.used))
    return [h.cookie for h in in_turn[: max(0, len(in_turn) - MAX_IN_DOMAIN)]]


def excess_in_all(held: Iterable[Held], now: float) -> list[Cookie]:
    """Choose what leaves a jar with too many cookies: the expired, then the least recently used of all domains."""
    in_turn = sorted(held, key=lambda h: (not is_expired(h.cookie, now), h.used))
    return [h.cookie for h in in_turn[: len(in_turn) - KEPT_OF_ALL]] if len(in_turn) > MAX_IN_ALL else []


def is_expired(cookie: Cookie, now: float) -> bool:
    """Tell whether the time of a cookie is over."""
    return cookie.expires is not None and cookie.expires <= now
