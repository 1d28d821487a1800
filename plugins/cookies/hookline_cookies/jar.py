"""The cookie jar: store what responses set, give what requests send."""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from .acceptance import accept, check
from .cookie import Cookie, CookieRefused, SameSite, shown
from .matching import canonical_host
from .parsing import SetCookie, parse_set_cookie
from .ready import HostReady, ReadyHosts
from .selection import for_host, for_path
from .shelf import MAX_IN_ALL, MAX_IN_DOMAIN, Held, Shelf, excess_in_all, excess_in_domain, is_expired

if TYPE_CHECKING:
    import http.cookiejar

    from .files import Format

MAX_IN_RESPONSE = 50  # Set-Cookie fields of one response that are looked at; curl has the same limit

_log = logging.getLogger("hookline.cookies")


class CookieJar:
    """Cookies after RFC 6265bis, in memory. For one thread at a time.

    Iteration, `len`, `in`, `get` and `find` show what has not expired. `now` is the clock: seconds since 1970.
    """

    def __init__(
        self, cookies: "Iterable[Cookie] | http.cookiejar.CookieJar" = (), *, now: Callable[[], float] = time.time
    ) -> None:
        self._now = now
        self._shelf = Shelf()
        self._ready = ReadyHosts()
        self._tick = 0
        self.update(cookies)

    # What a request and a response need.

    def header_for(self, host: str, path: str = "/", secure: bool = False) -> str | None:
        """Return the value of the Cookie field for a request, None where there is no cookie for it.

        `path` is the path of the request target; a query after it is passed over. `secure` says whether the request
        goes over TLS. `host` is taken as it is where it is in lower case, which is fastest.
        """
        ready = (self._ready.secure if secure else self._ready.plain).get(host)
        if ready is None or (ready.until is not None and ready.until <= self._now()):
            ready = self._prepare(host, secure)
            if ready is None:
                return None
        field = ready.any_path or ready.for_path(path)
        self._tick = field.used = self._tick + 1
        return field.header

    def cookies_for(self, host: str, path: str = "/", secure: bool = False) -> list[Cookie]:
        """Return the cookies for a request, in the order in which they are sent, before the limit of its size."""
        name = canonical_host(host)
        if name is None:
            return []
        now = self._now()
        found = [held for held in for_host(self._shelf, name, secure) if not is_expired(held.cookie, now)]
        return [held.cookie for held in for_path(found, path.partition("?")[0])]

    def store(
        self, fields: Iterable[str | bytes | SetCookie], *, host: str, path: str = "/", secure: bool = False
    ) -> int:
        """Store what the Set-Cookie fields of one response say; return how many were followed.

        `host`, `path` and `secure` are those of the request. A field may be parsed already. Only the first 50 are
        looked at. Why one is refused goes to the log `hookline.cookies` at level DEBUG, without its value.
        """
        name = canonical_host(host)
        if name is None:
            return 0
        now = self._now()
        followed = 0
        for field in itertools.islice(fields, MAX_IN_RESPONSE):
            parsed = field if isinstance(field, SetCookie) else parse_set_cookie(field)
            if parsed is None:
                _log.debug("Set-Cookie from %s ignored: no name, too long, or a control character", name)
                continue
            try:
                cookie = accept(parsed, name, path, secure, now)
                if not (secure or cookie.secure) and self._shelf.shadows_secure(cookie, now):
                    raise CookieRefused(f"cookie {shown(cookie.name)}: a Secure one of this name is stored")
            except CookieRefused as refused:
                _log.debug("Set-Cookie from %s refused: %s", name, refused)
                continue
            self._keep(cookie, now)
            followed += 1
        return followed

    @property
    def is_empty(self) -> bool:
        """Is nothing stored, not even what has expired? Cheaper than `len`, which counts."""
        return not self._shelf.count

    # What users do with their jar.

    def __iter__(self) -> Iterator[Cookie]:
        """Iterate over a list made now of all cookies, in the order of their creation."""
        return iter(self.find())

    def __len__(self) -> int:
        now = self._now()
        return sum(not is_expired(held.cookie, now) for held in self._shelf)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a cookie of that name."""
        return isinstance(name, str) and bool(self.find(name))

    def __getitem__(self, name: str) -> str:
        """Return the value of the cookie `name`. Raises KeyError, or LookupError where several have that name."""
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self)} cookies>"

    def find(self, name: str | None = None, *, domain: str | None = None, path: str | None = None) -> list[Cookie]:
        """Return the cookies whose name, domain (without leading dot) and path are these; None means any."""
        now = self._now()
        return [held.cookie for held in self._select(name, domain, path) if not is_expired(held.cookie, now)]

    def get(
        self, name: str, default: str | None = None, *, domain: str | None = None, path: str | None = None
    ) -> str | None:
        """Return the value of the one cookie that `find` finds, `default` where it finds none.

        Raises:
            LookupError: it finds several; say which by `domain` and `path`, or use `find`.
        """
        found = self.find(name, domain=domain, path=path)
        if len(found) > 1:
            raise LookupError(f"{len(found)} cookies are named {shown(name)}: say which by domain= and path=")
        return found[0].value if found else default

    def set(
        self,
        name: str,
        value: str,
        *,
        domain: str,
        path: str = "/",
        host_only: bool | None = None,
        secure: bool = False,
        http_only: bool = False,
        same_site: SameSite | None = None,
        expires: float | None = None,
    ) -> Cookie:
        """Store a cookie of your own and return it.

        `domain` is the host that shall get it; with a leading dot, or with `host_only=False`, its subdomains get it
        too. One that has expired takes the stored one away.

        Raises:
            CookieRefused: no server could have set it.
        """
        if host_only is None:
            host_only = not domain.startswith(".")
        return self.add(
            Cookie(
                name=name,
                value=value,
                domain=domain.removeprefix("."),
                path=path,
                host_only=host_only,
                secure=secure,
                http_only=http_only,
                same_site=same_site,
                expires=expires,
            )
        )

    def add(self, cookie: Cookie) -> Cookie:
        """Store a cookie as `set` does and return it as it is kept. Raises CookieRefused."""
        now = self._now()
        cookie = check(cookie, now)
        self._keep(cookie, now)
        return cookie

    def update(self, cookies: "Iterable[Cookie] | http.cookiejar.CookieJar") -> int:
        """Store the cookies of another jar, ours or one of `http.cookiejar`; return how many were kept.

        What has expired, or no server could have set, is passed over: `http.cookiejar` knows neither public suffixes
        nor prefixes. So are its cookies without a domain.
        """
        from .cookiejar import cookies_in

        now = self._now()
        kept = 0
        for cookie in cookies_in(cookies):
            if is_expired(cookie, now):
                continue
            try:
                self.add(cookie)
            except CookieRefused as refused:
                _log.debug("not taken over: %s", refused)
            else:
                kept += 1
        return kept

    def clear(self, name: str | None = None, *, domain: str | None = None, path: str | None = None) -> int:
        """Take out the cookies whose name, domain and path are these, all where none is given; return how many."""
        return self._drop([held.cookie for held in self._select(name, domain, path)])

    def to_cookiejar(self) -> "http.cookiejar.CookieJar":
        """Return a jar of `http.cookiejar` with the same cookies."""
        from .cookiejar import to_cookiejar

        return to_cookiejar(self)

    def save(self, path: str | os.PathLike[str], format: "Format" = "json") -> None:
        """Write all cookies, those of the session too, to a file that only its owner can read (mode 0600).

        The old file stays whole until the new one is. `format` is "json", or "netscape" for curl, wget and
        `http.cookiejar.MozillaCookieJar`, which has no SameSite and whole seconds only. Blocks: the file is small.
        """
        from .files import save

        save(self, path, format)

    def load(self, path: str | os.PathLike[str]) -> int:
        """Add the cookies of a file in either format; return how many were kept. Expired ones are not.

        Raises:
            ValueError: the file is neither; the jar is as it was.
        """
        from .files import load

        return self.update(load(path))

    # How it is done.

    def _select(self, name: str | None, domain: str | None, path: str | None) -> list[Held]:
        """Return what has this name, domain and path, by time of creation."""
        if domain is not None:
            domain = canonical_host(domain.removeprefix("."))
            candidates: Iterable[Held] = self._shelf.domains.get(domain, {}).values() if domain is not None else ()
        else:
            candidates = self._shelf
        chosen = [
            held
            for held in candidates
            if (name is None or held.cookie.name == name) and (path is None or held.cookie.path == path)
        ]
        chosen.sort(key=lambda held: held.created)
        return chosen

    def _prepare(self, host: str, secure: bool) -> HostReady | None:
        """Make the ready field of a host; what has expired leaves the jar."""
        name = canonical_host(host)
        if name is None:
            return None
        now = self._now()
        found = for_host(self._shelf, name, secure)
        expired = [held.cookie for held in found if is_expired(held.cookie, now)]
        if expired:
            self._drop(expired)
            found = for_host(self._shelf, name, secure)
        if host != name:
            return HostReady(found)
        return self._ready.add(host, secure, found)

    def _keep(self, cookie: Cookie, now: float) -> None:
        """Store an accepted cookie, or take the stored one away where the new one has expired."""
        old = self._shelf.get(cookie)
        if is_expired(cookie, now):
            if old is not None:
                self._drop([old.cookie])
            return
        self._tick += 1
        if old is not None and old.cookie == cookie:
            old.used = self._tick
            return
        self._ready.drop(cookie.domain, cookie.host_only)
        self._shelf.put(cookie, self._tick)
        in_domain = self._shelf.domains[cookie.domain]
        if len(in_domain) > MAX_IN_DOMAIN:
            self._ready.drop(cookie.domain, host_only=False)  # so that every use is known
            self._drop(excess_in_domain(in_domain.values(), now))
        if self._shelf.count > MAX_IN_ALL:
            self._ready.clear()
            self._drop(excess_in_all(self._shelf, now))

    def _drop(self, cookies: list[Cookie]) -> int:
        for cookie in cookies:
            self._ready.drop(cookie.domain, cookie.host_only)
            self._shelf.drop(cookie)
        return len(cookies)
